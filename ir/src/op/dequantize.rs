//! From stored integers to floats: ONNX `DequantizeLinear`.

use super::quantize::{axis_index, check_quant};
use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Tensor, TensorType};

/// `dequantize x`: i2 to i32, u2, u4 or u8, per tensor or per axis → f32 of the same shape
///
/// `f32(x − zero_point) · scale`: the difference exact, then rounded to f32 (it only rounds for i32), then one product.
#[derive(Clone, PartialEq, Debug)]
pub struct Dequantize;

impl Operator for Dequantize {
    const NAME: &'static str = "dequantize";

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        check_quant(inputs[0])?;
        Ok(TensorType::new(DType::F32, inputs[0].shape.clone()))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        let quant = xt.quant.as_ref().expect("checked: quantised");
        let values = (0..x.data.len()).map(|position| {
            let i = axis_index(xt, position);
            (x.data.int(position) - i64::from(quant.zero_point(i))) as f32 * quant.scale(i)
        });
        Tensor::f32(output.shape.clone(), values.collect())
    }
}
