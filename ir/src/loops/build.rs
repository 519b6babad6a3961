//! Writes a kernel in order: what lowering uses instead of pushing into arenas by hand.

use super::expr::{BinaryOp, Expr, ExprData, Literal, PackedOp, UnaryOp};
use super::index::{Affine, Index};
use super::kernel::{Access, KernelData, Loop, LoopData, Param, ParamData, Var, VarData};
use super::scalar::Scalar;
use super::stmt::{Bound, Stmt};
use crate::entity::Entity;

/// A kernel under construction. Expressions are made bottom up and used once; statements go to the innermost open block.
pub struct KernelBuilder {
    kernel: KernelData,
    blocks: Vec<Vec<Stmt>>,
    /// The type of each expression.
    types: Vec<Scalar>,
}

impl KernelBuilder {
    /// An empty kernel. The name is made unique when the kernel joins a program.
    pub fn new(name: impl Into<String>, comment: impl Into<String>) -> Self {
        let kernel = KernelData { name: name.into(), comment: comment.into(), ..KernelData::default() };
        Self { kernel, blocks: vec![Vec::new()], types: Vec::new() }
    }

    /// The finished kernel.
    pub fn finish(mut self) -> KernelData {
        let body = self.blocks.pop().expect("the outermost block");
        debug_assert!(self.blocks.is_empty(), "every block is closed");
        let mut scope: Vec<String> = self.kernel.params.values().map(|p| p.name.clone()).collect();
        // A name of any loop stays the loop's: a register must not shadow it further in.
        scope.extend(self.kernel.loops.values().map(|l| l.name.clone()));
        number_registers(&mut self.kernel, &body, &mut scope);
        self.kernel.body = body;
        self.kernel
    }

    /// Adds a buffer parameter aligned for its element.
    pub fn param(&mut self, name: &str, scalar: Scalar, len: usize, access: Access) -> Param {
        let align = scalar.size() as u32;
        let data = ParamData { name: name.into(), scalar, len, align, access, may_alias: None };
        self.kernel.params.push(data)
    }

    /// Lets a written parameter share the memory of a read one.
    pub fn may_alias(&mut self, written: Param, read: Param) {
        self.kernel.params[written].may_alias = Some(read);
    }

    /// The type of an expression made here.
    pub fn scalar(&self, expr: Expr) -> Scalar {
        self.types[expr.index()]
    }

    /// The type of a register made here.
    pub fn var_scalar(&self, var: Var) -> Scalar {
        self.kernel.vars[var].scalar
    }

    fn push(&mut self, data: ExprData, scalar: Scalar) -> Expr {
        self.types.push(scalar);
        self.kernel.exprs.push(data)
    }

    /// A constant.
    pub fn literal(&mut self, literal: Literal) -> Expr {
        self.push(ExprData::Literal(literal), literal.scalar())
    }

    /// An i32 constant.
    pub fn i32(&mut self, value: i32) -> Expr {
        self.literal(Literal::I32(value))
    }

    /// A constant of type i32 or i64; the value must fit.
    pub fn int(&mut self, scalar: Scalar, value: i64) -> Expr {
        match scalar {
            Scalar::I64 => self.literal(Literal::I64(value)),
            _ => self.i32(i32::try_from(value).expect("the caller proved that the constant fits")),
        }
    }

    /// An f32 constant.
    pub fn f32(&mut self, value: f32) -> Expr {
        self.literal(Literal::F32(value))
    }

    /// A register's value.
    pub fn var(&mut self, var: Var) -> Expr {
        let scalar = self.kernel.vars[var].scalar;
        self.push(ExprData::Var(var), scalar)
    }

    /// An affine combination of counters as an i32.
    pub fn affine(&mut self, affine: impl Into<Affine>) -> Expr {
        self.push(ExprData::Affine(affine.into()), Scalar::I32)
    }

    /// One element of a buffer, in the element's type.
    pub fn load(&mut self, param: Param, index: impl Into<Index>) -> Expr {
        let scalar = self.kernel.params[param].scalar;
        self.push(ExprData::Load { param, index: index.into(), scalar }, scalar)
    }

    /// One element of a buffer, converted.
    pub fn load_as(&mut self, to: Scalar, param: Param, index: impl Into<Index>) -> Expr {
        let value = self.load(param, index);
        self.convert(to, value)
    }

    /// Neighbouring elements as one wider scalar; raises the parameter's alignment to the scalar's size.
    pub fn load_wide(&mut self, scalar: Scalar, param: Param, index: impl Into<Index>) -> Expr {
        let data = &mut self.kernel.params[param];
        data.align = data.align.max(scalar.size() as u32);
        self.push(ExprData::Load { param, index: index.into(), scalar }, scalar)
    }

    /// An operation on one operand.
    pub fn unary(&mut self, op: UnaryOp, value: Expr) -> Expr {
        let scalar = self.scalar(value);
        self.push(ExprData::Unary { op, value }, scalar)
    }

    /// An operation on two operands.
    pub fn binary(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Expr {
        debug_assert_eq!(self.scalar(left), self.scalar(right));
        let scalar = if op.is_comparison() { Scalar::Bool } else { self.scalar(left) };
        self.push(ExprData::Binary { op, left, right }, scalar)
    }

    /// `left + right`, proven not to overflow.
    pub fn add(&mut self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::Add, left, right)
    }

    /// `left − right`, proven not to overflow.
    pub fn sub(&mut self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::Sub, left, right)
    }

    /// `left · right`, proven not to overflow.
    pub fn mul(&mut self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::Mul, left, right)
    }

    /// `left < right`.
    pub fn less(&mut self, left: Expr, right: Expr) -> Expr {
        self.binary(BinaryOp::Lt, left, right)
    }

    /// The value in another type; itself if it has that type.
    pub fn convert(&mut self, to: Scalar, value: Expr) -> Expr {
        if self.scalar(value) == to {
            return value;
        }
        self.push(ExprData::Convert { to, value }, to)
    }

    /// The value's bits as another type of the same size.
    pub fn bits(&mut self, to: Scalar, value: Expr) -> Expr {
        self.push(ExprData::Bits { to, value }, to)
    }

    /// `then` if the condition holds, else `otherwise`.
    pub fn select(&mut self, condition: Expr, then: Expr, otherwise: Expr) -> Expr {
        let scalar = self.scalar(then);
        self.push(ExprData::Select { condition, then, otherwise }, scalar)
    }

    /// A packed operation.
    pub fn packed(&mut self, op: PackedOp, args: &[Expr]) -> Expr {
        self.push(ExprData::Packed { op, args: args.to_vec() }, op.signature().1)
    }

    fn stmt(&mut self, stmt: Stmt) {
        self.blocks.last_mut().expect("a block is open").push(stmt);
    }

    /// Declares a register with its first value. Registers of one name in one block are numbered when the kernel is
    /// finished: `acc0`, `acc1`, ….
    pub fn let_(&mut self, name: &str, value: Expr) -> Var {
        let scalar = self.scalar(value);
        let var = self.kernel.vars.push(VarData { name: name.into(), scalar });
        self.stmt(Stmt::Let { var, value });
        var
    }

    /// Gives a register another value.
    pub fn assign(&mut self, var: Var, value: Expr) {
        self.stmt(Stmt::Assign { var, value });
    }

    /// `var += value`, proven not to overflow.
    pub fn accumulate(&mut self, var: Var, value: Expr) {
        let old = self.var(var);
        let sum = self.add(old, value);
        self.assign(var, sum);
    }

    /// Writes an element.
    pub fn store(&mut self, param: Param, index: impl Into<Index>, value: Expr) {
        let scalar = self.kernel.params[param].scalar;
        let value = self.convert(scalar, value);
        self.stmt(Stmt::Store { param, index: index.into(), value });
    }

    /// Writes a value over neighbouring elements that are narrower; raises the parameter's alignment to the value's size.
    pub fn store_wide(&mut self, param: Param, index: impl Into<Index>, value: Expr) {
        let size = self.scalar(value).size() as u32;
        let data = &mut self.kernel.params[param];
        data.align = data.align.max(size);
        self.stmt(Stmt::Store { param, index: index.into(), value });
    }

    /// Ends the whole run with an error code for the user.
    pub fn fail(&mut self, code: u8) {
        self.stmt(Stmt::Fail { code });
    }

    /// Leaves the innermost loop.
    pub fn break_(&mut self) {
        self.stmt(Stmt::Break);
    }

    /// Opens a loop: what follows is its body, until [`end_for`](Self::end_for).
    pub fn begin_for(&mut self, name: &str) -> Loop {
        self.begin_block();
        self.kernel.loops.push(LoopData { name: name.into() })
    }

    /// Closes the innermost loop, which runs for the counter in `lo..hi` with the given step.
    pub fn end_for(&mut self, counter: Loop, lo: impl Into<Bound>, hi: impl Into<Bound>, step: u32) {
        let body = self.end_block();
        self.stmt(Stmt::For { counter, lo: lo.into(), hi: hi.into(), step, body });
    }

    /// Opens a block, for [`if_else`](Self::if_else).
    pub fn begin_block(&mut self) {
        self.blocks.push(Vec::new());
    }

    /// Closes the innermost block.
    pub fn end_block(&mut self) -> Vec<Stmt> {
        self.blocks.pop().expect("a block is open")
    }

    /// Runs one of two closed blocks.
    pub fn if_else(&mut self, condition: Expr, then: Vec<Stmt>, otherwise: Vec<Stmt>) {
        self.stmt(Stmt::If { condition, then, otherwise });
    }
}

/// Makes the names of a block's registers unique among those in scope: the only one of its name keeps it, several
/// are numbered from 0.
fn number_registers(kernel: &mut KernelData, block: &[Stmt], scope: &mut Vec<String>) {
    let outside = scope.len();
    let lets: Vec<Var> =
        block.iter().filter_map(|s| if let Stmt::Let { var, .. } = s { Some(*var) } else { None }).collect();
    let wanted: Vec<String> = lets.iter().map(|&var| kernel.vars[var].name.clone()).collect();
    for (&var, name) in lets.iter().zip(&wanted) {
        let alone = wanted.iter().filter(|other| *other == name).count() == 1;
        // `l0` and a number would read as another number.
        let joint = if name.ends_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        let name = alone
            .then(|| name.clone())
            .into_iter()
            .chain((0..).map(|i| format!("{name}{joint}{i}")))
            .find(|candidate| !scope.contains(candidate) && (alone || !wanted.contains(candidate)))
            .expect("some number is free");
        kernel.vars[var].name.clone_from(&name);
        scope.push(name);
    }
    for stmt in block {
        match stmt {
            Stmt::For { body, .. } => number_registers(kernel, body, scope),
            Stmt::If { then, otherwise, .. } => {
                number_registers(kernel, then, scope);
                number_registers(kernel, otherwise, scope);
            }
            _ => {}
        }
    }
    scope.truncate(outside);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_of_one_block_are_numbered_and_blocks_do_not_see_each_other() {
        let mut b = KernelBuilder::new("k", "");
        let mut accs = Vec::new();
        for name in ["acc", "acc", "once", "acc0", "l1", "l1"] {
            let zero = b.i32(0);
            accs.push(b.let_(name, zero));
        }
        for _ in 0..2 {
            let counter = b.begin_for("i");
            for name in ["w", "acc", "i"] {
                let zero = b.i32(0);
                accs.push(b.let_(name, zero));
            }
            b.end_for(counter, 0, 2, 1);
        }
        let kernel = b.finish();
        let names: Vec<&str> = accs.iter().map(|&v| kernel.vars[v].name.as_str()).collect();
        assert_eq!(names[..6], ["acc1", "acc2", "once", "acc0", "l1_0", "l1_1"]);
        assert_eq!(names[6..9], ["w", "acc", "i0"]);
        assert_eq!(names[9..], names[6..9]);
    }
}
