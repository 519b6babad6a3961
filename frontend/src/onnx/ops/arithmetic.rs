//! Operators on each element of several tensors that broadcast together: a formula each.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions::{self, truncate};
use tinyc_ir::formula::Number;
use tinyc_ir::{DType, Diagnostic, Value};

/// All operands, of one type.
fn alike(cx: &mut Context<'_, '_>) -> Step<Vec<Value>> {
    let inputs = cx.plain_all()?;
    let first = inputs.first().map(|&v| cx.ty(v).dtype);
    if let Some(&other) = inputs.iter().find(|&&v| Some(cx.ty(v).dtype) != first) {
        let message = format!(
            "the operands of {} have types {} and {}",
            cx.node.op_type(),
            cx.ty(inputs[0]),
            cx.ty(other)
        );
        return Err(Diagnostic::error(code::ELEMENT_TYPE, message));
    }
    Ok(inputs)
}

/// A formula on two operands of one type, whose result has the type that the formula gives or theirs.
fn two(
    cx: &mut Context<'_, '_>,
    body: impl for<'w> FnOnce(Number<'w>, Number<'w>) -> Number<'w>,
) -> Step<()> {
    let inputs = alike(cx)?;
    let &[a, b] = inputs.as_slice() else {
        return Err(Diagnostic::error(code::FORM, format!("{} takes two operands", cx.node.op_type())));
    };
    let dtype = cx.ty(a).dtype;
    let y = cx.map("y", &[a, b], |x| {
        // Formulas on bool are logical ones; narrow integers are computed as i32.
        let [a, b] = [x[0], x[1]].map(|x| if dtype == DType::Bool { x } else { x.wide() });
        let y = body(a, b);
        if y.ty() == a.ty() { y.to(dtype) } else { y }
    })?;
    cx.give(0, y)
}

/// `Add`, `Sub`, `Mul`, `Div` on what is not f32.
pub(super) fn arithmetic(cx: &mut Context<'_, '_>) -> Step<()> {
    match cx.node.op_type() {
        "Add" => two(cx, |a, b| a + b),
        "Sub" => two(cx, |a, b| a - b),
        "Mul" => two(cx, |a, b| a * b),
        _ => two(cx, |a, b| a / b),
    }
}

/// Comparisons, which give bool.
pub(super) fn compare(cx: &mut Context<'_, '_>) -> Step<()> {
    match cx.node.op_type() {
        "Equal" => two(cx, |a, b| a.equals(b)),
        "Greater" => two(cx, |a, b| b.lt(a)),
        "GreaterOrEqual" => two(cx, |a, b| b.le(a)),
        "Less" => two(cx, |a, b| a.lt(b)),
        _ => two(cx, |a, b| a.le(b)),
    }
}

/// `And`, `Or`, `Xor` of bool, and the same of each bit of integers.
pub(super) fn logic(cx: &mut Context<'_, '_>) -> Step<()> {
    match cx.node.op_type() {
        "And" | "BitwiseAnd" => two(cx, |a, b| a & b),
        "Or" | "BitwiseOr" => two(cx, |a, b| a | b),
        _ => two(cx, |a, b| a ^ b),
    }
}

/// `BitShift a, b`, of unsigned integers.
pub(super) fn bit_shift(cx: &mut Context<'_, '_>) -> Step<()> {
    let direction = cx.attributes().string("direction")?.unwrap_or_default();
    match direction.as_str() {
        "LEFT" => two(cx, |a, b| a.shift_left(b)),
        "RIGHT" => two(cx, |a, b| a.shift_right(b)),
        _ => Err(unsupported("direction", direction, "LEFT, RIGHT")),
    }
}

/// `Mod a, b`: with the divisor's sign, or (fmod) with the dividend's. Floats by way of f64, where the quotient is exact
/// as long as it has fewer than 29 bits.
pub(super) fn modulo(cx: &mut Context<'_, '_>) -> Step<()> {
    let fmod = cx.attributes().flag("fmod")?.unwrap_or(false);
    two(cx, |a, b| {
        if a.ty().is_float() {
            let [x, y] = [a, b].map(|v| v.to(DType::F64));
            let (zero, inf) = (x.literal(0.0), x.literal(f64::INFINITY));
            let whole = y.abs().equals(inf) & x.abs().lt(inf);
            let rest = whole.select(x, x - truncate(x / y) * y);
            let wrong = rest.differs(zero) & (rest.lt(zero) ^ y.lt(zero));
            return if fmod { rest } else { wrong.select(rest + y, rest) }.to(a.ty());
        }
        let rest = a.remainder(b);
        if fmod || !a.ty().is_signed() {
            return rest;
        }
        let zero = rest.literal(0.0);
        let wrong = rest.differs(zero) & (rest.lt(zero) ^ b.lt(zero));
        wrong.select(rest + b, rest)
    })
}

/// `Pow x, y`, in the type of x.
pub(super) fn pow(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, y) = (cx.plain(0)?, cx.plain(1)?);
    let dtype = cx.ty(x).dtype;
    let exponent = match cx.build.numbers(y).map(|t| t.data.clone()) {
        Some(tinyc_ir::Data::F32(v)) if v.len() == 1 && dtype == DType::F32 => Some(v[0]),
        _ => None,
    };
    if let (Some(exponent), true) = (exponent, cx.ty(y).shape.rank() <= cx.ty(x).shape.rank()) {
        let simple: Option<for<'w> fn(Number<'w>) -> Number<'w>> = match exponent {
            0.5 => Some(|x| x.sqrt()),
            1.0 => Some(|x| x),
            2.0 => Some(|x| x * x),
            3.0 => Some(|x| x * x * x),
            4.0 => Some(|x| (x * x) * (x * x)),
            -1.0 => Some(|x| x.literal(1.0) / x),
            -0.5 => Some(|x| x.literal(1.0) / x.sqrt()),
            _ => None,
        };
        if let Some(simple) = simple {
            let y = cx.map("y", &[x], |x| simple(x[0]))?;
            return cx.give(0, y);
        }
    }
    let y = cx.map("y", &[x, y], |x| {
        let [x, y] = [x[0].wide(), x[1].wide()];
        let power = if x.ty() == DType::F64 {
            functions::pow(x, y.to(DType::F64))
        } else if x.ty().is_float() {
            functions::pow(x.to(DType::F32), y.to(DType::F32))
        } else if y.ty().is_float() {
            functions::pow(x.to(DType::F32), y).round()
        } else {
            functions::int_pow(x, y.to(if y.ty().is_signed() { DType::I64 } else { DType::U64 }))
        };
        power.to(dtype)
    })?;
    cx.give(0, y)
}

/// `Max`, `Min`, `Sum`, `Mean` of any number of tensors, from the first to the last.
pub(super) fn variadic(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs = alike(cx)?;
    let Some(&first) = inputs.first() else {
        let message = format!("{} without operands", cx.node.op_type());
        return Err(Diagnostic::error(code::OPERAND_MISSING, message));
    };
    let (dtype, name) = (cx.ty(first).dtype, cx.node.op_type());
    let count = inputs.len() as f64;
    let y = cx.map("y", &inputs, |x| {
        let mut terms = x.iter().map(|x| x.wide());
        let first = terms.next().unwrap_or(x[0]);
        let all = terms.fold(first, |acc, x| match name {
            "Max" => acc.max(x),
            "Min" => acc.min(x),
            _ => acc + x,
        });
        if name == "Mean" { all / count } else { all }.to(dtype)
    })?;
    cx.give(0, y)
}

/// `Where condition, x, y`
pub(super) fn select(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs = cx.plain_all()?;
    if inputs.len() != 3 {
        return Err(Diagnostic::error(code::OPERAND_MISSING, "Where takes three operands"));
    }
    let y = cx.map("y", &inputs, |x| x[0].select(x[1], x[2]))?;
    cx.give(0, y)
}

/// `PRelu x, slope`
pub(super) fn prelu(cx: &mut Context<'_, '_>) -> Step<()> {
    two(cx, |x, slope| x.lt(x.literal(0.0)).select(x * slope, x))
}

/// `Clip x, min?, max?` where the bounds are not constants or x is not f32.
pub(super) fn clip(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dtype = cx.ty(x).dtype;
    let mut inputs = vec![x];
    let mut bound = |i: usize| -> Step<Option<usize>> {
        if cx.operand(i).is_none() {
            return Ok(None);
        }
        inputs.push(cx.plain(i)?);
        Ok(Some(inputs.len() - 1))
    };
    let (lo, hi) = (bound(1)?, bound(2)?);
    let y = cx.map("y", &inputs, |x| {
        let raised = lo.map_or(x[0].wide(), |i| x[0].wide().max(x[i].wide()));
        hi.map_or(raised, |i| raised.min(x[i].wide())).to(dtype)
    })?;
    cx.give(0, y)
}

/// `SwiGLU`-like gates: the product of one half, through `x·σ(αx)`, with the other.
pub(super) fn swiglu(cx: &mut Context<'_, '_>) -> Step<()> {
    let alpha = f64::from(cx.attributes().float("alpha")?.unwrap_or(1.0));
    two(cx, move |gate, up| {
        let inner = if alpha == 1.0 { gate } else { gate * alpha };
        gate * inner.sigmoid() * up
    })
}
