//! `NonMaxSuppression`: rows `(batch, class, box)`, at most as many as the model asks for, and their count.

use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use std::sync::Arc;
use tinyc_ir::op::{Compact, Gather, Suppress};
use tinyc_ir::{DType, Data, Diagnostic, Tensor, Value};

/// `NonMaxSuppression boxes, scores, max_output_boxes_per_class?, iou_threshold?, score_threshold?`
pub(super) fn non_max_suppression(cx: &mut Context<'_, '_>) -> Step<()> {
    let centered = cx.attributes().flag("center_point_box")?.unwrap_or(false);
    let number = |i: usize| -> Step<Option<f32>> {
        let known = cx.operand(i).map(|_| cx.known_floats(i)).transpose()?;
        Ok(known.and_then(|v| v.first().copied()))
    };
    let (iou, above) = (number(3)?.unwrap_or(0.0), number(4)?.unwrap_or(f32::NEG_INFINITY));
    let most = match cx.operand(2) {
        Some(_) => cx.known_ints(2)?.first().copied().unwrap_or(0),
        None => 0,
    };
    let (boxes, scores) = (cx.float(0)?, cx.float(1)?);
    let (dims, columns) = (cx.dims(boxes), cx.dims(scores));
    let (&[batches, count, 4], &[same, classes, row]) = (dims.as_slice(), columns.as_slice()) else {
        let message =
            format!("{} and {} are not boxes [B, N, 4] and scores [B, C, N]", cx.ty(boxes), cx.ty(scores));
        return Err(Diagnostic::error(code::SHAPE, message));
    };
    cx.require(same == batches && row == count, "boxes and scores of NonMaxSuppression go together")?;
    let keep = usize::try_from(most).unwrap_or(0).min(count);
    if keep == 0 {
        cx.define(Slot::Constant(Arc::new(Tensor::new([0, 3], Data::I64(Vec::new())))));
        return Ok(());
    }
    let scores = candidates(cx, boxes, scores)?;
    let kept = cx.part("boxes", Suppress { keep, iou, above, centered }, &[boxes, scores])?;
    let total = batches * classes * keep;
    let kept = cx.reshape(kept, &[1, total])?;
    let found = cx.map("found", &[kept], |x| x[0].literal(0.0).le(x[0]))?;
    let count = cx.count(found)?;
    let y = if batches * classes == 1 {
        let column = cx.reshape(kept, &[total, 1])?;
        let is_box = cx.ints("columns", DType::I32, &[1, 3], vec![0, 0, 1])?;
        cx.map("rows", &[column, is_box], |x| {
            let none = x[0].lt(x[0].literal(0.0));
            none.select(x[0], x[0] * x[1]).to(DType::I64)
        })?
    } else {
        // What each class keeps comes first there; the rows have no gaps.
        let places = cx.part("places", Compact, &[found])?;
        let inside = cx.map("inside", &[places], |x| x[0].max(x[0].literal(0.0)))?;
        let list = cx.reshape(kept, &[1, total, 1])?;
        let numbers = cx.part("numbers", Gather, &[list, inside])?;
        let (places, numbers) = (cx.reshape(places, &[total, 1])?, cx.reshape(numbers, &[total, 1])?);
        let strides = [(classes * keep) as i64, keep as i64, 1].to_vec();
        let strides = cx.ints("strides", DType::I32, &[1, 3], strides)?;
        // There is no third part: 0 stands for the number of the box.
        let sizes = cx.ints("sizes", DType::I32, &[1, 3], vec![batches as i64, classes as i64, 0])?;
        cx.map("rows", &[places, numbers, strides, sizes], |x| {
            let zero = x[0].literal(0.0);
            let part = (x[0] / x[2]).remainder(x[3]);
            let value = x[3].equals(zero).select(x[1], part);
            x[0].lt(zero).select(x[0], value).to(DType::I64)
        })?
    };
    cx.give(0, y)?;
    cx.limit(0, 0, count);
    Ok(())
}

/// The scores, with −inf for boxes that are only there to fill a tensor.
fn candidates(cx: &mut Context<'_, '_>, boxes: Value, scores: Value) -> Step<Value> {
    let (own, other) = (cx.extent(scores), cx.extent(boxes));
    let (Some(extent), operand) = (own.or(other), usize::from(own.is_some())) else { return Ok(scores) };
    let axes = own.is_none_or(|e| e.axis == 2) && other.is_none_or(|e| e.axis == 1);
    let agree = own.zip(other).is_none_or(|(a, b)| a.count == b.count);
    if !axes || !agree {
        return Err(cx.refuse_extent(&cx.node.input[operand]));
    }
    let length = cx.dims(scores)[2];
    let numbers = cx.ints("numbers", DType::I32, &[length], (0..length as i64).collect())?;
    cx.map("candidates", &[scores, numbers, extent.count], |x| {
        x[1].lt(x[2]).select(x[0], x[0].literal(f64::NEG_INFINITY))
    })
}
