//! `Pad`: with a constant, or with elements of the tensor by known positions.

use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Pad;
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Value};

/// `Pad x, pads, value?, axes?`; pads and value are attributes before operator set 11.
pub(super) fn pad(cx: &mut Context<'_, '_>) -> Step<()> {
    let mode = cx.attributes().string("mode")?.unwrap_or_default();
    if !matches!(mode.as_str(), "" | "constant" | "reflect" | "edge" | "wrap") {
        return Err(unsupported("mode", mode, "constant, reflect, edge, wrap"));
    }
    let x = cx.input(0)?;
    let rank = cx.ty(x).shape.rank();
    let pads = if cx.opset < 11 {
        cx.attributes().ints("pads")?.map(<[i64]>::to_vec).unwrap_or_default()
    } else {
        cx.known_ints(1)?
    };
    let axes: Vec<usize> = match cx.operand(3) {
        None => (0..rank).collect(),
        Some(_) => {
            let stated = cx.known_ints(3)?;
            let axes: Option<Vec<usize>> = stated.iter().map(|&a| axis(a, rank)).collect();
            axes.ok_or_else(|| {
                Diagnostic::error(code::SHAPE, format!("axes {stated:?} are not axes of {}", cx.ty(x)))
            })?
        }
    };
    if pads.len() != 2 * axes.len() {
        let message = format!("{} pads are given for {} axes", pads.len(), axes.len());
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let dims = cx.dims(x);
    let (mut x, mut before, mut after) = (x, vec![0; rank], vec![0; rank]);
    for (i, &axis) in axes.iter().enumerate() {
        let (low, high, size) = (pads[i], pads[axes.len() + i], dims[axis] as i64);
        let fits = [low, high].iter().all(|p| i32::try_from(*p).is_ok()) && low + size + high >= 0;
        cx.require(
            fits,
            format!("pads {low} and {high} take more than {}", counted(size as usize, "element")),
        )?;
        if matches!(mode.as_str(), "reflect" | "edge" | "wrap") {
            if (low, high) != (0, 0) {
                cx.require(size > 0, "there is nothing that padding could repeat")?;
                x = cx.pick(x, axis, (-low..size + high).map(|at| source(&mode, at, size)).collect())?;
            }
            continue;
        }
        // Negative padding cuts off.
        let (front, back) = ((-low).max(0), (-high).max(0));
        cx.require(
            front + back <= size,
            format!("pads {low} and {high} take more than {}", counted(size as usize, "element")),
        )?;
        x = cx.slice(x, axis, front as usize, (size - front - back) as usize, 1)?;
        (before[axis], after[axis]) = (low.max(0) as usize, high.max(0) as usize);
    }
    if before.iter().chain(&after).all(|&n| n == 0) {
        return cx.give(0, x);
    }
    let value = padding(cx, x)?;
    cx.result(Pad { before, after, value }, &[x])
}

/// Which of `size` elements stands at a place that may be outside.
fn source(mode: &str, at: i64, size: i64) -> i64 {
    match mode {
        "edge" => at.clamp(0, size - 1),
        "wrap" => at.rem_euclid(size),
        _ if size == 1 => 0,
        _ => {
            let folded = at.rem_euclid(2 * (size - 1));
            if folded < size { folded } else { 2 * (size - 1) - folded }
        }
    }
}

/// The real value of the padding: stored integers are dequantised, exactly enough to come back as they are.
fn padding(cx: &Context<'_, '_>, x: Value) -> Step<f32> {
    let ty = cx.ty(x);
    if cx.opset < 11 {
        return Ok(cx.attributes().float("value")?.unwrap_or(0.0));
    }
    let given = cx.operand(2).is_some();
    let one = |count: usize| match count {
        1 => Ok(()),
        n => Err(Diagnostic::error(code::SHAPE, format!("the padding is one number, not {n}"))),
    };
    if let Some((scale, zero_point)) = ty.quant.as_ref().and_then(|q| q.tensor_wide()) {
        let stored = if given { cx.known_ints(2)? } else { vec![0] };
        one(stored.len())?;
        return Ok((stored[0] - i64::from(zero_point)) as f32 * scale);
    }
    if ty.dtype != DType::F32 && given {
        // Stored as f32, which holds the numbers that models pad with.
        let tensor = cx.known(2)?;
        let value = match &tensor.data {
            floats if floats.dtype().is_float() => floats.to_reals().first().copied(),
            ints => ints.to_ints().and_then(|v| v.first().map(|&v| v as f64)),
        };
        let exact = value.filter(|&v| f64::from(v as f32) == v || v.is_nan());
        return exact
            .map(|v| v as f32)
            .ok_or_else(|| Diagnostic::error(code::FORM, "the padding is not a number that f32 holds"));
    }
    if ty.dtype != DType::F32 {
        return Ok(0.0);
    }
    let value = if given { cx.known_floats(2)? } else { vec![0.0] };
    one(value.len())?;
    Ok(value[0])
}
