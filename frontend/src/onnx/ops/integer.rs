//! Integer products with zero points and no scale: `MatMulInteger`, and the quantisation at run time that goes before it.

use crate::onnx::context::{Context, Step};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Value};

/// Operand `i` as i32, its zero point taken out; `column` brings a vector of zero points along rows.
fn centred(cx: &mut Context<'_, '_>, i: usize, zero: usize, rows: bool) -> Step<Value> {
    let x = cx.plain(i)?;
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

/// `DynamicQuantizeLinear x`: stored u8, scale and zero point, from the least and the greatest element and 0.
pub(super) fn dynamic_quantize(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
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
    cx.give(0, y)?;
    cx.give(1, scale)?;
    cx.give(2, zero)
}
