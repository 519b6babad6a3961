//! Operations on one and two operands. Sums and products wrap in Cranelift as they do here; its shifts take their amount modulo
//! the width and its divisions trap, so those get what [`BinaryOp`] says by selects, which constants do without.

use super::kernel::Translator;
use super::types;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};
use tinyc_ir::loops::{BinaryOp, Scalar, UnaryOp};

/// The name of the function of `runtime::math` that computes an operation.
pub(super) fn function(op: UnaryOp, scalar: Scalar) -> Option<&'static str> {
    match (op, scalar) {
        (UnaryOp::Exp, Scalar::F64) => Some("exp64"),
        (UnaryOp::Log, Scalar::F64) => Some("log64"),
        _ => op.function(),
    }
}

impl Translator<'_, '_> {
    pub(super) fn unary(&mut self, op: UnaryOp, scalar: Scalar, x: Value) -> Value {
        if let Some(name) = function(op, scalar) {
            let call = self.builder.ins().call(self.functions[name], &[x]);
            return self.builder.inst_results(call)[0];
        }
        let is_float = scalar.is_float();
        let ins = self.builder.ins();
        match op {
            UnaryOp::Neg if is_float => ins.fneg(x),
            UnaryOp::Neg => ins.ineg(x),
            UnaryOp::Abs if is_float => ins.fabs(x),
            UnaryOp::Abs => ins.iabs(x),
            UnaryOp::Not if scalar == Scalar::Bool => ins.bxor_imm_u(x, 1),
            UnaryOp::Not => ins.bnot(x),
            UnaryOp::Sqrt => ins.sqrt(x),
            UnaryOp::RoundTiesEven => ins.nearest(x),
            UnaryOp::Exp
            | UnaryOp::Log
            | UnaryOp::Sin
            | UnaryOp::Cos
            | UnaryOp::Tanh
            | UnaryOp::Sigmoid
            | UnaryOp::Erf => unreachable!("{op:?} is a function"),
        }
    }

    /// An operation on operands of type `scalar`; `known` is the right one if it is a constant.
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        scalar: Scalar,
        a: Value,
        b: Value,
        known: Option<i64>,
    ) -> Value {
        if scalar.is_float() {
            return self.float(op, a, b);
        }
        let signed = scalar.is_signed();
        match op {
            BinaryOp::Shl | BinaryOp::Shr => return self.shift(op, scalar, a, b, known),
            BinaryOp::Div | BinaryOp::Rem => return self.divide(op, scalar, a, b, known),
            _ => {}
        }
        let ins = self.builder.ins();
        match op {
            BinaryOp::Add | BinaryOp::WrappingAdd => ins.iadd(a, b),
            BinaryOp::Sub | BinaryOp::WrappingSub => ins.isub(a, b),
            BinaryOp::Mul | BinaryOp::WrappingMul => ins.imul(a, b),
            BinaryOp::Min if signed => ins.smin(a, b),
            BinaryOp::Min => ins.umin(a, b),
            BinaryOp::Max if signed => ins.smax(a, b),
            BinaryOp::Max => ins.umax(a, b),
            BinaryOp::And => ins.band(a, b),
            BinaryOp::Or => ins.bor(a, b),
            BinaryOp::Xor => ins.bxor(a, b),
            BinaryOp::Eq => ins.icmp(IntCC::Equal, a, b),
            BinaryOp::Ne => ins.icmp(IntCC::NotEqual, a, b),
            BinaryOp::Lt if signed => ins.icmp(IntCC::SignedLessThan, a, b),
            BinaryOp::Lt => ins.icmp(IntCC::UnsignedLessThan, a, b),
            BinaryOp::Le if signed => ins.icmp(IntCC::SignedLessThanOrEqual, a, b),
            BinaryOp::Le => ins.icmp(IntCC::UnsignedLessThanOrEqual, a, b),
            BinaryOp::Shl | BinaryOp::Shr | BinaryOp::Div | BinaryOp::Rem => unreachable!("done above"),
        }
    }

    fn float(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        let ins = self.builder.ins();
        match op {
            BinaryOp::Add => ins.fadd(a, b),
            BinaryOp::Sub => ins.fsub(a, b),
            BinaryOp::Mul => ins.fmul(a, b),
            BinaryOp::Div => ins.fdiv(a, b),
            BinaryOp::Min => ins.fmin(a, b),
            BinaryOp::Max => ins.fmax(a, b),
            BinaryOp::Eq => ins.fcmp(FloatCC::Equal, a, b),
            BinaryOp::Ne => ins.fcmp(FloatCC::NotEqual, a, b),
            BinaryOp::Lt => ins.fcmp(FloatCC::LessThan, a, b),
            BinaryOp::Le => ins.fcmp(FloatCC::LessThanOrEqual, a, b),
            _ => unreachable!("the verifier lets no {op:?} of floats pass"),
        }
    }

    fn shift(&mut self, op: BinaryOp, scalar: Scalar, a: Value, b: Value, known: Option<i64>) -> Value {
        let (ty, width) = (types::of(scalar), i64::from(scalar.bits()));
        let arithmetic = op == BinaryOp::Shr && scalar.is_signed();
        let inside = |amount: i64| (0..width).contains(&amount);
        if arithmetic {
            let amount = match known {
                Some(amount) => {
                    let amount = if inside(amount) { amount } else { width - 1 };
                    self.builder.ins().iconst(ty, amount)
                }
                None => {
                    let most = self.builder.ins().iconst(ty, width - 1);
                    self.builder.ins().umin(b, most)
                }
            };
            return self.builder.ins().sshr(a, amount);
        }
        if known.is_some_and(|amount| !inside(amount)) {
            return self.builder.ins().iconst(ty, 0);
        }
        let ins = self.builder.ins();
        let shifted = if op == BinaryOp::Shl { ins.ishl(a, b) } else { ins.ushr(a, b) };
        if known.is_some() {
            return shifted;
        }
        let is_inside = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, b, width);
        let zero = self.builder.ins().iconst(ty, 0);
        self.builder.ins().select(is_inside, shifted, zero)
    }

    fn divide(&mut self, op: BinaryOp, scalar: Scalar, a: Value, b: Value, known: Option<i64>) -> Value {
        let (ty, signed) = (types::of(scalar), scalar.is_signed());
        let safe = known.is_some_and(|b| b != 0 && !(signed && b == -1));
        let divided = |translator: &mut Self, divisor: Value| {
            let ins = translator.builder.ins();
            match (op == BinaryOp::Div, signed) {
                (true, true) => ins.sdiv(a, divisor),
                (true, false) => ins.udiv(a, divisor),
                (false, true) => ins.srem(a, divisor),
                (false, false) => ins.urem(a, divisor),
            }
        };
        if safe {
            return divided(self, b);
        }
        // Divided by 1 in place of 0 and −1: the remainder is the 0 that −1 leaves, the quotient is put right.
        let one = self.builder.ins().iconst(ty, 1);
        let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let is_minus_one = signed.then(|| self.builder.ins().icmp_imm_s(IntCC::Equal, b, -1));
        let odd = match is_minus_one {
            Some(is_minus_one) => self.builder.ins().bor(is_zero, is_minus_one),
            None => is_zero,
        };
        let divisor = self.builder.ins().select(odd, one, b);
        let mut result = divided(self, divisor);
        if let (Some(is_minus_one), BinaryOp::Div) = (is_minus_one, op) {
            let negated = self.builder.ins().ineg(a);
            result = self.builder.ins().select(is_minus_one, negated, result);
        }
        let by_zero = if op == BinaryOp::Div { self.builder.ins().iconst(ty, 0) } else { a };
        self.builder.ins().select(is_zero, by_zero, result)
    }
}
