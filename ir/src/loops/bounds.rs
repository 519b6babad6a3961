//! What is known of an index inside its loops: an interval that holds it, and its remainder modulo a number.
//!
//! Sound for every iteration that runs, and tight for the shapes that lowering makes (tiles, convolution borders);
//! not a general solver. Arithmetic that would overflow gives up: the interval becomes unbounded.

use super::index::{Affine, Index};
use super::kernel::Loop;
use super::stmt::Bound;

/// Steps spent on one question. Lowered kernels need tens; only loops with many candidates many deep reach the
/// limit, and then the rest of the candidates are left out, which is sound.
const MAX_STEPS: u32 = 500;

/// The loops around a statement, outermost first.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    loops: Vec<Range>,
    /// How many of the loops are proven to have no iteration.
    empty: usize,
}

/// `for counter in max(lo)..min(hi) step step`
#[derive(Clone, Debug)]
struct Range {
    counter: Loop,
    lo: Bound,
    hi: Bound,
    step: i64,
    is_empty: bool,
}

impl Scope {
    /// No loop.
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a loop. Its bounds may use the loops entered before; `step` is above zero.
    pub fn push(&mut self, counter: Loop, lo: &Bound, hi: &Bound, step: u32) {
        debug_assert!(step > 0);
        let mut budget = MAX_STEPS;
        let mut never = |lo: &Affine, hi: &Affine| {
            combine(hi, lo, -1).and_then(|d| upper(&d, self, &mut budget)).is_some_and(|d| d <= 0)
        };
        let is_empty = lo.0.iter().any(|lo| hi.0.iter().any(|hi| never(lo, hi)));
        self.empty += usize::from(is_empty);
        let (lo, hi, step) = (lo.clone(), hi.clone(), i64::from(step));
        self.loops.push(Range { counter, lo, hi, step, is_empty });
    }

    /// Leaves the innermost loop.
    pub fn pop(&mut self) {
        if let Some(range) = self.loops.pop() {
            self.empty -= usize::from(range.is_empty);
        }
    }

    /// Whether no loop has been entered.
    pub fn is_empty(&self) -> bool {
        self.loops.is_empty()
    }

    /// Whether a loop is proven to have no iteration, so that anything may be said of what is inside.
    pub fn never_runs(&self) -> bool {
        self.empty > 0
    }

    /// Whether a loop has been entered and not left.
    pub fn contains(&self, counter: Loop) -> bool {
        self.loops.iter().any(|range| range.counter == counter)
    }

    /// The innermost loop that occurs in an affine expression, with its coefficient and its depth.
    fn innermost(&self, affine: &Affine) -> Option<(i64, usize)> {
        let depth = self.loops.iter().rposition(|r| affine.coefficient(r.counter) != 0)?;
        Some((affine.coefficient(self.loops[depth].counter), depth))
    }

    fn get(&self, counter: Loop) -> Option<&Range> {
        self.loops.iter().rev().find(|range| range.counter == counter)
    }
}

impl Range {
    /// Upper bounds of the last counter: below each `hi`, by as much as the step forces where remainders are known.
    fn last(&self, scope: &Scope) -> impl Iterator<Item = Affine> {
        self.hi.0.iter().filter_map(move |hi| {
            let distance = |lo| residue(&combine(hi, lo, -1)?, self.step, scope);
            let mut distances = self.lo.0.iter().map(distance);
            // The counter is some `lo` plus steps, so the gap to `hi` is at least one and ≡ hi − lo.
            let first = distances.next().flatten();
            let gap = match first.filter(|&d| distances.all(|other| other == Some(d))) {
                Some(0) => self.step,
                Some(distance) => distance,
                None => 1,
            };
            combine(hi, &Affine::constant(gap), -1)
        })
    }
}

/// `a + b · factor`, unless it overflows.
fn combine(a: &Affine, b: &Affine, factor: i64) -> Option<Affine> {
    let mut sum = Affine::constant(a.constant.checked_add(b.constant.checked_mul(factor)?)?);
    let (mut left, mut right) = (a.terms.iter().peekable(), b.terms.iter().peekable());
    loop {
        let (x, y) = (left.peek().map(|t| t.1), right.peek().map(|t| t.1));
        let Some(counter) = x.into_iter().chain(y).min() else { return Some(sum) };
        let mut coefficient = 0i64;
        if let Some(&(c, _)) = left.next_if(|t| t.1 == counter) {
            coefficient = c;
        }
        if let Some(&(c, _)) = right.next_if(|t| t.1 == counter) {
            coefficient = coefficient.checked_add(c.checked_mul(factor)?)?;
        }
        if coefficient != 0 {
            sum.terms.push((coefficient, counter));
        }
    }
}

/// A number that no value of an affine expression exceeds, the least that can be found.
///
/// The innermost counter is replaced by each of its ends in turn; each gives a valid bound and the least wins
/// (Fourier and Motzkin's elimination). `None` if unbounded.
fn upper(affine: &Affine, scope: &Scope, budget: &mut u32) -> Option<i64> {
    let Some((coefficient, depth)) = scope.innermost(affine) else {
        return affine.terms.is_empty().then_some(affine.constant);
    };
    let range = &scope.loops[depth];
    let rest = combine(affine, &Affine::of(range.counter), coefficient.checked_neg()?)?;
    let mut best: Option<i64> = None;
    let mut consider = |end: &Affine| {
        if *budget == 0 && best.is_some() {
            return;
        }
        *budget = budget.saturating_sub(1);
        let bound = combine(&rest, end, coefficient).and_then(|a| upper(&a, scope, budget));
        best = match (best, bound) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    };
    if coefficient > 0 {
        range.last(scope).for_each(|end| consider(&end));
    } else {
        range.lo.0.iter().for_each(&mut consider);
    }
    best
}

/// The least and the greatest value that an affine expression is proven to stay within, for every iteration of the
/// scope's loops; `i64::MIN` or `i64::MAX` where nothing is known (overflow, a counter not in scope). The ends cross
/// only if some loop has no iteration.
pub fn affine_range(affine: &Affine, scope: &Scope) -> (i64, i64) {
    let negated = combine(&Affine::constant(0), affine, -1);
    let least = negated.and_then(|a| upper(&a, scope, &mut { MAX_STEPS })).and_then(i64::checked_neg);
    let greatest = upper(affine, scope, &mut { MAX_STEPS });
    (least.unwrap_or(i64::MIN), greatest.unwrap_or(i64::MAX))
}

/// As [`affine_range`] for a whole index: a dynamic part lies in its declared range, a ring's part in its rows.
/// The ends are in elements; the row of a ring is taken to be non-negative.
pub fn index_range(index: &Index, scope: &Scope) -> (i64, i64) {
    let mut range = affine_range(&index.affine, scope);
    let mut add = |stride: i64, (lo, hi): (i64, i64)| {
        let ends = (stride.saturating_mul(lo), stride.saturating_mul(hi));
        let (least, greatest) = (ends.0.min(ends.1), ends.0.max(ends.1));
        // An end that overflows is no end.
        let least = range.0.checked_add(least).unwrap_or(i64::MIN);
        let greatest = range.1.checked_add(greatest).unwrap_or(i64::MAX);
        range = (
            if range.0 == i64::MIN { i64::MIN } else { least },
            if range.1 == i64::MAX { i64::MAX } else { greatest },
        );
    };
    if let Some(ring) = &index.ring {
        let rows = i64::from(ring.rows.max(1));
        let (lo, hi) = affine_range(&ring.row, scope);
        let one_lap = lo.div_euclid(rows) == hi.div_euclid(rows) && lo <= hi;
        add(ring.stride, if one_lap { (lo.rem_euclid(rows), hi.rem_euclid(rows)) } else { (0, rows - 1) });
    }
    if let Some(dynamic) = &index.dynamic {
        add(dynamic.stride, (dynamic.lo, dynamic.hi));
    }
    range
}

/// The remainder in `0..modulus` that an affine expression has in every iteration, if that is provable. A counter is
/// one of its lower ends plus steps, so it is known modulo every divisor of the step that the lower ends agree on.
pub fn residue(affine: &Affine, modulus: i64, scope: &Scope) -> Option<i64> {
    debug_assert!(modulus > 0);
    residue_within(affine, modulus, scope, &mut { MAX_STEPS })
}

fn residue_within(affine: &Affine, modulus: i64, scope: &Scope, budget: &mut u32) -> Option<i64> {
    *budget = budget.checked_sub(1)?;
    let mut sum = affine.constant.rem_euclid(modulus);
    for &(coefficient, counter) in &affine.terms {
        let needed = modulus / gcd(coefficient, modulus);
        if needed == 1 {
            continue; // the coefficient alone makes it a multiple
        }
        let range = scope.get(counter)?;
        if range.step % needed != 0 {
            return None;
        }
        let mut ends = range.lo.0.iter().map(|lo| residue_within(lo, needed, scope, budget));
        let first = ends.next()??;
        if !ends.all(|end| end == Some(first)) {
            return None;
        }
        let term = i128::from(coefficient) * i128::from(first);
        sum = (i128::from(sum) + term).rem_euclid(i128::from(modulus)) as i64;
    }
    Some(sum)
}

/// Whether an index is a multiple of `factor` in every iteration, as far as that is provable.
pub fn is_multiple_of(index: &Index, factor: i64, scope: &Scope) -> bool {
    let whole = |stride: i64| stride % factor == 0;
    residue(&index.affine, factor, scope) == Some(0)
        && index.ring.as_ref().is_none_or(|ring| whole(ring.stride))
        && index.dynamic.as_ref().is_none_or(|dynamic| whole(dynamic.stride))
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // The modulus bounds it, except for gcd(i64::MIN, 0), which no caller asks for.
    i64::try_from(a).unwrap_or(1)
}

#[cfg(test)]
mod tests;
