//! Expressions as operations on words: integers up to 32 bits, memory and conditions. Wider integers are in
//! [`super::wide`], floats in [`super::floats`], packed operations in [`super::packed`].

use super::addresses::{load_width, range, store_width};
use super::kernel::{Number, Writer};
use super::routines::names;
use super::{Class, Cond, Op, Value, Width};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, Index, Literal, Param, Scalar, UnaryOp};

impl Writer<'_> {
    /// The value of an expression.
    pub(super) fn value(&mut self, expr: Expr) -> Number {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            ExprData::Literal(literal) => self.literal(*literal),
            ExprData::Var(var) => self.vars[var.index()].expect("a verified kernel reads registers in scope"),
            ExprData::Affine(affine) => Number::One(self.affine(affine)),
            ExprData::Load { param, index, scalar } => self.load(*param, index, *scalar),
            ExprData::Unary { op, value } => {
                let number = self.value(*value);
                self.unary(*op, self.scalar(*value), number)
            }
            ExprData::Binary { op, left, right } => {
                let scalar = self.scalar(*left);
                if let Some(number) = self.clamp(*op, scalar, *left, *right) {
                    return number;
                }
                let (left, right) = (self.value(*left), self.value(*right));
                self.binary(*op, scalar, left, right)
            }
            ExprData::Bits { to, value } => {
                let number = self.value(*value);
                self.float_bits(*to, number)
            }
            ExprData::Convert { to, value } => {
                let number = self.value(*value);
                self.convert(self.scalar(*value), *to, number)
            }
            ExprData::Select { condition, then, otherwise } => {
                let (cond, left, right) = self.condition(*condition);
                let (then, otherwise) = (self.value(*then), self.value(*otherwise));
                self.choose(cond, [left, right], then, otherwise)
            }
            ExprData::Packed { op, args } => {
                let args = args.iter().map(|&a| self.value(a)).collect::<Vec<_>>();
                self.packed(*op, &args)
            }
        }
    }

    /// The value of an expression of one word.
    pub(super) fn word(&mut self, expr: Expr) -> Value {
        self.value(expr).word()
    }

    /// One of two numbers, by a comparison of words.
    pub(super) fn choose(
        &mut self,
        cond: Cond,
        sides: [Value; 2],
        then: Number,
        otherwise: Number,
    ) -> Number {
        match (then, otherwise) {
            (Number::Two(a, b), Number::Two(c, d)) => {
                let low = self.b.select(cond, sides, [a, c]);
                Number::Two(low, self.b.select(cond, sides, [b, d]))
            }
            _ => Number::One(self.b.select(cond, sides, [then.word(), otherwise.word()])),
        }
    }

    fn literal(&mut self, literal: Literal) -> Number {
        let bits = literal.bits();
        match literal.scalar() {
            Scalar::F32 if self.machine.float => Number::One(self.b.float(Op::FloatConst(bits as u32), &[])),
            Scalar::I64 | Scalar::U64 | Scalar::F64 => {
                let low = self.b.number(bits as i32);
                Number::Two(low, self.b.number((bits >> 32) as i32))
            }
            _ => Number::One(self.b.number(bits as i32)),
        }
    }

    /// A bool as a comparison of two words.
    pub(super) fn condition(&mut self, expr: Expr) -> (Cond, Value, Value) {
        match &self.kernel.exprs[expr] {
            ExprData::Unary { op: UnaryOp::Not, value } => {
                let (cond, left, right) = self.condition(*value);
                inverse(cond, left, right)
            }
            ExprData::Binary { op, left, right } if op.is_comparison() && is_word(self.scalar(*left)) => {
                let cond = cond(*op, self.scalar(*left).is_signed());
                let left = self.word(*left);
                (cond, left, self.word(*right))
            }
            _ => {
                let value = self.word(expr);
                (Cond::Ne, value, self.b.number(0))
            }
        }
    }

    fn load(&mut self, param: Param, index: &Index, scalar: Scalar) -> Number {
        let width = if self.class(scalar) == Class::Float { Width::Float } else { load_width(scalar) };
        let (base, offset) = self.place(param, index, width, scalar.size());
        let low = self.load_word(param, base, offset, width);
        match scalar.size() {
            8 => Number::Two(low, self.load_word(param, base, offset + 4, width)),
            _ if scalar == Scalar::Bool => {
                let zero = self.b.number(0);
                Number::One(self.b.word(Op::Compare(Cond::Ne), &[low, zero]))
            }
            _ => Number::One(low),
        }
    }

    fn load_word(&mut self, param: Param, base: Value, offset: i32, width: Width) -> Value {
        let region = self.region(param);
        let class = if width == Width::Float { Class::Float } else { Class::Word };
        let (least, greatest) = (self.machine.offset)(width);
        let unsigned = match width {
            Width::S8 => Width::U8,
            Width::S16 => Width::U16,
            other => other,
        };
        // Cores without offsets for signed loads extend by another instruction.
        let loaded = if (least..=greatest).contains(&offset) { width } else { unsigned };
        let op = Op::Load { width: loaded, offset, region };
        let value = if self.is_constant(param) {
            self.b.load_again(op, base, class)
        } else {
            self.b.push(op, &[base], &[class])[0]
        };
        if loaded == width { value } else { self.b.word(Op::Extend(width), &[value]) }
    }

    /// Writes an expression's value to memory.
    pub(super) fn store(&mut self, param: Param, index: &Index, value: Expr) {
        let scalar = self.scalar(value);
        let number = self.stored(value, scalar.size());
        let float = number.words().iter().all(|&w| self.b.class(w) == Class::Float);
        let width = if float { Width::Float } else { store_width(scalar) };
        let (base, offset) = self.place(param, index, width, scalar.size());
        let region = self.region(param);
        for (i, word) in number.words().into_iter().take(scalar.size().div_ceil(4)).enumerate() {
            let offset = offset + 4 * i as i32;
            debug_assert!(offset <= range(self.machine, width).1, "windows keep offsets in range");
            self.b.push(Op::Store { width, offset, region }, &[base, word], &[]);
        }
    }

    /// The value of an expression of which only the low bytes matter: conversions that only cut are left out.
    fn stored(&mut self, expr: Expr, bytes: usize) -> Number {
        if let ExprData::Convert { to, value } = &self.kernel.exprs[expr] {
            let from = self.scalar(*value);
            let cuts = to.is_int() && from.is_int() && from.size() >= bytes && to.size() >= bytes;
            if cuts && bytes < 4 {
                return self.stored(*value, bytes);
            }
        }
        self.value(expr)
    }

    fn unary(&mut self, op: UnaryOp, scalar: Scalar, x: Number) -> Number {
        if scalar.is_float() {
            return self.float_unary(op, scalar, x);
        }
        if scalar.size() == 8 {
            return self.wide_unary(op, x);
        }
        let x = x.word();
        let result = match op {
            UnaryOp::Not => {
                let mask = self.b.number(if scalar == Scalar::Bool { 1 } else { -1 });
                self.b.word(Op::Xor, &[x, mask])
            }
            UnaryOp::Abs => {
                let zero = self.b.number(0);
                let negated = self.b.word(Op::Sub, &[zero, x]);
                self.b.select(Cond::Lt, [x, zero], [negated, x])
            }
            _ => {
                let zero = self.b.number(0);
                self.b.word(Op::Sub, &[zero, x])
            }
        };
        Number::One(result)
    }

    fn binary(&mut self, op: BinaryOp, scalar: Scalar, a: Number, b: Number) -> Number {
        if scalar.is_float() {
            return self.float_binary(op, scalar, a, b);
        }
        if scalar.size() == 8 {
            return self.wide_binary(op, scalar.is_signed(), a, b);
        }
        let (a, b, signed) = (a.word(), b.word(), scalar.is_signed());
        let result = match op {
            BinaryOp::Add | BinaryOp::WrappingAdd => self.b.word(Op::Add, &[a, b]),
            BinaryOp::Sub | BinaryOp::WrappingSub => self.b.word(Op::Sub, &[a, b]),
            BinaryOp::Mul | BinaryOp::WrappingMul => self.b.word(Op::Mul, &[a, b]),
            BinaryOp::Div => self.quotient(signed, a, b),
            BinaryOp::Rem if signed => self.remainder_signed(a, b),
            BinaryOp::Rem => self.remainder(a, b),
            BinaryOp::Min | BinaryOp::Max => {
                let cond = if signed { Cond::Lt } else { Cond::LtU };
                let order = if op == BinaryOp::Min { [a, b] } else { [b, a] };
                self.b.select(cond, order, [a, b])
            }
            BinaryOp::And => self.b.word(Op::And, &[a, b]),
            BinaryOp::Or => self.b.word(Op::Or, &[a, b]),
            BinaryOp::Xor => self.b.word(Op::Xor, &[a, b]),
            BinaryOp::Shl | BinaryOp::Shr => self.shift(op == BinaryOp::Shl, signed, a, b),
            _ => self.b.word(Op::Compare(cond(op, signed)), &[a, b]),
        };
        Number::One(result)
    }

    /// `min(max(x, least), greatest)` of signed integers with constant ends, in either order.
    fn clamp(&mut self, op: BinaryOp, scalar: Scalar, left: Expr, right: Expr) -> Option<Number> {
        let inner_op = match op {
            BinaryOp::Min => BinaryOp::Max,
            BinaryOp::Max => BinaryOp::Min,
            _ => return None,
        };
        let ExprData::Binary { op: found, left: x, right: other } = self.kernel.exprs[left] else {
            return None;
        };
        let literal = |e: Expr| match self.kernel.exprs[e] {
            ExprData::Literal(Literal::I64(n)) if scalar == Scalar::I64 => i32::try_from(n).ok(),
            ExprData::Literal(Literal::I32(n)) if scalar == Scalar::I32 => Some(n),
            _ => None,
        };
        let (inner, outer) = (literal(other)?, literal(right)?);
        let (least, greatest) = if op == BinaryOp::Min { (inner, outer) } else { (outer, inner) };
        if found != inner_op || least > greatest {
            return None;
        }
        Some(match self.value(x) {
            Number::One(x) => Number::One(self.clamped(x, 0, least, greatest)),
            wide => self.wide_clamp(wide, least, greatest),
        })
    }

    fn quotient(&mut self, signed: bool, a: Value, b: Value) -> Value {
        let op = if signed { Op::DivSigned } else { Op::DivUnsigned };
        let shifts = self.b.constant(b).is_some_and(|b| !signed && (b as u32).is_power_of_two());
        if self.machine.divide || shifts {
            return self.b.word(op, &[a, b]);
        }
        let name = if signed { names::I32_DIV_REM } else { names::U32_DIV_REM };
        self.call(name, &[a, b], 2)[0]
    }

    /// `a mod b`, unsigned.
    pub(super) fn remainder(&mut self, a: Value, b: Value) -> Value {
        if let Some(b) = self.b.constant(b).filter(|&b| (b as u32).is_power_of_two()) {
            let mask = self.b.number((b as u32 - 1) as i32);
            return self.b.word(Op::And, &[a, mask]);
        }
        if !self.machine.divide {
            return self.call(names::U32_DIV_REM, &[a, b], 2)[1];
        }
        let quotient = self.b.word(Op::DivUnsigned, &[a, b]);
        self.rest(a, b, quotient)
    }

    fn remainder_signed(&mut self, a: Value, b: Value) -> Value {
        if !self.machine.divide {
            return self.call(names::I32_DIV_REM, &[a, b], 2)[1];
        }
        let quotient = self.b.word(Op::DivSigned, &[a, b]);
        self.rest(a, b, quotient)
    }

    /// `a − quotient · b`: right for a divisor of 0, too, where the quotient is 0.
    fn rest(&mut self, a: Value, b: Value, quotient: Value) -> Value {
        let product = self.b.word(Op::Mul, &[quotient, b]);
        self.b.word(Op::Sub, &[a, product])
    }

    fn shift(&mut self, left: bool, signed: bool, a: Value, amount: Value) -> Value {
        let op = match (left, signed) {
            (true, _) => Op::ShiftLeft,
            (false, true) => Op::ShiftRightSigned,
            (false, false) => Op::ShiftRight,
        };
        let fills = !left && signed;
        if let Some(number) = self.b.constant(amount) {
            return match (number, fills) {
                (0..=31, _) => self.b.word(op, &[a, amount]),
                (_, true) => {
                    let most = self.b.number(31);
                    self.b.word(op, &[a, most])
                }
                (_, false) => self.b.number(0),
            };
        }
        let (width, most) = (self.b.number(32), self.b.number(31));
        if fills {
            let amount = self.b.select(Cond::LtU, [amount, width], [amount, most]);
            return self.b.word(op, &[a, amount]);
        }
        let masked = self.b.word(Op::And, &[amount, most]);
        let shifted = self.b.word(op, &[a, masked]);
        let zero = self.b.number(0);
        self.b.select(Cond::LtU, [amount, width], [shifted, zero])
    }

    fn convert(&mut self, from: Scalar, to: Scalar, x: Number) -> Number {
        if from == to {
            return x;
        }
        if from.is_float() || to.is_float() {
            return self.float_convert(from, to, x);
        }
        let (low, _) = x.pair();
        if to == Scalar::Bool {
            let zero = self.b.number(0);
            let any = match x {
                Number::One(word) => word,
                Number::Two(low, high) => self.b.word(Op::Or, &[low, high]),
            };
            return Number::One(self.b.word(Op::Compare(Cond::Ne), &[any, zero]));
        }
        match to.size() {
            8 if from.size() == 8 => x,
            8 => self.widen(low, from.is_signed()),
            4 => Number::One(low),
            _ if holds_all(to, from) => Number::One(low),
            _ => Number::One(self.b.word(Op::Extend(load_width(to)), &[low])),
        }
    }
}

/// Whether every value of one integer type is one of another.
fn holds_all(to: Scalar, from: Scalar) -> bool {
    match (to.int_range(), from.int_range()) {
        (Some(to), Some(from)) => to.0 <= from.0 && from.1 <= to.1,
        _ => from == Scalar::Bool,
    }
}

fn is_word(scalar: Scalar) -> bool {
    !scalar.is_float() && scalar.size() <= 4
}

/// The comparison of words that a comparison of integers is.
pub(super) fn cond(op: BinaryOp, signed: bool) -> Cond {
    match (op, signed) {
        (BinaryOp::Eq, _) => Cond::Eq,
        (BinaryOp::Lt, true) => Cond::Lt,
        (BinaryOp::Lt, false) => Cond::LtU,
        (BinaryOp::Le, true) => Cond::Le,
        (BinaryOp::Le, false) => Cond::LeU,
        _ => Cond::Ne,
    }
}

/// What holds where a comparison does not.
pub(super) fn inverse(cond: Cond, left: Value, right: Value) -> (Cond, Value, Value) {
    match cond {
        Cond::Eq => (Cond::Ne, left, right),
        Cond::Ne => (Cond::Eq, left, right),
        Cond::Lt => (Cond::Le, right, left),
        Cond::Le => (Cond::Lt, right, left),
        Cond::LtU => (Cond::LeU, right, left),
        Cond::LeU => (Cond::LtU, right, left),
    }
}
