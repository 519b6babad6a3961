//! The exponential function on binary64: the same operations in the same order as `tinyc_runtime::math::exp64`, which says
//! why, hence the same bits.

use super::binary64::{INFINITY, NAN, give_high, go_if_nan};
use super::names;
use super::real_double::Double;
use super::write::Writer;
use crate::native::{Function, Machine};

/// 1.5·2^52: a sum with it ends in the rounded integer, in two's complement.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// `1/n!` for n = 14..=2, rounded.
const INVERSE_FACTORIALS: [f64; 13] = [
    1.0 / 87_178_291_200.0,
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// [`F64_EXP`](names::F64_EXP).
pub(super) fn exp(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The exponential function of a double.", machine, |w, [low, high]| {
        let (nan, infinite, zero, subnormal) = (w.cold(), w.cold(), w.cold(), w.cold());
        let x = Double { bits: [low, high] };
        let number = |number| Double::constant(w, number);
        let less = |a: Double<'_>, b: Double<'_>| {
            w.call::<1>(names::F64_LT, &[a.bits[0], a.bits[1], b.bits[0], b.bits[1]])[0].ne(0)
        };
        go_if_nan(w, x.bits, nan);
        w.go_if(less(number(709.782_712_893_384), x), infinite, []);
        w.go_if(less(x, number(-745.133_219_101_941_2)), zero, []);
        let shifted = x * number(std::f64::consts::LOG2_E) + number(ROUNDER);
        let k = shifted.bits[0];
        let n = shifted - number(ROUNDER);
        let rest = n * number(1.646_594_958_289_708_2e-12);
        let head = x - n * number(0.693_147_180_558_298_7);
        let r = head - rest;
        let tail = (head - r) - rest;
        // The first step of the sum in order, c + r·0, gives c.
        let p = r.polynomial(&INVERSE_FACTORIALS);
        let s = number(1.0) + r;
        let y = s + (((number(1.0) - s) + r) + (r * r * p + tail));
        w.go_if(k.lt(-1021), subnormal, []);
        w.give([y.bits[0], y.bits[1] + (k << 20)]);

        // Scaled in two steps, so that one multiplication rounds.
        w.begin(subnormal);
        let scaled = Double { bits: [y.bits[0], y.bits[1] + ((k + 128) << 20)] };
        w.give((scaled * number(f64::from_bits((1023 - 128) << 52))).bits);

        w.begin(infinite);
        give_high(w, w.constant(INFINITY as i32));
        w.begin(zero);
        give_high(w, w.constant(0));
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));
    })
}
