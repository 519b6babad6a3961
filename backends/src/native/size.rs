//! An estimate of how many instructions statements become: what unrolling decides by. It need not be exact, only alike
//! for bodies that are alike.

use super::Machine;
use super::counts::Range;
use std::collections::BTreeSet;
use tinyc_ir::loops::{BinaryOp, Expr, ExprData, KernelData, Loop, Scalar, Stmt};

/// What unrolling wants to know of a loop's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    /// Instructions, about.
    pub(super) size: u64,
    /// Cycles of an iteration that are not for its work: the counter, the jump, and the pointers that move.
    pub(super) overhead: u64,
    /// Whether no loop in it stays one.
    pub(super) innermost: bool,
    /// Whether it leaves the loop early.
    pub(super) breaks: bool,
}

/// Counting down and jumping back.
const CONTROL: u64 = 4;
/// A routine's call with its operands.
const CALL: u64 = 4;

impl Shape {
    /// Looks at the body of a loop.
    pub(super) fn of(kernel: &KernelData, body: &[Stmt], counter: Loop, machine: &Machine) -> Self {
        let mut sizes = Sizes {
            kernel,
            machine,
            counter,
            pointers: BTreeSet::new(),
            shape: Self { size: 0, overhead: CONTROL, innermost: true, breaks: false },
        };
        sizes.block(body);
        sizes.shape.overhead += sizes.pointers.len() as u64;
        sizes.shape
    }
}

struct Sizes<'a> {
    kernel: &'a KernelData,
    machine: &'a Machine,
    counter: Loop,
    /// Accesses that move with the loop, each kind once.
    pointers: BTreeSet<(tinyc_ir::loops::Param, Vec<(i64, Loop)>)>,
    shape: Shape,
}

impl Sizes<'_> {
    fn block(&mut self, block: &[Stmt]) {
        for stmt in block {
            match stmt {
                Stmt::Let { value, .. } | Stmt::Assign { value, .. } => self.expr(*value),
                Stmt::Store { param, index, value } => {
                    self.access(*param, &index.affine);
                    self.shape.size += (self.kernel.scalar(*value).size() as u64).div_ceil(4);
                    self.expr(*value);
                    if let Some(dynamic) = &index.dynamic {
                        self.shape.size += 1;
                        self.expr(dynamic.value);
                    }
                }
                Stmt::For { counter, lo, hi, step, body } => {
                    let range =
                        Range { counter: *counter, lo: lo.clone(), hi: hi.clone(), step: i64::from(*step) };
                    // A loop of one iteration is none; longer ones are taken to stay.
                    self.shape.innermost &= range.trip().is_some_and(|t| t <= 1);
                    self.shape.size += CONTROL;
                    self.block(body);
                }
                Stmt::If { condition, then, otherwise } => {
                    self.shape.size += 2;
                    self.expr(*condition);
                    self.block(then);
                    self.block(otherwise);
                }
                Stmt::Break => self.shape.breaks = true,
                Stmt::Fail { .. } => self.shape.size += 2,
            }
        }
    }

    fn access(&mut self, param: tinyc_ir::loops::Param, affine: &tinyc_ir::loops::Affine) {
        if affine.coefficient(self.counter) != 0 {
            self.pointers.insert((param, affine.terms.clone()));
        }
    }

    fn expr(&mut self, expr: Expr) {
        let kernel = self.kernel;
        let words = |e: Expr| (kernel.scalar(e).size() as u64).div_ceil(4);
        let soft = |s: Scalar| s == Scalar::F64 || s == Scalar::F32 && !self.machine.float;
        let own = match &kernel.exprs[expr] {
            ExprData::Literal(_) | ExprData::Var(_) => 0,
            ExprData::Affine(affine) => affine.terms.len() as u64,
            ExprData::Load { param, index, .. } => {
                let dynamic = u64::from(index.dynamic.is_some());
                let ring = if index.ring.is_some() { CALL } else { 0 };
                self.access(*param, &index.affine);
                words(expr) + dynamic + ring
            }
            ExprData::Unary { value, .. } if soft(kernel.scalar(*value)) => CALL,
            ExprData::Unary { .. } => words(expr),
            ExprData::Binary { op, left, right } => {
                // A product goes along with the sum around it.
                let is_product = |e: Expr| {
                    matches!(
                        kernel.exprs[e],
                        ExprData::Binary { op: BinaryOp::Mul | BinaryOp::WrappingMul, .. }
                    )
                };
                match op {
                    _ if soft(kernel.scalar(*left)) => CALL,
                    BinaryOp::Add | BinaryOp::WrappingAdd if is_product(*left) || is_product(*right) => {
                        words(*left) - 1
                    }
                    BinaryOp::Div | BinaryOp::Rem => CALL,
                    BinaryOp::Min | BinaryOp::Max => 3 * words(*left),
                    _ => words(*left),
                }
            }
            ExprData::Convert { value, .. } => {
                let from = kernel.scalar(*value);
                // Loads extend, stores cut.
                let free = from.is_int() && kernel.scalar(expr).is_int() && kernel.scalar(expr).size() <= 4;
                if free {
                    0
                } else if soft(from) || soft(kernel.scalar(expr)) {
                    CALL
                } else {
                    1
                }
            }
            ExprData::Bits { .. } => 1,
            ExprData::Select { .. } => 2 * words(expr),
            ExprData::Packed { .. } => {
                if self.machine.dsp {
                    1
                } else {
                    5
                }
            }
        };
        self.shape.size += own;
        match &kernel.exprs[expr] {
            ExprData::Load { index, .. } => index.dynamic.iter().for_each(|d| self.expr(d.value)),
            ExprData::Unary { value, .. }
            | ExprData::Convert { value, .. }
            | ExprData::Bits { value, .. } => {
                self.expr(*value);
            }
            ExprData::Binary { left, right, .. } => [*left, *right].into_iter().for_each(|e| self.expr(e)),
            ExprData::Select { condition, then, otherwise } => {
                [*condition, *then, *otherwise].into_iter().for_each(|e| self.expr(e));
            }
            ExprData::Packed { args, .. } => args.iter().for_each(|&e| self.expr(e)),
            ExprData::Literal(_) | ExprData::Var(_) | ExprData::Affine(_) => {}
        }
    }
}
