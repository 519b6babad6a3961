//! `Attention`: softmax of the products of queries and keys, times values. Not here: which keys are seen.
//!
//! Heads that share keys are rows of one product, so keys and values are never repeated. One tensor of `[heads, queries,
//! keys]` is stored besides operands and result; masks and caps change it in place.

use super::reduction;
use super::visibility::{Limits, Visibility};
use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::tensor;
use tinyc_ir::op::{Mul, Softmax};
use tinyc_ir::{Activation, DType, Diagnostic, Tensor, Value};

/// Queries `[B, H, S, D]`, keys `[B, G, T, D]` and values `[B, G, T, E]`, where G divides H.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub(super) q: Value,
    pub(super) k: Value,
    pub(super) v: Value,
}

/// How scores become shares.
#[derive(Clone, Copy)]
pub(super) struct Scoring {
    /// The factor on the products; `1/√D` if none is stated.
    pub(super) scale: Option<f64>,
    /// Scores become `cap · tanh(score / cap)`, if it is above zero.
    pub(super) cap: f64,
    /// The type in which the softmax is computed.
    pub(super) precision: DType,
    /// Which stage of the scores is also asked for.
    pub(super) stage: Option<Stage>,
}

/// A stage of the scores.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    Products,
    Capped,
    Masked,
    Shares,
}

/// `Attention q, k, v, mask?, past_k?, past_v?, lengths?`
pub(super) fn attention(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let causal = attributes.flag("is_causal")?.unwrap_or(false);
    let scale = attributes.float("scale")?.map(f64::from);
    let cap = f64::from(attributes.float("softcap")?.unwrap_or(0.0));
    let mode = attributes.int("qk_matmul_output_mode")?.unwrap_or(0);
    let stages = [Stage::Products, Stage::Capped, Stage::Masked, Stage::Shares];
    let stage = usize::try_from(mode).ok().and_then(|m| stages.get(m).copied());
    let stage = stage.ok_or_else(|| unsupported("qk_matmul_output_mode", mode, "0, 1, 2, 3"))?;
    let stage = cx.node.output.get(3).filter(|name| !name.is_empty()).map(|_| stage);
    let window = |name: &str| -> Step<Option<i64>> {
        let size = attributes.int(name)?.unwrap_or(-1);
        if (-1..i64::from(i32::MAX)).contains(&size) {
            Ok(Some(size).filter(|&s| s >= 0))
        } else {
            Err(unsupported(name, size, "-1 for no limit, or a number of keys"))
        }
    };
    let (left, mut right) = (window("left_window_size")?, window("right_window_size")?);
    if causal {
        right = Some(0);
    }
    let mut heads = operands(cx)?;
    let x = cx.plain(0)?;
    let flat = cx.dims(x).len() == 3;
    let dtype = cx.ty(heads.q).dtype;
    let precision = match attributes.int("softmax_precision")? {
        None => dtype,
        Some(stated) => tensor::dtype(i32::try_from(stated).unwrap_or(0)).map_err(|name| {
            unsupported("softmax_precision", name, "the number of an element type that is supported")
        })?,
    };
    let mut before = 0;
    if cx.operand(4).is_some() || cx.operand(5).is_some() {
        let (past_k, past_v) = (cx.plain(4)?, cx.plain(5)?);
        cx.require(cx.dims(past_k).len() == 4, "past keys are [B, H, T, D]")?;
        before = cx.dims(past_k)[2];
        heads.k = cx.concat(&[past_k, heads.k], 2)?;
        heads.v = cx.concat(&[past_v, heads.v], 2)?;
    }
    let lengths = if cx.operand(6).is_some() { Some(cx.plain(6)?) } else { None };
    if lengths.is_some() && before > 0 {
        let message = "nonpad_kv_seqlen and past keys exclude each other";
        return Err(Diagnostic::error(code::FORM, message));
    }
    let mask = if cx.operand(3).is_some() { Some(cx.plain(3)?) } else { None };
    let (queries, keys) = (cx.dims(heads.q)[2], cx.dims(heads.k)[2]);
    let limits = Limits { queries, keys, before, lengths, left, right };
    let visibility = Visibility::new(cx, &limits, mask, true)?;
    let scoring = Scoring { scale, cap, precision, stage };
    let (y, scores) = attend(cx, heads, &visibility, scoring)?;
    let y = if flat { join(cx, y)? } else { y };
    cx.give(0, y)?;
    cx.give(1, heads.k)?;
    cx.give(2, heads.v)?;
    match scores {
        Some(scores) => cx.give(3, scores),
        None => Ok(()),
    }
}

/// The operands as heads; those of three dimensions hold them side by side.
fn operands(cx: &mut Context<'_, '_>) -> Step<Heads> {
    let [mut q, mut k, mut v] = [cx.plain(0)?, cx.plain(1)?, cx.plain(2)?];
    let rank = cx.dims(q).len();
    let same = [k, v].iter().all(|&x| cx.dims(x).len() == rank);
    cx.require(same && (rank == 3 || rank == 4), "query, key and value have three or four dimensions")?;
    if rank == 3 {
        let (of_q, of_k) = (count(cx, "q_num_heads")?, count(cx, "kv_num_heads")?);
        q = split(cx, q, of_q)?;
        k = split(cx, k, of_k)?;
        v = split(cx, v, of_k)?;
    }
    Ok(Heads { q, k, v })
}

/// An attribute that counts something.
pub(super) fn count(cx: &Context<'_, '_>, name: &str) -> Step<usize> {
    let stated = cx.attributes().int(name)?;
    stated.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0).ok_or_else(|| {
        let message = format!("{} needs the attribute {name}, a number above 0", cx.node.op_type());
        Diagnostic::error(code::ATTRIBUTE, message)
    })
}

/// `[B, T, H·D]` as `[B, H, T, D]`.
pub(super) fn split(cx: &mut Context<'_, '_>, x: Value, heads: usize) -> Step<Value> {
    let dims = cx.dims(x);
    let fits = dims.len() == 3 && dims[2].is_multiple_of(heads);
    cx.require(fits, format!("{} does not hold {heads} heads side by side", cx.ty(x)))?;
    let x = cx.reshape(x, &[dims[0], dims[1], heads, dims[2] / heads])?;
    cx.transpose(x, &[0, 2, 1, 3])
}

/// `[B, H, T, D]` as `[B, T, H·D]`.
pub(super) fn join(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    let dims = cx.dims(x);
    let x = cx.transpose(x, &[0, 2, 1, 3])?;
    cx.reshape(x, &[dims[0], dims[2], dims[1] * dims[3]])
}

/// The result `[B, H, S, E]`, and the stage of the scores that is asked for, `[B, H, S, T]`.
pub(super) fn attend(
    cx: &mut Context<'_, '_>,
    heads: Heads,
    visibility: &Visibility,
    scoring: Scoring,
) -> Step<(Value, Option<Value>)> {
    let Heads { q, k, v } = heads;
    let (of_q, of_k, of_v) = (cx.dims(q), cx.dims(k), cx.dims(v));
    let (&[batch, heads, queries, depth], &[_, shared, keys, _]) = (of_q.as_slice(), of_k.as_slice()) else {
        return Err(Diagnostic::error(code::SHAPE, "queries and keys have four dimensions"));
    };
    let fits = of_k == [batch, shared, keys, depth]
        && of_v.len() == 4
        && of_v[..3] == of_k[..3]
        && heads.is_multiple_of(shared)
        && [k, v].iter().all(|&x| cx.ty(x).dtype == cx.ty(q).dtype);
    if !fits || !cx.ty(q).dtype.is_float() {
        let message = format!("{}, {} and {} are not heads of one attention", cx.ty(q), cx.ty(k), cx.ty(v));
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let q = scaled(cx, q, scoring.scale.unwrap_or_else(|| 1.0 / (depth as f64).sqrt()))?;
    let rows = heads / shared * queries;
    let products = products(cx, q, k, [batch * shared, rows, keys, depth])?;
    let products = cx.reshape(products, &[batch, heads, queries, keys])?;
    let mut cap = scoring.cap;
    let mut capped = products;
    if cap > 0.0 && scoring.stage == Some(Stage::Capped) {
        capped = cx.map("capped", &[products], |x| (x[0] / cap).tanh() * cap)?;
        cap = 0.0;
    }
    let scores = visibility.apply_to_scores(cx, "scores", capped, cap)?;
    let dtype = cx.ty(scores).dtype;
    let precise = cx.map_to(scores, scoring.precision)?;
    let shares = match cx.ty(precise).dtype {
        DType::F64 => reduction::shares(cx, precise, 3)?,
        _ => cx.part("shares", Softmax, &[precise])?,
    };
    let mut shares = cx.map_to(shares, dtype)?;
    let mut blind_are_out = false;
    if scoring.stage == Some(Stage::Shares) {
        shares = visibility.without_blind(cx, "shares", shares, scores)?;
        blind_are_out = true;
    }
    let width = of_v[3];
    let flat = cx.reshape(shares, &[batch * shared, rows, keys])?;
    let v = cx.reshape(v, &[batch * shared, keys, width])?;
    let y = cx.product(flat, v)?;
    let mut y = cx.reshape(y, &[batch, heads, queries, width])?;
    if !blind_are_out {
        y = visibility.without_blind(cx, "y", y, scores)?;
    }
    let stage = scoring.stage.map(|stage| match stage {
        Stage::Products => products,
        Stage::Capped => capped,
        Stage::Masked => scores,
        Stage::Shares => shares,
    });
    Ok((y, stage))
}

/// A product with a constant, as the operator that passes fold into the projection before it.
fn scaled(cx: &mut Context<'_, '_>, x: Value, scale: f64) -> Step<Value> {
    if scale == 1.0 {
        return Ok(x);
    }
    if cx.ty(x).dtype != DType::F32 {
        return cx.map("scaled", &[x], |x| x[0] * scale);
    }
    let factor = cx.part_constant("scale", Tensor::f32([1], vec![scale as f32]), None)?;
    cx.part("scaled", Mul { act: Activation::NONE }, &[x, factor])
}

/// `q · kᵀ` of `[batch, rows, depth]` and `[batch, keys, depth]`. Either the keys are turned or, if that moves fewer elements,
/// the queries and the result: for a single query nothing moves. The sums are the same.
fn products(
    cx: &mut Context<'_, '_>,
    q: Value,
    k: Value,
    [batch, rows, keys, depth]: [usize; 4],
) -> Step<Value> {
    let q = cx.reshape(q, &[batch, rows, depth])?;
    let k = cx.reshape(k, &[batch, keys, depth])?;
    let moved = if rows == 1 { 0 } else { rows.saturating_mul(depth + keys) };
    if moved < keys.saturating_mul(depth) {
        let q = cx.transpose(q, &[0, 2, 1])?;
        let turned = cx.product(k, q)?;
        return cx.transpose(turned, &[0, 2, 1]);
    }
    let k = cx.transpose(k, &[0, 2, 1])?;
    cx.product(q, k)
}
