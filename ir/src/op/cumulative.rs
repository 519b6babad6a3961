//! Running sums and products along an axis.
//!
//! Composing `n` of them from reductions would take n² steps.

use super::reduce::ReduceKind;
use super::{Operator, TypeError};
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs};
use crate::{Data, Tensor, TensorType};

/// `cumulative x {kind=sum, axis=…, exclusive=…, reverse=…}`: types with arithmetic, none quantised
///
/// Element `i` of the axis is the sum (product) of those up to `i`, or before it if exclusive; from the other end if
/// reversed. In that order from the start value, each float operation rounded once, integers wrap.
#[derive(Clone, PartialEq, Debug)]
pub struct Cumulative {
    /// Sum or product; the other kinds are refused.
    pub kind: ReduceKind,
    /// The axis.
    pub axis: usize,
    /// Whether each element leaves itself out.
    pub exclusive: bool,
    /// Whether to start at the end.
    pub reverse: bool,
}

impl Operator for Cumulative {
    const NAME: &'static str = "cumulative";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("kind", self.kind);
        attrs.put("axis", self.axis);
        attrs.put_unless("exclusive", self.exclusive, false);
        attrs.put_unless("reverse", self.reverse, false);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            kind: attrs.take("kind")?,
            axis: attrs.take("axis")?,
            exclusive: attrs.take_or("exclusive", false)?,
            reverse: attrs.take_or("reverse", false)?,
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(!x.is_quantized() && x.dtype.size() >= 4, "x has a type with arithmetic, not {x}");
        require!(self.axis < x.shape.rank(), "{} is not an axis of {x}", self.axis);
        require!(matches!(self.kind, ReduceKind::Sum | ReduceKind::Prod), "kind is `sum` or `prod`");
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1;
        let (dtype, count, stride) = (x.dtype(), x.shape[self.axis], x.shape.strides()[self.axis]);
        let op = self.kind.combine(dtype).expect("checked: sum or product");
        let mut values: Vec<u64> = (0..x.data.len()).map(|p| x.data.bits(p)).collect();
        for first in (0..values.len()).filter(|p| p / stride % count == 0) {
            let mut acc = self.kind.start(dtype);
            for i in 0..count {
                let i = if self.reverse { count - 1 - i } else { i };
                let value = &mut values[first + i * stride];
                let next = ops::binary(op, dtype, acc, *value).expect("checked: a type with arithmetic");
                *value = if self.exclusive { acc } else { next };
                acc = next;
            }
        }
        Tensor::new(output.shape.clone(), Data::from_bits(dtype, values))
    }
}
