//! The same elements with other dimensions: ONNX `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`.

use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Tensor, TensorType};

/// `reshape x {shape=[…]}`: any type, quantised at most per tensor; row-major order is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Reshape {
    /// The result's dimensions, of the same product.
    pub shape: Vec<usize>,
}

impl Operator for Reshape {
    const NAME: &'static str = "reshape";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("shape", self.shape.clone());
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { shape: attrs.take("shape")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(x.quant.as_ref().is_none_or(|q| q.axis().is_none()), "x is quantised at most per tensor, not {x}");
        let y = x.with_shape(self.shape.clone());
        let elements = x.shape.elements();
        let fits = y.shape.checked_elements() == Some(elements);
        require!(fits, "{elements} elements of {x} do not fill shape {}", y.shape);
        Ok(y)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        inputs[0].1.reshaped(output.shape.clone())
    }
}
