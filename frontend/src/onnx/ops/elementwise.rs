//! Sums and products of two tensors that broadcast together, on floats and quantised.

use super::arithmetic;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Add, Mul};
use tinyc_ir::{Activation, DType, Diagnostic, Op, Tensor, TensorType, Value};

const ADD: Add = Add { act: Activation::NONE };
const MUL: Mul = Mul { act: Activation::NONE };

/// Whether both operands are f32; integers and f64 go the way of formulas.
fn on_floats(cx: &mut Context<'_, '_>) -> Step<bool> {
    let [a, b] = [cx.input(0)?, cx.input(1)?];
    Ok(cx.ty(a).dtype == DType::F32 || cx.ty(b).dtype == DType::F32)
}

/// `Add a, b`
pub(super) fn add(cx: &mut Context<'_, '_>) -> Step<()> {
    if !on_floats(cx)? {
        return arithmetic::arithmetic(cx);
    }
    let inputs = floats(cx)?;
    cx.result(ADD, &inputs)
}

/// `Mul a, b`
pub(super) fn mul(cx: &mut Context<'_, '_>) -> Step<()> {
    if !on_floats(cx)? {
        return arithmetic::arithmetic(cx);
    }
    let inputs = floats(cx)?;
    cx.result(MUL, &inputs)
}

/// `Sub a, b`; a constant is added negated, with the same bits, so that it can join a convolution's bias.
pub(super) fn sub(cx: &mut Context<'_, '_>) -> Step<()> {
    if !on_floats(cx)? {
        return arithmetic::arithmetic(cx);
    }
    let [a, b] = floats(cx)?;
    if !cx.build.is_fixed(b) {
        return arithmetic::arithmetic(cx);
    }
    let minus = cx.part_constant("minus", Tensor::f32([1], vec![-1.0]), None)?;
    let b = cx.part("negated", MUL, &[b, minus])?;
    cx.result(ADD, &[a, b])
}

/// `Div a, b`; by a constant as `a · (1/b)`, with one more rounding, that of the reciprocal, unless `b` is a power of two.
pub(super) fn div(cx: &mut Context<'_, '_>) -> Step<()> {
    if !on_floats(cx)? {
        return arithmetic::arithmetic(cx);
    }
    let [a, b] = floats(cx)?;
    let divisors = cx.build.numbers(b);
    let Some((shape, divisors)) = divisors.as_ref().and_then(|t| Some((t.shape.clone(), t.data.as_f32()?)))
    else {
        return arithmetic::arithmetic(cx);
    };
    let reciprocals: Vec<f32> = divisors.iter().map(|&d| (1.0 / f64::from(d)) as f32).collect();
    if reciprocals.iter().any(|r| !r.is_normal()) {
        return arithmetic::arithmetic(cx);
    }
    let b = cx.part_constant("reciprocal", Tensor::f32(shape, reciprocals), None)?;
    cx.result(MUL, &[a, b])
}

/// `QLinearAdd a, as, az, b, bs, bz, ys, yz`
pub(super) fn qlinear_add(cx: &mut Context<'_, '_>) -> Step<()> {
    qlinear(cx, ADD.into())
}

/// `QLinearMul a, as, az, b, bs, bz, ys, yz`
pub(super) fn qlinear_mul(cx: &mut Context<'_, '_>) -> Step<()> {
    qlinear(cx, MUL.into())
}

fn floats(cx: &mut Context<'_, '_>) -> Step<[Value; 2]> {
    Ok([cx.float(0)?, cx.float(1)?])
}

fn qlinear(cx: &mut Context<'_, '_>, op: Op) -> Step<()> {
    let inputs = [cx.quantised(0, 1, 2, None)?, cx.quantised(3, 4, 5, None)?];
    let (dtype, quant) = cx.quantised_type(6, 7, DType::U8)?;
    let inferred =
        op.infer(&cx.build.graph.types(&inputs)).map_err(|e| Diagnostic::error(code::SHAPE, e.message))?;
    cx.result_as(op, &inputs, TensorType::quantized(dtype, inferred.shape, quant))
}
