//! `CausalConvWithState`: a filter of its own over each channel of a sequence, whose last elements carry over.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{TO_FIRST, to_channels_last};
use tinyc_ir::op::Conv2d;
use tinyc_ir::{Activation, Diagnostic, Tensor, Value};

/// `CausalConvWithState x, weight, bias?, past?`
pub(super) fn causal_conv(cx: &mut Context<'_, '_>) -> Step<()> {
    let activation = cx.attributes().string("activation")?.unwrap_or_default();
    let swish = match activation.as_str() {
        "" | "none" => false,
        "silu" | "swish" => true,
        _ => return Err(unsupported("activation", activation, "none, silu, swish")),
    };
    let (x, weight) = (cx.float(0)?, cx.float(1)?);
    let (&[batch, channels, count], &[filters, 1, taps]) =
        (cx.dims(x).as_slice(), cx.dims(weight).as_slice())
    else {
        return Err(Diagnostic::error(code::SHAPE, "a sequence is [N, C, L] and its weight [C, 1, K]"));
    };
    cx.require(filters == channels, format!("{} does not filter {}", cx.ty(weight), cx.ty(x)))?;
    let carried = taps - 1;
    let past = if cx.operand(3).is_some() { Some(cx.float(3)?) } else { None };
    let whole = match past {
        Some(past) => {
            let shape = [batch, channels, carried];
            cx.require(cx.dims(past) == shape, format!("the state is {shape:?}, not {}", cx.ty(past)))?;
            cx.concat(&[past, x], 2)?
        }
        None => cx.pad_zeros(x, vec![0, 0, carried], vec![0; 3])?,
    };
    let bias = if cx.operand(2).is_some() { Some(cx.float(2)?) } else { None };
    let known = cx.build.is_fixed(weight) && bias.is_none_or(|bias| cx.build.is_fixed(bias));
    let y = match known {
        // Zeros in front are a border of the convolution.
        true if past.is_none() => convolved(cx, x, weight, bias, carried)?,
        true => convolved(cx, whole, weight, bias, 0)?,
        false => multiplied(cx, whole, weight, bias, count)?,
    };
    let y = if swish { cx.map("y", &[y], |x| x[0] * x[0].sigmoid())? } else { y };
    cx.give(0, y)?;
    let state = match (past, count >= carried) {
        (None, true) => cx.slice(x, 2, count - carried, carried, 1)?,
        _ => cx.slice(whole, 2, count, carried, 1)?,
    };
    cx.give(1, state)
}

/// With weights that are known: a `conv2d` of one group for each channel.
fn convolved(
    cx: &mut Context<'_, '_>,
    x: Value,
    weight: Value,
    bias: Option<Value>,
    border: usize,
) -> Step<Value> {
    let channels = cx.dims(weight)[0];
    let image = to_channels_last(cx, x, "x")?;
    let weight = to_channels_last(cx, weight, "weight")?;
    let bias = match bias {
        Some(bias) => bias,
        None => cx.part_constant("bias", Tensor::f32([channels], vec![0.0; channels]), None)?,
    };
    let op = Conv2d {
        strides: [1, 1],
        pads: [0, border, 0, 0],
        dilations: [1, 1],
        groups: channels,
        act: Activation::NONE,
    };
    let y = cx.part("filtered", op, &[image, weight, bias])?;
    let y = cx.transpose(y, &TO_FIRST)?;
    let dims = cx.dims(y);
    cx.reshape(y, &[dims[0], dims[1], dims[3]])
}

/// With weights of the run: windows `[N·C, L, K]` times one column for each channel.
fn multiplied(
    cx: &mut Context<'_, '_>,
    whole: Value,
    weight: Value,
    bias: Option<Value>,
    count: usize,
) -> Step<Value> {
    let (dims, taps) = (cx.dims(whole), cx.dims(weight)[2]);
    let rows = dims[0] * dims[1];
    let windows = cx.strided(whole, vec![rows, count, taps], vec![dims[2] as i64, 1, 1], 0)?;
    let columns = cx.reshape(weight, &[1, dims[1], taps, 1])?;
    let columns = cx.expand(columns, &[dims[0], dims[1], taps, 1])?;
    let columns = cx.reshape(columns, &[rows, taps, 1])?;
    let y = cx.product(windows, columns)?;
    let y = cx.reshape(y, &[dims[0], dims[1], count])?;
    match bias {
        Some(bias) => {
            let bias = cx.reshape(bias, &[dims[1], 1])?;
            cx.map("biased", &[y, bias], |x| x[0] + x[1])
        }
        None => Ok(y),
    }
}
