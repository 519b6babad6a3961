//! `GridSample`: an image at positions that another tensor states, in any number of dimensions.

use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions::floor;
use crate::onnx::sampling::{Taps, clamped, give_image, inside, linear, sample, stretches};
use tinyc_ir::formula::Number;
use tinyc_ir::op::sample::SampleKind;
use tinyc_ir::{DType, Value};

/// What the attributes say.
struct Rule {
    mode: Mode,
    padding: Padding,
    align_corners: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

#[derive(Clone, Copy, PartialEq)]
enum Padding {
    Zeros,
    Border,
    Reflection,
}

/// `GridSample x, grid`: `[N, C, D…]` and `[N, O…, k]` to `[N, C, O…]`, the last axis first in the grid.
pub(super) fn grid_sample(cx: &mut Context<'_, '_>) -> Step<()> {
    let rule = rule(cx)?;
    let (x, grid) = (cx.float(0)?, cx.float(1)?);
    let (dims, places) = (cx.dims(x), cx.dims(grid));
    let rank = dims.len().saturating_sub(2);
    let fits = rank > 0 && places.len() == rank + 2 && places[0] == dims[0] && places[rank + 1] == rank;
    cx.require(fits, "the grid of GridSample has the image's batches and one coordinate for each axis")?;
    let spatial = &places[1..=rank];
    let (batches, count) = (dims[0], spatial.iter().product());
    let grid = cx.reshape(grid, &[batches, count, rank])?;
    let mut axes = Vec::new();
    let mut taps = 1;
    for (axis, &size) in dims[2..].iter().enumerate() {
        let stored = cx.slice(grid, 2, rank - 1 - axis, 1, 1)?;
        let u = cx.map("coordinate", &[stored], |x| rule.coordinate(x[0], size))?;
        let own = rule.taps(cx, u, size)?;
        let width = cx.dims(own.places)[2];
        let shape: Vec<usize> = [batches, count]
            .into_iter()
            .chain((0..rank).map(|a| if a == axis { width } else { 1 }))
            .collect();
        taps *= width;
        axes.push(own.shaped(cx, &shape)?);
    }
    let x = stretches(cx, x)?;
    let y = sample(cx, x, &axes, None, [batches, count, taps], SampleKind::Sum)?;
    give_image(cx, y, spatial)
}

fn rule(cx: &Context<'_, '_>) -> Step<Rule> {
    let mode = cx.attributes().string("mode")?.unwrap_or_else(|| "linear".into());
    let padding = cx.attributes().string("padding_mode")?.unwrap_or_else(|| "zeros".into());
    Ok(Rule {
        mode: match mode.as_str() {
            "nearest" => Mode::Nearest,
            "linear" | "bilinear" => Mode::Linear,
            "cubic" | "bicubic" => Mode::Cubic,
            _ => return Err(unsupported("mode", mode, "nearest, linear, cubic")),
        },
        padding: match padding.as_str() {
            "zeros" => Padding::Zeros,
            "border" => Padding::Border,
            "reflection" => Padding::Reflection,
            _ => return Err(unsupported("padding_mode", padding, "zeros, border, reflection")),
        },
        align_corners: cx.attributes().flag("align_corners")?.unwrap_or(false),
    })
}

impl Rule {
    /// Where an axis begins and ends, in elements.
    fn ends(&self, size: usize) -> (f64, f64) {
        let last = size as f64 - 1.0;
        if self.align_corners { (0.0, last) } else { (-0.5, last + 0.5) }
    }

    /// The position in elements that a coordinate in −1..1 stands for.
    fn coordinate<'w>(&self, stored: Number<'w>, size: usize) -> Number<'w> {
        let size_f = size as f64;
        let from_low = stored + 1.0;
        let u = if self.align_corners {
            from_low / 2.0 * (size_f - 1.0)
        } else {
            (from_low * size_f - 1.0) / 2.0
        };
        let u = if self.mode == Mode::Nearest { u.round() } else { u };
        let (low, high) = self.ends(size);
        let is_outside = u.lt(u.literal(low)) | u.literal(high).lt(u);
        match self.padding {
            Padding::Zeros => u,
            Padding::Border => is_outside.select(clamped(u, size), u),
            Padding::Reflection => reflected(u, low, high),
        }
    }

    /// The neighbours of a coordinate.
    fn taps(&self, cx: &mut Context<'_, '_>, u: Value, size: usize) -> Step<Taps> {
        let distances: &[f32] = match self.mode {
            Mode::Nearest => {
                let places = cx.map("places", &[u], |x| self.place(floor(x[0]), size).to(DType::I32))?;
                return Ok(Taps { places, weights: None, size });
            }
            Mode::Linear => &[0.0, 1.0],
            Mode::Cubic => &[-1.0, 0.0, 1.0, 2.0],
        };
        let is_linear = self.mode == Mode::Linear;
        Taps::around(
            cx,
            u,
            size,
            distances,
            |v, _| self.place(v, size),
            |fraction, distance, _| {
                if is_linear { linear(fraction, distance) } else { cubic((fraction - distance).abs()) }
            },
        )
    }

    /// The element that a whole number stands for.
    fn place<'w>(&self, v: Number<'w>, size: usize) -> Number<'w> {
        match self.padding {
            Padding::Zeros => inside(v, size),
            Padding::Border => clamped(v, size),
            Padding::Reflection => {
                let (low, high) = self.ends(size);
                clamped(reflected(v, low, high), size)
            }
        }
    }
}

/// A number thrown back at both ends until it is between them.
fn reflected(v: Number<'_>, low: f64, high: f64) -> Number<'_> {
    let range = high - low;
    if range <= 0.0 {
        return v.literal(low);
    }
    let (first, last) = (v.literal(low), v.literal(high));
    let (below, above) = (v.lt(first), last.lt(v));
    let beyond = below.select(first - v, v - last);
    let turns = floor(beyond / range);
    let rest = beyond - turns * range;
    let is_odd = turns.differs(floor(turns / 2.0) * 2.0);
    let back = (below ^ is_odd).select(first + rest, last - rest);
    (below | above).select(back, v)
}

/// The cubic kernel of Keys at a distance, with a = −3/4.
fn cubic(d: Number<'_>) -> Number<'_> {
    const A: f64 = -0.75;
    let near = (d * (A + 2.0) - (A + 3.0)) * d * d + 1.0;
    let far = ((d * A - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    d.le(d.literal(1.0)).select(near, far)
}
