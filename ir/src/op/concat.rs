//! Tensors one behind the other along an axis. Elements of several tensors come together in no other operator.

use super::{Arity, Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Data, Tensor, TensorType};

/// `concat a, b, … {axis=…}`: any type, one for all, quantised per tensor with one quantisation if at all
#[derive(Clone, PartialEq, Debug)]
pub struct Concat {
    /// The axis along which sizes add up; all others are equal.
    pub axis: usize,
}

impl Operator for Concat {
    const NAME: &'static str = "concat";
    const ARITY: Arity = Arity::AtLeast(1);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("axis", self.axis);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { axis: attrs.take("axis")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let first = inputs[0];
        require!(self.axis < first.shape.rank(), "{} is not an axis of {first}", self.axis);
        require!(first.quant.as_ref().is_none_or(|q| q.axis().is_none()), "not quantised per axis: {first}");
        let mut dims = first.shape.to_vec();
        dims[self.axis] = 0;
        for input in inputs {
            let mut others = input.shape.to_vec();
            let size = others.get_mut(self.axis).map(std::mem::take).unwrap_or_default();
            let mut expected = dims.clone();
            expected[self.axis] = 0;
            let storage = input.dtype == first.dtype && input.quant == first.quant;
            require!(storage && others == expected, "{first} and {input} cannot be joined along axis {}", self.axis);
            dims[self.axis] =
                dims[self.axis].checked_add(size).ok_or_else(|| TypeError::new("the joined size overflows"))?;
        }
        Ok(first.with_shape(dims))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let mut values = vec![0; output.shape.elements()];
        let strides = output.shape.strides();
        let mut first = 0;
        for (ty, x) in inputs {
            for position in 0..ty.shape.elements() {
                let at: usize = ty.shape.unravel(position).iter().zip(&strides).map(|(i, s)| i * s).sum();
                values[first + at] = x.data.bits(position);
            }
            first += ty.shape[self.axis] * strides[self.axis];
        }
        Tensor::new(output.shape.clone(), Data::from_bits(output.dtype, values))
    }
}
