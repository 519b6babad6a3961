//! `MatMul` and `QLinearMatMul`. A matrix that is known at compile time makes a `dense` between reshapes.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::stored::rounded;
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

/// `QLinearMatMul a, as, az, b, bs, bz, ys, yz`; scales and zero points of `a` may be those of rows, of `b` of columns.
pub(super) fn qlinear_matmul(cx: &mut Context<'_, '_>) -> Step<()> {
    let matrix = cx.known(3).is_ok_and(|b| b.shape.rank() == 2 && b.shape[0] > 0);
    let parameters = [1, 2, 4, 5, 6, 7].into_iter().all(|i| cx.operand(i).is_none() || cx.known(i).is_ok());
    let one = parameters && cx.known(1)?.data.len() == 1 && cx.known(6)?.data.len() == 1;
    let a = cx.input(0)?;
    if matrix && one && cx.dims(a).len() > 1 {
        let (a, b) = (cx.quantised(0, 1, 2, None)?, cx.quantised(3, 4, 5, Some(1))?);
        let y = cx.quantised_type(6, 7, DType::U8)?;
        let y = multiply(cx, a, b, Some(y))?;
        return cx.give(0, y);
    }
    qlinear_at_run_time(cx, parameters)
}

/// As [`qlinear_matmul`], both operands at run time: the integer product, rescaled and rounded once.
fn qlinear_at_run_time(cx: &mut Context<'_, '_>, parameters: bool) -> Step<()> {
    let (a, b) = (cx.stored_integers(0, 1, 2)?, cx.stored_integers(3, 4, 5)?);
    let (a_dims, b_dims) = (cx.dims(a), cx.dims(b));
    cx.require(!a_dims.is_empty() && !b_dims.is_empty(), "QLinearMatMul does not take scalars")?;
    let depth = a_dims[a_dims.len() - 1];
    // 8-bit factors without their zero points are below 2^8.
    let wide = if depth < 1 << 15 { DType::I32 } else { DType::I64 };
    let (rows, columns) = (a_dims.len().saturating_sub(2), b_dims.len() - 1);
    let zero = |cx: &mut Context<'_, '_>, i: usize, axis: usize, rank: usize| -> Step<Option<Value>> {
        if cx.operand(i).is_none() { Ok(None) } else { cx.along(i, axis, rank).map(Some) }
    };
    let a_zero = zero(cx, 2, rows, a_dims.len())?;
    let b_zero = zero(cx, 5, columns, b_dims.len())?;
    let (a, b) = (cx.centred(a, a_zero, wide)?, cx.centred(b, b_zero, wide)?);
    let acc = vectors(cx, a, b)?;
    let dims = cx.dims(acc);
    let y_zero = if cx.operand(7).is_some() { Some(cx.along(7, dims.len(), dims.len())?) } else { None };
    let dtype = y_zero.map_or(DType::U8, |zero| cx.ty(zero).dtype);
    if !parameters {
        // As the specification computes: one factor in f32, and the product rounded with it.
        let (sa, sb) =
            (cx.along(1, rows, dims.len())?, cx.along(4, dims.len().saturating_sub(1), dims.len())?);
        let sy = cx.along(6, dims.len(), dims.len())?;
        let inputs: Vec<Value> = [acc, sa, sb, sy].into_iter().chain(y_zero).collect();
        let y = cx.map("y", &inputs, |x| {
            rounded(x[0].to(DType::F32) * (x[1] * x[2] / x[3]), x.get(4).copied(), dtype)
        })?;
        return cx.give(0, y);
    }
    let (sa, sb, sy) = (cx.known_floats(1)?, cx.known_floats(4)?, cx.known_floats(6)?);
    cx.require(sy.len() == 1, "the result of QLinearMatMul has one scale")?;
    let fits = |count: usize, size: usize| count == 1 || count == size;
    let (m, n) =
        (if a_dims.len() > 1 { a_dims[rows] } else { 1 }, if b_dims.len() > 1 { b_dims[columns] } else { 1 });
    cx.require(
        fits(sa.len(), m) && fits(sb.len(), n),
        "the scales of QLinearMatMul are those of rows and columns",
    )?;
    let scales: Vec<f32> =
        sa.iter().flat_map(|a| sb.iter().map(move |b| a * b)).map(|ab| ab / sy[0]).collect();
    let mut shape = vec![1; dims.len()];
    if let (true, Some(row)) = (sa.len() > 1, dims.len().checked_sub(if b_dims.len() > 1 { 2 } else { 1 })) {
        shape[row] = sa.len();
    }
    if sb.len() > 1 {
        *shape.last_mut().expect("several columns are an axis") = sb.len();
    }
    let quant = cx.quant(6, 7, None, dtype)?;
    let zero_point = quant.zero_point(0);
    let ty = TensorType::quantized(dtype, dims, quant);
    let y = cx.requantised(acc, (&shape, &scales), zero_point, ty)?;
    cx.give(0, y)
}

/// The product of `[1, M, K]` and `[1, K, N]`; one that is known at compile time becomes the weights of a `dense`.
pub(super) fn matrices(cx: &mut Context<'_, '_>, a: Value, b: Value) -> Step<Value> {
    let floats = [a, b].iter().all(|&x| cx.ty(x).dtype == DType::F32);
    if !floats || !cx.build.is_fixed(b) || cx.build.is_fixed(a) || cx.dims(b)[1] == 0 {
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
