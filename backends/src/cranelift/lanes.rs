//! Groups of registers as vectors: their sums, and single lanes where a register is read or set alone.

use super::kernel::Translator;
use super::superword::{LANES, Lanes, Run, Step};
use cranelift_codegen::ir::types::{F32, F32X4, I16X8, I32X4, I64, I64X2};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, Param, Scalar, Stmt, Var};

/// The vector of a register's type.
pub(super) fn vector(scalar: Scalar) -> Type {
    if scalar == Scalar::F32 { F32X4 } else { I32X4 }
}

impl<'a> Translator<'a, '_> {
    /// Statements in a row: first what sums need, and sums that stay alone; then those of groups.
    pub(super) fn run(&mut self, stmts: &'a [Stmt], run: &Run) {
        let grouped = |var: Var| {
            run.groups.iter().any(|(first, _)| (first.index()..first.index() + LANES).contains(&var.index()))
        };
        let sums = stmts.iter().filter_map(|stmt| match stmt {
            Stmt::Assign { var, value } if grouped(*var) => Some(*value),
            _ => None,
        });
        self.idle = self.groups.idle(&run.lets, sums);
        for stmt in stmts {
            match stmt {
                Stmt::Assign { var, .. } if grouped(*var) => {}
                Stmt::Let { var, .. } if self.idle.contains_key(var) => {}
                stmt => drop(self.stmt(stmt)),
            }
        }
        self.lets.clone_from(&run.lets);
        for (first, steps) in &run.groups {
            let variable = self.vectors[first];
            let mut sum = self.builder.use_var(variable);
            let mut at = 0;
            while at < steps.len() {
                if let Some(products) = steps.get(at + 1).and_then(|next| self.two_steps(&steps[at], next)) {
                    sum = self.builder.ins().iadd(sum, products);
                    at += 2;
                } else {
                    sum = self.step(sum, &steps[at]);
                    at += 1;
                }
            }
            self.builder.def_var(variable, sum);
        }
        self.idle.clear();
    }

    fn step(&mut self, sum: Value, step: &Step) -> Value {
        let (left, right) = (self.lanes(&step.left), self.lanes(&step.right));
        let product = self.lanewise(step.product, left, right);
        self.lanewise(step.sum, sum, product)
    }

    fn lanewise(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        let is_float = self.builder.func.dfg.value_type(a) == F32X4;
        let ins = self.builder.ins();
        match (op, is_float) {
            (BinaryOp::Add, true) => ins.fadd(a, b),
            (BinaryOp::Sub, true) => ins.fsub(a, b),
            (BinaryOp::Mul, true) => ins.fmul(a, b),
            (BinaryOp::Add | BinaryOp::WrappingAdd, false) => ins.iadd(a, b),
            (BinaryOp::Sub | BinaryOp::WrappingSub, false) => ins.isub(a, b),
            (BinaryOp::Mul | BinaryOp::WrappingMul, false) => ins.imul(a, b),
            _ => unreachable!("{op:?} is in no group"),
        }
    }

    fn lanes(&mut self, lanes: &Lanes) -> Value {
        match lanes {
            Lanes::Splat(expr) => {
                let value = self.expr(*expr);
                let ty = if self.builder.func.dfg.value_type(value) == F32 { F32X4 } else { I32X4 };
                self.builder.ins().splat(ty, value)
            }
            Lanes::Load { param, first, element } => self.neighbours(*param, *first, *element),
            Lanes::Binary(op, sides) => {
                let (left, right) = (self.lanes(&sides.0), self.lanes(&sides.1));
                self.lanewise(*op, left, right)
            }
        }
    }

    /// Four neighbouring elements from a load's on, widened to 32 bits.
    fn neighbours(&mut self, param: Param, first: Expr, element: Scalar) -> Value {
        match (element, element.is_signed()) {
            (Scalar::F32, _) => self.load_as(param, first, F32X4),
            (Scalar::I32, _) => self.load_as(param, first, I32X4),
            (Scalar::I16 | Scalar::U16, signed) => {
                let halves = self.load_as(param, first, I64);
                let halves = self.builder.ins().scalar_to_vector(I64X2, halves);
                let little = MemFlagsData::new().with_endianness(Endianness::Little);
                let halves = self.builder.ins().bitcast(I16X8, little, halves);
                self.widened(halves, signed)
            }
            (_, signed) => {
                let bytes = self.four_bytes(param, first);
                let halves = self.widened(bytes, signed);
                self.widened(halves, signed)
            }
        }
    }

    fn widened(&mut self, small: Value, signed: bool) -> Value {
        let ins = self.builder.ins();
        if signed { ins.swiden_low(small) } else { ins.uwiden_low(small) }
    }

    /// What lies at the element of a load, as another type that needs no alignment.
    pub(super) fn load_as(&mut self, param: Param, load: Expr, ty: Type) -> Value {
        let kernel = self.kernel;
        let ExprData::Load { index, .. } = &kernel.exprs[load] else {
            unreachable!("only loads have neighbours")
        };
        let flags = self.unaligned(param);
        let (address, offset) = self.address(param, index);
        self.builder.ins().load(ty, flags, address, offset)
    }

    /// What is known of loads of several elements.
    pub(super) fn unaligned(&self, param: Param) -> MemFlagsData {
        let flags = MemFlagsData::new().with_notrap();
        if self.is_constant(param) { flags.with_readonly() } else { flags }
    }

    /// Reads one register of a group.
    pub(super) fn lane(&mut self, first: Var, lane: u8) -> Value {
        let vector = self.builder.use_var(self.vectors[&first]);
        self.builder.ins().extractlane(vector, lane)
    }

    /// Sets one register of a group. The first lane is set first, which begins the vector anew.
    pub(super) fn set_lane(&mut self, first: Var, lane: u8, value: Value, begins: bool) {
        let variable = self.vectors[&first];
        let ty = vector(self.kernel.vars[first].scalar);
        let vector = if begins && lane == 0 {
            self.builder.ins().scalar_to_vector(ty, value)
        } else {
            let old = self.builder.use_var(variable);
            self.builder.ins().insertlane(old, value, lane)
        };
        self.builder.def_var(variable, vector);
    }
}
