//! Two steps of integers at a time: processors multiply eight pairs of 16 bits and add neighbouring products in one instruction.
//!
//! A step's factors that fit 16 bits are laid side by side with those of the step behind it, so one such instruction does eight
//! products of a group of four sums. Integers wrap, so the order of the additions does not show.

use super::kernel::Translator;
use super::superword::{Lanes, Step};
use cranelift_codegen::ir::types::{I8X16, I16, I16X8, I32, I32X4};
use cranelift_codegen::ir::{ConstantData, Endianness, InstBuilder, MemFlagsData, Value};
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, Index, Literal, Param, Scalar};

/// The first eight bytes of two vectors, in turn.
const INTERLEAVED: [u8; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];

/// An element of x, from which a number may be subtracted.
struct Element<'a> {
    param: Param,
    index: &'a Index,
    scalar: Scalar,
    zero: i32,
}

impl<'a> Translator<'a, '_> {
    /// The sums of two steps' products, if their factors fit 16 bits: one the same in each lane, one of neighbouring bytes.
    pub(super) fn two_steps(&mut self, first: &Step, second: &Step) -> Option<Value> {
        let (x, weights) = split(first)?;
        let (next_x, next_weights) = split(second)?;
        let fits =
            [x, next_x].iter().all(|&x| self.range(x, 8).is_some_and(|(lo, hi)| lo >= -32768 && hi <= 32767));
        if !fits || weights.2 != next_weights.2 {
            return None;
        }
        let x = self.twice(x, next_x);
        let bytes = [weights, next_weights].map(|(param, first, _)| self.four_bytes(param, first));
        let immediates = &mut self.builder.func.dfg.immediates;
        // One and the same each time, or equal shuffles are not seen to be equal.
        let mask =
            *self.interleaved.get_or_insert_with(|| immediates.push(ConstantData::from(&INTERLEAVED[..])));
        let bytes = self.builder.ins().shuffle(bytes[0], bytes[1], mask);
        let weights = match weights.2.is_signed() {
            true => self.builder.ins().swiden_low(bytes),
            false => self.builder.ins().uwiden_low(bytes),
        };
        let [low_x, low] = [x, weights].map(|v| self.builder.ins().swiden_low(v));
        let [high_x, high] = [x, weights].map(|v| self.builder.ins().swiden_high(v));
        let low = self.builder.ins().imul(low_x, low);
        let high = self.builder.ins().imul(high_x, high);
        Some(self.builder.ins().iadd_pairwise(low, high))
    }

    pub(super) fn four_bytes(&mut self, param: Param, first: Expr) -> Value {
        let word = self.load_as(param, first, I32);
        let vector = self.builder.ins().scalar_to_vector(I32X4, word);
        self.bytes(vector)
    }

    /// The same bits as bytes, the first of memory first.
    fn bytes(&mut self, vector: Value) -> Value {
        let little = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(I8X16, little, vector)
    }

    /// Two numbers of 16 bits in turn.
    fn twice(&mut self, x: Expr, next: Expr) -> Value {
        if let (Some(a), Some(b)) = (self.element(x), self.element(next))
            && (a.param, a.scalar, a.zero) == (b.param, b.scalar, b.zero)
            && a.index.dynamic.is_none()
            && *b.index == (Index { affine: a.index.affine.offset(1), ..a.index.clone() })
        {
            let flags = self.unaligned(a.param);
            let (address, offset) = self.address(a.param, a.index);
            let both = self.builder.ins().load(I16, flags, address, offset);
            let both = self.builder.ins().splat(I16X8, both);
            let both = self.bytes(both);
            let both = match a.scalar.is_signed() {
                true => self.builder.ins().swiden_low(both),
                false => self.builder.ins().uwiden_low(both),
            };
            if a.zero == 0 {
                return both;
            }
            let zero = self.builder.ins().iconst(I16, i64::from(a.zero as u16));
            let zero = self.builder.ins().splat(I16X8, zero);
            return self.builder.ins().isub(both, zero);
        }
        let (x, next) = (self.expr(x), self.expr(next));
        let low = self.builder.ins().band_imm_u(x, 0xffff);
        let high = self.builder.ins().ishl_imm_u(next, 16);
        let word = self.builder.ins().bor(low, high);
        let words = self.builder.ins().splat(I32X4, word);
        let little = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(I16X8, little, words)
    }

    /// A byte of memory behind an expression, with what is subtracted from it.
    fn element(&self, expr: Expr) -> Option<Element<'a>> {
        let kernel = self.kernel;
        match &kernel.exprs[self.value_of(expr)] {
            ExprData::Convert { to: Scalar::I32, value } => match &kernel.exprs[*value] {
                ExprData::Load { param, index, scalar: scalar @ (Scalar::I8 | Scalar::U8) }
                    if kernel.params[*param].scalar == *scalar =>
                {
                    Some(Element { param: *param, index, scalar: *scalar, zero: 0 })
                }
                _ => None,
            },
            ExprData::Binary { op: BinaryOp::Sub | BinaryOp::WrappingSub, left, right } => {
                let ExprData::Literal(Literal::I32(zero)) = kernel.exprs[*right] else { return None };
                let element = self.element(*left)?;
                (element.zero == 0 && (-255..=255).contains(&zero)).then_some(Element { zero, ..element })
            }
            _ => None,
        }
    }

    /// The numbers that an i32 can be, if its form says so within a few steps.
    fn range(&self, expr: Expr, steps: u32) -> Option<(i64, i64)> {
        let steps = steps.checked_sub(1)?;
        match &self.kernel.exprs[self.value_of(expr)] {
            ExprData::Literal(Literal::I32(value)) => Some((i64::from(*value), i64::from(*value))),
            ExprData::Convert { value, .. } => {
                let from = self.scalar(*value);
                let (lo, hi) = from.int_range().filter(|_| from.bits() <= 16)?;
                Some((lo as i64, hi as i64))
            }
            ExprData::Binary { op: BinaryOp::Sub | BinaryOp::WrappingSub, left, right } => {
                let ((a, b), (c, d)) = (self.range(*left, steps)?, self.range(*right, steps)?);
                Some((a - d, b - c))
            }
            _ => None,
        }
    }

    /// The value of a register that the statements of the run set, else the expression itself.
    fn value_of(&self, expr: Expr) -> Expr {
        match self.kernel.exprs[expr] {
            ExprData::Var(var) => self.lets.get(&var).copied().unwrap_or(expr),
            _ => expr,
        }
    }
}

/// The factor that all lanes share, and the bytes that are the other.
fn split(step: &Step) -> Option<(Expr, (Param, Expr, Scalar))> {
    match (&step.left, &step.right) {
        (Lanes::Splat(x), Lanes::Load { param, first, element })
        | (Lanes::Load { param, first, element }, Lanes::Splat(x)) => {
            matches!(element, Scalar::I8 | Scalar::U8).then_some((*x, (*param, *first, *element)))
        }
        _ => None,
    }
}
