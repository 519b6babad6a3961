//! Where code may be put while a kernel is written: the function, the loops and the branches around the current
//! statement, each with what is already computed there. The block before a loop or branch stays open until it is
//! closed, so that what does not depend on the loop is computed there, and only if something inside asks for it.

use super::counts::Range;
use super::kernel::Writer;
use super::{Block, Cond, Op, Value};
use tinyc_ir::loops::{Affine, Bound, Loop, Param};

/// One level of nesting.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: Kind,
    /// The block of the level around this one, open until this level is closed.
    pub(super) before: Block,
    /// Addresses that are in registers here, oldest first.
    pub(super) addresses: Vec<Known>,
    /// Numbers that are computed once per iteration of this level.
    values: Vec<(Wanted, Value)>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Function,
    Branch,
    Loop(Repeat),
}

/// A loop that is being written.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) range: Range,
    pub(super) header: Block,
    /// The first parameter of the header: the counter, if something reads it; else free for counting down.
    pub(super) counter: Value,
    /// Addresses that move with the loop, parameters of the header after the registers.
    pub(super) carried: Vec<Carried>,
    /// Blocks that leave the loop with a break, open until the loop is closed.
    pub(super) breaks: Vec<Block>,
}

/// An address that a loop carries from iteration to iteration.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// What it is during an iteration; its value is the header's parameter.
    pub(super) known: Known,
    /// What it is when the loop is entered.
    pub(super) first: Value,
}

/// An address in a register: that of `param` plus an affine number of bytes.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) value: Value,
    pub(super) param: Param,
    pub(super) at: Affine,
}

/// A number that loops compute with.
#[derive(Clone, PartialEq, Debug)]
enum Wanted {
    Affine(Affine),
    Greatest(Bound),
    Least(Bound),
    /// The greatest of some numbers, times a factor.
    Scaled(Bound, i64),
    /// From a greatest to a least number.
    Distance(Bound, Bound),
}

impl Scope {
    pub(super) fn new(kind: Kind, before: Block) -> Self {
        Self { kind, before, addresses: Vec::new(), values: Vec::new() }
    }

    pub(super) fn repeat(&self) -> Option<&Repeat> {
        match &self.kind {
            Kind::Loop(repeat) => Some(repeat),
            _ => None,
        }
    }

    pub(super) fn repeat_mut(&mut self) -> Option<&mut Repeat> {
        match &mut self.kind {
            Kind::Loop(repeat) => Some(repeat),
            _ => None,
        }
    }
}

impl Writer<'_> {
    /// Writes with the end of a level's open block as the place.
    pub(super) fn within<T>(&mut self, level: usize, write: impl FnOnce(&mut Self) -> T) -> T {
        let current = self.b.current();
        let block = self.scopes.get(level + 1).map_or(current, |inner| inner.before);
        self.b.switch_to(block);
        let result = write(self);
        self.b.switch_to(current);
        result
    }

    /// The innermost level.
    pub(super) fn innermost(&self) -> usize {
        self.scopes.len() - 1
    }

    /// The level of a loop around the current statement.
    fn level_of(&self, counter: Loop) -> usize {
        let is_it = |s: &Scope| s.repeat().is_some_and(|r| r.range.counter == counter);
        self.scopes.iter().rposition(is_it).expect("a verified kernel uses loops in scope only")
    }

    /// The innermost level that an affine expression depends on, and its loop's term.
    fn deepest(&self, affine: &Affine) -> (usize, Option<(i64, Loop)>) {
        let levels = affine.terms.iter().map(|&term| (self.level_of(term.1), Some(term)));
        levels.max_by_key(|t| t.0).unwrap_or((0, None))
    }

    fn level_of_bound(&self, bound: &Bound) -> usize {
        bound.0.iter().map(|a| self.deepest(a).0).max().unwrap_or(0)
    }

    /// A number, computed at most once per iteration of the level it depends on, and outside of all loops further in.
    fn wanted(&mut self, level: usize, wanted: Wanted, compute: impl FnOnce(&mut Self) -> Value) -> Value {
        if let Some((_, value)) = self.scopes[level].values.iter().find(|(w, _)| *w == wanted) {
            return *value;
        }
        let value = self.within(level, compute);
        self.scopes[level].values.push((wanted, value));
        value
    }

    /// An affine number, wrapped to a word.
    pub(super) fn affine(&mut self, affine: &Affine) -> Value {
        let (level, innermost) = self.deepest(affine);
        let Some((coefficient, counter)) = innermost else {
            return self.b.number(affine.constant as i32);
        };
        let counter_value = self.scopes[level].repeat().expect("a loop's level").counter;
        let rest = affine.plus(&Affine::of(counter).times(-coefficient));
        if coefficient == 1 && rest == Affine::constant(0) {
            return counter_value;
        }
        self.wanted(level, Wanted::Affine(affine.clone()), |w| {
            let rest = w.affine(&rest);
            if coefficient < 0 {
                let product = w.times(counter_value, -coefficient);
                return w.b.word(Op::Sub, &[rest, product]);
            }
            let product = w.times(counter_value, coefficient);
            w.b.word(Op::Add, &[product, rest])
        })
    }

    /// A word times a constant.
    pub(super) fn times(&mut self, value: Value, factor: i64) -> Value {
        let factor = self.b.number(factor as i32);
        self.b.word(Op::Mul, &[value, factor])
    }

    /// The first value of a loop's counter.
    pub(super) fn greatest(&mut self, bound: &Bound) -> Value {
        let bound = fold(bound, i64::max);
        let level = self.level_of_bound(&bound);
        self.wanted(level, Wanted::Greatest(bound.clone()), |w| w.extreme(&bound, true))
    }

    /// The end of a loop's counter.
    pub(super) fn least(&mut self, bound: &Bound) -> Value {
        let bound = fold(bound, i64::min);
        let level = self.level_of_bound(&bound);
        self.wanted(level, Wanted::Least(bound.clone()), |w| w.extreme(&bound, false))
    }

    fn extreme(&mut self, bound: &Bound, greatest: bool) -> Value {
        let mut values = bound.0.iter().map(|a| self.affine(a)).collect::<Vec<_>>().into_iter();
        let first = values.next().expect("a bound has a candidate");
        values.fold(first, |best, next| {
            let order = if greatest { [next, best] } else { [best, next] };
            self.b.select(Cond::Lt, order, [best, next])
        })
    }

    /// The first value of a counter times a factor.
    pub(super) fn scaled_greatest(&mut self, bound: &Bound, factor: i64) -> Value {
        let bound = fold(bound, i64::max);
        let level = self.level_of_bound(&bound);
        self.wanted(level, Wanted::Scaled(bound.clone(), factor), |w| {
            let first = w.greatest(&bound);
            w.times(first, factor)
        })
    }

    /// From a loop's first counter to its end; zero or negative if it has no iteration.
    pub(super) fn distance(&mut self, lo: &Bound, hi: &Bound) -> Value {
        let (lo, hi) = (fold(lo, i64::max), fold(hi, i64::min));
        let level = self.level_of_bound(&lo).max(self.level_of_bound(&hi));
        self.wanted(level, Wanted::Distance(lo.clone(), hi.clone()), |w| {
            if let ([lo], [hi]) = (&lo.0[..], &hi.0[..]) {
                return w.affine(&hi.plus(&lo.times(-1)));
            }
            let (first, end) = (w.greatest(&lo), w.least(&hi));
            w.b.word(Op::Sub, &[end, first])
        })
    }

    /// How many loops are around.
    pub(super) fn depth(&self) -> u32 {
        self.scopes.iter().filter(|s| s.repeat().is_some()).count() as u32
    }

    /// The loops around, outermost first.
    pub(super) fn ranges(&self) -> Vec<Range> {
        self.scopes.iter().filter_map(|s| Some(s.repeat()?.range.clone())).collect()
    }
}

/// All constant candidates as one.
fn fold(bound: &Bound, pick: fn(i64, i64) -> i64) -> Bound {
    let constant = bound.0.iter().filter_map(Affine::as_constant).reduce(pick);
    let others = bound.0.iter().filter(|a| a.as_constant().is_none()).cloned();
    Bound(others.chain(constant.map(Affine::constant)).collect())
}

impl Known {
    /// The distance in bytes to another place that moves alike.
    pub(super) fn distance(&self, param: Param, at: &Affine) -> Option<i64> {
        (self.param == param && self.at.terms == at.terms).then(|| at.constant - self.at.constant)
    }
}

/// An affine expression with a counter replaced.
pub(super) fn replace(affine: &Affine, counter: Loop, by: &Affine) -> Affine {
    let coefficient = affine.coefficient(counter);
    affine.plus(&Affine::of(counter).times(-coefficient)).plus(&by.times(coefficient))
}
