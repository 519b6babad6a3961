//! Operators on each element of one tensor: a formula each.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions;
use crate::onnx::minifloat::{Manner, Minifloat};
use tinyc_ir::formula::Number;
use tinyc_ir::{DType, Diagnostic};

/// A formula whose numbers depend on attributes.
type Body = Box<dyn for<'w> Fn(Number<'w>) -> Number<'w>>;

/// `f x` for the operators that take one tensor and give one of its type.
pub(super) fn unary(cx: &mut Context<'_, '_>) -> Step<()> {
    let body = body(cx)?;
    let x = cx.plain(0)?;
    let dtype = cx.ty(x).dtype;
    let y = cx.map("y", &[x], |x| body(x[0].wide()).to(dtype))?;
    cx.give(0, y)
}

fn body(cx: &Context<'_, '_>) -> Step<Body> {
    let number = |name: &str, default: f32| -> Step<f64> {
        Ok(f64::from(cx.attributes().float(name)?.unwrap_or(default)))
    };
    Ok(match cx.node.op_type() {
        "Abs" => Box::new(functions::abs),
        "Acos" => Box::new(functions::acos),
        "Acosh" => Box::new(functions::acosh),
        "Asin" => Box::new(functions::asin),
        "Asinh" => Box::new(functions::asinh),
        "Atan" => Box::new(functions::atan),
        "Atanh" => Box::new(functions::atanh),
        "BitwiseNot" => Box::new(|x| !x),
        "Ceil" => Box::new(functions::ceil),
        "Celu" => {
            let alpha = number("alpha", 1.0)?;
            Box::new(move |x| {
                let zero = x.literal(0.0);
                x.max(zero) + (((x / alpha).exp() - 1.0) * alpha).min(zero)
            })
        }
        "Cos" => Box::new(|x| x.cos()),
        "Cosh" => Box::new(functions::cosh),
        "Elu" => {
            let alpha = number("alpha", 1.0)?;
            Box::new(move |x| x.lt(x.literal(0.0)).select((x.exp() - 1.0) * alpha, x))
        }
        "Erf" => Box::new(|x| x.erf()),
        "Exp" => Box::new(|x| x.exp()),
        "Floor" => Box::new(functions::floor),
        "Gelu" => match cx.attributes().string("approximate")?.unwrap_or_default().as_str() {
            "" | "none" => Box::new(functions::gelu),
            "tanh" => Box::new(functions::gelu_tanh),
            other => return Err(unsupported("approximate", other, "none, tanh")),
        },
        "HardSigmoid" => {
            let (alpha, beta) = (number("alpha", 0.2)?, number("beta", 0.5)?);
            Box::new(move |x| functions::hard_sigmoid(x, alpha, beta))
        }
        "HardSwish" => Box::new(|x| x * functions::hard_sigmoid(x, 1.0 / 6.0, 0.5)),
        "LeakyRelu" => {
            let alpha = number("alpha", 0.01)?;
            Box::new(move |x| x.lt(x.literal(0.0)).select(x * alpha, x))
        }
        "Log" => Box::new(|x| x.log()),
        "Mish" => Box::new(|x| x * functions::softplus(x).tanh()),
        "Neg" => Box::new(|x| -x),
        "Not" => return Err(Diagnostic::error(code::FORM, "Not is of bool")),
        "Reciprocal" => Box::new(|x| x.literal(1.0) / x),
        "Relu" => Box::new(|x| x.max(x.literal(0.0))),
        "Round" => Box::new(|x| x.round()),
        "Selu" => {
            let (alpha, gamma) = (number("alpha", 1.673_263_2)?, number("gamma", 1.050_701)?);
            Box::new(move |x| x.literal(0.0).lt(x).select(x, x.exp() * alpha - alpha) * gamma)
        }
        "Shrink" => {
            let (bias, lambda) = (number("bias", 0.0)?, number("lambd", 0.5)?);
            Box::new(move |x| {
                let inner = x.literal(lambda).lt(x).select(x - bias, x.literal(0.0));
                x.lt(x.literal(-lambda)).select(x + bias, inner)
            })
        }
        "Sigmoid" => Box::new(|x| x.sigmoid()),
        "Sign" => Box::new(functions::sign),
        "Sin" => Box::new(|x| x.sin()),
        "Sinh" => Box::new(functions::sinh),
        "Softplus" => Box::new(functions::softplus),
        "Softsign" => Box::new(|x| x / (x.abs() + 1.0)),
        "Sqrt" => Box::new(|x| x.sqrt()),
        "Swish" => {
            let alpha = number("alpha", 1.0)?;
            Box::new(move |x| x * if alpha == 1.0 { x } else { x * alpha }.sigmoid())
        }
        "Tan" => Box::new(|x| x.sin() / x.cos()),
        "Tanh" => Box::new(|x| x.tanh()),
        "ThresholdedRelu" => {
            let alpha = number("alpha", 1.0)?;
            Box::new(move |x| x.literal(alpha).lt(x).select(x, x.literal(0.0)))
        }
        other => {
            return Err(Diagnostic::error(code::OPERATOR, format!("operator {other} is not supported")));
        }
    })
}

/// `Not x`, of bool.
pub(super) fn not(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let y = cx.map("y", &[x], |x| !x[0])?;
    cx.give(0, y)
}

/// `IsNaN x`
pub(super) fn is_nan(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let y = cx.map("y", &[x], |x| x[0].differs(x[0]))?;
    cx.give(0, y)
}

/// `IsInf x`, of either sign or both.
pub(super) fn is_inf(cx: &mut Context<'_, '_>) -> Step<()> {
    let negative = cx.attributes().flag("detect_negative")?.unwrap_or(true);
    let positive = cx.attributes().flag("detect_positive")?.unwrap_or(true);
    let x = cx.plain(0)?;
    let y = cx.map("y", &[x], |x| {
        let x = x[0];
        let is = |value: f64| x.equals(x.literal(value));
        match (negative, positive) {
            (true, true) => is(f64::INFINITY) | is(f64::NEG_INFINITY),
            (true, false) => is(f64::NEG_INFINITY),
            (false, true) => is(f64::INFINITY),
            (false, false) => x.lt(x),
        }
    })?;
    cx.give(0, y)
}

/// `Cast x` to another type: floats to integers towards zero and into the range, integers cut to the low bits.
pub(super) fn cast(cx: &mut Context<'_, '_>) -> Step<()> {
    let to = cx.attributes().int("to")?.and_then(|v| i32::try_from(v).ok()).unwrap_or(0);
    let (to, format) = crate::onnx::tensor::storage(to).map_err(|name| {
        Diagnostic::error(code::ELEMENT_TYPE, format!("Cast to element type {name} is not supported"))
    })?;
    convert(cx, to, format)
}

/// `BitCast x`: the same bits as another type of the same size.
pub(super) fn bit_cast(cx: &mut Context<'_, '_>) -> Step<()> {
    let to = cx.attributes().int("to")?.and_then(|v| i32::try_from(v).ok()).unwrap_or(0);
    let to = crate::onnx::tensor::dtype(to).map_err(|name| {
        Diagnostic::error(code::ELEMENT_TYPE, format!("BitCast to element type {name} is not supported"))
    })?;
    let x = cx.plain(0)?;
    let from = cx.ty(x).dtype;
    if from == to {
        return cx.pass_on(0);
    }
    if from.size() != to.size() {
        let message = format!("BitCast from {from} to {to}, which has another size, is not supported");
        return Err(Diagnostic::error(code::ELEMENT_TYPE, message));
    }
    // Between narrow integers of one size, a conversion keeps the bits.
    let y = cx.map("y", &[x], |x| if from.size() < 4 { x[0].to(to) } else { x[0].bits(to) })?;
    cx.give(0, y)
}

/// `CastLike x, y`: x in the type of y.
pub(super) fn cast_like(cx: &mut Context<'_, '_>) -> Step<()> {
    let like = cx.input(1)?;
    let to = cx.ty(like).dtype;
    convert(cx, to, cx.minifloat(1))
}

/// Operand 0 in another type: one of arithmetic, or the storage of a `format` of 8 or 4 bits.
fn convert(cx: &mut Context<'_, '_>, to: DType, format: Option<Minifloat>) -> Step<()> {
    let manner = Manner::of(cx)?;
    let from = cx.minifloat(0);
    let x = match from {
        Some(from) if format != Some(from) => cx.decoded(0, from)?,
        _ => cx.input(0)?,
    };
    if from == format && cx.ty(x).dtype == to {
        cx.pass_on(0)?;
        cx.build.mark(cx.output(), format);
        return Ok(());
    }
    if let Some(format) = format {
        let x = if from.is_some() { x } else { cx.plain(0)? };
        let x = cx.map("f32", &[x], |x| x[0].to(DType::F32))?;
        return cx.give_encoded(x, format, manner);
    }
    // Of a quantised tensor, the stored integers.
    let y = cx.map("y", &[x], |x| x[0].to(to))?;
    cx.give(0, y)
}
