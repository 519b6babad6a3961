//! `BatchNormalization` at inference: a product and a sum per channel.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{TO_FIRST, to_channels_last};
use tinyc_ir::op::{Add, Mul, Transpose};
use tinyc_ir::{Activation, Diagnostic, Tensor};

/// `BatchNormalization x, scale, bias, mean, variance` as `x · f + g` with `f = scale / √(variance + epsilon)` and
/// `g = bias − mean · scale / √(variance + epsilon)`, both computed in double precision and rounded once.
pub(super) fn batch_norm(cx: &mut Context<'_, '_>) -> Step<()> {
    if cx.attributes().flag("training_mode")?.unwrap_or(false) {
        return Err(unsupported("training_mode", 1, "training_mode=0: export the model for inference"));
    }
    if cx.opset < 9 && !cx.attributes().flag("spatial")?.unwrap_or(true) {
        return Err(unsupported("spatial", 0, "spatial=1"));
    }
    let x = cx.float(0)?;
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-5));
    let dims = cx.dims(x);
    let parameters = [1, 2, 3, 4].map(|i| cx.known_floats(i));
    let [scale, bias, mean, variance] = parameters;
    let (scale, bias, mean, variance) = (scale?, bias?, mean?, variance?);
    let channels = *dims.get(1).ok_or_else(|| {
        Diagnostic::error(
            code::SHAPE,
            format!("BatchNormalization needs a channel axis, and {} has none", cx.ty(x)),
        )
    })?;
    if [&scale, &bias, &mean, &variance].iter().any(|p| p.len() != channels) {
        let message = format!("the parameters of BatchNormalization do not have {channels} entries each");
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let factor = |c: usize| f64::from(scale[c]) / (f64::from(variance[c]) + epsilon).sqrt();
    let factors: Vec<f32> = (0..channels).map(|c| factor(c) as f32).collect();
    let offsets: Vec<f32> =
        (0..channels).map(|c| (f64::from(bias[c]) - f64::from(mean[c]) * factor(c)) as f32).collect();
    if factors.iter().chain(&offsets).any(|v| !v.is_finite()) {
        let message = "scale, bias, mean and variance give a factor or an offset that is not finite";
        return Err(Diagnostic::error(code::FORM, message));
    }
    let image = dims.len() == 4;
    // Per channel: along the last axis of an image brought there, else along axis 1 by broadcasting.
    let shape =
        if image { vec![channels] } else { [&[channels], vec![1; dims.len() - 2].as_slice()].concat() };
    let factors = cx.part_constant("factor", Tensor::f32(shape.clone(), factors), None)?;
    let offsets = cx.part_constant("offset", Tensor::f32(shape, offsets), None)?;
    let (mul, add) = (Mul { act: Activation::NONE }, Add { act: Activation::NONE });
    let x = if image { to_channels_last(cx, x, "x")? } else { x };
    let scaled = cx.part("scaled", mul, &[x, factors])?;
    if !image {
        return cx.result(add, &[scaled, offsets]);
    }
    let y = cx.part("nhwc", add, &[scaled, offsets])?;
    cx.result(Transpose { perm: TO_FIRST.to_vec() }, &[y])
}
