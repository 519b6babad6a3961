//! `LinearClassifier` and `LinearRegressor`: a `dense`, and what becomes of its sums.

use super::classes::{Classes, Other};
use super::scores::{self, Transform};
use super::trees::features;
use super::votes::wrong;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Dense;
use tinyc_ir::{Activation, Value};

/// `x · coefficients + intercepts`, `[N, rows]`, where the coefficients are `[rows, F]`.
fn sums(cx: &mut Context<'_, '_>, rows: usize) -> Step<Value> {
    let attributes = cx.attributes();
    let coefficients = attributes.floats("coefficients")?.unwrap_or_default();
    let intercepts = attributes.floats("intercepts")?.filter(|i| !i.is_empty());
    let x = features(cx)?;
    let width = cx.dims(x)[1];
    if coefficients.len() != rows * width {
        let message =
            format!("{} coefficients are given for {rows} sums of {width} features", coefficients.len());
        return Err(wrong(message));
    }
    let bias = intercepts.map_or_else(|| vec![0.0; rows], <[f32]>::to_vec);
    if bias.len() != rows {
        return Err(wrong(format!("{} intercepts are given for {rows} sums", bias.len())));
    }
    let x = scores::single(cx, x)?;
    let weight = cx.floats("coefficients", &[rows, width], coefficients.to_vec())?;
    let bias = cx.floats("intercepts", &[rows], bias)?;
    cx.part("sums", Dense { act: Activation::NONE }, &[x, weight, bias])
}

/// `LinearRegressor x`: `[N, F]` to `[N, targets]`, f32.
pub(crate) fn regressor(cx: &mut Context<'_, '_>) -> Step<()> {
    let transform = Transform::read(cx.attributes())?;
    let targets = cx.attributes().int("targets")?.unwrap_or(1);
    let targets = usize::try_from(targets).map_err(|_| wrong(format!("there are {targets} targets")))?;
    let sums = sums(cx, targets)?;
    let y = transform.apply(cx, sums)?;
    cx.give(0, y)
}

/// `LinearClassifier x`: labels `[N]` and scores `[N, classes]`, f32. Of two classes the second may have a sum alone.
pub(crate) fn classifier(cx: &mut Context<'_, '_>) -> Step<()> {
    let transform = Transform::read(cx.attributes())?;
    let classes = Classes::read(cx)?;
    let x = features(cx)?;
    let coefficients = cx.attributes().floats("coefficients")?.map_or(0, <[f32]>::len);
    if classes.count == 2 && coefficients == cx.dims(x)[1] {
        let sums = sums(cx, 1)?;
        return classes.give_binary(cx, sums, 0.0, Other::Rest, transform);
    }
    let sums = sums(cx, classes.count)?;
    classes.give(cx, sums, transform)
}
