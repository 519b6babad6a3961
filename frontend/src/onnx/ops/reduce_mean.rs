//! `ReduceMean`: an average pool over all of the reduced axes.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{TO_FIRST, TO_LAST};
use tinyc_ir::op::window::Window;
use tinyc_ir::op::{AvgPool2d, Reshape, Transpose};
use tinyc_ir::{Activation, DType, Diagnostic, Value};

/// `ReduceMean x, axes?`; axes are an attribute before operator set 18.
pub(super) fn reduce_mean(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    if cx.ty(x).dtype != DType::F32 || cx.ty(x).shape.elements() == 0 {
        return super::reduction::reduce(cx);
    }
    let x = cx.float(0)?;
    let dims = cx.dims(x);
    let stated = match cx.operand(1) {
        Some(_) => Some(cx.known_ints(1)?),
        None => cx.attributes().ints("axes")?.map(<[i64]>::to_vec),
    };
    let stated = stated.filter(|axes| !axes.is_empty());
    if stated.is_none() && cx.attributes().flag("noop_with_empty_axes")?.unwrap_or(false) {
        return cx.pass_on(0);
    }
    let mut reduced = vec![stated.is_none(); dims.len()];
    for &a in stated.iter().flatten() {
        let message = || format!("axis {a} is not an axis of {}", cx.ty(x));
        let axis = axis(a, dims.len()).ok_or_else(|| Diagnostic::error(code::SHAPE, message()))?;
        reduced[axis] = true;
    }
    let keep = cx.attributes().flag("keepdims")?.unwrap_or(true);
    let shape: Vec<usize> = (0..dims.len())
        .filter(|&i| keep || !reduced[i])
        .map(|i| if reduced[i] { 1 } else { dims[i] })
        .collect();
    let pooled = if reduced == [false, false, true, true]
        || reduced == [false, false, false, true]
        || reduced == [false, false, true, false]
    {
        image(cx, x, &reduced)?
    } else {
        rows(cx, x, &reduced)?
    };
    cx.result(Reshape { shape }, &[pooled])
}

/// Rows or columns of a channels-first image, in the layout that surrounding convolutions have.
fn image(cx: &mut Context<'_, '_>, x: Value, reduced: &[bool]) -> Step<Value> {
    let last = cx.part("x", Transpose { perm: TO_LAST.to_vec() }, &[x])?;
    let dims = cx.dims(last);
    let kernel = [if reduced[2] { dims[1] } else { 1 }, if reduced[3] { dims[2] } else { 1 }];
    let pooled = cx.part("nhwc", pool(kernel), &[last])?;
    cx.part("nchw", Transpose { perm: TO_FIRST.to_vec() }, &[pooled])
}

/// Any axes: those before the first reduced one are the batch, the reduced ones the rows, the others the channels.
fn rows(cx: &mut Context<'_, '_>, x: Value, reduced: &[bool]) -> Step<Value> {
    let dims = cx.dims(x);
    let first = reduced.iter().position(|&r| r).unwrap_or(dims.len());
    let behind = |r: bool| (first..dims.len()).filter(move |&i| reduced[i] == r);
    let perm: Vec<usize> = (0..first).chain(behind(true)).chain(behind(false)).collect();
    let size = |axes: &mut dyn Iterator<Item = usize>| axes.map(|i| dims[i]).product::<usize>();
    let (batch, count, channels) = (size(&mut (0..first)), size(&mut behind(true)), size(&mut behind(false)));
    let ordered = if perm.is_sorted() { x } else { cx.part("x", Transpose { perm }, &[x])? };
    let image = cx.part("rows", Reshape { shape: vec![batch, count, 1, channels] }, &[ordered])?;
    cx.part("mean", pool([count, 1]), &[image])
}

fn pool(kernel: [usize; 2]) -> AvgPool2d {
    let window = Window { kernel, strides: [1, 1], pads: [0; 4] };
    AvgPool2d { window, count_include_pad: false, act: Activation::NONE }
}
