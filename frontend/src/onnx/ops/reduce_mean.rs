//! `ReduceMean`: an average pool over all of the reduced axes.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{TO_FIRST, TO_LAST};
use tinyc_ir::op::window::Window;
use tinyc_ir::op::{AvgPool2d, Reshape, Transpose};
use tinyc_ir::{Activation, DType, Diagnostic, Op, Quant, TensorType, Value};

/// `ReduceMean x, axes?`; axes are an attribute before operator set 18.
pub(super) fn reduce_mean(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    if cx.ty(x).dtype != DType::F32 || cx.ty(x).shape.elements() == 0 {
        return super::reduction::reduce(cx);
    }
    let x = cx.float(0)?;
    mean(cx, x, None)
}

/// `QLinearReduceMean x, xs, xz, ys, yz`
pub(super) fn qlinear_reduce_mean(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.quantised(0, 1, 2, None)?;
    let y = cx.quantised_type(3, 4, cx.ty(x).dtype)?;
    mean(cx, x, Some(y))
}

/// The mean of floats, or of a quantised tensor with a result of the given type.
fn mean(cx: &mut Context<'_, '_>, x: Value, y: Option<(DType, Quant)>) -> Step<()> {
    let dims = cx.dims(x);
    let stated = match cx.operand(1) {
        Some(_) if y.is_none() => Some(cx.known_ints(1)?),
        _ => cx.attributes().ints("axes")?.map(<[i64]>::to_vec),
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
        image(cx, x, &reduced, y)?
    } else {
        rows(cx, x, &reduced, y)?
    };
    cx.result(Reshape { shape }, &[pooled])
}

/// Rows or columns of a channels-first image, in the layout that surrounding convolutions have.
fn image(cx: &mut Context<'_, '_>, x: Value, reduced: &[bool], y: Option<(DType, Quant)>) -> Step<Value> {
    let last = cx.part("x", Transpose { perm: TO_LAST.to_vec() }, &[x])?;
    let dims = cx.dims(last);
    let kernel = [if reduced[2] { dims[1] } else { 1 }, if reduced[3] { dims[2] } else { 1 }];
    let pooled = pooled(cx, "nhwc", kernel, last, y)?;
    cx.part("nchw", Transpose { perm: TO_FIRST.to_vec() }, &[pooled])
}

/// Any axes: those before the first reduced one are the batch, the reduced ones the rows, the others the channels.
fn rows(cx: &mut Context<'_, '_>, x: Value, reduced: &[bool], y: Option<(DType, Quant)>) -> Step<Value> {
    let dims = cx.dims(x);
    let first = reduced.iter().position(|&r| r).unwrap_or(dims.len());
    let behind = |r: bool| (first..dims.len()).filter(move |&i| reduced[i] == r);
    let perm: Vec<usize> = (0..first).chain(behind(true)).chain(behind(false)).collect();
    let size = |axes: &mut dyn Iterator<Item = usize>| axes.map(|i| dims[i]).product::<usize>();
    let (batch, count, channels) = (size(&mut (0..first)), size(&mut behind(true)), size(&mut behind(false)));
    let ordered = if perm.is_sorted() { x } else { cx.part("x", Transpose { perm }, &[x])? };
    let image = cx.part("rows", Reshape { shape: vec![batch, count, 1, channels] }, &[ordered])?;
    pooled(cx, "mean", [count, 1], image, y)
}

fn pooled(
    cx: &mut Context<'_, '_>,
    part: &str,
    kernel: [usize; 2],
    image: Value,
    y: Option<(DType, Quant)>,
) -> Step<Value> {
    let window = Window { kernel, strides: [1, 1], pads: [0; 4] };
    let op = Op::from(AvgPool2d { window, count_include_pad: false, act: Activation::NONE });
    let Some((dtype, quant)) = y else { return cx.part(part, op, &[image]) };
    let inferred = op.infer(&[cx.ty(image)]).map_err(|e| Diagnostic::error(code::SHAPE, e.message))?;
    cx.part_as(part, op, &[image], TensorType::quantized(dtype, inferred.shape, quant))
}
