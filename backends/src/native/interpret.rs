//! Runs [`Function`]s as they are written: the reference for instruction selection and for the routines, in tests.
//! It knows words and bytes, no machine and no time. What the verifier of functions checks is taken for granted.

use super::function::*;
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::half;
use tinyc_ir::loops::{PackedOp, packed};

/// How many instructions one outermost call may execute before it counts as endless.
const FUEL: u64 = 1 << 36;
/// How deep calls may nest.
const DEPTH: usize = 32;

/// Functions that can call each other, a memory, and how often each block ran.
pub struct Interpreter<'a> {
    functions: BTreeMap<Callee, &'a Function>,
    runs: BTreeMap<Callee, Vec<u64>>,
    /// What loads and stores reach.
    pub memory: Memory,
    /// The address of the program's constant data.
    pub data: u32,
    fuel: u64,
}

/// Pieces of memory. An access lies in one of them, or it is a fault.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By their first address. They do not overlap.
    pieces: BTreeMap<u32, Vec<u8>>,
}

/// Why a function could not go on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// No function is known for this callee.
    #[error("no function {0:?}")]
    Unknown(Callee),
    /// A wrong number of arguments or results.
    #[error("{0:?}: arity")]
    Arity(Callee),
    /// An access outside of all pieces of memory.
    #[error("{bytes} bytes at {address:#x} are in no buffer")]
    Address {
        /// The first byte.
        address: u32,
        /// How many.
        bytes: u32,
    },
    /// An address that is no multiple of the access's size.
    #[error("{address:#x} is not aligned to {bytes}")]
    Alignment {
        /// The first byte.
        address: u32,
        /// The size.
        bytes: u32,
    },
    /// A shift by more than 31.
    #[error("shift by {0}")]
    Shift(u32),
    /// A block that was never closed.
    #[error("{0} is open")]
    Open(Block),
    /// It runs for ever, or calls itself.
    #[error("endless")]
    Endless,
}

impl Memory {
    /// Adds a piece. It must not overlap with others.
    pub fn add(&mut self, address: u32, bytes: Vec<u8>) {
        self.pieces.insert(address, bytes);
    }

    /// The piece that starts at this address.
    pub fn piece(&self, address: u32) -> Option<&[u8]> {
        self.pieces.get(&address).map(Vec::as_slice)
    }

    /// The bytes of an aligned access.
    fn at(&mut self, address: u32, bytes: u32) -> Result<&mut [u8], Fault> {
        if !address.is_multiple_of(bytes) {
            return Err(Fault::Alignment { address, bytes });
        }
        let fault = Fault::Address { address, bytes };
        let (&start, piece) = self.pieces.range_mut(..=address).next_back().ok_or(fault.clone())?;
        let from = (address - start) as usize;
        piece.get_mut(from..from + bytes as usize).ok_or(fault)
    }

    /// Reads an aligned number of this width, extended to a word.
    pub fn load(&mut self, width: Width, address: u32) -> Result<u32, Fault> {
        let mut word = [0; 4];
        let bytes = self.at(address, width.bytes())?;
        word[..bytes.len()].copy_from_slice(bytes);
        Ok(extend(width, u32::from_le_bytes(word)))
    }

    /// Writes an aligned number of this width.
    pub fn store(&mut self, width: Width, address: u32, word: u32) -> Result<(), Fault> {
        let bytes = self.at(address, width.bytes())?;
        let count = bytes.len();
        bytes.copy_from_slice(&word.to_le_bytes()[..count]);
        Ok(())
    }
}

impl<'a> Interpreter<'a> {
    /// Nothing has run yet; the memory is empty.
    pub fn new(functions: impl IntoIterator<Item = (Callee, &'a Function)>) -> Self {
        let functions: BTreeMap<_, _> = functions.into_iter().collect();
        let runs = functions.iter().map(|(name, f)| (name.clone(), vec![0; f.blocks.len()])).collect();
        Self { functions, runs, memory: Memory::default(), data: 0, fuel: 0 }
    }

    /// How often each block of a function ran since the start or the last [`reset`](Self::reset).
    pub fn runs(&self, callee: &Callee) -> &[u64] {
        self.runs.get(callee).map_or(&[], Vec::as_slice)
    }

    /// Forgets how often blocks ran.
    pub fn reset(&mut self) {
        self.runs.values_mut().for_each(|runs| runs.fill(0));
    }

    /// How many instructions ran since the last [`reset`](Self::reset), weighed by the given price of each, ends of
    /// blocks by that of an end.
    pub fn cost(&self, price: impl Fn(&Op) -> u64, end: impl Fn(&End) -> u64) -> u64 {
        let of_block = |b: &BlockData| b.insts.iter().map(|i| price(&i.op)).sum::<u64>() + end(&b.end);
        let of_function = |(callee, f): (&Callee, &&Function)| {
            f.blocks.values().zip(self.runs(callee)).map(|(b, runs)| runs * of_block(b)).sum::<u64>()
        };
        self.functions.iter().map(of_function).sum()
    }

    /// Calls a function with words (floats by their bits), and returns its results.
    pub fn call(&mut self, callee: &Callee, args: &[u32]) -> Result<Vec<u32>, Fault> {
        self.fuel = FUEL;
        self.enter(callee, args, 0)
    }

    fn enter(&mut self, callee: &Callee, args: &[u32], depth: usize) -> Result<Vec<u32>, Fault> {
        let function = *self.functions.get(callee).ok_or_else(|| Fault::Unknown(callee.clone()))?;
        if depth == DEPTH {
            return Err(Fault::Endless);
        }
        let mut values = vec![0_u32; function.values.len()];
        let mut block = Block::new(0);
        let mut passed = args.to_vec();
        loop {
            let data = &function.blocks[block];
            if data.params.len() != passed.len() {
                return Err(Fault::Arity(callee.clone()));
            }
            for (param, &word) in data.params.iter().zip(&passed) {
                values[param.index()] = word;
            }
            self.runs.get_mut(callee).expect("one entry per function")[block.index()] += 1;
            self.fuel = self.fuel.checked_sub(1 + data.insts.len() as u64).ok_or(Fault::Endless)?;
            for inst in &data.insts {
                match &inst.op {
                    Op::Call(target) => {
                        let args: Vec<u32> = inst.args.iter().map(|a| values[a.index()]).collect();
                        let results = self.enter(target, &args, depth + 1)?;
                        if results.len() != inst.results.len() {
                            return Err(Fault::Arity(target.clone()));
                        }
                        for (result, word) in inst.results.iter().zip(results) {
                            values[result.index()] = word;
                        }
                    }
                    op => {
                        let mut args = [0; 4];
                        for (to, from) in args.iter_mut().zip(&inst.args) {
                            *to = values[from.index()];
                        }
                        let (first, second) = self.execute(op, args)?;
                        if let Some(result) = inst.results.first() {
                            values[result.index()] = first;
                        }
                        if let Some(result) = inst.results.get(1) {
                            values[result.index()] = second;
                        }
                    }
                }
            }
            let edge = match &data.end {
                End::Jump(edge) => edge,
                End::Branch { cond, left, right, then, otherwise } => {
                    let holds = holds(*cond, values[left.index()], values[right.index()]);
                    if holds { then } else { otherwise }
                }
                End::Return(results) => return Ok(results.iter().map(|r| values[r.index()]).collect()),
                End::Open => return Err(Fault::Open(block)),
            };
            passed.clear();
            passed.extend(edge.args.iter().map(|a| values[a.index()]));
            block = edge.to;
        }
    }

    /// The results of anything but a call; an absent one is 0.
    fn execute(&mut self, op: &Op, args: [u32; 4]) -> Result<(u32, u32), Fault> {
        let [a, b, c, d] = args;
        let shift = || if b < 32 { Ok(b) } else { Err(Fault::Shift(b)) };
        let word = match op {
            Op::Const(number) => *number as u32,
            Op::FloatConst(bits) => *bits,
            Op::DataAddress(offset) => self.data.wrapping_add(*offset),
            Op::Add => a.wrapping_add(b),
            Op::Sub => a.wrapping_sub(b),
            Op::Mul => a.wrapping_mul(b),
            Op::And => a & b,
            Op::Or => a | b,
            Op::Xor => a ^ b,
            Op::ShiftLeft => a << shift()?,
            Op::ShiftRight => a >> shift()?,
            Op::ShiftRightSigned => (a as i32 >> shift()?) as u32,
            Op::Extend(width) => extend(*width, a),
            Op::CountLeadingZeros => a.leading_zeros(),
            Op::MulHighSigned => words(signed_product(a, b)).1,
            Op::MulHighUnsigned => words(u64::from(a) * u64::from(b)).1,
            Op::MulLongSigned => return Ok(words(signed_product(a, b))),
            Op::MulLongUnsigned => return Ok(words(u64::from(a) * u64::from(b))),
            Op::MulAddLongSigned => return Ok(words(wide(a, b).wrapping_add(signed_product(c, d)))),
            Op::MulAddLongUnsigned => {
                return Ok(words(wide(a, b).wrapping_add(u64::from(c) * u64::from(d))));
            }
            Op::DivSigned if b == 0 => 0,
            Op::DivSigned => (a as i32).wrapping_div(b as i32) as u32,
            Op::DivUnsigned => a.checked_div(b).unwrap_or(0),
            Op::AddWide => return Ok(words(wide(a, b).wrapping_add(wide(c, d)))),
            Op::SubWide => return Ok(words(wide(a, b).wrapping_sub(wide(c, d)))),
            Op::Compare(cond) => u32::from(holds(*cond, a, b)),
            Op::CompareWide(cond) => u32::from(holds_wide(*cond, wide(a, b), wide(c, d))),
            Op::Select(cond) => {
                if holds(*cond, a, b) {
                    c
                } else {
                    d
                }
            }
            Op::Packed(op) => return Ok(packed_op(*op, args)),
            Op::Load { width, offset, .. } => self.memory.load(*width, a.wrapping_add_signed(*offset))?,
            Op::Store { width, offset, .. } => {
                self.memory.store(*width, a.wrapping_add_signed(*offset), b)?;
                0
            }
            Op::FloatAdd => float(of(a) + of(b)),
            Op::FloatSub => float(of(a) - of(b)),
            Op::FloatMul => float(of(a) * of(b)),
            Op::FloatDiv => float(of(a) / of(b)),
            Op::FloatSqrt => float(of(a).sqrt()),
            Op::FloatNeg => a ^ 0x8000_0000,
            Op::FloatAbs => a & 0x7fff_ffff,
            Op::FloatCompare(cond) => u32::from(match cond {
                FloatCond::Eq => of(a) == of(b),
                FloatCond::Ne => of(a) != of(b),
                FloatCond::Lt => of(a) < of(b),
                FloatCond::Le => of(a) <= of(b),
            }),
            Op::FloatToSigned => of(a) as i32 as u32,
            Op::FloatToUnsigned => of(a) as u32,
            Op::SignedToFloat => (a as i32 as f32).to_bits(),
            Op::UnsignedToFloat => (a as f32).to_bits(),
            Op::HalfToFloat => half::f16_to_f32(a as u16).to_bits(),
            Op::FloatToHalf if of(a).is_nan() => a >> 16 & 0x8000 | 0x7e00 | a >> 13 & 0x1ff,
            Op::FloatToHalf => half::f32_to_f16(of(a)).into(),
            Op::BitsToFloat | Op::FloatToBits => a,
            Op::Call(callee) => return Err(Fault::Unknown(callee.clone())),
        };
        Ok((word, 0))
    }
}

/// Whether the comparison of two words holds.
pub fn holds(cond: Cond, a: u32, b: u32) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Lt => (a as i32) < b as i32,
        Cond::Le => a as i32 <= b as i32,
        Cond::LtU => a < b,
        Cond::LeU => a <= b,
    }
}

fn holds_wide(cond: Cond, a: u64, b: u64) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Lt => (a as i64) < b as i64,
        Cond::Le => a as i64 <= b as i64,
        Cond::LtU => a < b,
        Cond::LeU => a <= b,
    }
}

fn extend(width: Width, a: u32) -> u32 {
    match width {
        Width::S8 => a as i8 as u32,
        Width::U8 => u32::from(a as u8),
        Width::S16 => a as i16 as u32,
        Width::U16 => u32::from(a as u16),
        Width::Word | Width::Float => a,
    }
}

fn packed_op(op: PackedOp, args: [u32; 4]) -> (u32, u32) {
    let [x, y, z, w] = args.map(|word| word as i32);
    let word = match op {
        PackedOp::Dot2 => packed::dot2(x, y, z),
        PackedOp::Dot2Wide => {
            return words(packed::dot2_wide(wide(args[0], args[1]) as i64, z, w) as u64);
        }
        PackedOp::MulHalf { a_high, b_high } => packed::mul_half(x, y, z, a_high, b_high),
        PackedOp::UnpackSigned { rotate } => packed::unpack_signed(x, rotate),
        PackedOp::UnpackUnsigned { rotate } => packed::unpack_unsigned(x, rotate),
        PackedOp::PackLow => packed::pack_low(x, y),
        PackedOp::PackHigh => packed::pack_high(x, y),
        PackedOp::MulHigh => packed::mul_high(x, y),
        PackedOp::MulHighAcc => packed::mul_high_acc(x, y, z),
        PackedOp::SaturateSigned { bits, shift } => packed::saturate_signed(x, bits, shift),
        PackedOp::SaturateUnsigned { bits, shift } => packed::saturate_unsigned(x, bits, shift),
        PackedOp::AddBytes => packed::add_bytes(x, y),
        PackedOp::MaxBytesSigned => packed::max_bytes_signed(x, y),
        PackedOp::MaxBytesUnsigned => packed::max_bytes_unsigned(x, y),
    };
    (word as u32, 0)
}

fn wide(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn words(wide: u64) -> (u32, u32) {
    (wide as u32, (wide >> 32) as u32)
}

fn signed_product(a: u32, b: u32) -> u64 {
    (i64::from(a as i32) * i64::from(b as i32)) as u64
}

fn of(bits: u32) -> f32 {
    f32::from_bits(bits)
}

/// The bits of a result; every NaN is the canonical one, so that a run does not depend on the host.
fn float(value: f32) -> u32 {
    if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Builder;

    /// `(base, count)`: the sum of that many words.
    fn sum() -> Function {
        let word = Class::Word;
        let many = Count { times: 10, varies: true };
        let (mut b, args) = Builder::new("sum", "The sum of words.", &[word, word]);
        let (body, params) = b.block(&[word, word, word], 1, many);
        let (done, results) = b.block(&[word], 0, Count { times: 1, varies: false });
        let zero = b.word(Op::Const(0), &[]);
        b.end(End::Jump(Edge { to: body, args: vec![args[0], args[1], zero], count: many }));
        b.switch_to(body);
        let load = Op::Load { width: Width::Word, offset: 0, region: Region(0) };
        let (four, one) = (b.word(Op::Const(4), &[]), b.word(Op::Const(1), &[]));
        let element = b.word(load, &[params[0]]);
        let total = b.word(Op::Add, &[params[2], element]);
        let at = b.word(Op::Add, &[params[0], four]);
        let left = b.word(Op::Sub, &[params[1], one]);
        let zero = b.word(Op::Const(0), &[]);
        let again = Edge { to: body, args: vec![at, left, total], count: many };
        let leave = Edge { to: done, args: vec![total], count: many };
        b.end(End::Branch { cond: Cond::Ne, left, right: zero, then: again, otherwise: leave });
        b.switch_to(done);
        b.end(End::Return(results));
        b.finish()
    }

    #[test]
    fn loops_load_and_are_counted() {
        let (callee, sum) = (Callee::Kernel(0), sum());
        let mut machine = Interpreter::new([(callee.clone(), &sum)]);
        let bytes = [1_u32, 20, 300].iter().flat_map(|word| word.to_le_bytes()).collect();
        machine.memory.add(0x100, bytes);
        assert_eq!(machine.call(&callee, &[0x100, 3]), Ok(vec![321]));
        assert_eq!(machine.runs(&callee), [1, 3, 1]);
        assert_eq!(machine.call(&callee, &[0x104, 3]), Err(Fault::Address { address: 0x10c, bytes: 4 }));
        assert_eq!(machine.call(&callee, &[0x102, 1]), Err(Fault::Alignment { address: 0x102, bytes: 4 }));
        assert_eq!(machine.call(&Callee::Kernel(1), &[]), Err(Fault::Unknown(Callee::Kernel(1))));
    }
}
