//! What ONNX Runtime's optimiser makes of several operators, taken apart again.

use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions;
use tinyc_ir::op::{Add, Clamp};
use tinyc_ir::{Activation, Value};

/// `FusedConv x, weight, bias?, z?`: an activation of the convolution, or of its sum with z.
pub(super) fn conv(cx: &mut Context<'_, '_>) -> Step<()> {
    let mut y = super::conv::value(cx)?;
    if cx.operand(3).is_some() {
        let z = cx.float(3)?;
        y = cx.part("sum", Add { act: Activation::NONE }, &[y, z])?;
    }
    let parameters = cx.attributes().floats("activation_params")?.unwrap_or_default().to_vec();
    let y = activated(cx, y, &parameters)?;
    cx.give(0, y)
}

/// `FusedGemm a, b, c?`: an activation of `Gemm`.
pub(super) fn gemm(cx: &mut Context<'_, '_>) -> Step<()> {
    let y = super::gemm::value(cx)?;
    let named = ["activation_alpha", "activation_beta"].map(|name| cx.attributes().float(name));
    let parameters: Vec<f32> = named.into_iter().collect::<Step<Vec<_>>>()?.into_iter().flatten().collect();
    let y = activated(cx, y, &parameters)?;
    cx.give(0, y)
}

/// The activation that the attribute names; none if there is no such attribute.
fn activated(cx: &mut Context<'_, '_>, x: Value, parameters: &[f32]) -> Step<Value> {
    let name = cx.attributes().string("activation")?.unwrap_or_default();
    let parameter = |i: usize, default: f32| f64::from(parameters.get(i).copied().unwrap_or(default));
    match name.as_str() {
        "" => Ok(x),
        "Relu" => cx.part("act", Clamp { act: Activation::RELU }, &[x]),
        "Clip" => {
            let (lo, hi) = (parameter(0, f32::MIN) as f32, parameter(1, f32::MAX) as f32);
            if lo.is_nan() || hi.is_nan() {
                return Err(unsupported("activation_params", "NaN", "numbers"));
            }
            cx.part("act", Clamp { act: Activation { lo: lo.min(hi), hi } }, &[x])
        }
        "Tanh" => cx.map("act", &[x], |x| x[0].tanh()),
        "Sigmoid" => cx.map("act", &[x], |x| x[0].sigmoid()),
        "LeakyRelu" => {
            let alpha = parameter(0, 0.01);
            cx.map("act", &[x], |x| x[0].lt(x[0].literal(0.0)).select(x[0] * alpha, x[0]))
        }
        "HardSigmoid" => {
            let (alpha, beta) = (parameter(0, 0.2), parameter(1, 0.5));
            cx.map("act", &[x], |x| functions::hard_sigmoid(x[0], alpha, beta))
        }
        _ => Err(unsupported("activation", name, "Relu, Clip, Tanh, Sigmoid, LeakyRelu, HardSigmoid")),
    }
}

/// `FusedMatMul a, b`: the product of operands turned as attributes say, times `alpha`.
pub(super) fn matmul(cx: &mut Context<'_, '_>) -> Step<()> {
    let alpha = f64::from(cx.attributes().float("alpha")?.unwrap_or(1.0));
    let mut turned = |i: usize, batch: &str, matrix: &str| -> Step<Value> {
        let mut x = cx.plain(i)?;
        let rank = cx.dims(x).len();
        if rank > 1 && cx.attributes().flag(batch)?.unwrap_or(false) {
            // The first axis goes to the rows, the ones behind it are the batch.
            let perm: Vec<usize> = (1..rank - 1).chain([0, rank - 1]).collect();
            x = cx.transpose(x, &perm)?;
        }
        if rank > 1 && cx.attributes().flag(matrix)?.unwrap_or(false) {
            let perm: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            x = cx.transpose(x, &perm)?;
        }
        Ok(x)
    };
    let (a, b) = (turned(0, "transBatchA", "transA")?, turned(1, "transBatchB", "transB")?);
    let y = super::matmul::vectors(cx, a, b)?;
    let y = if alpha == 1.0 { y } else { cx.map("scaled", &[y], |x| x[0] * alpha)? };
    cx.give(0, y)
}

/// `BiasGelu x, bias`: `GELU(x + bias)`.
pub(super) fn bias_gelu(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs = [cx.float(0)?, cx.float(1)?];
    let y = cx.map("y", &inputs, |x| functions::gelu(x[0] + x[1]))?;
    cx.give(0, y)
}

/// `FastGelu x, bias?`: with a hyperbolic tangent.
pub(super) fn fast_gelu(cx: &mut Context<'_, '_>) -> Step<()> {
    let mut inputs = vec![cx.float(0)?];
    if cx.operand(1).is_some() {
        inputs.push(cx.float(1)?);
    }
    let y = cx.map("y", &inputs, |x| functions::gelu_tanh(x.get(1).map_or(x[0], |&bias| x[0] + bias)))?;
    cx.give(0, y)
}

/// `QuickGelu x`: `x·σ(αx)`.
pub(super) fn quick_gelu(cx: &mut Context<'_, '_>) -> Step<()> {
    let alpha = f64::from(cx.attributes().float("alpha")?.unwrap_or(1.702));
    let x = cx.float(0)?;
    let y = cx.map("y", &[x], |x| x[0] * (x[0] * alpha).sigmoid())?;
    cx.give(0, y)
}
