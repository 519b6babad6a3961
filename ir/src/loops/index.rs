//! Positions in buffers: affine in the loops, with at most one ring and one data-dependent part.

use super::expr::Expr;
use super::kernel::Loop;

/// `Σ coefficient · loop + constant`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Affine {
    /// Ordered by loop, no loop twice, no coefficient zero.
    pub terms: Vec<(i64, Loop)>,
    /// The part without a loop.
    pub constant: i64,
}

impl Affine {
    /// A constant.
    pub fn constant(constant: i64) -> Self {
        Self { terms: Vec::new(), constant }
    }

    /// One loop's counter.
    pub fn of(counter: Loop) -> Self {
        Self { terms: vec![(1, counter)], constant: 0 }
    }

    /// `self · factor`.
    pub fn times(&self, factor: i64) -> Self {
        if factor == 0 {
            return Self::constant(0);
        }
        Self {
            terms: self.terms.iter().map(|&(c, l)| (c * factor, l)).collect(),
            constant: self.constant * factor,
        }
    }

    /// `self + other`.
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.constant += other.constant;
        for &(coefficient, counter) in &other.terms {
            match sum.terms.binary_search_by_key(&counter, |t| t.1) {
                Ok(at) => {
                    sum.terms[at].0 += coefficient;
                    if sum.terms[at].0 == 0 {
                        sum.terms.remove(at);
                    }
                }
                Err(at) => sum.terms.insert(at, (coefficient, counter)),
            }
        }
        sum
    }

    /// `self + constant`.
    pub fn offset(&self, constant: i64) -> Self {
        Self { terms: self.terms.clone(), constant: self.constant + constant }
    }

    /// The coefficient of a loop, 0 if it does not occur.
    pub fn coefficient(&self, counter: Loop) -> i64 {
        self.terms.iter().find(|t| t.1 == counter).map_or(0, |t| t.0)
    }

    /// The value as a number, if no loop occurs.
    pub fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }
}

impl From<Loop> for Affine {
    fn from(counter: Loop) -> Self {
        Self::of(counter)
    }
}

/// A position in a buffer, in elements: `affine + ring + dynamic`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// The part that is affine in the loops.
    pub affine: Affine,
    /// A row of a ring of rows, if the buffer is one.
    pub ring: Option<Ring>,
    /// A part that depends on data.
    pub dynamic: Option<Dynamic>,
}

/// `stride · (row mod rows)`: the start of a row in a ring. `row` is never negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Elements of one row.
    pub stride: i64,
    /// The number of the row, counted without the ring.
    pub row: Affine,
    /// Rows that the ring holds, above zero.
    pub rows: u32,
}

/// `stride · value` for an i32 expression whose value is proven or clamped to `lo..=hi`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dynamic {
    /// Elements per unit of the value.
    pub stride: i64,
    /// The data-dependent number.
    pub value: Expr,
    /// The least value that can occur.
    pub lo: i64,
    /// The greatest value that can occur.
    pub hi: i64,
}

impl From<Affine> for Index {
    fn from(affine: Affine) -> Self {
        Self { affine, ring: None, dynamic: None }
    }
}

impl From<Loop> for Index {
    fn from(counter: Loop) -> Self {
        Affine::of(counter).into()
    }
}
