//! Regions of an image, given as boxes, brought to one size: `RoiAlign` and ONNX Runtime's `CropAndResize`.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions::floor;
use crate::onnx::sampling::{Taps, clamped, give_image, inside, linear, sample, stretches};
use tinyc_ir::op::sample::SampleKind;
use tinyc_ir::{DType, Diagnostic, Value};

/// What lies outside an image, where there must be a coordinate.
const OUTSIDE: f64 = -2.0;

/// The images, the boxes and which image each box belongs to.
struct Operands {
    x: Value,
    dims: Vec<usize>,
    boxes: Value,
    count: usize,
    /// Along the axis of images.
    images: Taps,
}

fn operands(cx: &mut Context<'_, '_>) -> Step<Operands> {
    let (x, boxes, indices) = (cx.float(0)?, cx.float(1)?, cx.plain(2)?);
    let (dims, sizes) = (cx.dims(x), cx.dims(boxes));
    let fits = dims.len() == 4 && sizes.len() == 2 && sizes[1] == 4 && cx.dims(indices) == sizes[..1];
    cx.require(fits, format!("{} takes images, boxes [R, 4] and R numbers of images", cx.node.op_type()))?;
    let batches = dims[0];
    let places = cx.map("images", &[indices], |x| {
        let is_inside = x[0].literal(0.0).le(x[0]) & x[0].lt(x[0].literal(batches as f64));
        is_inside.select(x[0], x[0].literal(-1.0)).to(DType::I32)
    })?;
    let places = cx.reshape(places, &[sizes[0], 1, 1, 1, 1, 1, 1])?;
    let images = Taps { places, weights: None, size: batches };
    Ok(Operands { x, dims, boxes, count: sizes[0], images })
}

/// All images as one.
fn flat(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    let x = stretches(cx, x)?;
    let dims = cx.dims(x);
    cx.reshape(x, &[1, dims[0] * dims[1], dims[2]])
}

/// Two columns of the boxes, each `[R, 1, 1, 1]`.
fn ends(cx: &mut Context<'_, '_>, boxes: Value, columns: [usize; 2]) -> Step<[Value; 2]> {
    let count = cx.dims(boxes)[0];
    let mut found = [boxes; 2];
    for (value, column) in found.iter_mut().zip(columns) {
        let slice = cx.slice(boxes, 1, column, 1, 1)?;
        *value = cx.reshape(slice, &[count, 1, 1, 1])?;
    }
    Ok(found)
}

/// An attribute or operand that is a size.
fn size(cx: &Context<'_, '_>, name: &str, stated: i64) -> Step<usize> {
    let size = usize::try_from(stated).ok().filter(|s| (1..1 << 16).contains(s));
    size.ok_or_else(|| {
        let message = format!("{name} of {} is {stated}, not a size above zero", cx.node.op_type());
        Diagnostic::error(code::ATTRIBUTE, message)
    })
}

/// `RoiAlign x, rois, batch_indices`: each cell of a box is the mean (or maximum) of samples spread evenly in it.
pub(super) fn roi_align(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let mode = attributes.string("mode")?.unwrap_or_else(|| "avg".into());
    let kind = match mode.as_str() {
        "avg" => SampleKind::Sum,
        "max" => SampleKind::Max,
        _ => return Err(unsupported("mode", mode, "avg, max")),
    };
    let default = if cx.opset < 16 { "output_half_pixel" } else { "half_pixel" };
    let transformation = attributes.string("coordinate_transformation_mode")?;
    let shift = match transformation.as_deref().unwrap_or(default) {
        "half_pixel" => 0.5,
        "output_half_pixel" => 0.0,
        other => {
            let name = "coordinate_transformation_mode";
            return Err(unsupported(name, other, "half_pixel, output_half_pixel"));
        }
    };
    let scale = f64::from(attributes.float("spatial_scale")?.unwrap_or(1.0));
    let height = size(cx, "output_height", attributes.int("output_height")?.unwrap_or(1))?;
    let width = size(cx, "output_width", attributes.int("output_width")?.unwrap_or(1))?;
    let ratio = attributes.int("sampling_ratio")?.unwrap_or(0);
    if ratio <= 0 {
        let message = "RoiAlign with sampling_ratio=0 takes as many samples as the size of each box says";
        return Err(Diagnostic::error(code::FORM, message)
            .help("set sampling_ratio to a number, 2 for example, so that the time is known"));
    }
    let ratio = size(cx, "sampling_ratio", ratio)?;
    let Operands { x, dims, boxes, count, images } = operands(cx)?;
    let mut axes = vec![images];
    for (axis, cells) in [height, width].into_iter().enumerate() {
        let length = dims[2 + axis];
        let [start, end] = ends(cx, boxes, [1 - axis, 3 - axis])?;
        let cell = cx.floats("cells", &[1, cells, 1, 1], (0..cells).map(|i| i as f32).collect())?;
        let steps = (0..ratio).map(|i| (i as f32 + 0.5) / ratio as f32).collect();
        let step = cx.floats("steps", &[1, 1, ratio, 1], steps)?;
        let u = cx.map("coordinate", &[start, end, cell, step], |x| {
            let (start, end) = (x[0] * scale - shift, x[1] * scale - shift);
            let extent = end - start;
            let extent = if shift == 0.0 { extent.max(extent.literal(1.0)) } else { extent };
            let size = extent / cells as f64;
            let u = start + x[2] * size + x[3] * size;
            let is_near = u.literal(-1.0).le(u) & u.le(u.literal(length as f64));
            is_near.select(clamped(u, length), u.literal(OUTSIDE))
        })?;
        // The mean is a part of the weights. For the maximum, a sample outside is a zero.
        let share = if axis == 0 && kind == SampleKind::Sum { 1.0 / (ratio * ratio) as f64 } else { 1.0 };
        let taps = Taps::around(
            cx,
            u,
            length,
            &[0.0, 1.0],
            |v, u| {
                let missing = u.literal(if kind == SampleKind::Sum { -1.0 } else { 0.0 });
                u.lt(u.literal(0.0)).select(missing, clamped(v, length))
            },
            |fraction, distance, u| {
                let weight = linear(fraction, distance) * share;
                u.lt(u.literal(0.0)).select(u.literal(0.0), weight)
            },
        )?;
        let [h, w, sh, sw, th, tw] =
            if axis == 0 { [height, 1, ratio, 1, 2, 1] } else { [1, width, 1, ratio, 1, 2] };
        axes.push(taps.shaped(cx, &[count, h, w, sh, sw, th, tw])?);
    }
    let x = flat(cx, x)?;
    let shape = [1, count * height * width, 4 * ratio * ratio];
    let y = sample(cx, x, &axes, None, shape, kind)?;
    let y = cx.reshape(y, &[count, height * width, dims[1]])?;
    give_image(cx, y, &[height, width])
}

/// `CropAndResize x, rois, batch_indices, crop_size`: boxes of coordinates in 0..1, with corners on the corners.
pub(super) fn crop_and_resize(cx: &mut Context<'_, '_>) -> Step<()> {
    let mode = cx.attributes().string("mode")?.unwrap_or_else(|| "bilinear".into());
    if !matches!(mode.as_str(), "bilinear" | "nearest") {
        return Err(unsupported("mode", mode, "bilinear, nearest"));
    }
    let value = f64::from(cx.attributes().float("extrapolation_value")?.unwrap_or(0.0));
    let stated = cx.known_ints(3)?;
    let &[height, width] = stated.as_slice() else {
        return Err(Diagnostic::error(code::SHAPE, "crop_size of CropAndResize is a height and a width"));
    };
    let (height, width) = (size(cx, "crop_size", height)?, size(cx, "crop_size", width)?);
    let Operands { x, dims, boxes, count, images } = operands(cx)?;
    let (mut axes, mut coordinates) = (vec![images], Vec::new());
    let taps = if mode == "nearest" { 1 } else { 2 };
    for (axis, cells) in [height, width].into_iter().enumerate() {
        let length = dims[2 + axis];
        let [start, end] = ends(cx, boxes, [axis, 2 + axis])?;
        let cell = cx.floats("cells", &[1, cells, 1, 1], (0..cells).map(|i| i as f32).collect())?;
        let u = cx.map("coordinate", &[start, end, cell], |x| {
            let last = length as f64 - 1.0;
            let u = match cells {
                1 => (x[0] + x[1]) * 0.5 * last,
                _ => x[0] * last + x[2] * ((x[1] - x[0]) * last / (cells as f64 - 1.0)),
            };
            let is_inside = u.literal(0.0).le(u) & u.le(u.literal(last));
            is_inside.select(u, u.literal(OUTSIDE))
        })?;
        let own = if taps == 1 {
            let places = cx.map("places", &[u], |x| inside(floor(x[0] + 0.5), length).to(DType::I32))?;
            Taps { places, weights: None, size: length }
        } else {
            Taps::around(
                cx,
                u,
                length,
                &[0.0, 1.0],
                |v, u| u.lt(u.literal(0.0)).select(u.literal(-1.0), clamped(v, length)),
                |fraction, distance, _| linear(fraction, distance),
            )?
        };
        let [h, w, th, tw] = if axis == 0 { [height, 1, taps, 1] } else { [1, width, 1, taps] };
        axes.push(own.shaped(cx, &[count, h, w, 1, 1, th, tw])?);
        coordinates.push(cx.reshape(u, &[count, h * w, 1])?);
    }
    let x = flat(cx, x)?;
    let y = sample(cx, x, &axes, None, [1, count * height * width, taps * taps], SampleKind::Sum)?;
    let mut y = cx.reshape(y, &[count, height, width, dims[1]])?;
    if value != 0.0 {
        let rows = cx.reshape(coordinates[0], &[count, height, 1, 1])?;
        let columns = cx.reshape(coordinates[1], &[count, 1, width, 1])?;
        y = cx.map("bounded", &[y, rows, columns], |x| {
            let zero = x[0].literal(0.0);
            (x[1].lt(zero) | x[2].lt(zero)).select(x[0].literal(value), x[0])
        })?;
    }
    let y = cx.reshape(y, &[count, height * width, dims[1]])?;
    give_image(cx, y, &[height, width])
}
