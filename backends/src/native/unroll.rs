//! Repeats the bodies of innermost loops where it pays: from a kernel to an equal kernel with fewer, longer loops. It
//! knows what an iteration costs besides its work, and nothing of instructions but how many there may be.
//!
//! A loop of constant length is written out whole if that is short. Else its body is written several times: a number of
//! times that divides the length, if one is known to, else with the rest behind the loop. An iteration
//! has an [`overhead`](Shape::overhead) of the counter, the jump and one addition per pointer; writing the body `n` times
//! saves `overhead · (1 − 1/n)` per iteration, and must save one cycle in a call for each byte that it costs.

use super::size::Shape;
use super::{Machine, counts::Range};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{
    Affine, Bound, Expr, ExprData, Index, KernelData, LoopData, Stmt, Var, VarData, bounds,
};

/// The most instructions of a loop that is written out whole.
const WHOLE: u64 = 160;
/// The most instructions of a body after repeating it, with what is left behind the loop.
const BODY: u64 = 120;
/// No body is repeated more often.
const MOST: u64 = 16;
/// Bytes of code per instruction, about.
const BYTES: u64 = 3;
/// Iterations that a loop is taken to have whose length is not constant.
const UNKNOWN_TRIP: u64 = 8;

/// The kernel with its short loops repeated. Loops of one iteration and of none are gone.
pub(super) fn unroll(kernel: &KernelData, machine: &Machine) -> KernelData {
    // A loop may become innermost, and short enough to be written out, when those in it are.
    let mut kernel = pass(kernel, machine, true);
    loop {
        let next = pass(&kernel, machine, true);
        if next.loops.len() == kernel.loops.len() {
            return pass(&next, machine, false);
        }
        kernel = next;
    }
}

/// Writes out whole loops, or else repeats bodies, too.
fn pass(kernel: &KernelData, machine: &Machine, only_whole: bool) -> KernelData {
    let new = KernelData {
        name: kernel.name.clone(),
        comment: kernel.comment.clone(),
        params: kernel.params.clone(),
        ..KernelData::default()
    };
    let mut copier = Copier {
        old: kernel,
        new,
        machine,
        only_whole,
        loops: vec![Affine::default(); kernel.loops.len()],
        vars: vec![None; kernel.vars.len()],
        scope: bounds::Scope::new(),
        count: 1,
    };
    let mut body = Vec::new();
    copier.block(&kernel.body, &mut body);
    copier.new.body = body;
    copier.new
}

struct Copier<'a> {
    old: &'a KernelData,
    new: KernelData,
    machine: &'a Machine,
    only_whole: bool,
    /// What each old counter is in new ones.
    loops: Vec<Affine>,
    vars: Vec<Option<Var>>,
    /// The new loops around.
    scope: bounds::Scope,
    /// How often the current statement runs, about.
    count: u64,
}

/// What becomes of a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plan {
    /// The body this many times in each iteration, and what is left of a constant length behind the loop.
    Repeated(u64),
    /// The body once for each iteration.
    Whole,
}

impl Copier<'_> {
    fn block(&mut self, block: &[Stmt], out: &mut Vec<Stmt>) {
        for stmt in block {
            self.stmt(stmt, out);
        }
    }

    fn inner(&mut self, block: &[Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        self.block(block, &mut out);
        out
    }

    fn stmt(&mut self, stmt: &Stmt, out: &mut Vec<Stmt>) {
        out.push(match stmt {
            Stmt::Let { var, value } => {
                let value = self.expr(*value);
                let old = &self.old.vars[*var];
                let name = format!("{}_{}", old.name, self.new.vars.len());
                let new = self.new.vars.push(VarData { name, scalar: old.scalar });
                self.vars[var.index()] = Some(new);
                Stmt::Let { var: new, value }
            }
            Stmt::Assign { var, value } => {
                let value = self.expr(*value);
                Stmt::Assign { var: self.vars[var.index()].expect("declared before"), value }
            }
            Stmt::Store { param, index, value } => {
                let index = self.index(index);
                Stmt::Store { param: *param, index, value: self.expr(*value) }
            }
            Stmt::For { counter, lo, hi, step, body } => {
                let range = Range {
                    counter: *counter,
                    lo: self.bound(lo),
                    hi: self.bound(hi),
                    step: i64::from(*step),
                };
                return self.repeat(&range, body, out);
            }
            Stmt::If { condition, then, otherwise } => {
                let condition = self.expr(*condition);
                let then = self.inner(then);
                Stmt::If { condition, then, otherwise: self.inner(otherwise) }
            }
            Stmt::Break => Stmt::Break,
            Stmt::Fail { code } => Stmt::Fail { code: *code },
        });
    }

    fn repeat(&mut self, range: &Range, body: &[Stmt], out: &mut Vec<Stmt>) {
        let (trip, first) = (range.trip(), range.first());
        let shape = Shape::of(self.old, body, range.counter, self.machine);
        match (self.plan(range, &shape), trip, first) {
            (Plan::Whole, Some(trip), Some(first)) => {
                for i in 0..trip as i64 {
                    self.loops[range.counter.index()] = first.offset(i * range.step);
                    self.block(body, out);
                }
            }
            (Plan::Repeated(times), Some(trip), Some(first)) => {
                let main = (trip / times * times) as i64;
                let end = Bound::from(first.offset(main * range.step));
                self.rolled(range, times, end, body, out);
                for i in main..trip as i64 {
                    self.loops[range.counter.index()] = first.offset(i * range.step);
                    self.block(body, out);
                }
            }
            (Plan::Repeated(times), ..) => self.rolled(range, times, range.hi.clone(), body, out),
            (Plan::Whole, ..) => unreachable!("only loops of constant length are written out whole"),
        }
    }

    /// The loop with its body several times.
    fn rolled(&mut self, range: &Range, times: u64, hi: Bound, body: &[Stmt], out: &mut Vec<Stmt>) {
        let name = self.old.loops[range.counter].name.clone();
        let counter = self.new.loops.push(LoopData { name });
        let step = (range.step * times as i64) as u32;
        self.scope.push(counter, &range.lo, &hi, step);
        let count = self.count;
        self.count = count.saturating_mul(range.trip().unwrap_or(UNKNOWN_TRIP).div_ceil(times));
        let mut copies = Vec::new();
        for i in 0..times as i64 {
            self.loops[range.counter.index()] = Affine::of(counter).offset(i * range.step);
            self.block(body, &mut copies);
        }
        self.count = count;
        self.scope.pop();
        out.push(Stmt::For { counter, lo: range.lo.clone(), hi, step, body: copies });
    }

    fn plan(&self, range: &Range, shape: &Shape) -> Plan {
        let trip = range.trip();
        let once = Plan::Repeated(1);
        if trip.is_some_and(|t| t <= 1) && !shape.breaks {
            return Plan::Whole;
        }
        if !shape.innermost || shape.breaks {
            return once;
        }
        let size = shape.size.max(1);
        let times = self.count.saturating_mul(trip.unwrap_or(UNKNOWN_TRIP));
        // Cycles saved in a call, for so many copies of the body in so many bytes.
        let pays = |saved: u64, copies: u64| saved >= (copies - 1) * size * BYTES;
        if let Some(trip) = trip
            && trip * size <= WHOLE
            && pays(times * shape.overhead, trip)
        {
            return Plan::Whole;
        }
        if self.only_whole {
            return once;
        }
        let mut best = (0, once);
        for copies in 2..=MOST {
            let rest = match trip {
                Some(trip) if 2 * copies > trip => break,
                Some(trip) => trip % copies,
                None if self.divides(range, copies) => 0,
                None => continue,
            };
            let saved = times * shape.overhead * (copies - 1) / copies;
            // Of equal ones, the shorter; a rest costs its bytes, too.
            let gain = saved.saturating_sub(rest * size * BYTES);
            if (copies + rest) * size <= BODY && pays(saved, copies + rest) && gain > best.0 {
                best = (gain, Plan::Repeated(copies));
            }
        }
        best.1
    }

    /// Whether the length of a loop is known to be a multiple.
    fn divides(&self, range: &Range, copies: u64) -> bool {
        let modulus = range.step * copies as i64;
        let distances = range.lo.0.iter().flat_map(|lo| range.hi.0.iter().map(|hi| hi.plus(&lo.times(-1))));
        distances.into_iter().all(|d| bounds::residue(&d, modulus, &self.scope) == Some(0))
    }

    fn affine(&self, affine: &Affine) -> Affine {
        let terms = affine.terms.iter().map(|&(c, l)| self.loops[l.index()].times(c));
        terms.fold(Affine::constant(affine.constant), |sum, term| sum.plus(&term))
    }

    fn bound(&self, bound: &Bound) -> Bound {
        Bound(bound.0.iter().map(|a| self.affine(a)).collect())
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

    fn expr(&mut self, expr: Expr) -> Expr {
        let old = self.old;
        let data = match &old.exprs[expr] {
            ExprData::Literal(literal) => ExprData::Literal(*literal),
            ExprData::Var(var) => ExprData::Var(self.vars[var.index()].expect("declared before")),
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
}

#[cfg(test)]
mod tests;
