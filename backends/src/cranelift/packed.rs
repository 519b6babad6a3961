//! Packed operations by plain ones, as `tinyc_ir::loops::packed` defines them.

use super::kernel::Translator;
use cranelift_codegen::ir::types::{I8, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use tinyc_ir::loops::PackedOp;

impl Translator<'_, '_> {
    pub(super) fn packed(&mut self, op: PackedOp, args: &[Value]) -> Value {
        match (op, args) {
            (PackedOp::Dot2, &[acc, a, b]) => {
                let (low, high) = (self.product(a, b, [false; 2]), self.product(a, b, [true; 2]));
                let sum = self.builder.ins().iadd(acc, low);
                self.builder.ins().iadd(sum, high)
            }
            (PackedOp::Dot2Wide, &[acc, a, b]) => {
                let (low, high) = (self.product(a, b, [false; 2]), self.product(a, b, [true; 2]));
                let (low, high) =
                    (self.builder.ins().sextend(I64, low), self.builder.ins().sextend(I64, high));
                let sum = self.builder.ins().iadd(acc, low);
                self.builder.ins().iadd(sum, high)
            }
            (PackedOp::MulHalf { a_high, b_high }, &[acc, a, b]) => {
                let product = self.product(a, b, [a_high, b_high]);
                self.builder.ins().iadd(acc, product)
            }
            (PackedOp::UnpackSigned { rotate }, &[x]) => {
                let x = self.rotated(x, rotate);
                let low = self.builder.ins().ireduce(I8, x);
                let low = self.builder.ins().sextend(I32, low);
                let high = self.builder.ins().ushr_imm_u(x, 16);
                let high = self.builder.ins().ireduce(I8, high);
                let high = self.builder.ins().sextend(I32, high);
                self.pair(low, high)
            }
            (PackedOp::UnpackUnsigned { rotate }, &[x]) => {
                let x = self.rotated(x, rotate);
                self.builder.ins().band_imm_u(x, 0x00ff_00ff)
            }
            (PackedOp::PackLow, &[a, b]) => self.pair(a, b),
            (PackedOp::PackHigh, &[a, b]) => {
                let (low, high) = (self.half(a, true), self.half(b, true));
                self.pair(low, high)
            }
            (PackedOp::MulHigh, &[a, b]) => self.mul_high(a, b),
            (PackedOp::MulHighAcc, &[acc, a, b]) => {
                let product = self.mul_high(a, b);
                self.builder.ins().iadd(acc, product)
            }
            (PackedOp::SaturateSigned { bits, shift }, &[x]) => {
                let top = (1i64 << (bits - 1)) - 1;
                self.saturate(x, shift, -top - 1, top)
            }
            (PackedOp::SaturateUnsigned { bits, shift }, &[x]) => {
                self.saturate(x, shift, 0, (1i64 << bits) - 1)
            }
            (PackedOp::AddBytes, &[a, b]) => {
                self.bytewise(a, b, |translator, a, b| translator.builder.ins().iadd(a, b))
            }
            (PackedOp::MaxBytesSigned, &[a, b]) => {
                self.bytewise(a, b, |translator, a, b| translator.builder.ins().smax(a, b))
            }
            (PackedOp::MaxBytesUnsigned, &[a, b]) => {
                self.bytewise(a, b, |translator, a, b| translator.builder.ins().umax(a, b))
            }
            _ => unreachable!("the verifier lets no other operands of {op:?} pass"),
        }
    }

    /// A half of a word, sign-extended.
    fn half(&mut self, word: Value, high: bool) -> Value {
        if high {
            return self.builder.ins().sshr_imm_u(word, 16);
        }
        let half = self.builder.ins().ireduce(I16, word);
        self.builder.ins().sextend(I32, half)
    }

    fn product(&mut self, a: Value, b: Value, [a_high, b_high]: [bool; 2]) -> Value {
        let (a, b) = (self.half(a, a_high), self.half(b, b_high));
        self.builder.ins().imul(a, b)
    }

    /// The word with these halves; only the low 16 bits of each count.
    fn pair(&mut self, low: Value, high: Value) -> Value {
        let low = self.builder.ins().band_imm_u(low, 0xffff);
        let high = self.builder.ins().ishl_imm_u(high, 16);
        self.builder.ins().bor(low, high)
    }

    fn rotated(&mut self, x: Value, by: u8) -> Value {
        if by == 0 { x } else { self.builder.ins().rotr_imm_u(x, i64::from(by)) }
    }

    fn mul_high(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.builder.ins().sextend(I64, a), self.builder.ins().sextend(I64, b));
        let product = self.builder.ins().imul(a, b);
        let high = self.builder.ins().sshr_imm_u(product, 32);
        self.builder.ins().ireduce(I32, high)
    }

    fn saturate(&mut self, x: Value, shift: u8, lo: i64, hi: i64) -> Value {
        let x = if shift == 0 { x } else { self.builder.ins().sshr_imm_u(x, i64::from(shift)) };
        let (lo, hi) = (self.builder.ins().iconst(I32, lo), self.builder.ins().iconst(I32, hi));
        let x = self.builder.ins().smax(x, lo);
        self.builder.ins().smin(x, hi)
    }

    fn bytewise(&mut self, a: Value, b: Value, f: fn(&mut Self, Value, Value) -> Value) -> Value {
        let mut word = None;
        for shift in [0, 8, 16, 24] {
            let mut byte = |x: Value| {
                let x = if shift == 0 { x } else { self.builder.ins().ushr_imm_u(x, shift) };
                self.builder.ins().ireduce(I8, x)
            };
            let (x, y) = (byte(a), byte(b));
            let result = f(self, x, y);
            let result = self.builder.ins().uextend(I32, result);
            word = Some(match word {
                None => result,
                Some(word) => {
                    let result = self.builder.ins().ishl_imm_u(result, shift);
                    self.builder.ins().bor(word, result)
                }
            });
        }
        word.expect("a word has four bytes")
    }
}
