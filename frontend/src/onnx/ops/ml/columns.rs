//! What prepares columns of features: `Scaler`, `Normalizer`, `Binarizer`, `Imputer`, `OneHotEncoder`, and those that pick
//! and join columns.

use super::scores::single;
use super::votes::wrong;
use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use crate::onnx::{code, ops};
use tinyc_ir::op::Gather;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Data, Diagnostic, Tensor, Value};

/// Numbers for the last axis of a value: one for all or one for each.
fn by_feature(cx: &mut Context<'_, '_>, part: &str, x: Value, data: Data) -> Step<Value> {
    let features = cx.dims(x).last().copied().unwrap_or(1);
    if data.len() != 1 && data.len() != features {
        return Err(wrong(format!("{} values of {part} are given for {features} features", data.len())));
    }
    cx.part_constant(part, Tensor::new([data.len()], data), None)
}

/// `Scaler x`: `(x − offset) · scale`, f32.
pub(crate) fn scaler(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let of = |name: &str, default: f32| -> Step<Vec<f32>> {
        Ok(attributes.floats(name)?.filter(|v| !v.is_empty()).map_or_else(|| vec![default], <[f32]>::to_vec))
    };
    let (offset, scale) = (of("offset", 0.0)?, of("scale", 1.0)?);
    let x = cx.plain(0)?;
    let x = single(cx, x)?;
    let offset = by_feature(cx, "offset", x, Data::F32(offset))?;
    let scale = by_feature(cx, "scale", x, Data::F32(scale))?;
    let y = cx.map("y", &[x, offset, scale], |x| (x[0] - x[1]) * x[2])?;
    cx.give(0, y)
}

/// `Normalizer x`: rows divided by their greatest element, the sum of magnitudes, or the root of the sum of squares; a row
/// where that is 0 stays.
pub(crate) fn normalizer(cx: &mut Context<'_, '_>) -> Step<()> {
    let norm = cx.attributes().string("norm")?.unwrap_or_else(|| "MAX".into());
    let x = cx.plain(0)?;
    let x = single(cx, x)?;
    let axis = cx.dims(x).len().saturating_sub(1);
    let by = match norm.as_str() {
        "MAX" => cx.reduce(x, ReduceKind::Max, &[axis])?,
        "L1" => {
            let parts = cx.map("magnitudes", &[x], |x| x[0].abs())?;
            cx.reduce(parts, ReduceKind::Sum, &[axis])?
        }
        "L2" => {
            let parts = cx.map("squares", &[x], |x| x[0] * x[0])?;
            let sum = cx.reduce(parts, ReduceKind::Sum, &[axis])?;
            cx.map("norm", &[sum], |x| x[0].sqrt())?
        }
        _ => return Err(unsupported("norm", norm, "MAX, L1, L2")),
    };
    let y = cx.map("y", &[x, by], |x| x[1].equals(x[1].literal(0.0)).select(x[0], x[0] / x[1]))?;
    cx.give(0, y)
}

/// `Binarizer x`: 1 where x is above the threshold, else 0.
pub(crate) fn binarizer(cx: &mut Context<'_, '_>) -> Step<()> {
    let threshold = f64::from(cx.attributes().float("threshold")?.unwrap_or(0.0));
    let x = cx.plain(0)?;
    let dtype = cx.ty(x).dtype;
    // Whole numbers are above a threshold if they are above the whole number below it.
    let threshold = if dtype.is_int() { threshold.floor() } else { threshold };
    let y = cx.map("y", &[x], |x| {
        let wide = x[0].wide();
        wide.literal(threshold).lt(wide).select(wide.literal(1.0), wide.literal(0.0)).to(dtype)
    })?;
    cx.give(0, y)
}

/// `Imputer x`: other values in place of the one that stands for a missing one.
pub(crate) fn imputer(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let floats = attributes.floats("imputed_value_floats")?.filter(|v| !v.is_empty()).map(<[f32]>::to_vec);
    let ints = attributes.ints("imputed_value_int64s")?.filter(|v| !v.is_empty()).map(<[i64]>::to_vec);
    let replaced = f64::from(attributes.float("replaced_value_float")?.unwrap_or(0.0));
    let replaced_int = attributes.int("replaced_value_int64")?.unwrap_or(0);
    let x = cx.plain(0)?;
    let dtype = cx.ty(x).dtype;
    let (values, replaced) = match (floats, ints) {
        (Some(values), _) if dtype == DType::F32 => (Data::F32(values), replaced),
        (Some(values), _) if dtype == DType::F64 => {
            (Data::F64(values.into_iter().map(f64::from).collect()), replaced)
        }
        (_, Some(values)) if matches!(dtype, DType::I32 | DType::I64) => {
            (Data::from_ints(dtype, values), replaced_int as f64)
        }
        _ => return Err(wrong(format!("the imputed values are not of the features' type, {dtype}"))),
    };
    let values = by_feature(cx, "imputed", x, values)?;
    let y = cx.map("y", &[x, values], |x| {
        let missing =
            if replaced.is_nan() { x[0].differs(x[0]) } else { x[0].equals(x[0].literal(replaced)) };
        missing.select(x[1], x[0])
    })?;
    cx.give(0, y)
}

/// `OneHotEncoder x`: an axis behind the others, with 1 at the category that x is; categories that are not known are all 0.
pub(crate) fn one_hot(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    if attributes.strings("cats_strings")?.is_some_and(|cats| !cats.is_empty()) {
        return Err(Diagnostic::error(code::ELEMENT_TYPE, "categories that are text are not supported")
            .help("encode them as integers before training"));
    }
    let categories = attributes.ints("cats_int64s")?.unwrap_or_default().to_vec();
    let x = cx.plain(0)?;
    let mut dims = cx.dims(x);
    dims.push(1);
    let x = cx.reshape(x, &dims)?;
    let count = categories.len();
    let categories = cx.ints("categories", DType::I64, &[count], categories)?;
    let y = cx.map("y", &[x, categories], |x| x[0].to(DType::I64).equals(x[1]).to(DType::F32))?;
    cx.give(0, y)
}

/// `ArrayFeatureExtractor x, y`: elements of the last axis, by position.
pub(crate) fn array_feature_extractor(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, i) = (cx.plain(0)?, ops::gather::positions(cx, 1)?);
    let picked = cx.ty(i).shape.elements();
    let mut dims = cx.dims(x);
    let last = dims.pop().unwrap_or(1);
    let outer = dims.iter().product();
    let x = cx.reshape(x, &[outer, last, 1])?;
    let i = cx.reshape(i, &[1, picked])?;
    let y = cx.part("picked", Gather, &[x, i])?;
    if dims.is_empty() {
        dims.push(1);
    }
    dims.push(picked);
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}

/// `FeatureVectorizer x, …`: columns side by side, as f32.
pub(crate) fn feature_vectorizer(cx: &mut Context<'_, '_>) -> Step<()> {
    let sizes = cx.attributes().sizes("inputdimensions")?.unwrap_or_default();
    let inputs = cx.plain_all()?;
    if sizes.len() != inputs.len() {
        return Err(wrong(format!("{} inputdimensions are given for {} inputs", sizes.len(), inputs.len())));
    }
    let mut columns = Vec::new();
    for (x, size) in inputs.into_iter().zip(sizes) {
        let elements = cx.ty(x).shape.elements();
        let rows = if cx.dims(x).len() < 2 { 1 } else { cx.dims(x)[0] };
        let x = single(cx, x)?;
        let x = cx.reshape(x, &[rows, elements / rows])?;
        cx.require(
            size >= 1 && size <= elements / rows,
            "an input has fewer columns than inputdimensions says",
        )?;
        columns.push(cx.slice(x, 1, 0, size, 1)?);
    }
    cx.require(!columns.is_empty(), "FeatureVectorizer has inputs")?;
    let y = cx.concat(&columns, 1)?;
    cx.give(0, y)
}
