//! Operators of ONNX Runtime's quantised models that move, choose or map stored integers. Each result is the exact real value,
//! rounded once.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Requantize;
use tinyc_ir::wording::counted;
use tinyc_ir::{Activation, DType, Diagnostic, Quant, TensorType, Value};

/// A value with another quantisation; itself if it is the same.
fn requantised(cx: &mut Context<'_, '_>, x: Value, (dtype, quant): &(DType, Quant)) -> Step<Value> {
    let ty = TensorType::quantized(*dtype, cx.dims(x), quant.clone());
    if *cx.ty(x) == ty {
        return Ok(x);
    }
    cx.part_as("rescaled", Requantize { act: Activation::NONE }, &[x], ty)
}

/// `QLinearConcat ys, yz, (x, xs, xz), …`
pub(super) fn concat(cx: &mut Context<'_, '_>) -> Step<()> {
    let y = cx.quantised_type(0, 1, DType::U8)?;
    let mut parts = Vec::new();
    for i in (2..cx.node.input.len()).step_by(3) {
        let x = cx.quantised(i, i + 1, i + 2, None)?;
        parts.push(requantised(cx, x, &y)?);
    }
    let rank = parts.first().map_or(0, |&x| cx.dims(x).len());
    let stated = cx.attributes().int("axis")?.unwrap_or(0);
    let axis = axis(stated, rank).ok_or_else(|| {
        Diagnostic::error(
            code::ATTRIBUTE,
            format!("axis {stated} is no axis of {}", counted(rank, "dimension")),
        )
    })?;
    let y = cx.concat(&parts, axis)?;
    cx.give(0, y)
}

/// `QLinearWhere condition, x, xs, xz, y, ys, yz, zs, zz`
pub(super) fn select(cx: &mut Context<'_, '_>) -> Step<()> {
    let condition = cx.plain(0)?;
    let (x, y) = (cx.quantised(1, 2, 3, None)?, cx.quantised(4, 5, 6, None)?);
    let z = cx.quantised_type(7, 8, cx.ty(x).dtype)?;
    let inputs = [condition, requantised(cx, x, &z)?, requantised(cx, y, &z)?];
    let shape = inputs.iter().try_fold(tinyc_ir::Shape::default(), |shape, &v| {
        tinyc_ir::Shape::broadcast(&shape, &cx.ty(v).shape)
    });
    let shape = shape
        .ok_or_else(|| Diagnostic::error(code::SHAPE, "the operands of QLinearWhere do not broadcast"))?;
    let ty = TensorType::quantized(z.0, shape, z.1);
    let y = cx.map_as("y", &inputs, ty, |x| x[0].select(x[1], x[2]))?;
    cx.give(0, y)
}

/// `QLinearSigmoid x, xs, xz, ys, yz`
pub(super) fn sigmoid(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.quantised(0, 1, 2, None)?;
    let y = cx.quantised_type(3, 4, cx.ty(x).dtype)?;
    let y = cx.table(x, y, |x| x.literal(1.0) / ((-x).exp() + 1.0))?;
    cx.give(0, y)
}

/// `QLinearLeakyRelu x, xs, xz, ys, yz`
pub(super) fn leaky_relu(cx: &mut Context<'_, '_>) -> Step<()> {
    let alpha = f64::from(cx.attributes().float("alpha")?.unwrap_or(0.01));
    let x = cx.quantised(0, 1, 2, None)?;
    let y = cx.quantised_type(3, 4, cx.ty(x).dtype)?;
    let y = cx.table(x, y, |x| x.lt(x.literal(0.0)).select(x * alpha, x))?;
    cx.give(0, y)
}
