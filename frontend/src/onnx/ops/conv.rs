//! `Conv` and `QLinearConv`: a `conv2d` between layout changes.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{channels_first, spatial_rank, to_channels_last};
use crate::onnx::spatial::Spatial;
use tinyc_ir::op::Conv2d;
use tinyc_ir::wording::counted;
use tinyc_ir::{Activation, DType, Data, Diagnostic, Tensor, TensorType, Value};

/// `Conv x, weight, bias?` on floats.
pub(super) fn conv(cx: &mut Context<'_, '_>) -> Step<()> {
    let y = value(cx)?;
    cx.give(0, y)
}

/// What [`conv`] gives.
pub(super) fn value(cx: &mut Context<'_, '_>) -> Step<Value> {
    let (x, weight) = (cx.float(0)?, cx.float(1)?);
    let bias = if cx.operand(2).is_some() { Some(cx.float(2)?) } else { None };
    let known = cx.build.is_fixed(weight) && bias.is_none_or(|bias| cx.build.is_fixed(bias));
    if !known || cx.ty(x).shape.rank() > 4 {
        return super::windows::conv(cx);
    }
    convolve(cx, x, weight, bias, None, false)
}

/// `QLinearConv x, xs, xz, weight, ws, wz, ys, yz, bias?`; ONNX Runtime's own version may have channels last.
pub(super) fn qlinear_conv(cx: &mut Context<'_, '_>) -> Step<()> {
    let channels_last = cx.attributes().flag("channels_last")?.unwrap_or(false);
    let (x, weight) = (cx.quantised(0, 1, 2, None)?, cx.quantised(3, 4, 5, Some(0))?);
    let bias = if cx.operand(8).is_some() { Some(cx.input(8)?) } else { None };
    let (dtype, quant) = cx.quantised_type(6, 7, DType::U8)?;
    let y = TensorType::quantized(dtype, Vec::new(), quant);
    let y = convolve(cx, x, weight, bias, Some(y), channels_last)?;
    cx.give(0, y)
}

/// `y`'s shape is filled in; without it the result is f32.
fn convolve(
    cx: &mut Context<'_, '_>,
    x: Value,
    weight: Value,
    bias: Option<Value>,
    y: Option<TensorType>,
    channels_last: bool,
) -> Step<Value> {
    cx.require_fixed(weight, "the weight")?;
    let rank = spatial_rank(cx, x)?;
    let kernel = cx.dims(weight);
    if kernel.len() != rank + 2 {
        let message = format!(
            "weights of {} do not go with an image of {}",
            counted(kernel.len(), "dimension"),
            rank + 2
        );
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    if channels_last && rank != 2 {
        return Err(Diagnostic::error(code::FORM, "channels_last is supported for [N, H, W, C] only"));
    }
    let outputs = kernel[0];
    let kernel = [if rank == 2 { kernel[2] } else { 1 }, kernel[rank + 1]];
    let mut image = if channels_last { x } else { to_channels_last(cx, x, "x")? };
    let dims = cx.dims(image);
    let mut spatial = Spatial::read(cx, rank, [dims[1], dims[2]], Some(kernel))?;
    let groups = cx.attributes().int("group")?.unwrap_or(1);
    let groups = usize::try_from(groups).ok().filter(|&g| g > 0 && g <= outputs).ok_or_else(|| {
        Diagnostic::error(
            code::ATTRIBUTE,
            format!("attribute group={groups} does not divide {outputs} channels"),
        )
    })?;
    let weight = to_channels_last(cx, weight, "weight")?;
    let bias = match bias {
        Some(bias) => bias,
        None if y.is_some() => {
            cx.part_constant("bias", Tensor::new([outputs], Data::I32(vec![0; outputs])), None)?
        }
        None => cx.part_constant("bias", Tensor::f32([outputs], vec![0.0; outputs]), None)?,
    };
    cx.require_fixed(bias, "the bias")?;
    if spatial.pads_exceed_window() {
        image = spatial.pad_before(cx, image)?;
    }
    let op = Conv2d {
        strides: spatial.strides,
        pads: spatial.pads,
        dilations: spatial.dilations,
        groups,
        act: Activation::NONE,
    };
    let inputs = [image, weight, bias];
    let ty = match y {
        None => None,
        Some(y) => {
            let inferred = tinyc_ir::Op::from(op.clone())
                .infer(&cx.build.graph.types(&inputs))
                .map_err(|e| Diagnostic::error(code::SHAPE, e.message))?;
            Some(y.with_shape(inferred.shape))
        }
    };
    if channels_last {
        return match ty {
            Some(ty) => cx.part_as("nhwc", op, &inputs, ty),
            None => cx.part("nhwc", op, &inputs),
        };
    }
    channels_first(cx, op, &inputs, ty, rank)
}
