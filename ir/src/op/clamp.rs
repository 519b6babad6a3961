//! ReLU, ReLU6 and Clip on floats, where no operator before them could take the clamp in.
//!
//! On quantised types `requantize` does the same.

use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, DType, Tensor, TensorType};

/// `clamp x {act=…}`: f32 → f32 of the same shape. NaN stays NaN.
#[derive(Clone, PartialEq, Debug)]
pub struct Clamp {
    /// The bounds.
    pub act: Activation,
}

impl Operator for Clamp {
    const NAME: &'static str = "clamp";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("act", self.act);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { act: attrs.take("act")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        require!(inputs[0].dtype == DType::F32 && !inputs[0].is_quantized(), "x is f32, not {}", inputs[0]);
        Ok(inputs[0].clone())
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1.data.as_f32().expect("checked: f32");
        Tensor::f32(output.shape.clone(), x.iter().map(|&v| self.act.apply(v)).collect())
    }
}
