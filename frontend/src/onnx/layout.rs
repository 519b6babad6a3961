//! Channels-first images of ONNX as the channels-last images of the graph IR, and back.
//!
//! `[N, C, H, W]` is wrapped in `transpose`; `[N, C, W]` first becomes an image of one row.

use super::code;
use super::context::{Context, Step};
use tinyc_ir::op::{Reshape, Transpose};
use tinyc_ir::wording::counted;
use tinyc_ir::{Diagnostic, Op, TensorType, Value};

/// From channels-first to channels-last.
pub(super) const TO_LAST: [usize; 4] = [0, 2, 3, 1];
/// From channels-last to channels-first.
pub(super) const TO_FIRST: [usize; 4] = [0, 3, 1, 2];

/// The number of spatial dimensions of an image operand, 1 or 2.
pub(super) fn spatial_rank(cx: &Context<'_, '_>, x: Value) -> Step<usize> {
    match cx.ty(x).shape.rank() {
        3 => Ok(1),
        4 => Ok(2),
        rank => {
            let message = format!(
                "{} of a tensor of {} is not supported",
                cx.node.op_type(),
                counted(rank, "dimension")
            );
            Err(Diagnostic::error(code::FORM, message).help("supported are [N, C, W] and [N, C, H, W]"))
        }
    }
}

/// An image `[N, C, H, W]` or `[N, C, W]`, or weights `[O, C, KH, KW]` or `[O, C, KW]`, with channels last.
pub(super) fn to_channels_last(cx: &mut Context<'_, '_>, x: Value, part: &str) -> Step<Value> {
    let image = with_rows(cx, x, part)?;
    cx.part(part, Transpose { perm: TO_LAST.to_vec() }, &[image])
}

/// `[A, B, W]` as `[A, B, 1, W]`; four dimensions stay.
fn with_rows(cx: &mut Context<'_, '_>, x: Value, part: &str) -> Step<Value> {
    let dims = cx.dims(x);
    let &[a, b, w] = dims.as_slice() else { return Ok(x) };
    let shape = vec![a, b, 1, w];
    let quant = cx.ty(x).quant.clone();
    // `reshape` does not take quantisation per axis; here the axis stays what it was.
    if let (Some(quant), Some(tensor)) =
        (quant.filter(|q| q.axis().is_some_and(|a| a < 2)), cx.build.numbers(x))
    {
        return cx.part_constant(&format!("{part}/rows"), tensor.reshaped(shape), Some(quant));
    }
    cx.part(&format!("{part}/rows"), Reshape { shape }, &[x])
}

/// As [`channels_first`], as the node's result.
pub(super) fn finish(
    cx: &mut Context<'_, '_>,
    op: impl Into<Op>,
    inputs: &[Value],
    ty: Option<TensorType>,
    rank: usize,
) -> Step<()> {
    let y = channels_first(cx, op, inputs, ty, rank)?;
    cx.give(0, y)
}

/// Adds an operator on channels-last images and the way back to the layout that ONNX has for `rank` spatial
/// dimensions. Without a type, the operator infers it.
pub(super) fn channels_first(
    cx: &mut Context<'_, '_>,
    op: impl Into<Op>,
    inputs: &[Value],
    ty: Option<TensorType>,
    rank: usize,
) -> Step<Value> {
    let y = match ty {
        Some(ty) => cx.part_as("nhwc", op, inputs, ty)?,
        None => cx.part("nhwc", op, inputs)?,
    };
    let image = cx.part("nchw", Transpose { perm: TO_FIRST.to_vec() }, &[y])?;
    if rank == 2 {
        return Ok(image);
    }
    let dims = cx.dims(image);
    cx.part("ncw", Reshape { shape: vec![dims[0], dims[1], dims[3]] }, &[image])
}
