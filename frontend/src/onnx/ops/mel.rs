//! `MelWeightMatrix`: triangles over the bins of a spectrum, evenly spaced in pitch; known at compile time.

use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::tensor;
use std::sync::Arc;
use tinyc_ir::{DType, Data, Diagnostic, Tensor};

/// `MelWeightMatrix bands, length, rate, low, high`, all known: `[length / 2 + 1, bands]`.
pub(super) fn mel_weight_matrix(cx: &mut Context<'_, '_>) -> Step<()> {
    let size = |cx: &Context<'_, '_>, i: usize| -> Step<usize> {
        let stated = cx.known_ints(i)?.first().copied().unwrap_or(0);
        let size = usize::try_from(stated).ok().filter(|n| (1..1 << 31).contains(n));
        size.ok_or_else(|| {
            Diagnostic::error(code::SHAPE, format!("operand {i} of MelWeightMatrix is above 0"))
        })
    };
    let (bands, length, rate) = (size(cx, 0)?, size(cx, 1)?, size(cx, 2)?);
    let edge = |cx: &Context<'_, '_>, i: usize| -> Step<f64> {
        let tensor = cx.known(i)?;
        let value = match &tensor.data {
            Data::F32(v) => v.first().map(|&v| f64::from(v)),
            Data::F64(v) => v.first().copied(),
            _ => None,
        };
        value.filter(|v| *v >= 0.0 && v.is_finite()).ok_or_else(|| {
            Diagnostic::error(code::SHAPE, format!("operand {i} of MelWeightMatrix is a frequency"))
        })
    };
    let (low, high) = (edge(cx, 3)?, edge(cx, 4)?);
    let stated = cx.attributes().int("output_datatype")?.unwrap_or(1);
    let dtype = tensor::dtype(i32::try_from(stated).unwrap_or(0)).map_err(|name| {
        Diagnostic::error(code::ELEMENT_TYPE, format!("MelWeightMatrix of {name} is not supported"))
    })?;
    let bins = length / 2 + 1;
    cx.build.make(&[bins, bands], DType::F64)?;
    let points = points(bands, length, rate, [low, high]);
    let inside = low <= high && points.iter().all(|&p| p < bins);
    cx.require(inside, format!("{low} to {high} Hz are not frequencies of a spectrum of {bins} bins"))?;
    let mut weights = vec![0.0; bins * bands];
    for band in 0..bands {
        let [left, peak, right] = [0, 1, 2].map(|i| points[band + i]);
        for bin in left..=peak {
            let rise = peak - left;
            weights[bin * bands + band] = if rise == 0 { 1.0 } else { (bin - left) as f64 / rise as f64 };
        }
        for bin in peak..right {
            weights[bin * bands + band] = (right - bin) as f64 / (right - peak) as f64;
        }
    }
    let data = match dtype {
        DType::F32 => Data::F32(weights.into_iter().map(|w| w as f32).collect()),
        DType::F64 => Data::F64(weights),
        _ => Data::from_ints(dtype, weights.into_iter().map(|w| w as i64)),
    };
    cx.define(Slot::Constant(Arc::new(Tensor::new([bins, bands], data))));
    Ok(())
}

/// The bins at which triangles begin, have their peak and end: ascending. A pitch is `2595·lg(1 + f/700)`.
fn points(bands: usize, length: usize, rate: usize, edges: [f64; 2]) -> Vec<usize> {
    let [low, high] = edges.map(|f| 2595.0 * (f / 700.0).ln_1p() / 10f64.ln());
    let step = (high - low) / (bands + 2) as f64;
    let point = |i: usize| {
        let frequency = 700.0 * ((i as f64 * step + low) / 2595.0 * 10f64.ln()).exp_m1();
        ((length + 1) as f64 * frequency / rate as f64).floor().max(0.0) as usize
    };
    (0..bands + 2).map(point).collect()
}
