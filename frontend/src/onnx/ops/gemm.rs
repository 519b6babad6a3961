//! `Gemm` and `QGemm`: a `dense`, with transposes, factors and the addend around it where they are not trivial.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::{Add, Dense, Mul, Reshape, Transpose};
use tinyc_ir::wording::counted;
use tinyc_ir::{Activation, DType, Data, Diagnostic, Tensor, TensorType, Value};

const DENSE: Dense = Dense { act: Activation::NONE };

/// `Gemm a, b, c?`: `alpha · a·b + beta · c`.
pub(super) fn gemm(cx: &mut Context<'_, '_>) -> Step<()> {
    let y = value(cx)?;
    cx.give(0, y)
}

/// What [`gemm`] gives.
pub(super) fn value(cx: &mut Context<'_, '_>) -> Step<Value> {
    let (a, b) = (cx.plain(0)?, cx.plain(1)?);
    if cx.ty(a).dtype != DType::F32 || !cx.build.is_fixed(b) || cx.ty(a).shape.elements() == 0 {
        return at_run_time(cx, a, b);
    }
    let (alpha, beta) =
        (cx.attributes().float("alpha")?.unwrap_or(1.0), cx.attributes().float("beta")?.unwrap_or(1.0));
    let (a, weight) = operands(cx, a, b)?;
    let units = cx.dims(weight)[0];
    let addend = if cx.operand(2).is_some() && beta != 0.0 { Some(cx.float(2)?) } else { None };
    // An addend of one row is the bias, which `dense` sums first; every other form is added afterwards.
    let bias = match addend {
        Some(c) if alpha == 1.0 && beta == 1.0 => row(cx, c, units)?,
        _ => None,
    };
    if bias.is_some() || (addend.is_none() && alpha == 1.0) {
        let bias = match bias {
            Some(bias) => bias,
            None => zeros(cx, units)?,
        };
        return cx.part("y", DENSE, &[a, weight, bias]);
    }
    let none = zeros(cx, units)?;
    let mut y = cx.part("product", DENSE, &[a, weight, none])?;
    if alpha != 1.0 {
        let factor = cx.part_constant("alpha", Tensor::f32([1], vec![alpha]), None)?;
        if addend.is_none() {
            return cx.part("y", Mul { act: Activation::NONE }, &[y, factor]);
        }
        y = cx.part("scaled", Mul { act: Activation::NONE }, &[y, factor])?;
    }
    let mut c = addend.expect("a product alone was returned above");
    if beta != 1.0 {
        let factor = cx.part_constant("beta", Tensor::f32([1], vec![beta]), None)?;
        c = cx.part("addend", Mul { act: Activation::NONE }, &[c, factor])?;
    }
    cx.part("y", Add { act: Activation::NONE }, &[y, c])
}

/// Both matrices at run time, or of other types than f32.
fn at_run_time(cx: &mut Context<'_, '_>, a: Value, b: Value) -> Step<Value> {
    let factor = |name: &str| -> Step<f64> { Ok(f64::from(cx.attributes().float(name)?.unwrap_or(1.0))) };
    let (alpha, beta) = (factor("alpha")?, factor("beta")?);
    cx.require(cx.dims(a).len() == 2 && cx.dims(b).len() == 2, "Gemm multiplies matrices")?;
    let turned = |name: &str| -> Step<bool> { Ok(cx.attributes().flag(name)?.unwrap_or(false)) };
    let (turn_a, turn_b) = (turned("transA")?, turned("transB")?);
    let a = if turn_a { cx.transpose(a, &[1, 0])? } else { a };
    let b = if turn_b { cx.transpose(b, &[1, 0])? } else { b };
    let mut inputs = vec![cx.product(a, b)?];
    if cx.operand(2).is_some() {
        inputs.push(cx.plain(2)?);
    }
    if inputs.len() == 1 && alpha == 1.0 {
        return Ok(inputs[0]);
    }
    cx.map("y", &inputs, |x| {
        let scaled = if alpha == 1.0 { x[0] } else { x[0] * alpha };
        x.get(1).map_or(scaled, |&c| scaled + if beta == 1.0 { c } else { c * beta })
    })
}

/// `QGemm a, as, az, b, bs, bz, c?, ys, yz`, whose `c` has the scale of the product.
pub(super) fn qgemm(cx: &mut Context<'_, '_>) -> Step<()> {
    if cx.attributes().float("alpha")?.unwrap_or(1.0) != 1.0 {
        return Err(Diagnostic::error(code::ATTRIBUTE, "alpha of QGemm must be 1"));
    }
    if cx.operand(7).is_none() {
        return Err(Diagnostic::error(code::FORM, "QGemm with a float result is not supported")
            .help("quantise the result too, or keep MatMul between DequantizeLinear and QuantizeLinear"));
    }
    let columns = if cx.attributes().flag("transB")?.unwrap_or(false) { 0 } else { 1 };
    let (a, b) = (cx.quantised(0, 1, 2, None)?, cx.quantised(3, 4, 5, Some(columns))?);
    let (a, weight) = operands(cx, a, b)?;
    let units = cx.dims(weight)[0];
    let bias = match cx.operand(6) {
        None => cx.part_constant("bias", Tensor::new([units], Data::I32(vec![0; units])), None)?,
        Some(_) => {
            let c = cx.input(6)?;
            cx.require_fixed(c, "the bias")?;
            row(cx, c, units)?.ok_or_else(|| {
                Diagnostic::error(
                    code::SHAPE,
                    format!("the bias of QGemm has shape {}, not [{units}]", cx.ty(c).shape),
                )
            })?
        }
    };
    let (dtype, quant) = cx.quantised_type(7, 8, cx.ty(a).dtype)?;
    let shape = vec![cx.dims(a)[0], units];
    cx.result_as(DENSE, &[a, weight, bias], TensorType::quantized(dtype, shape, quant))
}

/// The operands of `dense`: `a` as `[M, K]`, `b` as `[N, K]`.
fn operands(cx: &mut Context<'_, '_>, a: Value, b: Value) -> Step<(Value, Value)> {
    cx.require_fixed(b, "the matrix B")?;
    for (name, value) in [("A", a), ("B", b)] {
        let rank = cx.ty(value).shape.rank();
        if rank != 2 {
            return Err(Diagnostic::error(
                code::SHAPE,
                format!("{name} is a matrix, not of {}", counted(rank, "dimension")),
            ));
        }
    }
    let swap = Transpose { perm: vec![1, 0] };
    let a =
        if cx.attributes().flag("transA")?.unwrap_or(false) { cx.part("a", swap.clone(), &[a])? } else { a };
    let b = if cx.attributes().flag("transB")?.unwrap_or(false) { b } else { cx.part("weight", swap, &[b])? };
    Ok((a, b))
}

/// `c` as `[units]`, if it is one row of that many and the same in every run.
fn row(cx: &mut Context<'_, '_>, c: Value, units: usize) -> Step<Option<Value>> {
    let dims = cx.dims(c);
    if !cx.build.is_fixed(c) || dims.last() != Some(&units) || cx.ty(c).shape.elements() != units {
        return Ok(None);
    }
    if dims.len() == 1 {
        return Ok(Some(c));
    }
    cx.part("bias", Reshape { shape: vec![units] }, &[c]).map(Some)
}

fn zeros(cx: &mut Context<'_, '_>, units: usize) -> Step<Value> {
    cx.part_constant("bias", Tensor::new([units], Data::from_ints(DType::F32, vec![0; units])), None)
}
