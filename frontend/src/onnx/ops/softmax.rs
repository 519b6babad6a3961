//! `Softmax` and `QLinearSoftmax`, whose rows became one axis in operator set 13.

use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Reshape, Softmax, Transpose};
use tinyc_ir::{DType, Quant, TensorType, Value};

/// `Softmax x`
pub(super) fn softmax(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    if !cx.ty(x).is_quantized() && cx.ty(x).dtype != DType::F32 {
        return super::reduction::softmax(cx);
    }
    let x = cx.float(0)?;
    rows(cx, x, None, cx.opset)
}

/// `QLinearSoftmax x, xs, xz, ys, yz`; its attribute `opset` says which definition of rows holds.
pub(super) fn qlinear_softmax(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.quantised(0, 1, 2, None)?;
    let y = cx.quantised_type(3, 4, cx.ty(x).dtype)?;
    let opset = cx.attributes().int("opset")?.unwrap_or(13);
    rows(cx, x, Some(y), opset)
}

fn rows(cx: &mut Context<'_, '_>, x: Value, y: Option<(DType, Quant)>, opset: i64) -> Step<()> {
    let dims = cx.dims(x);
    let default = if opset < 13 { 1 } else { -1 };
    let stated = cx.attributes().int("axis")?.unwrap_or(default);
    // Flattening takes an axis behind the last: then every row is one element.
    let axis = axis(stated, dims.len())
        .or((opset < 13 && usize::try_from(stated) == Ok(dims.len())).then_some(dims.len()))
        .ok_or_else(|| unsupported("axis", stated, &format!("an axis of {}", cx.ty(x))))?;
    let ty = |dims: Vec<usize>| match &y {
        Some((dtype, quant)) => TensorType::quantized(*dtype, dims, quant.clone()),
        None => TensorType::f32(dims),
    };
    if axis + 1 == dims.len() {
        return cx.result_as(Softmax, &[x], ty(dims));
    }
    if opset < 13 || dims[axis + 1..].iter().all(|&d| d == 1) {
        // All from the axis on is one row; in newer versions, because only 1s lie behind the axis.
        let flat = vec![dims[..axis].iter().product(), dims[axis..].iter().product()];
        let flattened = cx.part("flat", Reshape { shape: flat.clone() }, &[x])?;
        let shares = cx.part_as("rows", Softmax, &[flattened], ty(flat))?;
        return cx.result(Reshape { shape: dims }, &[shares]);
    }
    let mut perm: Vec<usize> = (0..dims.len()).collect();
    perm.swap(axis, dims.len() - 1);
    let swap = Transpose { perm };
    let swapped = cx.part("swapped", swap.clone(), &[x])?;
    let swapped_dims = cx.dims(swapped);
    let shares = cx.part_as("rows", Softmax, &[swapped], ty(swapped_dims))?;
    cx.result(swap, &[shares])
}
