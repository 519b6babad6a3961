//! `MaxPool`, windowed and global, on floats and on stored integers, whose quantisation is kept.

use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{finish, spatial_rank, to_channels_last};
use crate::onnx::spatial::Spatial;
use tinyc_ir::DType;
use tinyc_ir::op::MaxPool2d;
use tinyc_ir::op::window::Window;

/// `MaxPool x`; padding never wins, and what hangs over is padding.
pub(super) fn max_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let positions = cx.node.output.get(1).is_some_and(|name| !name.is_empty());
    if positions {
        return super::windows::max_pool(cx);
    }
    let dilated = cx.attributes().sizes("dilations")?.is_some_and(|d| d.iter().any(|&d| d != 1));
    if !cx.ty(x).is_quantized() && (dilated || cx.ty(x).shape.rank() > 4 || cx.ty(x).dtype != DType::F32) {
        return super::windows::max_pool(cx);
    }
    let rank = spatial_rank(cx, x)?;
    let image = to_channels_last(cx, x, "x")?;
    let dims = cx.dims(image);
    let spatial = Spatial::read(cx, rank, [dims[1], dims[2]], None)?;
    if spatial.dilations != [1, 1] {
        return Err(unsupported("dilations", format!("{:?}", spatial.dilations), "1 in each dimension"));
    }
    let [top, left, bottom, right] = spatial.pads;
    let pads = [top, left, bottom + spatial.overhang[0], right + spatial.overhang[1]];
    let window = Window { kernel: spatial.kernel, strides: spatial.strides, pads };
    finish(cx, MaxPool2d { window }, &[image], None, rank)
}

/// `GlobalMaxPool x`
pub(super) fn global_max_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let rank = spatial_rank(cx, x)?;
    let image = to_channels_last(cx, x, "x")?;
    let dims = cx.dims(image);
    let window = Window { kernel: [dims[1], dims[2]], strides: [1, 1], pads: [0; 4] };
    finish(cx, MaxPool2d { window }, &[image], None, rank)
}
