//! From one quantisation to another, with a fused clamp: ONNX `DequantizeLinear` then `QuantizeLinear`.
//!
//! Not composed of `dequantize` and `quantize`, because those round to f32 in between.

use super::conv2d::{int_range, requantized};
use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, DType, Data, Tensor, TensorType};

/// `requantize x`: i8, u8, i16 or i32 per tensor → i8, u8 or i16 per tensor, of the same shape
///
/// `clamp(zy + rhe((x − zx) · M))` with `M = f32(x.scale / y.scale)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Requantize {
    /// Applied to the real result.
    pub act: Activation,
}

/// `M = f32(x.scale / y.scale)` and `x`'s zero point, of per-tensor quantised types; `None` if either is not.
pub fn rescale(x: &TensorType, y: &TensorType) -> Option<(f32, i32)> {
    let (sx, zx) = x.quant.as_ref()?.tensor_wide()?;
    let (sy, _) = y.quant.as_ref()?.tensor_wide()?;
    Some((sx / sy, zx))
}

/// Checks operators that compute on the real values of their arguments, which are all f32 or all quantised per tensor.
pub(super) fn check_rescale(inputs: &[&TensorType], y: &TensorType) -> Result<(), TypeError> {
    for x in inputs {
        require!(x.dtype != DType::I32, "quantised arguments are i8, u8 or i16, not {x}");
    }
    check_rescale_of_sums(inputs, y)
}

/// As [`check_rescale`], where i32 arguments are allowed too.
fn check_rescale_of_sums(inputs: &[&TensorType], y: &TensorType) -> Result<(), TypeError> {
    for x in inputs {
        if x.quant.is_none() {
            require!(
                x.dtype == DType::F32 && y.dtype == DType::F32 && y.quant.is_none(),
                "unquantised arguments and result are f32, not {x} → {y}"
            );
            continue;
        }
        let legal = |t: &TensorType| matches!(t.dtype, DType::I8 | DType::U8 | DType::I16);
        require!(
            (legal(x) || x.dtype == DType::I32) && legal(y),
            "quantised arguments are i8, u8, i16 or i32 and results i8, u8 or i16, not {x} → {y}"
        );
        let (m, _) = rescale(x, y)
            .ok_or_else(|| TypeError::new(format!("arguments and result are quantised per tensor, not {x} → {y}")))?;
        require!(m.is_finite() && m > 0.0, "the effective scale {m:?} of {x} → {y} is not finite and above zero");
    }
    Ok(())
}

impl Operator for Requantize {
    const NAME: &'static str = "requantize";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("act", self.act, Activation::NONE);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { act: attrs.take_or("act", Activation::NONE)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        require!(inputs[0].is_quantized(), "x is quantised, not {}", inputs[0]);
        Ok(inputs[0].clone())
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        check_rescale_of_sums(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        let (m, zx) = rescale(xt, output).expect("checked: both are quantised per tensor");
        debug_assert!(int_range(output.dtype).0 < int_range(output.dtype).1);
        let values = (0..x.data.len()).map(|p| requantized(x.data.int(p) - i64::from(zx), m, output, self.act));
        Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values))
    }
}
