//! Parts of a buffer as arrays of fixed length, so that one comparison stands for all accesses of a block or of a loop:
//! `let x_row: &[u8; 16] = part(x, 16 * row)?;`, and then `x_row[3]`, which no compiler needs to check again.
//!
//! A window spans positions that the verifier has proven to lie in the buffer in every iteration of the loops around them; so the
//! comparison never fails, whether the compiler sees it or not.

use super::layout::{Position, Shape};
use tinyc_ir::loops::{Affine, Expr, ExprData, Index, KernelData, Loop, Param, Ring, Scalar, Stmt};

/// Iterations of inner loops that a window may span: positions inside few are found in range by every compiler.
const MOST_ITERATIONS: i64 = 64;

/// A part of a slot.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Its name; empty until it is declared.
    pub(super) name: String,
    pub(super) slot: usize,
    /// Where it begins.
    pub(super) base: Affine,
    pub(super) ring: Option<Ring>,
    /// How many elements or bytes it has.
    pub(super) len: i64,
    /// The first statement of the block that needs it.
    pub(super) first: usize,
    /// The last one.
    pub(super) last: usize,
}

impl Window {
    /// The distance from its beginning, if the position lies in it for all counters in their ranges.
    pub(super) fn reach(&self, at: &Position, range: &dyn Fn(Loop) -> Option<(i64, i64)>) -> Option<Affine> {
        if self.slot != at.slot || self.ring != at.ring || at.dynamic.is_some() {
            return None;
        }
        let rest = at.affine.plus(&self.base.times(-1));
        let (lo, hi) = span(&rest, range)?;
        (lo >= 0 && hi + at.width <= self.len).then_some(rest)
    }
}

/// The least and the greatest value of a combination of counters with known ranges.
pub(super) fn span(affine: &Affine, range: &dyn Fn(Loop) -> Option<(i64, i64)>) -> Option<(i64, i64)> {
    affine.terms.iter().try_fold((affine.constant, affine.constant), |(lo, hi), &(factor, counter)| {
        let (first, last) = range(counter)?;
        let (a, b) = (factor * first, factor * last);
        Some((lo + a.min(b), hi + a.max(b)))
    })
}

/// First and last value of a loop with a constant number of iterations, at least one.
pub(super) fn constant_range(stmt: &Stmt) -> Option<(Loop, i64, i64, i64)> {
    let Stmt::For { counter, lo, hi, step, .. } = stmt else { return None };
    let constants = |bound: &[Affine]| bound.iter().map(Affine::as_constant).collect::<Option<Vec<i64>>>();
    let (lo, hi) = (constants(&lo.0)?.into_iter().max()?, constants(&hi.0)?.into_iter().min()?);
    let step = i64::from(*step);
    let count = ((hi - lo).max(0) + step - 1) / step;
    (count > 0).then(|| (*counter, lo, lo + (count - 1) * step, count))
}

/// One access with the loops between it and the block in question.
#[derive(Clone)]
struct Access {
    at: Position,
    /// Those loops are counted exactly, and few; so the access may share a window of the block.
    joins: bool,
}

/// What one statement accesses, and the loops in it that a window may span, each with its first and last value.
type Row = (Vec<Access>, Vec<(Loop, i64, i64)>);

struct Collector<'a> {
    kernel: &'a KernelData,
    shape: &'a Shape,
    found: Vec<Access>,
    /// Of loops between the block and the current statement: the range of each, if all are constant.
    inner: Vec<(Loop, i64, i64)>,
    joins: bool,
}

impl Collector<'_> {
    fn access(&mut self, param: Param, index: &Index, scalar: Scalar) {
        let at = Position::new(self.shape, param, index, scalar);
        let joins = self.joins && at.dynamic.is_none();
        self.found.push(Access { at, joins });
    }

    fn expr(&mut self, expr: Expr) {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            ExprData::Literal(_) | ExprData::Var(_) | ExprData::Affine(_) => {}
            ExprData::Load { param, index, scalar } => {
                if let Some(dynamic) = &index.dynamic {
                    self.expr(dynamic.value);
                }
                self.access(*param, index, *scalar);
            }
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
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let { value, .. } | Stmt::Assign { value, .. } => self.expr(*value),
            Stmt::Store { param, index, value } => {
                self.expr(*value);
                self.access(*param, index, self.kernel.scalar(*value));
            }
            Stmt::For { body, .. } => {
                let (outside, joined) = (self.inner.len(), self.joins);
                match constant_range(stmt) {
                    Some((counter, lo, hi, _)) => self.inner.push((counter, lo, hi)),
                    None => self.joins = false,
                }
                body.iter().for_each(|s| self.stmt(s));
                self.inner.truncate(outside);
                self.joins = joined;
            }
            Stmt::If { condition, then, otherwise } => {
                self.expr(*condition);
                then.iter().chain(otherwise).for_each(|s| self.stmt(s));
            }
            Stmt::Break | Stmt::Fail { .. } => {}
        }
    }
}

/// Iterations of a nest of constant loops; `None` if some loop is not constant.
fn iterations(stmt: &Stmt) -> Option<i64> {
    let Stmt::For { body, .. } = stmt else { return Some(1) };
    let (.., count) = constant_range(stmt)?;
    let inner = body.iter().map(iterations).try_fold(1, |most, n| Some(i64::max(most, n?)))?;
    let nested = body.iter().any(|s| matches!(s, Stmt::For { .. }));
    // An innermost loop may be long: its positions move with one counter only.
    Some(if nested { count.saturating_mul(inner) } else { count.min(MOST_ITERATIONS) })
}

fn loops(stmt: &Stmt, found: &mut Vec<(Loop, i64, i64)>) {
    if let Some((counter, lo, hi, _)) = constant_range(stmt) {
        found.push((counter, lo, hi));
    }
    match stmt {
        Stmt::For { body, .. } => body.iter().for_each(|s| loops(s, found)),
        Stmt::If { then, otherwise, .. } => then.iter().chain(otherwise).for_each(|s| loops(s, found)),
        _ => {}
    }
}

/// The windows that a block should declare, by the statement that first needs them.
///
/// `served` tells whether a window of an outer block has the position already.
pub(super) fn candidates(
    kernel: &KernelData,
    shape: &Shape,
    block: &[Stmt],
    served: &dyn Fn(&Position) -> bool,
) -> Vec<Window> {
    let mut rows: Vec<Row> = Vec::new();
    for stmt in block {
        let mut collector = Collector { kernel, shape, found: Vec::new(), inner: Vec::new(), joins: true };
        let mut inner = Vec::new();
        match stmt {
            Stmt::For { .. } => {
                collector.joins = iterations(stmt).is_some_and(|n| n <= MOST_ITERATIONS);
                collector.stmt(stmt);
                loops(stmt, &mut inner);
            }
            Stmt::If { condition, then, otherwise } => {
                collector.expr(*condition);
                collector.joins = false;
                then.iter().chain(otherwise).for_each(|s| collector.stmt(s));
            }
            _ => collector.stmt(stmt),
        }
        rows.push((collector.found, inner));
    }
    let mut windows: Vec<(Window, usize)> = Vec::new();
    for (position, (accesses, inner)) in rows.iter().enumerate() {
        let is_loop = matches!(block[position], Stmt::For { .. });
        let counters: Vec<Loop> = inner.iter().map(|l| l.0).collect();
        let range = |counter: Loop| inner.iter().find(|l| l.0 == counter).map(|l| (l.1, l.2));
        for access in accesses.iter().filter(|a| a.joins && !served(&a.at)) {
            let at = &access.at;
            if at.ring.as_ref().is_some_and(|r| r.row.terms.iter().any(|t| counters.contains(&t.1))) {
                continue;
            }
            let outer = at.outer(&counters);
            if outer.terms.is_empty() && at.ring.is_none() {
                continue; // A constant part of the whole.
            }
            let rest = at.affine.plus(&outer.times(-1));
            let Some((lo, hi)) = span(&rest, &range) else { continue };
            let (lo, hi) = (lo, hi + at.width);
            let same = |w: &Window| {
                w.slot == at.slot
                    && w.ring == at.ring
                    && w.base.terms == outer.terms
                    && !is_loop
                    && !matches!(block[w.first], Stmt::For { .. })
                    || w.first == position
                        && w.slot == at.slot
                        && w.ring == at.ring
                        && w.base.terms == outer.terms
            };
            match windows.iter_mut().find(|(w, _)| same(w)) {
                Some((window, count)) => {
                    let end = i64::max(window.base.constant + window.len, hi);
                    window.base.constant = window.base.constant.min(lo);
                    window.len = end - window.base.constant;
                    window.last = position;
                    *count += 1;
                }
                None => {
                    let base = outer.offset(lo);
                    let window = Window {
                        name: String::new(),
                        slot: at.slot,
                        base,
                        ring: at.ring.clone(),
                        len: hi - lo,
                        first: position,
                        last: position,
                    };
                    // In a loop, one access is many.
                    windows.push((window, if is_loop { 2 } else { 1 }));
                }
            }
        }
    }
    windows.retain(|(_, count)| *count > 1);
    let windows: Vec<Window> = windows.into_iter().map(|(w, _)| w).collect();
    // What is written is borrowed once at a time: all accesses while the window lives must go through it.
    let alone = |window: &Window| {
        !shape.slots[window.slot].written
            || (window.first..=window.last).all(|i| {
                let (accesses, inner) = &rows[i];
                let range = |counter: Loop| inner.iter().find(|l| l.0 == counter).map(|l| (l.1, l.2));
                accesses
                    .iter()
                    .filter(|a| a.at.slot == window.slot)
                    .all(|a| a.joins && window.reach(&a.at, &range).is_some())
            })
    };
    windows.iter().filter(|w| alone(w)).cloned().collect()
}
