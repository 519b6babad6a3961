//! Expressions as Cranelift's values.

use super::kernel::Translator;
use super::types;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value};
use tinyc_ir::loops::{Expr, ExprData, Index, Literal, Param, Scalar};

impl<'a> Translator<'a, '_> {
    /// The value of an expression, of the type that [`types::of`] gives for its scalar.
    pub(super) fn expr(&mut self, expr: Expr) -> Value {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            ExprData::Literal(literal) => self.literal(*literal),
            ExprData::Var(var) => self.register(*var),
            ExprData::Affine(affine) => {
                let value = self.affine(affine);
                self.builder.ins().ireduce(ir::types::I32, value)
            }
            ExprData::Load { param, index, scalar } => self.load(*param, index, *scalar),
            ExprData::Unary { op, value } => {
                let scalar = self.scalar(*value);
                let value = self.expr(*value);
                self.unary(*op, scalar, value)
            }
            ExprData::Binary { op, left, right } => {
                let scalar = self.scalar(*left);
                let known = match kernel.exprs[*right] {
                    ExprData::Literal(literal) => Some(literal.bits() as i64),
                    _ => None,
                };
                let (left, right) = (self.expr(*left), self.expr(*right));
                self.binary(*op, scalar, left, right, known)
            }
            ExprData::Convert { to, value } => self.converted(*to, *value),
            ExprData::Bits { to, value } => {
                let value = self.expr(*value);
                self.bits(types::of(*to), value)
            }
            ExprData::Select { condition, then, otherwise } => {
                let (then, otherwise) = (self.expr(*then), self.expr(*otherwise));
                let condition = self.expr(*condition);
                self.builder.ins().select(condition, then, otherwise)
            }
            ExprData::Packed { op, args } => {
                let args: Vec<Value> = args.iter().map(|&arg| self.expr(arg)).collect();
                self.packed(*op, &args)
            }
        }
    }

    fn literal(&mut self, literal: Literal) -> Value {
        let ins = self.builder.ins();
        match literal {
            Literal::F32(value) => ins.f32const(Ieee32::with_bits(value.to_bits())),
            Literal::F64(value) => ins.f64const(Ieee64::with_bits(value.to_bits())),
            Literal::I32(value) => ins.iconst(ir::types::I32, i64::from(value)),
            _ => ins.iconst(types::of(literal.scalar()), literal.bits() as i64),
        }
    }

    fn load(&mut self, param: Param, index: &'a Index, scalar: Scalar) -> Value {
        let flags = self.load_flags(param);
        let (address, offset) = self.address(param, index);
        self.builder.ins().load(types::of(scalar), flags, address, offset)
    }

    /// The same bits in another type of the same size.
    pub(super) fn bits(&mut self, to: ir::Type, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == to {
            return value;
        }
        self.builder.ins().bitcast(to, MemFlagsData::new(), value)
    }

    /// A conversion; small integers are widened as they are loaded.
    fn converted(&mut self, to: Scalar, value: Expr) -> Value {
        let from = self.scalar(value);
        if let ExprData::Load { param, index, .. } = &self.kernel.exprs[value]
            && types::of(to).is_int()
            && types::of(to).bits() > 16
            && from.is_int()
            && from.bits() <= 16
        {
            let flags = self.load_flags(*param);
            let (address, offset) = self.address(*param, index);
            let (to, ins) = (types::of(to), self.builder.ins());
            return match (from.bits(), from.is_signed()) {
                (8, true) => ins.sload8(to, flags, address, offset),
                (8, false) => ins.uload8(to, flags, address, offset),
                (_, true) => ins.sload16(to, flags, address, offset),
                (_, false) => ins.uload16(to, flags, address, offset),
            };
        }
        let value = self.expr(value);
        self.convert(from, to, value)
    }
}
