//! Sums, products, extremes and their positions along axes.
//!
//! Not composed from pools, which take images and one window size; not from `matmul`, which only sums.

use super::{Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs, choices};
use crate::{DType, Data, Shape, Tensor, TensorType};

/// `reduce x {kind=sum, axes=[…]}`: each reduced axis becomes 1; no quantised types, only those with arithmetic
///
/// The elements under a result are combined in row-major order, the first with the start value: each float operation is
/// rounded once, integers wrap.
#[derive(Clone, PartialEq, Debug)]
pub struct Reduce {
    /// What is computed.
    pub kind: ReduceKind,
    /// The axes, ascending, none twice; positions are along one axis only.
    pub axes: Vec<usize>,
}

/// What a [`Reduce`] computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReduceKind {
    /// The sum from 0 (floats: +0).
    Sum,
    /// The product from 1.
    Prod,
    /// The least, NaN if one is; from the greatest number of the type (floats: +inf).
    Min,
    /// The greatest, NaN if one is; from the least number of the type (floats: −inf).
    Max,
    /// The position (i64) of the least element, the first of equals. A NaN is never less than another.
    ArgMin,
    /// The position (i64) of the greatest element, the first of equals. A NaN is never greater than another.
    ArgMax,
    /// As [`ArgMin`](Self::ArgMin), the last of equals.
    LastArgMin,
    /// As [`ArgMax`](Self::ArgMax), the last of equals.
    LastArgMax,
}

choices!(ReduceKind: "`sum`, `prod`, `min`, `max`, `arg_min`, `arg_max`, `last_arg_min` or `last_arg_max`" {
    Sum = "sum",
    Prod = "prod",
    Min = "min",
    Max = "max",
    ArgMin = "arg_min",
    ArgMax = "arg_max",
    LastArgMin = "last_arg_min",
    LastArgMax = "last_arg_max",
});

impl ReduceKind {
    /// The operation that combines elements of a type; `None` for positions.
    pub fn combine(self, dtype: DType) -> Option<BinaryOp> {
        match self {
            Self::Sum if dtype.is_float() => Some(BinaryOp::Add),
            Self::Sum => Some(BinaryOp::WrappingAdd),
            Self::Prod if dtype.is_float() => Some(BinaryOp::Mul),
            Self::Prod => Some(BinaryOp::WrappingMul),
            Self::Min => Some(BinaryOp::Min),
            Self::Max => Some(BinaryOp::Max),
            _ => None,
        }
    }

    /// The start value's bits.
    pub fn start(self, dtype: DType) -> u64 {
        let (lo, hi) = match dtype.int_range() {
            Some((lo, hi)) => (lo as u64, hi as u64),
            None => (float_bits(dtype, f64::NEG_INFINITY), float_bits(dtype, f64::INFINITY)),
        };
        match self {
            Self::Prod if dtype.is_float() => float_bits(dtype, 1.0),
            Self::Prod => 1,
            Self::Min => hi,
            Self::Max => lo,
            _ => 0,
        }
    }

    /// For positions: the comparison that holds between the old best and a better element, and whether their order
    /// is swapped.
    pub fn better(self) -> Option<(BinaryOp, bool)> {
        match self {
            Self::ArgMax => Some((BinaryOp::Lt, false)),
            Self::LastArgMax => Some((BinaryOp::Le, false)),
            Self::ArgMin => Some((BinaryOp::Lt, true)),
            Self::LastArgMin => Some((BinaryOp::Le, true)),
            _ => None,
        }
    }
}

fn float_bits(dtype: DType, value: f64) -> u64 {
    if dtype == DType::F32 { u64::from((value as f32).to_bits()) } else { value.to_bits() }
}

impl Operator for Reduce {
    const NAME: &'static str = "reduce";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("kind", self.kind);
        attrs.put("axes", self.axes.clone());
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { kind: attrs.take("kind")?, axes: attrs.take("axes")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(!x.is_quantized() && x.dtype.size() >= 4, "x has a type with arithmetic, not {x}");
        let rank = x.shape.rank();
        let ascending = self.axes.windows(2).all(|w| w[0] < w[1]);
        require!(ascending && self.axes.iter().all(|&a| a < rank), "{:?} are not ascending axes of {x}", self.axes);
        let position = self.kind.better().is_some();
        if position {
            require!(self.axes.len() == 1 && x.shape[self.axes[0]] > 0, "a position is along one axis with elements");
        }
        let mut dims = x.shape.to_vec();
        self.axes.iter().for_each(|&a| dims[a] = 1);
        Ok(TensorType::new(if position { DType::I64 } else { x.dtype }, dims))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1;
        let dtype = x.dtype();
        let strides = x.shape.strides();
        let window = Shape::new(self.axes.iter().map(|&a| x.shape[a]).collect::<Vec<_>>());
        let under = |position: usize| {
            let base: usize = output.shape.unravel(position).iter().zip(&strides).map(|(i, s)| i * s).sum();
            (0..window.elements()).map(move |p| (p, base)).collect::<Vec<_>>()
        };
        let at = |p: usize| -> usize { window.unravel(p).iter().zip(&self.axes).map(|(i, &a)| i * strides[a]).sum() };
        const TOTAL: &str = "checked: a type with arithmetic";
        let values = (0..output.shape.elements()).map(|position| {
            let elements = under(position).into_iter().map(|(p, base)| (p, x.data.bits(base + at(p))));
            if let Some(op) = self.kind.combine(dtype) {
                return elements
                    .fold(self.kind.start(dtype), |acc, (_, v)| ops::binary(op, dtype, acc, v).expect(TOTAL));
            }
            let (op, swapped) = self.kind.better().expect("what combines nothing finds positions");
            let mut best: Option<(usize, u64)> = None;
            for (p, v) in elements {
                let wins = best.is_none_or(|(_, b)| {
                    let (left, right) = if swapped { (v, b) } else { (b, v) };
                    ops::binary(op, dtype, left, right).expect(TOTAL) != 0
                });
                if wins {
                    best = Some((p, v));
                }
            }
            best.map_or(0, |(p, _)| p as u64)
        });
        Tensor::new(output.shape.clone(), Data::from_bits(output.dtype, values))
    }
}
