//! From floats to stored integers: ONNX `QuantizeLinear`.

use super::conv2d::int_range;
use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};

/// `quantize x`: f32 → i2 to i32, u2, u4 or u8 of the same shape, per tensor or per axis
///
/// `clamp(zero_point + rhe(f32(x / scale)))`: the quotient is a float operation and rounded as such, as ONNX says; NaN
/// becomes the zero point.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantize;

/// One stored value of `x`.
pub fn quantized(x: f32, scale: f32, zero_point: i32, dtype: DType) -> i64 {
    let (lo, hi) = int_range(dtype);
    // The cast saturates and sends NaN to 0.
    ((x / scale).round_ties_even() as i64).saturating_add(i64::from(zero_point)).clamp(lo, hi)
}

/// Checks a quantised type on its own: its axis exists and has as many entries as scales.
pub(crate) fn check_quant(ty: &TensorType) -> Result<(), TypeError> {
    let Some(quant) = &ty.quant else { return Err(TypeError::new(format!("{ty} is not quantised"))) };
    let legal = matches!(ty.dtype, DType::I8 | DType::U8 | DType::I16 | DType::I32) || ty.dtype.is_packed();
    require!(legal, "{ty} is not i32, i16, i8, u8 or narrower");
    if let Some(axis) = quant.axis() {
        require!(
            axis < ty.shape.rank() && ty.shape[axis] == quant.scales().len(),
            "axis {axis} of {ty} does not have {} entries",
            quant.scales().len()
        );
    }
    let (lo, hi) = int_range(ty.dtype);
    let inside = quant.zero_points().iter().all(|&z| (lo..=hi).contains(&i64::from(z)));
    require!(inside, "a zero point of {ty} is outside {lo}..={hi}");
    Ok(())
}

/// The position along the quantisation's axis of an element; 0 if per tensor.
pub(super) fn axis_index(ty: &TensorType, position: usize) -> usize {
    match ty.quant.as_ref().and_then(|q| q.axis()) {
        Some(axis) => ty.shape.unravel(position)[axis],
        None => 0,
    }
}

impl Operator for Quantize {
    const NAME: &'static str = "quantize";

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        Ok(inputs[0].clone())
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let x = inputs[0];
        require!(x.dtype == DType::F32 && x.shape == output.shape, "x is f32{}, not {x}", output.shape);
        check_quant(output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1.data.as_f32().expect("checked: f32");
        let quant = output.quant.as_ref().expect("checked: quantised");
        let values = x.iter().enumerate().map(|(position, &v)| {
            let i = axis_index(output, position);
            quantized(v, quant.scale(i), quant.zero_point(i), output.dtype)
        });
        Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values))
    }
}
