//! ONNX Runtime's own `Attention`, `MultiHeadAttention` and `RotaryEmbedding`: other operands for what `attention` and `rotary` do.

use super::attention::{Heads, Scoring, attend, count, join, split};
use super::matmul;
use super::rotary;
use super::visibility::{Limits, Visibility};
use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Add;
use tinyc_ir::{Activation, DType, Diagnostic, Value};

/// The positions of operands that both attentions have; past keys and values come as heads.
struct Operands {
    mask: usize,
    bias: usize,
    past: Option<[Value; 2]>,
}

/// `Attention x, weight, bias?, mask?, past?, score_bias?`: the projection to queries, keys and values included.
pub(super) fn attention(cx: &mut Context<'_, '_>) -> Step<()> {
    cx.attributes().require_int("do_rotary", 0)?;
    cx.attributes().require_int("past_present_share_buffer", 0)?;
    refuse(cx, 6, "past_sequence_length")?;
    let heads = count(cx, "num_heads")?;
    let stated = cx.attributes().sizes("qkv_hidden_sizes")?;
    let (x, weight) = (cx.float(0)?, cx.float(1)?);
    let bias = if cx.operand(2).is_some() { Some(cx.float(2)?) } else { None };
    let (dims, columns) = (cx.dims(x), cx.dims(weight));
    let fits = dims.len() == 3 && columns.len() == 2 && columns[0] == dims[2];
    cx.require(fits, format!("{} cannot be projected by {}", cx.ty(x), cx.ty(weight)))?;
    let sizes = stated.unwrap_or_else(|| vec![columns[1] / 3; 3]);
    let fits = sizes.len() == 3 && sizes.iter().sum::<usize>() == columns[1];
    cx.require(fits, format!("{} does not make queries, keys and values of {sizes:?}", cx.ty(weight)))?;
    let rows = cx.reshape(x, &[1, dims[0] * dims[1], dims[2]])?;
    let mut parts = Vec::new();
    let mut first = 0;
    for size in sizes {
        // Parts of the weights, not of the product: they are known at compile time.
        let own = cx.slice(weight, 1, first, size, 1)?;
        let own = cx.reshape(own, &[1, dims[2], size])?;
        let product = matmul::matrices(cx, rows, own)?;
        let part = cx.reshape(product, &[dims[0], dims[1], size])?;
        let part = biased(cx, part, bias, first)?;
        parts.push(split(cx, part, heads)?);
        first += size;
    }
    let past = match cx.operand(4) {
        Some(_) => {
            let past = cx.float(4)?;
            let dims = cx.dims(past);
            cx.require(dims.len() == 5 && dims[0] == 2, "past keys and values are [2, B, H, T, D]")?;
            let mut half = |i: usize| -> Step<Value> {
                let own = cx.slice(past, 0, i, 1, 1)?;
                cx.reshape(own, &dims[1..])
            };
            Some([half(0)?, half(1)?])
        }
        None => None,
    };
    let heads = Heads { q: parts[0], k: parts[1], v: parts[2] };
    let (y, heads) = attended(cx, heads, &Operands { mask: 3, bias: 5, past })?;
    cx.give(0, y)?;
    if cx.node.output.get(1).is_none_or(String::is_empty) {
        return Ok(());
    }
    let mut halves = [heads.k, heads.v];
    for half in &mut halves {
        let dims = cx.dims(*half);
        *half = cx.reshape(*half, &[&[1], &dims[..]].concat())?;
    }
    let present = cx.concat(&halves, 0)?;
    cx.give(1, present)
}

/// `MultiHeadAttention q, k?, v?, bias?, mask?, score_bias?, past_k?, past_v?`
pub(super) fn multi_head_attention(cx: &mut Context<'_, '_>) -> Step<()> {
    refuse(cx, 8, "past_sequence_length")?;
    refuse(cx, 9, "cache_indirection")?;
    let count = count(cx, "num_heads")?;
    let q = cx.float(0)?;
    let packed = |cx: &mut Context<'_, '_>, x: Value, i: usize| -> Step<Value> {
        let dims = cx.dims(x);
        let own = cx.slice(x, 3, i, 1, 1)?;
        cx.reshape(own, &[dims[0], dims[1], dims[2] * dims[4]])
    };
    // Rows of heads side by side, or heads as they are in a cache.
    let parts = if cx.operand(1).is_none() {
        cx.require(cx.dims(q).len() == 5 && cx.dims(q)[3] == 3, "queries alone hold keys and values too")?;
        [packed(cx, q, 0)?, packed(cx, q, 1)?, packed(cx, q, 2)?]
    } else if cx.operand(2).is_none() {
        let k = cx.float(1)?;
        cx.require(cx.dims(k).len() == 5 && cx.dims(k)[3] == 2, "keys alone hold values too")?;
        [q, packed(cx, k, 0)?, packed(cx, k, 1)?]
    } else {
        [q, cx.float(1)?, cx.float(2)?]
    };
    let bias = if cx.operand(3).is_some() { Some(cx.float(3)?) } else { None };
    let mut first = 0;
    let mut heads = Vec::new();
    for part in parts {
        if cx.dims(part).len() == 4 {
            let own = cx.dims(part);
            first += own[1] * own[3];
            heads.push(part);
            continue;
        }
        let sum = biased(cx, part, bias, first)?;
        first += cx.dims(part).last().copied().unwrap_or(0);
        heads.push(split(cx, sum, count)?);
    }
    let past = match (cx.operand(6), cx.operand(7)) {
        (None, None) => None,
        _ => Some([cx.float(6)?, cx.float(7)?]),
    };
    let heads = Heads { q: heads[0], k: heads[1], v: heads[2] };
    let (y, heads) = attended(cx, heads, &Operands { mask: 4, bias: 5, past })?;
    cx.give(0, y)?;
    cx.give(1, heads.k)?;
    cx.give(2, heads.v)
}

/// `RotaryEmbedding x, positions, cos, sin`; a single position is that of the first element.
pub(super) fn rotary_embedding(cx: &mut Context<'_, '_>) -> Step<()> {
    cx.attributes().require_int("is_packed_batching", 0)?;
    let interleaved = cx.attributes().flag("interleaved")?.unwrap_or(false);
    let positions = cx.plain(1)?;
    let [x, cos, sin] = [0, 2, 3].map(|i| cx.float(i));
    let (x, tables) = (x?, [cos?, sin?]);
    let stated = cx.attributes().int("rotary_embedding_dim")?.unwrap_or(0);
    let turned = usize::try_from(stated)
        .map_err(|_| unsupported("rotary_embedding_dim", stated, "the number of elements that turn"))?;
    let half = cx.dims(tables[0]).last().copied().unwrap_or(0);
    let heads = match (cx.dims(x).len(), turned) {
        (3, 0) => cx.dims(x)[2] / (2 * half).max(1),
        (3, _) => count(cx, "num_heads")?,
        _ => 0,
    };
    rotary::embed(cx, x, tables, Some(positions), rotary::Turn { interleaved, turned, heads })
}

fn refuse(cx: &Context<'_, '_>, i: usize, what: &str) -> Step<()> {
    if cx.operand(i).is_none() {
        return Ok(());
    }
    let message = format!("{} with {what} is not supported", cx.node.op_type());
    Err(Diagnostic::error(code::FORM, message).help("export the model without a shared cache"))
}

/// A part with its share of a bias, which begins at `first`.
fn biased(cx: &mut Context<'_, '_>, x: Value, bias: Option<Value>, first: usize) -> Step<Value> {
    let Some(bias) = bias else { return Ok(x) };
    let (size, all) = (cx.dims(x).last().copied().unwrap_or(0), cx.ty(bias).shape.elements());
    let fits = cx.dims(bias).len() == 1 && first + size <= all;
    cx.require(fits, format!("{} is no bias of queries, keys and values", cx.ty(bias)))?;
    let own = cx.slice(bias, 0, first, size, 1)?;
    cx.part("biased", Add { act: Activation::NONE }, &[x, own])
}

/// The result, and keys and values with the past ones in front.
fn attended(cx: &mut Context<'_, '_>, heads: Heads, operands: &Operands) -> Step<(Value, Heads)> {
    let causal = cx.attributes().flag("unidirectional")?.unwrap_or(false);
    let filter = f64::from(cx.attributes().float("mask_filter_value")?.unwrap_or(-10_000.0));
    let scale = cx.attributes().float("scale")?.filter(|s| *s != 0.0).map(f64::from);
    let mut heads = heads;
    let mut before = 0;
    if let Some([past_k, past_v]) = operands.past {
        before = cx.dims(past_k).get(2).copied().unwrap_or(0);
        heads.k = cx.concat(&[past_k, heads.k], 2)?;
        heads.v = cx.concat(&[past_v, heads.v], 2)?;
    }
    let (queries, keys) = (cx.dims(heads.q)[2], cx.dims(heads.k)[2]);
    let padding = match cx.operand(operands.mask) {
        Some(_) => Some(padding(cx, operands.mask, queries, keys, filter)?),
        None => None,
    };
    let bias = if cx.operand(operands.bias).is_some() { Some(cx.float(operands.bias)?) } else { None };
    let limits = Limits { queries, keys, before, right: causal.then_some(0), ..Limits::default() };
    let visibility = match (padding, bias) {
        (Some(padding), Some(bias)) => {
            let sum = cx.map("bias", &[padding, bias], |x| x[0] + x[1])?;
            Visibility::new(cx, &limits, Some(sum), true)?
        }
        (Some(padding), None) => Visibility::new(cx, &limits, Some(padding), false)?,
        (None, bias) => Visibility::new(cx, &limits, bias, true)?,
    };
    let scoring = Scoring { scale, cap: 0.0, precision: DType::F32, stage: None };
    let (y, _) = attend(cx, heads, &visibility, scoring)?;
    Ok((join(cx, y)?, heads))
}

/// A mask of integers as what it adds to the scores: `filter` where it is zero, or behind each sample's length.
fn padding(cx: &mut Context<'_, '_>, i: usize, queries: usize, keys: usize, filter: f64) -> Step<Value> {
    let mask = cx.plain(i)?;
    let dims = cx.dims(mask);
    cx.require(cx.ty(mask).dtype.is_int(), format!("a mask is of integers, not {}", cx.ty(mask)))?;
    match *dims.as_slice() {
        [batch] => {
            let mask = cx.reshape(mask, &[batch, 1, 1, 1])?;
            let numbers = cx.ints("numbers", DType::I32, &[keys], (0..keys as i64).collect())?;
            let zero = cx.floats("zero", &[1], vec![0.0])?;
            cx.map("padding", &[mask, numbers, zero], |x| {
                x[1].lt(x[0].to(DType::I32)).select(x[2], x[2].literal(filter))
            })
        }
        [batch, width] if width == keys => by_flags(cx, mask, &[batch, 1, 1, width], filter),
        [batch, rows, width] if rows == queries && width == keys => {
            by_flags(cx, mask, &[batch, 1, rows, width], filter)
        }
        _ => {
            let message = format!("a mask {} is not supported", cx.ty(mask));
            Err(Diagnostic::error(code::FORM, message)
                .help("supported are [B], [B, keys] and [B, queries, keys]"))
        }
    }
}

fn by_flags(cx: &mut Context<'_, '_>, mask: Value, shape: &[usize], filter: f64) -> Step<Value> {
    let mask = cx.reshape(mask, shape)?;
    let zero = cx.floats("zero", &[1], vec![0.0])?;
    cx.map("padding", &[mask, zero], |x| {
        let mask = x[0].wide();
        mask.literal(0.0).lt(mask).select(x[1], x[1].literal(filter))
    })
}
