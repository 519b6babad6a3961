//! Integer products with zero points: `MatMulInteger`, the quantisation at run time that goes before it, and what ONNX Runtime
//! makes of both with the way back to floats.

use crate::onnx::context::{Context, Step};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Value};

/// Operand `i` as i32, its zero point taken out; `column` brings a vector of zero points along rows.
fn centred(cx: &mut Context<'_, '_>, i: usize, zero: usize, rows: bool) -> Step<Value> {
    let x = cx.input(i)?;
    if cx.operand(zero).is_none() {
        return cx.map("wide", &[x], |x| x[0].to(DType::I32));
    }
    let mut zero = cx.plain(zero)?;
    let dims = cx.dims(zero);
    if rows && dims.len() == 1 && dims[0] > 1 {
        zero = cx.reshape(zero, &[dims[0], 1])?;
    }
    cx.map("centred", &[x, zero], |x| x[0].to(DType::I32) - x[1].to(DType::I32))
}

/// `MatMulInteger a, b, az?, bz?`
pub(super) fn matmul_integer(cx: &mut Context<'_, '_>) -> Step<()> {
    let (a, b) = (centred(cx, 0, 2, true)?, centred(cx, 1, 3, false)?);
    let y = super::matmul::vectors(cx, a, b)?;
    cx.give(0, y)
}

/// The stored u8, the scale and the zero point of a tensor, from the least and the greatest element and 0.
fn dynamic(cx: &mut Context<'_, '_>, x: Value) -> Step<[Value; 3]> {
    let axes: Vec<usize> = (0..cx.dims(x).len()).collect();
    let (least, most) = (cx.reduce(x, ReduceKind::Min, &axes)?, cx.reduce(x, ReduceKind::Max, &axes)?);
    let (least, most) = (cx.reshape(least, &[])?, cx.reshape(most, &[])?);
    let scale = cx.map("scale", &[least, most], |x| {
        let zero = x[0].literal(0.0);
        (x[1].max(zero) - x[0].min(zero)) / 255.0
    })?;
    let zero = cx.map("zero", &[least, scale], |x| {
        let zero = x[0].literal(0.0);
        // All elements are 0 where the scale is.
        let exact = x[1].equals(zero).select(zero, -(x[0].min(zero) / x[1]));
        exact.round().to(DType::U8)
    })?;
    let y = cx.map("y", &[x, scale, zero], |x| {
        let nothing = x[0].literal(0.0);
        let steps = x[1].equals(nothing).select(nothing, x[0] / x[1]).round();
        (steps + x[2].to(DType::F32)).to(DType::U8)
    })?;
    Ok([y, scale, zero])
}

/// `DynamicQuantizeLinear x`: stored u8, scale and zero point.
pub(super) fn dynamic_quantize(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let results = dynamic(cx, x)?;
    results.into_iter().enumerate().try_for_each(|(i, value)| cx.give(i, value))
}

/// `MatMulIntegerToFloat a, b, as, bs, az?, bz?, bias?`: the integer product, times one factor in f32.
pub(super) fn matmul_integer_to_float(cx: &mut Context<'_, '_>) -> Step<()> {
    let (a, b) = (centred(cx, 0, 4, true)?, centred(cx, 1, 5, false)?);
    let scale = cx.float(2)?;
    to_float(cx, [a, b], scale, 3, 6)
}

/// `DynamicQuantizeMatMul a, b, bs, bz?, bias?`: `a` is quantised at run time.
pub(super) fn dynamic_quantize_matmul(cx: &mut Context<'_, '_>) -> Step<()> {
    let a = cx.float(0)?;
    let b = centred(cx, 1, 3, false)?;
    let [stored, scale, zero] = dynamic(cx, a)?;
    let a = cx.map("left", &[stored, zero], |x| x[0].to(DType::I32) - x[1].to(DType::I32))?;
    to_float(cx, [a, b], scale, 2, 4)
}

/// `(a·b) · (as · bs) + bias`, with the scale and the bias at these operands.
fn to_float(
    cx: &mut Context<'_, '_>,
    [a, b]: [Value; 2],
    scale: Value,
    b_scale: usize,
    bias: usize,
) -> Step<()> {
    let acc = super::matmul::vectors(cx, a, b)?;
    let rank = cx.dims(acc).len();
    let rows = cx.ty(scale).shape.elements();
    let rows = if rows == 1 { vec![] } else { [vec![1; rank.saturating_sub(2)], vec![rows, 1]].concat() };
    let (a_scale, b_scale) = (cx.reshape(scale, &rows)?, cx.along(b_scale, rank.saturating_sub(1), rank)?);
    let mut inputs = vec![acc, a_scale, b_scale];
    if cx.operand(bias).is_some() {
        inputs.push(cx.float(bias)?);
    }
    let y = cx.map("y", &inputs, |x| {
        let real = x[0].to(DType::F32) * (x[1] * x[2]);
        x.get(3).map_or(real, |&bias| real + bias)
    })?;
    cx.give(0, y)
}
