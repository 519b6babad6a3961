//! `MatMul` and `QLinearMatMul`. A matrix that is known at compile time makes a `dense` between reshapes.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Dense, Reshape, Transpose};
use tinyc_ir::{Activation, DType, Data, Diagnostic, Quant, Tensor, TensorType, Value};

/// `MatMul a, b` on floats.
pub(super) fn matmul(cx: &mut Context<'_, '_>) -> Step<()> {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let (left, right) = (cx.dims(a), cx.dims(b));
    let layer = left.len() > 1 && right.len() == 2 && right[0] > 0;
    if layer && cx.ty(a).dtype == DType::F32 && cx.build.is_fixed(b) {
        let (a, b) = (cx.float(0)?, cx.float(1)?);
        let y = multiply(cx, a, b, None)?;
        return cx.give(0, y);
    }
    let (a, b) = (cx.plain(0)?, cx.plain(1)?);
    let y = vectors(cx, a, b)?;
    cx.give(0, y)
}

/// The product of any two tensors; one of one dimension is a row on the left, a column on the right, and drops out.
pub(super) fn vectors(cx: &mut Context<'_, '_>, a: Value, b: Value) -> Step<Value> {
    let (left, right) = (cx.dims(a), cx.dims(b));
    cx.require(!left.is_empty() && !right.is_empty(), "MatMul does not take scalars")?;
    let a = if left.len() == 1 { cx.reshape(a, &[1, left[0]])? } else { a };
    let b = if right.len() == 1 { cx.reshape(b, &[right[0], 1])? } else { b };
    let y = cx.product(a, b)?;
    let mut dims = cx.dims(y);
    if right.len() == 1 {
        dims.pop();
    }
    if left.len() == 1 {
        dims.remove(dims.len() - if right.len() == 1 { 1 } else { 2 });
    }
    cx.reshape(y, &dims)
}

/// `QLinearMatMul a, as, az, b, bs, bz, ys, yz`
pub(super) fn qlinear_matmul(cx: &mut Context<'_, '_>) -> Step<()> {
    let (a, b) = (cx.quantised(0, 1, 2, None)?, cx.quantised(3, 4, 5, Some(1))?);
    let y = cx.quantised_type(6, 7, DType::U8)?;
    let y = multiply(cx, a, b, Some(y))?;
    cx.give(0, y)
}

/// The product of `[1, M, K]` and `[1, K, N]`; one that is known at compile time becomes the weights of a `dense`.
pub(super) fn matrices(cx: &mut Context<'_, '_>, a: Value, b: Value) -> Step<Value> {
    let floats = [a, b].iter().all(|&x| cx.ty(x).dtype == DType::F32);
    if !floats || !cx.build.is_fixed(b) || cx.build.is_fixed(a) {
        return cx.product(a, b);
    }
    let dims = cx.dims(b);
    let b = cx.reshape(b, &dims[1..])?;
    multiply(cx, a, b, None)
}

/// All axes of `a` but the last become rows of `dense`, and come back in the result.
fn multiply(cx: &mut Context<'_, '_>, a: Value, b: Value, y: Option<(DType, Quant)>) -> Step<Value> {
    let name = cx.node.op_type();
    if !cx.build.is_fixed(b) {
        let message = format!("{name} of two tensors that are computed at run time is not supported");
        return Err(Diagnostic::error(code::NOT_CONSTANT, message)
            .help("the right operand must be known at compile time"));
    }
    let (rows, columns) = (cx.dims(a), cx.dims(b));
    let (Some((&depth, outer)), &[inner, units]) = (rows.split_last(), columns.as_slice()) else {
        let message = format!("the right operand of {name} is a matrix [K, N], not {}", cx.ty(b));
        return Err(Diagnostic::error(code::FORM, message));
    };
    if depth != inner {
        let message =
            format!("{} and {} cannot be multiplied: {depth} columns, {inner} rows", cx.ty(a), cx.ty(b));
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let count: usize = outer.iter().product();
    let flat = outer.len() == 1;
    let x = if flat { a } else { cx.part("x", Reshape { shape: vec![count, depth] }, &[a])? };
    let weight = cx.part("weight", Transpose { perm: vec![1, 0] }, &[b])?;
    let zeros = if y.is_some() { Data::I32(vec![0; units]) } else { Data::F32(vec![0.0; units]) };
    let bias = cx.part_constant("bias", Tensor::new([units], zeros), None)?;
    let ty = match y {
        Some((dtype, quant)) => TensorType::quantized(dtype, [count, units], quant),
        None => TensorType::f32([count, units]),
    };
    let (op, inputs) = (Dense { act: Activation::NONE }, [x, weight, bias]);
    let product = cx.part_as("rows", op, &inputs, ty)?;
    if flat {
        return Ok(product);
    }
    cx.part("shape", Reshape { shape: [outer, &[units]].concat() }, &[product])
}
