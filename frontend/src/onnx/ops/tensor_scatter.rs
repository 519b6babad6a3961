//! `TensorScatter`: new elements of a sequence written into a cache, from a run-time position on.

use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use tinyc_ir::DType;
use tinyc_ir::op::Scatter;
use tinyc_ir::op::scatter::ScatterKind;

/// `TensorScatter cache, update, starts?`
pub(super) fn tensor_scatter(cx: &mut Context<'_, '_>) -> Step<()> {
    let mode = cx.attributes().string("mode")?.unwrap_or_else(|| "linear".into());
    let circular = match mode.as_str() {
        "linear" => false,
        "circular" => true,
        _ => return Err(unsupported("mode", mode, "linear, circular")),
    };
    let (cache, update) = (cx.plain(0)?, cx.plain(1)?);
    let (dims, written) = (cx.dims(cache), cx.dims(update));
    let axis = cx.axis("axis", -2, dims.len())?;
    cx.require(axis > 0, "the axis of TensorScatter is not that of the batch")?;
    let mut expected = dims.clone();
    expected[axis] = written.get(axis).copied().unwrap_or(0);
    let fits =
        expected == written && written[axis] <= dims[axis] && cx.ty(cache).dtype == cx.ty(update).dtype;
    cx.require(fits, format!("{} does not go into {}", cx.ty(update), cx.ty(cache)))?;
    let count = written[axis];
    if cx.operand(2).is_none() {
        let rest = dims[axis] - count;
        let kept = if rest == 0 { None } else { Some(cx.slice(cache, axis, count, rest, 1)?) };
        let parts: Vec<_> = [update].into_iter().chain(kept).collect();
        let y = cx.concat(&parts, axis)?;
        return cx.give(0, y);
    }
    let starts = cx.plain(2)?;
    let plain = matches!(cx.ty(starts).dtype, DType::I32 | DType::I64);
    cx.require(plain && cx.dims(starts) == [dims[0]], "there is one position for each sample")?;
    let starts = cx.reshape(starts, &[dims[0], 1])?;
    let steps = cx.ints("steps", cx.ty(starts).dtype, &[count], (0..count as i64).collect())?;
    let size = dims[axis] as f64;
    let places = cx.map("places", &[starts, steps], |x| {
        let place = x[0] + x[1];
        if circular { place.remainder(x[0].literal(size)) } else { place }
    })?;
    // Every axis between batch and sequence writes to the same places.
    let between: usize = dims[1..axis].iter().product();
    let places = cx.reshape(places, &[dims[0], 1, count])?;
    let places = cx.expand(places, &[dims[0], between, count])?;
    let (rows, stretch) = (dims[0] * between, dims[axis + 1..].iter().product());
    let places = cx.reshape(places, &[rows, count])?;
    let cache = cx.reshape(cache, &[rows, dims[axis], stretch])?;
    let update = cx.reshape(update, &[rows, count, stretch])?;
    let y = cx.part("written", Scatter { kind: ScatterKind::Set }, &[cache, places, update])?;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}
