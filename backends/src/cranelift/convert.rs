//! Conversions. Floats become small integers by way of 32 bits, saturated twice; half floats are taken apart and put together
//! with integers, as `tinyc_ir::half` does it.

use super::kernel::Translator;
use super::types;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, I16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use tinyc_ir::DType;
use tinyc_ir::half::{BF16_NAN, F16_NAN};
use tinyc_ir::loops::Scalar;

impl Translator<'_, '_> {
    pub(super) fn convert(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        match (from.is_float(), to.is_float()) {
            _ if from == to => x,
            (true, true) => self.float_to_float(from, to, x),
            (true, false) => self.float_to_integer(from, to, x),
            (false, true) => self.integer_to_float(from, to, x),
            (false, false) => self.integer_to_integer(from, to, x),
        }
    }

    fn integer_to_integer(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        if to == Scalar::Bool {
            return self.builder.ins().icmp_imm_s(IntCC::NotEqual, x, 0);
        }
        let (have, want) = (types::of(from), types::of(to));
        let ins = self.builder.ins();
        match have.bits().cmp(&want.bits()) {
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Greater => ins.ireduce(want, x),
            std::cmp::Ordering::Less if from.is_signed() => ins.sextend(want, x),
            std::cmp::Ordering::Less => ins.uextend(want, x),
        }
    }

    fn integer_to_float(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        let ty = types::of(to);
        // A u32 is a positive i64, and what is narrower an i32.
        let wide = match from {
            Scalar::I64 | Scalar::I32 => x,
            Scalar::U64 => return self.builder.ins().fcvt_from_uint(ty, x),
            Scalar::U32 => self.builder.ins().uextend(I64, x),
            _ if from.is_signed() => self.builder.ins().sextend(I32, x),
            _ => self.builder.ins().uextend(I32, x),
        };
        self.builder.ins().fcvt_from_sint(ty, wide)
    }

    fn float_to_integer(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        let x = if from.is_half() { self.widen(from, x) } else { x };
        let ty = types::of(to);
        match to {
            Scalar::Bool => {
                let zero = match types::of(from) {
                    cranelift_codegen::ir::types::F64 => self.builder.ins().f64const(0.0),
                    _ => self.builder.ins().f32const(0.0),
                };
                self.builder.ins().fcmp(FloatCC::NotEqual, x, zero)
            }
            Scalar::I32 | Scalar::I64 => self.builder.ins().fcvt_to_sint_sat(ty, x),
            Scalar::U32 | Scalar::U64 => self.builder.ins().fcvt_to_uint_sat(ty, x),
            _ => {
                let (lo, hi) = to.int_range().expect("the others are small integers");
                let word = self.builder.ins().fcvt_to_sint_sat(I32, x);
                let lo = self.builder.ins().iconst(I32, lo as i64);
                let hi = self.builder.ins().iconst(I32, hi as i64);
                let word = self.builder.ins().smax(word, lo);
                let word = self.builder.ins().smin(word, hi);
                self.builder.ins().ireduce(ty, word)
            }
        }
    }

    fn float_to_float(&mut self, from: Scalar, to: Scalar, x: Value) -> Value {
        match (from, to) {
            _ if from.is_half() => {
                let x = self.widen(from, x);
                self.convert(Scalar::F32, to, x)
            }
            _ if to.is_half() => {
                let x = self.convert(from, Scalar::F32, x);
                self.narrow(to, x)
            }
            (_, Scalar::F64) => self.builder.ins().fpromote(types::of(to), x),
            _ => self.builder.ins().fdemote(types::of(to), x),
        }
    }

    /// The f32 that the bits of a half float stand for.
    fn widen(&mut self, half: DType, bits: Value) -> Value {
        let word = self.builder.ins().uextend(I32, bits);
        if half == DType::BF16 {
            let word = self.builder.ins().ishl_imm_u(word, 16);
            return self.bits(F32, word);
        }
        let sign = self.builder.ins().band_imm_u(word, 0x8000);
        let sign = self.builder.ins().ishl_imm_u(sign, 16);
        let rest = self.builder.ins().band_imm_u(word, 0x7fff);
        // Below the least normal number: times 2^-24, exact.
        let small = self.builder.ins().fcvt_from_sint(F32, rest);
        let step = self.builder.ins().f32const(f32::from_bits(0x3380_0000));
        let small = self.builder.ins().fmul(small, step);
        let small = self.bits(I32, small);
        let shifted = self.builder.ins().ishl_imm_u(rest, 13);
        let normal = self.builder.ins().iadd_imm_u(shifted, 112 << 23);
        let infinite = self.builder.ins().bor_imm_u(shifted, 0x7f80_0000);
        let quiet = self.builder.ins().bor_imm_u(infinite, 0x0040_0000);
        let mut magnitude = self.builder.ins().iconst(I32, 0);
        for (least, value) in [(0, small), (0x400, normal), (0x7c00, infinite), (0x7c01, quiet)] {
            let is_at_least = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, rest, least);
            magnitude = self.builder.ins().select(is_at_least, value, magnitude);
        }
        let bits = self.builder.ins().bor(sign, magnitude);
        self.bits(F32, bits)
    }

    /// The bits of the half float next to an f32, ties to even.
    fn narrow(&mut self, half: DType, x: Value) -> Value {
        let bits = self.bits(I32, x);
        let is_nan = self.builder.ins().fcmp(FloatCC::NotEqual, x, x);
        let (nan, word) = match half {
            DType::BF16 => (BF16_NAN, self.narrow_bf16(bits)),
            _ => (F16_NAN, self.narrow_f16(bits)),
        };
        let nan = self.builder.ins().iconst(I32, i64::from(nan));
        let word = self.builder.ins().select(is_nan, nan, word);
        self.builder.ins().ireduce(I16, word)
    }

    fn narrow_bf16(&mut self, bits: Value) -> Value {
        let odd = self.builder.ins().ushr_imm_u(bits, 16);
        let odd = self.builder.ins().band_imm_u(odd, 1);
        let sum = self.builder.ins().iadd_imm_u(bits, 0x7fff);
        let sum = self.builder.ins().iadd(sum, odd);
        self.builder.ins().ushr_imm_u(sum, 16)
    }

    fn narrow_f16(&mut self, bits: Value) -> Value {
        let sign = self.builder.ins().ushr_imm_u(bits, 16);
        let sign = self.builder.ins().band_imm_u(sign, 0x8000);
        let rest = self.builder.ins().band_imm_u(bits, 0x7fff_ffff);
        // From 2^-14 on, exponent 113, 13 bits go; below, the steps are 2^-24, and below exponent 102 nothing is left.
        let exponent = self.builder.ins().ushr_imm_u(rest, 23);
        let is_normal = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, exponent, 113);
        let fraction = self.builder.ins().band_imm_u(bits, 0x7f_ffff);
        let subnormal = self.builder.ins().bor_imm_u(fraction, 0x80_0000);
        let normal = self.builder.ins().iadd_imm_s(rest, -(112 << 23));
        let mantissa = self.builder.ins().select(is_normal, normal, subnormal);
        let c126 = self.builder.ins().iconst(I32, 126);
        let wide = self.builder.ins().isub(c126, exponent);
        let c24 = self.builder.ins().iconst(I32, 25);
        let wide = self.builder.ins().umin(wide, c24);
        let c13 = self.builder.ins().iconst(I32, 13);
        let shift = self.builder.ins().select(is_normal, c13, wide);
        let floor = self.builder.ins().ushr(mantissa, shift);
        let whole = self.builder.ins().ishl(floor, shift);
        let lost = self.builder.ins().isub(mantissa, whole);
        let one = self.builder.ins().iconst(I32, 1);
        let below = self.builder.ins().isub(shift, one);
        let half = self.builder.ins().ishl(one, below);
        // Up if more than half is lost, or half of an odd number: lost + odd > half.
        let odd = self.builder.ins().band_imm_u(floor, 1);
        let lost = self.builder.ins().iadd(lost, odd);
        let up = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, lost, half);
        let up = self.builder.ins().uextend(I32, up);
        let rounded = self.builder.ins().iadd(floor, up);
        // From 65520 on the nearest is infinity.
        let is_large = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, rest, 0x477f_f000);
        let infinity = self.builder.ins().iconst(I32, 0x7c00);
        let magnitude = self.builder.ins().select(is_large, infinity, rounded);
        self.builder.ins().bor(sign, magnitude)
    }
}
