//! `Relu` and `Clip`: a clamp, or on stored integers a requantisation that clamps.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Clamp, Requantize};
use tinyc_ir::{Activation, DType, Diagnostic};

/// `Relu x`
pub(super) fn relu(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    if !cx.ty(x).is_quantized() && cx.ty(x).dtype != DType::F32 {
        return super::unary::unary(cx);
    }
    let x = cx.float(0)?;
    cx.result(Clamp { act: Activation::RELU }, &[x])
}

/// `Clip x, min?, max?`; the bounds are attributes before operator set 11.
pub(super) fn clip(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let Some(quant) = cx.ty(x).quant.clone() else {
        if cx.ty(x).dtype != DType::F32 || cx.opset >= 11 && !bounds_known(cx) {
            return super::arithmetic::clip(cx);
        }
        let x = cx.float(0)?;
        let (lo, hi) = if cx.opset < 11 {
            (cx.attributes().float("min")?, cx.attributes().float("max")?)
        } else {
            (bound(cx, 1, |cx, i| cx.known_floats(i))?, bound(cx, 2, |cx, i| cx.known_floats(i))?)
        };
        return cx.result(Clamp { act: bounds(lo, hi)? }, &[x]);
    };
    let Some((scale, zero_point)) = quant.tensor_wide() else {
        return Err(Diagnostic::error(
            code::PER_AXIS,
            "Clip of a tensor quantised per axis is not supported",
        ));
    };
    // The bounds are stored integers; their real values are a few steps from zero, exact enough to come back.
    let real = |stored: Option<i64>| stored.map(|v| (v - i64::from(zero_point)) as f32 * scale);
    let lo = bound(cx, 1, |cx, i| cx.known_ints(i))?;
    let hi = bound(cx, 2, |cx, i| cx.known_ints(i))?;
    let act = bounds(real(lo), real(hi))?;
    let ty = cx.ty(x).clone();
    cx.result_as(Requantize { act }, &[x], ty)
}

/// Whether every bound that is given is known.
fn bounds_known(cx: &Context<'_, '_>) -> bool {
    [1, 2].into_iter().all(|i| cx.operand(i).is_none() || cx.known(i).is_ok())
}

/// A bound that may be left out: the one number of operand `i`.
fn bound<T: Copy>(
    cx: &Context<'_, '_>,
    i: usize,
    read: fn(&Context<'_, '_>, usize) -> Step<Vec<T>>,
) -> Step<Option<T>> {
    if cx.operand(i).is_none() {
        return Ok(None);
    }
    match read(cx, i)?.as_slice() {
        [] => Ok(None),
        [value] => Ok(Some(*value)),
        more => {
            Err(Diagnostic::error(code::SHAPE, format!("a bound of Clip is one number, not {}", more.len())))
        }
    }
}

/// If `min` is above `max`, everything becomes `max`, as ONNX says.
fn bounds(lo: Option<f32>, hi: Option<f32>) -> Step<Activation> {
    let (lo, hi) = (lo.unwrap_or(f32::NEG_INFINITY), hi.unwrap_or(f32::INFINITY));
    if lo.is_nan() || hi.is_nan() {
        return Err(Diagnostic::error(code::FORM, "a bound of Clip is NaN"));
    }
    Ok(Activation { lo: lo.min(hi), hi })
}
