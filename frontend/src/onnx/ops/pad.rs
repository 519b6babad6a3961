//! `Pad` with a constant.

use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Pad;
use tinyc_ir::{DType, Diagnostic, Value};

/// `Pad x, pads, value?, axes?`; pads and value are attributes before operator set 11.
pub(super) fn pad(cx: &mut Context<'_, '_>) -> Step<()> {
    let mode = cx.attributes().string("mode")?.unwrap_or_default();
    if !matches!(mode.as_str(), "" | "constant") {
        return Err(unsupported("mode", mode, "constant"));
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
    let sizes: Option<Vec<usize>> =
        pads.iter().map(|&p| i32::try_from(p).ok().and_then(|p| usize::try_from(p).ok())).collect();
    let sizes = sizes.ok_or_else(|| {
        Diagnostic::error(code::FORM, format!("pads {pads:?} are not supported"))
            .help("pads must not be negative")
    })?;
    if sizes.len() != 2 * axes.len() {
        let message = format!("{} pads are given for {} axes", sizes.len(), axes.len());
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (i, &axis) in axes.iter().enumerate() {
        (before[axis], after[axis]) = (sizes[i], sizes[axes.len() + i]);
    }
    let value = padding(cx, x)?;
    cx.result(Pad { before, after, value }, &[x])
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
    if ty.dtype != DType::F32 {
        return Err(Diagnostic::error(code::ELEMENT_TYPE, format!("Pad of {ty} is not supported")));
    }
    let value = if given { cx.known_floats(2)? } else { vec![0.0] };
    one(value.len())?;
    Ok(value[0])
}
