//! How often a loop's body runs, counted before anything runs: loops are affine in the loops around them, so the number
//! is exact. It is found by counting only those loops through that others depend on, and multiplying by the rest.

use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Affine, Bound, Loop, bounds};

/// Steps that one question may take; the rest is then bounded instead of counted.
const MOST_STEPS: u64 = 2_000_000;

/// `for counter in max(lo)..min(hi) step step`.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) counter: Loop,
    pub(super) lo: Bound,
    pub(super) hi: Bound,
    pub(super) step: i64,
}

impl Range {
    /// The number of iterations, if it is the same in every iteration of the loops around.
    pub(super) fn trip(&self) -> Option<u64> {
        if let ([lo], [hi]) = (&self.lo.0[..], &self.hi.0[..]) {
            return Some(trips(0, hi.plus(&lo.times(-1)).as_constant()?, self.step));
        }
        let lo = self.first()?.as_constant()?;
        let hi = self.hi.0.iter().map(Affine::as_constant).collect::<Option<Vec<_>>>()?;
        Some(trips(lo, *hi.iter().min()?, self.step))
    }

    /// The first value, if it is one affine expression.
    pub(super) fn first(&self) -> Option<Affine> {
        if let Some(constants) = self.lo.0.iter().map(Affine::as_constant).collect::<Option<Vec<_>>>() {
            return constants.into_iter().max().map(Affine::constant);
        }
        match &self.lo.0[..] {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    fn mentions(&self, counter: Loop) -> bool {
        self.lo.0.iter().chain(&self.hi.0).any(|a| a.coefficient(counter) != 0)
    }

    fn ends(&self, counters: &[i64]) -> (i64, i64) {
        let value =
            |a: &Affine| a.terms.iter().map(|&(c, l)| c * counters[l.index()]).sum::<i64>() + a.constant;
        let lo = self.lo.0.iter().map(value).max().unwrap_or(0);
        (lo, self.hi.0.iter().map(value).min().unwrap_or(lo))
    }
}

/// Iterations from `lo` below `hi`.
fn trips(lo: i64, hi: i64, step: i64) -> u64 {
    if hi <= lo { 0 } else { ((hi - lo) as u64).div_ceil(step as u64) }
}

/// How often the innermost of these nested loops (outermost first) is entered with at least one iteration, and how
/// often its body runs, per entry of the outermost. `None` if counting would take too long.
pub(super) fn count(loops: &[Range]) -> Option<(u64, u64)> {
    let most = loops.iter().map(|r| r.counter.index() + 1).max().unwrap_or(0);
    let matters: Vec<bool> = (0..loops.len())
        .map(|i| loops[i + 1..].iter().any(|inner| inner.mentions(loops[i].counter)))
        .collect();
    let mut counting = Counting { loops, matters, counters: vec![0; most], steps: 0 };
    counting.from(0)
}

/// No loop has more iterations in one go than this.
pub(super) fn most(range: &Range, around: &bounds::Scope) -> u64 {
    let distances = range.lo.0.iter().flat_map(|lo| range.hi.0.iter().map(|hi| hi.plus(&lo.times(-1))));
    let most = distances.map(|d| bounds::affine_range(&d, around).1).min().unwrap_or(0);
    trips(0, most, range.step)
}

struct Counting<'a> {
    loops: &'a [Range],
    /// Whether a loop further in depends on this one.
    matters: Vec<bool>,
    counters: Vec<i64>,
    steps: u64,
}

impl Counting<'_> {
    fn from(&mut self, depth: usize) -> Option<(u64, u64)> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return None;
        }
        let range = &self.loops[depth];
        let (lo, hi) = range.ends(&self.counters);
        let trip = trips(lo, hi, range.step);
        if depth + 1 == self.loops.len() {
            return Some((u64::from(trip > 0), trip));
        }
        if trip == 0 {
            return Some((0, 0));
        }
        if !self.matters[depth] {
            let (entries, times) = self.from(depth + 1)?;
            return Some((entries.checked_mul(trip)?, times.checked_mul(trip)?));
        }
        let mut sum = (0u64, 0u64);
        for i in 0..trip as i64 {
            self.counters[range.counter.index()] = lo + i * range.step;
            let (entries, times) = self.from(depth + 1)?;
            sum = (sum.0.checked_add(entries)?, sum.1.checked_add(times)?);
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests;
