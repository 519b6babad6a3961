//! Average pooling, windowed and global, on floats and quantised.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{finish, spatial_rank, to_channels_last};
use crate::onnx::spatial::Spatial;
use tinyc_ir::op::AvgPool2d;
use tinyc_ir::op::window::Window;
use tinyc_ir::{Activation, DType, Diagnostic, Op, TensorType, Value};

/// `AveragePool x`
pub(super) fn average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let dilated = cx.attributes().sizes("dilations")?.is_some_and(|d| d.iter().any(|&d| d != 1));
    if dilated || cx.ty(x).shape.rank() > 4 {
        return super::windows::average_pool(cx);
    }
    pool(cx, x, None, false)
}

/// `GlobalAveragePool x`
pub(super) fn global_average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    pool(cx, x, None, true)
}

/// `QLinearAveragePool x, xs, xz, ys, yz`
pub(super) fn qlinear_average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    qlinear(cx, false)
}

/// `QLinearGlobalAveragePool x, xs, xz, ys, yz`
pub(super) fn qlinear_global_average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    qlinear(cx, true)
}

fn qlinear(cx: &mut Context<'_, '_>, global: bool) -> Step<()> {
    let x = cx.quantised(0, 1, 2, None)?;
    let (dtype, quant) = cx.quantised_type(3, 4, cx.ty(x).dtype)?;
    pool(cx, x, Some(TensorType::quantized(dtype, Vec::new(), quant)), global)
}

/// `y`'s shape is filled in; without it the result is f32.
fn pool(cx: &mut Context<'_, '_>, x: Value, y: Option<TensorType>, global: bool) -> Step<()> {
    let channels_last = cx.attributes().flag("channels_last")?.unwrap_or(false);
    let rank = spatial_rank(cx, x)?;
    if channels_last && rank != 2 {
        return Err(Diagnostic::error(code::FORM, "channels_last is supported for [N, H, W, C] only"));
    }
    let mut image = if channels_last { x } else { to_channels_last(cx, x, "x")? };
    let size = [cx.dims(image)[1], cx.dims(image)[2]];
    let mut count_include_pad = false;
    let window = if global {
        Window { kernel: size, strides: [1, 1], pads: [0; 4] }
    } else {
        let mut spatial = Spatial::read(cx, rank, size, None)?;
        if spatial.dilations != [1, 1] {
            return Err(Diagnostic::error(code::ATTRIBUTE, "dilations of AveragePool are not supported"));
        }
        count_include_pad =
            cx.attributes().flag("count_include_pad")?.unwrap_or(false) && spatial.pads != [0; 4];
        // What hangs over is never counted, so padding that is counted must be part of the image then.
        if count_include_pad && (spatial.overhang != [0, 0] || spatial.pads_exceed_window()) {
            image = spatial.pad_before(cx, image)?;
            count_include_pad = false;
        }
        let [top, left, bottom, right] = spatial.pads;
        let pads = [top, left, bottom + spatial.overhang[0], right + spatial.overhang[1]];
        Window { kernel: spatial.kernel, strides: spatial.strides, pads }
    };
    let op = Op::from(AvgPool2d { window, count_include_pad, act: Activation::NONE });
    let ty = match y {
        None => None,
        Some(y) => {
            let inferred =
                op.infer(&[cx.ty(image)]).map_err(|e| Diagnostic::error(code::SHAPE, e.message))?;
            debug_assert_ne!(y.dtype, DType::F32);
            Some(y.with_shape(inferred.shape))
        }
    };
    match (channels_last, ty) {
        (false, ty) => finish(cx, op, &[image], ty, rank),
        (true, Some(ty)) => cx.result_as(op, &[image], ty),
        (true, None) => cx.result(op, &[image]),
    }
}
