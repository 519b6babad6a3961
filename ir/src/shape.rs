//! The static dimensions of a tensor.

use std::fmt;
use std::ops::Deref;

/// Dimensions, outermost first; row-major. A scalar has none. Every dimension is known at compile time.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape of the given dimensions.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Self(dims.into())
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements: the product of the dimensions, 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// As [`elements`](Self::elements), for dimensions that nobody has checked: `None` if the product overflows.
    pub fn checked_elements(&self) -> Option<usize> {
        if self.0.contains(&0) {
            return Some(0);
        }
        self.0.iter().try_fold(1usize, |product, &d| product.checked_mul(d))
    }

    /// The distance, in elements, between neighbours along each dimension.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for i in (1..self.rank()).rev() {
            strides[i - 1] = strides[i] * self.0[i];
        }
        strides
    }

    /// The coordinates of the element at a row-major position.
    pub fn unravel(&self, mut position: usize) -> Vec<usize> {
        let mut coordinates = vec![0; self.rank()];
        for (c, &d) in coordinates.iter_mut().zip(&self.0).rev() {
            *c = position % d;
            position /= d;
        }
        coordinates
    }

    /// The shape of `a` and `b` broadcast together as ONNX (and NumPy) does, or `None` if they do not fit.
    pub fn broadcast(a: &Self, b: &Self) -> Option<Self> {
        let rank = a.rank().max(b.rank());
        let dim = |s: &Self, i: usize| (i + s.rank()).checked_sub(rank).map_or(1, |j| s.0[j]);
        let merge = |i| match (dim(a, i), dim(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        };
        (0..rank).map(merge).collect::<Option<Vec<_>>>().map(Self)
    }

    /// The stride of this shape along each dimension of `target`, 0 where it is broadcast.
    pub fn broadcast_strides(&self, target: &Self) -> Vec<usize> {
        let own = self.strides();
        let offset = target.rank() - self.rank();
        (0..target.rank())
            .map(|i| match i.checked_sub(offset) {
                Some(j) if self.0[j] != 1 => own[j],
                _ => 0,
            })
            .collect()
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self(dims.to_vec())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Self(dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(usize::to_string).collect();
        write!(f, "[{}]", dims.join(","))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
