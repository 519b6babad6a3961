//! `AffineGrid`: where an affine map takes the points of an image. Coordinates along each axis are a constant of their own, so
//! no grid is stored but the result.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::tensor;
use tinyc_ir::{DType, Diagnostic, Value};

/// `AffineGrid theta, size`: `[N, 2, 3]` to `[N, H, W, 2]`, or `[N, 3, 4]` to `[N, D, H, W, 3]`.
pub(super) fn affine_grid(cx: &mut Context<'_, '_>) -> Step<()> {
    let corners = cx.attributes().flag("align_corners")?.unwrap_or(false);
    let theta = cx.plain(0)?;
    let stated = cx.known_ints(1)?;
    let size: Option<Vec<usize>> = stated.iter().map(|&n| usize::try_from(n).ok()).collect();
    let dims = cx.dims(theta);
    let size = size.filter(|size| {
        let axes = size.len().saturating_sub(2);
        (axes == 2 || axes == 3) && dims == [size[0], axes, axes + 1]
    });
    let size = size.filter(|_| cx.ty(theta).dtype.is_float()).ok_or_else(|| {
        let message = format!("{} does not map an image of size {stated:?}", cx.ty(theta));
        Diagnostic::error(code::SHAPE, message)
    })?;
    let (batch, sizes) = (size[0], &size[2..]);
    let axes = sizes.len();
    tensor::checked_elements(&[&[batch, axes], sizes].concat(), DType::F64)?;
    // Columns of theta go with x, y, z, from the last axis of the image on; the last is the shift.
    let mut inputs = Vec::new();
    for column in 0..=axes {
        let own = cx.slice(theta, 2, column, 1, 1)?;
        inputs.push(cx.reshape(own, &[vec![batch], vec![1; axes], vec![axes]].concat())?);
    }
    for axis in (0..axes).rev() {
        inputs.push(coordinates(cx, theta, sizes, axis, corners)?);
    }
    let y = cx.map("y", &inputs, |x| {
        let terms = (1..axes).fold(x[0] * x[axes + 1], |sum, i| sum + x[i] * x[axes + 1 + i]);
        terms + x[axes]
    })?;
    cx.give(0, y)
}

/// From −1 to 1 along an axis: at the centres of the outer points, or at their edges.
fn coordinates(
    cx: &mut Context<'_, '_>,
    like: Value,
    sizes: &[usize],
    axis: usize,
    corners: bool,
) -> Step<Value> {
    let size = sizes[axis];
    cx.build.make(&[size], DType::F32)?;
    let point = |i: usize| match (corners, size) {
        (true, 1) => -1.0,
        (true, _) => 2.0 * i as f64 / (size - 1) as f64 - 1.0,
        (false, _) => (2 * i + 1) as f64 / size as f64 - 1.0,
    };
    // An axis for the parts of a point comes last.
    let shape: Vec<usize> = (0..=sizes.len()).map(|i| if i == axis { size } else { 1 }).collect();
    let points = cx.floats("points", &shape, (0..size).map(|i| point(i) as f32).collect())?;
    cx.map_to(points, cx.ty(like).dtype)
}
