//! `QuantizeLinear` and `DequantizeLinear`.

use crate::onnx::builder::Slot;
use crate::onnx::context::{Context, Step};
use crate::onnx::quantization::stated_axis;
use crate::onnx::{code, tensor};
use tinyc_ir::op::{Dequantize, Quantize};
use tinyc_ir::{DType, Diagnostic, TensorType};

/// `QuantizeLinear x, scale, zero_point?`
pub(super) fn quantize(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    cx.attributes().require_int("block_size", 0)?;
    let dtype = match (cx.operand(2), cx.attributes().int("output_dtype")?.unwrap_or(0)) {
        (Some(_), _) => cx.known(2)?.dtype(),
        (None, 0) => DType::U8,
        (None, number) => {
            i32::try_from(number).map_err(|_| number.to_string()).and_then(tensor::dtype).map_err(|name| {
                Diagnostic::error(code::ELEMENT_TYPE, format!("quantisation to {name} is not supported"))
            })?
        }
    };
    if !matches!(dtype, DType::I8 | DType::U8 | DType::I16) && !dtype.is_packed() {
        return Err(Diagnostic::error(
            code::ELEMENT_TYPE,
            format!("quantisation to {dtype} is not supported"),
        )
        .help("supported are i8, u8, i16, i4, u4, i2 and u2"));
    }
    let shape = cx.ty(x).shape.clone();
    let axis = stated_axis(cx.attributes().int("axis")?, shape.rank());
    let quant = cx.quant(1, 2, axis, dtype)?;
    cx.result_as(Quantize, &[x], TensorType::quantized(dtype, shape, quant))
}

/// `DequantizeLinear x, scale, zero_point?`
pub(super) fn dequantize(cx: &mut Context<'_, '_>) -> Step<()> {
    cx.attributes().require_int("block_size", 0)?;
    let rank = match cx.operand(0).and_then(|name| cx.build.slots.get(name)) {
        Some(Slot::Constant(tensor)) => tensor.shape.rank(),
        Some(Slot::Value(value)) => cx.ty(*value).shape.rank(),
        _ => 0,
    };
    let axis = stated_axis(cx.attributes().int("axis")?, rank);
    let x = cx.quantised(0, 1, 2, axis)?;
    cx.result(Dequantize, &[x])
}
