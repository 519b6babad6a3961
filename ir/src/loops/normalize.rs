//! Renumbers a kernel's expressions, loops and registers in the order of its text, and drops those that nothing uses.
//!
//! Two programs that print the same are then equal: what the text form parses to is normal.

use super::expr::{Expr, ExprData};
use super::index::{Affine, Index};
use super::kernel::{KernelData, Loop, Var};
use super::program::Program;
use super::stmt::{Bound, Stmt};
use crate::entity::{Arena, Entity};

/// The same program with every kernel in normal order: operands before their expression, left before right, an index
/// before the value that is stored there.
pub fn normalize(program: &Program) -> Program {
    let mut normal = program.clone();
    normal.kernels = Arena::new();
    for kernel in program.kernels.values() {
        normal.kernels.push(normalize_kernel(kernel));
    }
    normal
}

/// As [`normalize`], for one kernel.
pub fn normalize_kernel(kernel: &KernelData) -> KernelData {
    let new = KernelData {
        name: kernel.name.clone(),
        comment: kernel.comment.clone(),
        params: kernel.params.clone(),
        ..KernelData::default()
    };
    let (loops, vars) = (vec![None; kernel.loops.len()], vec![None; kernel.vars.len()]);
    let mut normalizer = Normalizer { old: kernel, new, loops, vars };
    normalizer.new.body = normalizer.block(&kernel.body);
    normalizer.new
}

struct Normalizer<'a> {
    old: &'a KernelData,
    new: KernelData,
    loops: Vec<Option<Loop>>,
    vars: Vec<Option<Var>>,
}

impl Normalizer<'_> {
    fn block(&mut self, block: &[Stmt]) -> Vec<Stmt> {
        block.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &Stmt) -> Stmt {
        match stmt {
            Stmt::Let { var, value } => {
                let value = self.expr(*value);
                Stmt::Let { var: self.var(*var), value }
            }
            Stmt::Assign { var, value } => Stmt::Assign { var: self.var(*var), value: self.expr(*value) },
            Stmt::Store { param, index, value } => {
                let index = self.index(index);
                Stmt::Store { param: *param, index, value: self.expr(*value) }
            }
            Stmt::For { counter, lo, hi, step, body } => {
                let counter = self.counter(*counter);
                let (lo, hi) = (self.bound(lo), self.bound(hi));
                Stmt::For { counter, lo, hi, step: *step, body: self.block(body) }
            }
            Stmt::If { condition, then, otherwise } => {
                let condition = self.expr(*condition);
                let then = self.block(then);
                Stmt::If { condition, then, otherwise: self.block(otherwise) }
            }
            Stmt::Break => Stmt::Break,
            Stmt::Fail { code } => Stmt::Fail { code: *code },
        }
    }

    fn expr(&mut self, expr: Expr) -> Expr {
        let old = self.old;
        let data = match &old.exprs[expr] {
            ExprData::Literal(literal) => ExprData::Literal(*literal),
            ExprData::Var(var) => ExprData::Var(self.var(*var)),
            ExprData::Affine(affine) => ExprData::Affine(self.affine(affine)),
            ExprData::Load { param, index, scalar } => {
                ExprData::Load { param: *param, index: self.index(index), scalar: *scalar }
            }
            ExprData::Unary { op, value } => ExprData::Unary { op: *op, value: self.expr(*value) },
            ExprData::Binary { op, left, right } => {
                let left = self.expr(*left);
                ExprData::Binary { op: *op, left, right: self.expr(*right) }
            }
            ExprData::Convert { to, value } => ExprData::Convert { to: *to, value: self.expr(*value) },
            ExprData::Bits { to, value } => ExprData::Bits { to: *to, value: self.expr(*value) },
            ExprData::Select { condition, then, otherwise } => {
                let condition = self.expr(*condition);
                let then = self.expr(*then);
                ExprData::Select { condition, then, otherwise: self.expr(*otherwise) }
            }
            ExprData::Packed { op, args } => {
                ExprData::Packed { op: *op, args: args.iter().map(|&a| self.expr(a)).collect() }
            }
        };
        self.new.exprs.push(data)
    }

    fn index(&mut self, index: &Index) -> Index {
        let mut new = index.clone();
        new.affine = self.affine(&index.affine);
        if let Some(ring) = &mut new.ring {
            ring.row = self.affine(&ring.row);
        }
        if let Some(dynamic) = &mut new.dynamic {
            dynamic.value = self.expr(dynamic.value);
        }
        new
    }

    fn affine(&mut self, affine: &Affine) -> Affine {
        let mut terms: Vec<_> = affine.terms.iter().map(|&(c, l)| (c, self.counter(l))).collect();
        terms.sort_by_key(|t| t.1);
        Affine { terms, constant: affine.constant }
    }

    fn bound(&mut self, bound: &Bound) -> Bound {
        Bound(bound.0.iter().map(|a| self.affine(a)).collect())
    }

    fn counter(&mut self, counter: Loop) -> Loop {
        let (old, new) = (&self.old.loops, &mut self.new.loops);
        *self.loops[counter.index()].get_or_insert_with(|| new.push(old[counter].clone()))
    }

    fn var(&mut self, var: Var) -> Var {
        let (old, new) = (&self.old.vars, &mut self.new.vars);
        *self.vars[var.index()].get_or_insert_with(|| new.push(old[var].clone()))
    }
}
