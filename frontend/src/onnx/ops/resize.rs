//! `Resize` and `Upsample`: along each axis, every result is a weighted sum of some neighbours, known at compile time.

use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::{Diagnostic, Value};

/// How a position among the results becomes one among the arguments; the last one is of operator sets 11 and 12.
const TRANSFORMATIONS: [&str; 7] = [
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
];

/// How a position is rounded.
const NEAREST: [&str; 4] = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

/// What the attributes say.
struct Rule {
    transformation: String,
    nearest: Option<String>,
    cubic: bool,
    coefficient: f64,
    antialias: bool,
    exclude_outside: bool,
}

/// One axis: sizes, the factor between them, and the part that is seen.
#[derive(Clone, Copy)]
struct Axis {
    from: usize,
    to: usize,
    scale: f64,
    roi: (f64, f64),
}

/// `Resize x, roi?, scales?, sizes?` and `Upsample x, scales`.
pub(super) fn resize(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let rule = rule(cx)?;
    let dims = cx.dims(x);
    let axes = axes(cx, &dims)?;
    let mut y = x;
    for (axis, size) in axes {
        let last = size.from as f64 - 1.0;
        let outside: Vec<bool> =
            (0..size.to).map(|o| !(0.0..=last).contains(&rule.origin(size, o))).collect();
        if rule.transformation == "tf_crop_and_resize" && outside.contains(&true) {
            y = extrapolate(cx, y, &rule, axis, size, outside)?;
            continue;
        }
        if size.from != size.to || size.scale != 1.0 || size.roi != (0.0, 1.0) {
            y = along(cx, y, axis, &rule.taps(size))?;
        }
    }
    cx.give(0, y)
}

/// Resizes an axis, with the given value wherever that looks outside.
fn extrapolate(
    cx: &mut Context<'_, '_>,
    x: Value,
    rule: &Rule,
    axis: usize,
    size: Axis,
    outside: Vec<bool>,
) -> Step<Value> {
    let value = f64::from(cx.attributes().float("extrapolation_value")?.unwrap_or(0.0));
    let y = along(cx, x, axis, &rule.taps(size))?;
    let shape: Vec<usize> = (0..cx.dims(y).len()).map(|i| if i == axis { size.to } else { 1 }).collect();
    let flags =
        cx.ints("outside", tinyc_ir::DType::Bool, &shape, outside.into_iter().map(i64::from).collect())?;
    cx.map("bounded", &[y, flags], |x| x[1].select(x[0].literal(value), x[0]))
}

fn rule(cx: &Context<'_, '_>) -> Step<Rule> {
    let text = |name: &str, default: &str| -> Step<String> {
        Ok(cx.attributes().string(name)?.unwrap_or_else(|| default.to_string()))
    };
    let plain = cx.node.op_type() == "Upsample" || cx.opset < 11;
    let transformation =
        if plain { "asymmetric".to_string() } else { text("coordinate_transformation_mode", "half_pixel")? };
    let mode = text("mode", "nearest")?;
    let nearest = if plain { "floor".to_string() } else { text("nearest_mode", "round_prefer_floor")? };
    if !matches!(mode.as_str(), "nearest" | "linear" | "bilinear" | "cubic") {
        return Err(unsupported("mode", mode, "nearest, linear, cubic"));
    }
    if !TRANSFORMATIONS.contains(&transformation.as_str()) {
        let name = "coordinate_transformation_mode";
        return Err(unsupported(name, transformation, &TRANSFORMATIONS.join(", ")));
    }
    if !NEAREST.contains(&nearest.as_str()) {
        return Err(unsupported("nearest_mode", nearest, &NEAREST.join(", ")));
    }
    Ok(Rule {
        transformation,
        nearest: (mode == "nearest").then_some(nearest),
        cubic: mode == "cubic",
        coefficient: f64::from(cx.attributes().float("cubic_coeff_a")?.unwrap_or(-0.75)),
        antialias: cx.attributes().flag("antialias")?.unwrap_or(false),
        exclude_outside: cx.attributes().flag("exclude_outside")?.unwrap_or(false),
    })
}

/// The axes that change, with their sizes.
fn axes(cx: &Context<'_, '_>, dims: &[usize]) -> Step<Vec<(usize, Axis)>> {
    let stated = cx.attributes().ints("axes")?;
    let axes: Vec<usize> = match stated {
        Some(axes) => axes.iter().filter_map(|&a| axis(a, dims.len())).collect(),
        None => (0..dims.len()).collect(),
    };
    let short = cx.node.op_type() == "Upsample" || cx.opset < 11;
    let scales = if short {
        match cx.attributes().floats("scales")? {
            Some(scales) => scales.to_vec(),
            None => cx.known_floats(1)?,
        }
    } else if cx.operand(2).is_some() {
        cx.known_floats(2)?
    } else {
        Vec::new()
    };
    let roi = if !short && cx.operand(1).is_some() { cx.known_floats(1)? } else { Vec::new() };
    let sizes = if !short && cx.operand(3).is_some() { cx.known_ints(3)? } else { Vec::new() };
    let lengths = [scales.len(), sizes.len()];
    cx.require(lengths.contains(&axes.len()), "Resize has one scale or one size for each axis")?;
    let policy = cx.attributes().string("keep_aspect_ratio_policy")?.unwrap_or_default();
    let factor = |i: usize| sizes[i] as f64 / dims[axes[i]] as f64;
    let shared = match policy.as_str() {
        "not_larger" if !sizes.is_empty() => (0..sizes.len()).map(factor).reduce(f64::min),
        "not_smaller" if !sizes.is_empty() => (0..sizes.len()).map(factor).reduce(f64::max),
        _ => None,
    };
    let one = |i: usize| {
        let from = dims[axes[i]];
        let roi = if roi.len() == 2 * axes.len() {
            (roi[i].into(), roi[i + axes.len()].into())
        } else {
            (0.0, 1.0)
        };
        let (to, scale) = match (shared, sizes.get(i)) {
            (Some(scale), _) => ((scale * from as f64 + 0.5).floor(), scale),
            (None, Some(&size)) => (size as f64, size as f64 / from as f64),
            (None, None) => ((f64::from(scales[i]) * from as f64).floor(), f64::from(scales[i])),
        };
        let fits = from > 0 && scale > 0.0 && (1.0..1e6).contains(&to);
        fits.then_some((axes[i], Axis { from, to: to as usize, scale, roi }))
    };
    let all: Option<Vec<_>> = (0..axes.len()).map(one).collect();
    all.ok_or_else(|| Diagnostic::error(code::SHAPE, "a scale or size of Resize is not a number above 0"))
}

impl Rule {
    /// Where in the argument a result comes from.
    fn origin(&self, axis: Axis, at: usize) -> f64 {
        let (at, from, to) = (at as f64, axis.from as f64, axis.to as f64);
        match self.transformation.as_str() {
            "asymmetric" => at / axis.scale,
            "tf_half_pixel_for_nn" => (at + 0.5) / axis.scale,
            // The size before it was rounded down, as the specification's own evaluator has it.
            "align_corners" if axis.scale * from == 1.0 => 0.0,
            "align_corners" => at * (from - 1.0) / (axis.scale * from - 1.0),
            "pytorch_half_pixel" if axis.to == 1 => -0.5,
            "tf_crop_and_resize" => {
                let (start, end) = axis.roi;
                match axis.to {
                    1 => 0.5 * (start + end) * (from - 1.0),
                    _ => start * (from - 1.0) + at * (end - start) * (from - 1.0) / (to - 1.0),
                }
            }
            "half_pixel_symmetric" => {
                let adjustment = to / (axis.scale * from);
                from / 2.0 * (1.0 - adjustment) + (at + 0.5) / axis.scale - 0.5
            }
            _ => (at + 0.5) / axis.scale - 0.5,
        }
    }

    /// For each result of an axis, the neighbours and their weights.
    fn taps(&self, axis: Axis) -> Vec<Vec<(usize, f32)>> {
        let last = axis.from as i64 - 1;
        let inside = |i: i64| i.clamp(0, last) as usize;
        let one = |at: usize| {
            let x = self.origin(axis, at);
            if let Some(nearest) = &self.nearest {
                let index = match nearest.as_str() {
                    "round_prefer_ceil" => (x + 0.5).floor(),
                    "floor" => x.floor(),
                    "ceil" => x.ceil(),
                    _ => (x - 0.5).ceil(),
                };
                return vec![(inside(index as i64), 1.0)];
            }
            // A whole position counts as the right end of the step before it.
            let (base, ratio) =
                if x.fract() == 0.0 { (x as i64 - 1, 1.0) } else { (x.floor() as i64, x - x.floor()) };
            let (first, weights) = self.weights(ratio, axis.scale);
            let mut weights: Vec<(i64, f64)> =
                weights.into_iter().enumerate().map(|(i, w)| (base + first + i as i64, w)).collect();
            if self.exclude_outside {
                weights.iter_mut().filter(|(i, _)| !(0..=last).contains(i)).for_each(|(_, w)| *w = 0.0);
                let sum: f64 = weights.iter().map(|(_, w)| w).sum();
                weights.iter_mut().for_each(|(_, w)| *w /= sum);
            }
            weights.into_iter().map(|(i, w)| (inside(i), w as f32)).collect()
        };
        (0..axis.to).map(one).collect()
    }

    /// The first neighbour, counted from the one on the left, and the weights from there on.
    fn weights(&self, ratio: f64, scale: f64) -> (i64, Vec<f64>) {
        let reach = if self.cubic { 2.0 } else { 1.0 };
        let scale = if self.antialias { scale.min(1.0) } else { 1.0 };
        let first = (-reach / scale).floor() as i64 + 1;
        let count = 2 - 2 * first;
        let weight = |i: i64| self.kernel((i as f64 - ratio) * scale);
        let weights: Vec<f64> = (first..first + count).map(weight).collect();
        let sum: f64 = if self.antialias { weights.iter().sum() } else { 1.0 };
        (first, weights.into_iter().map(|w| w / sum).collect())
    }

    /// The interpolation's weight at a distance.
    fn kernel(&self, distance: f64) -> f64 {
        let (d, a) = (distance.abs(), self.coefficient);
        match (self.cubic, d) {
            (false, _) => (1.0 - d).max(0.0),
            (true, ..=1.0) => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
            (true, ..2.0) => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
            (true, _) => 0.0,
        }
    }
}

/// The weighted sums along an axis, from the first neighbour to the last.
fn along(cx: &mut Context<'_, '_>, x: Value, axis: usize, taps: &[Vec<(usize, f32)>]) -> Step<Value> {
    let count = taps.first().map_or(0, Vec::len);
    let shape: Vec<usize> = (0..cx.dims(x).len()).map(|i| if i == axis { taps.len() } else { 1 }).collect();
    let mut inputs = Vec::new();
    for t in 0..count {
        let positions = taps.iter().map(|tap| tap[t].0 as i64).collect();
        inputs.push(cx.pick(x, axis, positions)?);
    }
    if count == 1 {
        return Ok(inputs[0]);
    }
    for t in 0..count {
        let weights = taps.iter().map(|tap| tap[t].1).collect();
        inputs.push(cx.floats("weights", &shape, weights)?);
    }
    cx.map("resized", &inputs, |x| (1..count).fold(x[0] * x[count], |sum, t| sum + x[t] * x[count + t]))
}
