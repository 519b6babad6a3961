//! The tapering windows of signal processing, `HannWindow` and its like: known at compile time, rounded once.

use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::tensor;
use std::sync::Arc;
use tinyc_ir::{DType, Data, Diagnostic, Tensor};

/// `XWindow size`: sums of cosines over one period, which ends with the last element or, if periodic, behind it.
pub(super) fn window(cx: &mut Context<'_, '_>) -> Step<()> {
    let size = cx.known_ints(0)?.first().copied().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let count = cx.build.make(&[size], DType::F64)?;
    cx.require(count > 0, "the size of a window is a number above 0")?;
    let dtype = tensor::dtype(
        cx.attributes().int("output_datatype")?.and_then(|v| i32::try_from(v).ok()).unwrap_or(1),
    );
    let periodic = cx.attributes().flag("periodic")?.unwrap_or(true);
    let period = if periodic { count } else { (count - 1).max(1) } as f64;
    let (a, b, c) = match cx.node.op_type() {
        "HannWindow" => (0.5, 0.5, 0.0),
        "HammingWindow" => (25.0 / 46.0, 21.0 / 46.0, 0.0),
        _ => (0.42, 0.5, 0.08),
    };
    let value = |i: usize| {
        let angle = 2.0 * std::f64::consts::PI * i as f64 / period;
        a - b * angle.cos() + c * (2.0 * angle).cos()
    };
    let data = match dtype {
        Ok(DType::F32) => Data::F32((0..count).map(|i| value(i) as f32).collect()),
        Ok(DType::F64) => Data::F64((0..count).map(value).collect()),
        _ => return Err(Diagnostic::error(code::ELEMENT_TYPE, "windows are f32 or f64")),
    };
    cx.define(Slot::Constant(Arc::new(Tensor::new([count], data))));
    Ok(())
}
