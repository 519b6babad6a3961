//! Every routine, run by the interpreter of functions for three kinds of cores, against Rust's own operators.

mod convert;
mod cost;
mod double;
mod float;
mod integer;

use super::{closure, names};
use crate::native::interpret::Interpreter;
use crate::native::{Callee, End, Function, Machine, verify};
use std::collections::BTreeMap;

/// The features that routines ask for: as on a Cortex-M0, M3 and M4 with FPU.
fn machines() -> [(&'static str, Machine); 3] {
    let machine = |wide: bool, float: bool| Machine {
        multiply: true,
        multiply_long: wide,
        divide: wide,
        count_leading_zeros: wide,
        saturate: wide,
        dsp: float,
        float,
        half: float,
        registers: if wide { 13 } else { 8 },
        add: (-255, 255),
        offset: |_| (0, 124),
    };
    [("m0", machine(false, false)), ("m3", machine(true, false)), ("m4f", machine(true, true))]
}

/// How many random cases a test runs: few on every run, more when asked for by `TINYC_ROUTINE_CASES`.
fn cases() -> usize {
    std::env::var("TINYC_ROUTINE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000)
}

/// A routine with what it calls, for one machine.
struct Routine {
    machine: &'static str,
    name: &'static str,
    functions: BTreeMap<&'static str, Function>,
}

impl Routine {
    fn for_all(name: &'static str) -> Vec<Self> {
        let of = |(label, machine): &(&'static str, Machine)| Self {
            machine: label,
            name,
            functions: closure([name], machine),
        };
        machines().iter().map(of).collect()
    }

    fn interpreter(&self) -> Interpreter<'_> {
        Interpreter::new(self.functions.iter().map(|(name, f)| (Callee::Routine(name), f)))
    }
}

/// Checks a routine on these cases: arguments, and the words that are right.
#[track_caller]
fn check<const N: usize, const M: usize>(
    name: &'static str,
    cases: &[[u32; N]],
    right: impl Fn([u32; N]) -> [u32; M],
) {
    let row = names::ALL.iter().find(|row| row.0 == name).expect("a known name");
    assert_eq!((row.1, row.2), (N, M), "{name}: words in and out");
    for routine in Routine::for_all(name) {
        let mut interpreter = routine.interpreter();
        let callee = Callee::Routine(name);
        for &case in cases {
            let expected = right(case);
            let found = interpreter.call(&callee, &case).unwrap_or_else(|fault| {
                panic!("{name} on {}: {case:x?}: {fault}", routine.machine);
            });
            assert_eq!(
                found, expected,
                "{} on {}: {case:x?} gave {found:x?} instead of {expected:x?}",
                routine.name, routine.machine
            );
        }
    }
}

/// A small generator of numbers (xorshift), the same on every run.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    /// A number of `bits` bits of which every length is as likely, often with long runs of equal bits.
    fn integer(&mut self, bits: u32) -> u64 {
        let length = self.below(u64::from(bits) + 1) as u32;
        let mut number = self.next();
        if self.below(3) == 0 {
            number &= self.next() & self.next();
        } else if self.below(3) == 0 {
            number |= self.next() | self.next();
        }
        let number = if length == 0 { 0 } else { number >> (64 - length) };
        let number = if self.below(4) == 0 { number.wrapping_neg() } else { number };
        if bits == 64 { number } else { number & ((1 << bits) - 1) }
    }

    /// An exponent and a mantissa of a format, every kind often.
    fn float(&mut self, exponent_bits: u32, mantissa_bits: u32) -> u64 {
        let bias = (1_u64 << (exponent_bits - 1)) - 1;
        let exponent = match self.below(8) {
            0 => self.below(3),
            1 => 2 * bias + 1 - self.below(3),
            2 | 3 => self.below(2 * bias + 2),
            _ => bias - 4 + self.below(mantissa_bits as u64 + 6),
        };
        let mantissa = self.next() >> (64 - mantissa_bits);
        let mantissa = match self.below(6) {
            0 => 0,
            1 => mantissa & self.next() & self.next() & self.next(),
            2 => (mantissa | self.next() | self.next()) & ((1 << mantissa_bits) - 1),
            3 => mantissa >> (mantissa_bits / 2) << (mantissa_bits / 2),
            _ => mantissa,
        };
        let sign = self.below(2) << (exponent_bits + mantissa_bits);
        sign | exponent << mantissa_bits | mantissa
    }

    fn f32(&mut self) -> u32 {
        self.float(8, 23) as u32
    }
}

/// Floats at which something changes.
fn special_f32() -> Vec<u32> {
    let magnitudes = [
        0,
        1,
        2,
        3,
        0x003f_ffff,
        0x0040_0000,
        0x007f_fffe,
        0x007f_ffff,
        0x0080_0000,
        0x0080_0001,
        0x00ff_ffff,
        0x0100_0000,
        0x0180_0000,
        0x1f80_0000,
        0x2000_0000,
        0x3300_0000,
        0x3380_0000,
        0x3400_0000,
        0x34ff_ffff,
        0x3eff_ffff,
        0x3f00_0000,
        0x3f00_0001,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x3fc0_0000,
        0x3fff_ffff,
        0x4000_0000,
        0x4020_0000,
        0x4060_0000,
        0x4b00_0000,
        0x4aff_ffff,
        0x4b7f_ffff,
        0x4b80_0000,
        0x4c00_0000,
        0x4eff_ffff,
        0x4f00_0000,
        0x4f7f_ffff,
        0x4f80_0000,
        0x5eff_ffff,
        0x5f00_0000,
        0x5f7f_ffff,
        0x5f80_0000,
        0x7e80_0000,
        0x7eff_ffff,
        0x7f00_0000,
        0x7f7f_fffe,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7f80_0001,
        0x7fc0_0000,
        0x7fff_ffff,
    ];
    magnitudes.iter().flat_map(|m| [*m, m | 0x8000_0000]).collect()
}

/// All pairs of special floats, then random ones; every fourth pair is close together.
fn pairs_f32() -> Vec<[u32; 2]> {
    let special = special_f32();
    let mut pairs: Vec<[u32; 2]> = special.iter().flat_map(|a| special.iter().map(|b| [*a, *b])).collect();
    let mut random = Random::new();
    for _ in 0..cases() {
        let a = random.f32();
        let b = match random.below(4) {
            0 => a ^ random.integer(26) as u32 ^ (random.below(2) as u32) << 31,
            1 => special[random.below(special.len() as u64) as usize],
            _ => random.f32(),
        };
        pairs.push(if random.below(2) == 0 { [a, b] } else { [b, a] });
    }
    pairs
}

/// The bits of a result; every NaN is the canonical one.
fn bits(x: f32) -> [u32; 1] {
    [if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }]
}

#[test]
fn every_name_is_a_routine_of_its_arity() {
    for (_, machine) in machines() {
        for &(name, params, results) in names::ALL {
            let function = super::function(name, &machine);
            assert_eq!(function.name, name);
            verify(&function).unwrap_or_else(|error| panic!("{error}"));
            let entry = function.blocks.values().next().expect("an entry");
            assert_eq!(entry.params.len(), params, "{name}");
            for block in function.blocks.values() {
                if let End::Return(values) = &block.end {
                    assert_eq!(values.len(), results, "{name}");
                }
            }
        }
    }
}
