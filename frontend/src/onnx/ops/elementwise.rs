//! Sums and products of two tensors that broadcast together, on floats and quantised.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Add, Mul};
use tinyc_ir::{Activation, DType, Diagnostic, Op, Tensor, TensorType, Value};

const ADD: Add = Add { act: Activation::NONE };
const MUL: Mul = Mul { act: Activation::NONE };

/// `Add a, b`
pub(super) fn add(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs = floats(cx)?;
    cx.result(ADD, &inputs)
}

/// `Mul a, b`
pub(super) fn mul(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs = floats(cx)?;
    cx.result(MUL, &inputs)
}

/// `Sub a, b` as `a + b·(−1)`: the same bits, because changing a sign rounds nothing.
pub(super) fn sub(cx: &mut Context<'_, '_>) -> Step<()> {
    let [a, b] = floats(cx)?;
    let minus = cx.part_constant("minus", Tensor::f32([1], vec![-1.0]), None)?;
    let b = cx.part("negated", MUL, &[b, minus])?;
    cx.result(ADD, &[a, b])
}

/// `Div a, b` by a constant, as `a · (1/b)`: one more rounding, that of the reciprocal, unless `b` is a power of two.
pub(super) fn div(cx: &mut Context<'_, '_>) -> Step<()> {
    let a = cx.float(0)?;
    let (shape, divisors) = (cx.known(1)?.shape.clone(), cx.known_floats(1)?);
    let reciprocals: Vec<f32> = divisors.iter().map(|&d| (1.0 / f64::from(d)) as f32).collect();
    if reciprocals.iter().any(|r| !r.is_normal()) {
        return Err(Diagnostic::error(
            code::FORM,
            "a divisor is zero, not a number, or too large or small to invert",
        ));
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
