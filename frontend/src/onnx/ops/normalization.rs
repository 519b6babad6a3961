//! Normalisation by mean and variance over some axes, or by the root of the mean square.
//!
//! Means are sums divided by the count; the variance is that of the differences from the mean, so it loses no digits.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::wording::counted;
use tinyc_ir::{Diagnostic, Value};

/// Differences from the mean over some axes, and `1/√(variance + epsilon)`; the mean too.
fn standardised(cx: &mut Context<'_, '_>, x: Value, axes: &[usize], epsilon: f64) -> Step<[Value; 3]> {
    let count: usize = axes.iter().map(|&a| cx.dims(x)[a]).product();
    let sum = cx.reduce(x, ReduceKind::Sum, axes)?;
    let mean = cx.map("mean", &[sum], |x| x[0] / count as f64)?;
    let centred = cx.map("centred", &[x, mean], |x| x[0] - x[1])?;
    let sum = squares(cx, centred, axes)?;
    let inverse = cx.map("inverse", &[sum], |x| {
        let root = (x[0] / count as f64 + epsilon).sqrt();
        root.literal(1.0) / root
    })?;
    Ok([centred, inverse, mean])
}

/// The sum of squares over some axes. Of the last ones it is the product of each row with itself, with the same bits, so that
/// no square is stored.
fn squares(cx: &mut Context<'_, '_>, x: Value, axes: &[usize]) -> Step<Value> {
    let mut dims = cx.dims(x);
    let outer = dims.len() - axes.len();
    if !axes.iter().copied().eq(outer..dims.len()) {
        let square = cx.map("square", &[x], |x| x[0] * x[0])?;
        return cx.reduce(square, ReduceKind::Sum, axes);
    }
    let (rows, count) = (dims[..outer].iter().product(), dims[outer..].iter().product());
    let (row, column) = (cx.reshape(x, &[rows, 1, count])?, cx.reshape(x, &[rows, count, 1])?);
    let sum = cx.product(row, column)?;
    dims[outer..].fill(1);
    cx.reshape(sum, &dims)
}

/// `LayerNormalization x, scale, bias?` over the axes from `axis` on.
pub(super) fn layer_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-5));
    let (x, scale) = (cx.float(0)?, cx.float(1)?);
    let rank = cx.dims(x).len();
    let axes: Vec<usize> = (cx.axis("axis", -1, rank)?..rank).collect();
    let [centred, inverse, mean] = standardised(cx, x, &axes, epsilon)?;
    let mut inputs = vec![centred, inverse, scale];
    if cx.operand(2).is_some() {
        inputs.push(cx.float(2)?);
    }
    let y = cx.map("y", &inputs, |x| {
        let scaled = x[0] * x[1] * x[2];
        x.get(3).map_or(scaled, |&bias| scaled + bias)
    })?;
    cx.give(0, y)?;
    cx.give(1, mean)?;
    cx.give(2, inverse)
}

/// `SkipLayerNormalization x, skip, scale, bias?, more?`: of the sum of x, skip and more, over the last axis; the sum is result 3.
pub(super) fn skip_layer_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-12));
    let mut terms = vec![cx.float(0)?, cx.float(1)?];
    if cx.operand(4).is_some() {
        terms.push(cx.float(4)?);
    }
    let sum = cx.map("sum", &terms, |x| x[1..].iter().fold(x[0], |sum, &term| sum + term))?;
    let rank = cx.dims(sum).len();
    cx.require(rank > 0, "SkipLayerNormalization does not take scalars")?;
    let [centred, inverse, mean] = standardised(cx, sum, &[rank - 1], epsilon)?;
    let mut inputs = vec![centred, inverse, cx.float(2)?];
    if cx.operand(3).is_some() {
        inputs.push(cx.float(3)?);
    }
    let y = cx.map("y", &inputs, |x| {
        let scaled = x[0] * x[1] * x[2];
        x.get(3).map_or(scaled, |&bias| scaled + bias)
    })?;
    [y, mean, inverse, sum].into_iter().enumerate().try_for_each(|(i, value)| cx.give(i, value))
}

/// `RMSNormalization x, scale`: no mean is taken out.
pub(super) fn rms_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-5));
    let (x, scale) = (cx.float(0)?, cx.float(1)?);
    let dims = cx.dims(x);
    let axes: Vec<usize> = (cx.axis("axis", -1, dims.len())?..dims.len()).collect();
    let count: usize = axes.iter().map(|&a| dims[a]).product();
    let sum = squares(cx, x, &axes)?;
    let y = cx.map("y", &[x, sum, scale], |x| x[0] / (x[1] / count as f64 + epsilon).sqrt() * x[2])?;
    cx.give(0, y)
}

/// One number per channel as `[C, 1, …]`, to go with `[N, C, …]`.
fn per_channel(cx: &mut Context<'_, '_>, i: usize, rank: usize) -> Step<Value> {
    let parameter = cx.float(i)?;
    let channels = cx.ty(parameter).shape.elements();
    cx.reshape(parameter, &[vec![channels], vec![1; rank.saturating_sub(2)]].concat())
}

/// `InstanceNormalization x, scale, bias`: each channel of each sample by itself.
pub(super) fn instance_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-5));
    let x = cx.float(0)?;
    let rank = cx.dims(x).len();
    let (scale, bias) = (per_channel(cx, 1, rank)?, per_channel(cx, 2, rank)?);
    let axes: Vec<usize> = (2..rank).collect();
    let [centred, inverse, _] = standardised(cx, x, &axes, epsilon)?;
    let y = cx.map("y", &[centred, inverse, scale, bias], |x| x[0] * x[1] * x[2] + x[3])?;
    cx.give(0, y)
}

/// `GroupNormalization x, scale, bias`: groups of channels by themselves. Before operator set 21 the parameters are those of
/// groups.
pub(super) fn group_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let epsilon = f64::from(cx.attributes().float("epsilon")?.unwrap_or(1e-5));
    let groups = cx.attributes().int("num_groups")?.and_then(|g| usize::try_from(g).ok()).unwrap_or(0);
    let x = cx.float(0)?;
    let dims = cx.dims(x);
    if dims.len() < 2 || groups == 0 || !dims[1].is_multiple_of(groups) {
        let message = format!("the channels of {} are not {groups} equal groups", cx.ty(x));
        return Err(Diagnostic::error(code::ATTRIBUTE, message));
    }
    let grouped = cx.reshape(x, &[dims[0], groups, dims[1..].iter().product::<usize>() / groups])?;
    let [centred, inverse, _] = standardised(cx, grouped, &[2], epsilon)?;
    let normal = cx.map("normal", &[centred, inverse], |x| x[0] * x[1])?;
    let by_group = cx.opset < 21;
    let shape = if by_group { cx.dims(grouped) } else { dims.clone() };
    let normal = cx.reshape(normal, &shape)?;
    let (scale, bias) = (per_channel(cx, 1, shape.len())?, per_channel(cx, 2, shape.len())?);
    let y = cx.map("scaled", &[normal, scale, bias], |x| x[0] * x[1] + x[2])?;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}

/// `MeanVarianceNormalization x`: `(x − mean) / (deviation + 1e-9)`.
pub(super) fn mean_variance_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let rank = cx.dims(x).len();
    let stated = cx.attributes().ints("axes")?.unwrap_or(&[0, 2, 3]);
    let mut axes: Vec<usize> = stated.iter().filter_map(|&a| crate::onnx::attribute::axis(a, rank)).collect();
    axes.sort_unstable();
    cx.require(
        axes.len() == stated.len(),
        format!("axes {stated:?} are not axes of {}", counted(rank, "dimension")),
    )?;
    let [centred, _, _] = standardised(cx, x, &axes, 0.0)?;
    let count: usize = axes.iter().map(|&a| cx.dims(x)[a]).product();
    let sum = squares(cx, centred, &axes)?;
    let y = cx.map("y", &[centred, sum], |x| x[0] / ((x[1] / count as f64).sqrt() + 1e-9))?;
    cx.give(0, y)
}

/// `LRN x`: divided by a power of the mean square over neighbouring channels.
pub(super) fn lrn(cx: &mut Context<'_, '_>) -> Step<()> {
    let number = |name: &str, default: f32| -> Step<f64> {
        Ok(f64::from(cx.attributes().float(name)?.unwrap_or(default)))
    };
    let (alpha, beta, bias) = (number("alpha", 1e-4)?, number("beta", 0.75)?, number("bias", 1.0)?);
    let size = cx.attributes().int("size")?.and_then(|s| usize::try_from(s).ok()).filter(|&s| s > 0);
    let size = size.ok_or_else(|| Diagnostic::error(code::ATTRIBUTE, "size of LRN is above 0"))?;
    let x = cx.float(0)?;
    let dims = cx.dims(x);
    cx.require(dims.len() >= 2, "LRN needs a channel axis")?;
    let square = cx.map("square", &[x], |x| x[0] * x[0])?;
    let inner: usize = dims[2..].iter().product();
    let flat = cx.reshape(square, &[dims[0], dims[1], inner])?;
    let (front, back) = ((size - 1) / 2, size - 1 - (size - 1) / 2);
    let padded = cx.pad_zeros(flat, vec![0, front, 0], vec![0, back, 0])?;
    let (row, step) = ((dims[1] + size - 1) * inner, inner as i64);
    let windows =
        cx.strided(padded, vec![dims[0], dims[1], size, inner], vec![row as i64, step, step, 1], 0)?;
    let sum = cx.reduce(windows, ReduceKind::Sum, &[2])?;
    let sum = cx.reshape(sum, &dims)?;
    let y = cx.map("y", &[x, sum], |x| {
        let base = x[1] * (alpha / size as f64) + bias;
        x[0] * (base.log() * -beta).exp()
    })?;
    cx.give(0, y)
}
