//! `conv2d` on quantised images, ungrouped: the window of each pixel is copied into a row, padding and all, and the rows
//! are multiplied as in a `dense` layer.
//!
//! The copy costs a few cycles per tap and pixel and is used for all output channels. Padding becomes x's zero point in
//! the copy, so that it is folded into the bias like everywhere else. Not for floats: a padded zero would take part in
//! the sum and could turn −0 into +0.

use super::Features;
use super::conv2d::Geometry;
use super::layer::Layer;
use super::tile::{Kind, Tile, steps};
use super::weighted_sum::WeightedSum;
use tinyc_ir::loops::{Affine, Bound, Buffer, Param};

/// The buffers of the kernel.
pub struct Buffers {
    /// The image.
    pub x: Buffer,
    /// Scratch for [`scratch_len`] elements: of x's type, or i16 for the dual multiply.
    pub window: Buffer,
    /// The result.
    pub y: Buffer,
}

/// Elements of scratch: a row for each pixel computed together.
pub fn scratch_len(g: &Geometry, kind: Kind, features: Features) -> usize {
    kind.height(features, true).min(g.y[2]) * kind.pitch(taps(g))
}

fn taps(g: &Geometry) -> usize {
    g.w[1..].iter().product()
}

/// Writes the kernel. `zero` is x's zero point, what padding holds; the weighted sum has it folded in.
pub fn emit(
    layer: &mut Layer<'_>,
    sum: &WeightedSum,
    g: &Geometry,
    zero: i32,
    kind: Kind,
    buffers: &Buffers,
) {
    let (taps, outputs) = (taps(g), g.w[0]);
    let depth = kind.pitch(taps);
    let x = layer.read("x", buffers.x);
    let height = kind.height(layer.features, true);
    let width = kind.width(layer.features, g.y[..3].iter().product());
    let w = layer.constant("weight", kind.pack(sum, taps, width));
    let emitter = sum.prepare(layer);
    let window = layer.read_write("window", buffers.window);
    let y = layer.write("y", buffers.y);
    let tile = Tile { kind, emitter: &emitter, x: window, w, y, depth, outputs, width };
    if depth > taps {
        // What fills the pitch has weight 0, but must be something.
        let rows = height.min(g.y[2]);
        layer.nest(&[("pixel", rows), ("t", depth - taps)], &mut |layer, at| {
            let zero = layer.b.i32(0);
            layer.b.store(window, at[0].times(depth as i64).plus(&at[1]).offset(taps as i64), zero);
        });
    }
    let copy = Copy { g, x, window, zero };
    layer.nest(&[("n", g.y[0]), ("oy", g.y[1])], &mut |layer, at| {
        let row = at[0].times(g.y[1] as i64).plus(&at[1]).times(g.y[2] as i64);
        for (height, first, count) in steps(g.y[2], height) {
            layer.each("ox", count, &mut |layer, step| {
                let column = step.times(height as i64).offset(first as i64);
                // One copy of the copying code for all pixels.
                layer.each("pixel", height, &mut |layer, pixel| {
                    copy.emit(layer, &at[0], &at[1], &column.plus(&pixel), &pixel.times(depth as i64));
                });
                let xs: Vec<_> = (0..height).map(|r| Affine::constant((r * depth) as i64)).collect();
                let ys: Vec<_> =
                    (0..height as i64).map(|r| row.plus(&column).offset(r).times(outputs as i64)).collect();
                tile.emit(layer, &xs, &ys);
            });
        }
    });
}

/// Copies one window.
struct Copy<'a> {
    g: &'a Geometry,
    x: Param,
    window: Param,
    zero: i32,
}

impl Copy<'_> {
    /// The window of the output pixel `n, oy, ox` to the position `to`.
    fn emit(&self, layer: &mut Layer<'_>, n: &Affine, oy: &Affine, ox: &Affine, to: &Affine) {
        let (g, window) = (self.g, self.g.window());
        let [h, w, c] = [1, 2, 3].map(|i| g.x[i] as i64);
        let line = g.w[2] as i64 * c;
        for (lo, hi) in outside(g, 0, oy) {
            self.fill(layer, (times(&lo, line), times(&hi, line)), to);
        }
        let (ky_lo, ky_hi) = window.taps(0, oy);
        layer.for_("ky", ky_lo, ky_hi, |layer, ky| {
            let ky = Affine::of(ky);
            let to = to.plus(&ky.times(line));
            for (lo, hi) in outside(g, 1, ox) {
                self.fill(layer, (times(&lo, c), times(&hi, c)), &to);
            }
            let (lo, hi) = window.taps(1, ox);
            let row = n.times(h).plus(&window.under(0, oy, &ky)).times(w);
            if g.conv.dilations[1] == 1 {
                // Columns and channels of the window lie side by side: one loop over both.
                let from = row.plus(&window.under(1, ox, &Affine::constant(0))).times(c);
                layer.for_("t", times(&lo, c), times(&hi, c), |layer, t| {
                    let value = layer.b.load(self.x, from.plus(&t.into()));
                    layer.b.store(self.window, to.plus(&t.into()), value);
                });
            } else {
                layer.for_("kx", lo, hi, |layer, kx| {
                    let kx = Affine::of(kx);
                    let from = row.plus(&window.under(1, ox, &kx)).times(c);
                    layer.for_("ci", 0, c, |layer, ci| {
                        let value = layer.b.load(self.x, from.plus(&ci.into()));
                        layer.b.store(self.window, to.plus(&kx.times(c)).plus(&ci.into()), value);
                    });
                });
            }
        });
    }

    fn fill(&self, layer: &mut Layer<'_>, (lo, hi): (Bound, Bound), to: &Affine) {
        layer.for_("t", lo, hi, |layer, t| {
            let zero = layer.b.i32(self.zero);
            layer.b.store(self.window, to.plus(&t.into()), zero);
        });
    }
}

fn times(bound: &Bound, factor: i64) -> Bound {
    Bound(bound.0.iter().map(|a| a.times(factor)).collect())
}

/// The ranges of taps along an axis before and behind the input, for the output at `at`, where there are any.
pub fn outside(g: &Geometry, axis: usize, at: &Affine) -> Vec<(Bound, Bound)> {
    let (kernel, size) = (g.w[axis + 1] as i64, g.x[axis + 1] as i64);
    let (before, after) = (g.conv.pads[axis], g.conv.pads[axis + 2]);
    // Tap k lies at position `k − start`.
    let start = at.times(-(g.conv.strides[axis] as i64)).offset(before as i64);
    let mut ranges = Vec::new();
    if before > 0 {
        ranges.push((0.into(), start.clone().into()));
    }
    if after > 0 {
        ranges.push((Bound(vec![Affine::constant(0), start.offset(size)]), kernel.into()));
    }
    ranges
}
