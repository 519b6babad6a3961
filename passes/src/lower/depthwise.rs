//! Depthwise convolution: four neighbouring channels of one pixel at a time.
//!
//! Columns whose window lies inside the image get a body of their own with the kernel's columns unrolled; the few at
//! the left and right borders share one whose loop is bounded. On cores with products of halves, the four elements and
//! the four weights of a tap are two words, unpacked to pairs. Elsewhere, if there are registers for it, columns inside sum
//! stored elements from a bias with x's zero point in it, and rows of the window above or below the image add that again.

use super::conv2d::Geometry;
use super::im2col::outside;
use super::layer::Layer;
use super::tile::{HIGH, WIDTH, paired};
use super::weighted_sum::{Emitter, NIBBLE, Quad, WeightZero, WeightedSum};
use super::window::Window;
use tinyc_ir::Data;
use tinyc_ir::loops::{Affine, BinaryOp, Buffer, PackedOp, Param, Scalar, Var};

/// Kernels of more columns are not unrolled.
const UNROLL: usize = 5;

/// Writes the kernel of a convolution with as many groups as channels, in and out.
pub fn emit(layer: &mut Layer<'_>, sum: &WeightedSum, g: &Geometry, x: Buffer, y: Buffer) {
    let (channels, taps) = (g.x[3], g.w[1] * g.w[2]);
    let x = layer.read("x", x);
    // A word of neighbours is aligned if every pixel is a whole number of words.
    let quad = sum.quad(layer.features, layer.scalar(x)).filter(|_| channels.is_multiple_of(WIDTH));
    let nibbles = sum.nibbles && quad.is_some();
    let weights = if nibbles {
        halves(&sum.weights.data, taps, channels)
    } else {
        // Weights [C][KH·KW] become [KH·KW][C], as the image lies.
        let positions: Vec<usize> =
            (0..taps * channels).map(|p| p % channels * taps + p / channels).collect();
        sum.weights.data.gather(&positions)
    };
    let w = layer.constant("weight", weights);
    let emitter = sum.prepare(layer);
    let y = layer.write("y", y);
    let folded = sum.folded_bias(layer.features).map(|bias| layer.constant("folded_bias", bias));
    let body = Body { emitter: &emitter, g, window: g.window(), quad, nibbles, folded, x, w, y };
    layer.nest(&[("n", g.x[0]), ("oy", g.y[1])], &mut |layer, at| {
        let [n, oy] = at else { unreachable!("two dimensions") };
        for columns in columns(g) {
            let inside = columns.inside && g.w[2] <= UNROLL;
            layer.each("ox", columns.count, &mut |layer, step| {
                let ox = step.times(columns.step as i64).offset(columns.first as i64);
                let at = [n.clone(), oy.clone(), ox];
                body.channels(layer, &at, channels, inside);
            });
        }
    });
}

/// Weights `[C][KH·KW]` of four bits: for each tap and eight channels four bytes, of which the first four channels are the high halves.
fn halves(weights: &Data, taps: usize, channels: usize) -> Data {
    let at = |tap: usize, c: usize| if c < channels { weights.int(c * taps + tap) } else { 0 };
    let mut bytes = Vec::with_capacity(taps * channels.div_ceil(2));
    for tap in 0..taps {
        for first in (0..channels).step_by(2 * WIDTH) {
            bytes.extend((first..first + WIDTH).map(|c| paired(at(tap, c), at(tap, c + WIDTH))));
        }
    }
    Data::I8(bytes)
}

/// `count` output columns from `first` on, `step` apart.
struct Columns {
    first: usize,
    count: usize,
    step: usize,
    /// Whether every column of the window lies inside the image.
    inside: bool,
}

/// The columns inside, and those at the borders; together they are all.
fn columns(g: &Geometry) -> Vec<Columns> {
    let (width, stride, pad) = (g.y[2], g.conv.strides[1], g.conv.pads[1]);
    let left = pad.div_ceil(stride).min(width);
    let span = g.conv.span(1, g.w[2]);
    let fitting = (g.x[2] + pad).checked_sub(span).map_or(0, |room| room / stride + 1);
    let right = fitting.clamp(left, width);
    let range = |first: usize, end: usize, inside| Columns { first, count: end - first, step: 1, inside };
    let mut all = vec![range(left, right, true)];
    if left == 1 && right + 1 == width {
        all.push(Columns { first: 0, count: 2, step: width - 1, inside: false });
    } else {
        all.push(range(0, left, false));
        all.push(range(right, width, false));
    }
    all.retain(|columns| columns.count > 0);
    all
}

struct Body<'a> {
    emitter: &'a Emitter,
    g: &'a Geometry,
    window: Window,
    quad: Option<Quad>,
    /// Whether weights lie as [`halves`] has them.
    nibbles: bool,
    /// First values of accumulators inside, with x's zero point.
    folded: Option<Param>,
    x: Param,
    w: Param,
    y: Param,
}

/// Neighbouring channels that are computed together.
struct Channels<'a> {
    first: &'a Affine,
    width: usize,
    /// Where their weights begin in those of a tap.
    weights: &'a Affine,
    /// Whether they are the low halves of those bytes.
    low: bool,
}

impl Body<'_> {
    /// All channels of the pixel `n, oy, ox`.
    fn channels(&self, layer: &mut Layer<'_>, at: &[Affine; 3], channels: usize, inside: bool) {
        // Channels that share the bytes of a tap, and how many weights a byte has.
        let per_byte = if self.nibbles { 2 } else { 1 };
        let together = per_byte * WIDTH;
        layer.each("block", channels / together, &mut |layer, block| {
            let weights = &block.times(WIDTH as i64);
            for half in 0..per_byte {
                let first = &block.times(together as i64).offset((half * WIDTH) as i64);
                let some = Channels { first, width: WIDTH, weights, low: half == 1 };
                self.emit(layer, at, &some, inside);
            }
        });
        let tail = channels % together;
        if tail > 0 {
            let (first, weights) = (channels - tail, (channels - tail) / per_byte);
            let [first, weights] = [first, weights].map(|at| Affine::constant(at as i64));
            let some = Channels { first: &first, width: tail, weights: &weights, low: false };
            self.emit(layer, at, &some, inside);
        }
    }

    /// Some channels of the pixel `n, oy, ox`.
    fn emit(&self, layer: &mut Layer<'_>, at: &[Affine; 3], some: &Channels<'_>, inside: bool) {
        let ([n, oy, ox], &Channels { first, width, .. }) = (at, some);
        let g = self.g;
        let folded = self.folded.filter(|_| inside);
        let accs = match folded {
            Some(bias) => self.emitter.start_from(layer, bias, first, width),
            None => self.emitter.start(layer, first, width),
        };
        let zeros = self.emitter.weight_zeros(layer, first, width);
        if folded.is_some() {
            for (lo, hi) in outside(g, 0, oy) {
                layer.for_("ky", lo, hi, |layer, ky| {
                    let row = Affine::of(ky).times((g.w[2] * g.x[3]) as i64).plus(first);
                    layer.each("kx", g.w[2], &mut |layer, kx| {
                        self.beyond(layer, &accs, &zeros, &row.plus(&kx.times(g.x[3] as i64)));
                    });
                });
            }
        }
        let (ky_lo, ky_hi) = self.window.taps(0, oy);
        layer.for_("ky", ky_lo, ky_hi, |layer, ky| {
            let ky = Affine::of(ky);
            let row = n.times(g.x[1] as i64).plus(&self.window.under(0, oy, &ky)).times(g.x[2] as i64);
            let tap = |layer: &mut Layer<'_>, kx: &Affine| {
                let c = g.x[3] as i64;
                let pixel = row.plus(&self.window.under(1, ox, kx)).times(c).plus(first);
                let of_tap = if self.nibbles { g.x[3].div_ceil(2 * WIDTH) * WIDTH } else { g.x[3] };
                let weights = ky.times(g.w[2] as i64).plus(kx).times(of_tap as i64).plus(some.weights);
                match self.quad {
                    Some(quad) => self.quad_tap(layer, &accs, quad, [&pixel, &weights], some.low),
                    None => self.tap(layer, &accs, &zeros, [&pixel, &weights], folded.is_some()),
                }
            };
            if inside {
                (0..g.w[2]).for_each(|kx| tap(layer, &Affine::constant(kx as i64)));
            } else {
                let (lo, hi) = self.window.taps(1, ox);
                layer.for_("kx", lo, hi, |layer, kx| tap(layer, &kx.into()));
            }
        });
        let pixel = n.times(g.y[1] as i64).plus(oy).times(g.y[2] as i64).plus(ox);
        for (j, &acc) in accs.iter().enumerate() {
            let channel = first.offset(j as i64);
            self.emitter.finish(layer, acc, &channel, self.y, pixel.times(g.y[3] as i64).plus(&channel));
        }
    }

    fn tap(
        &self,
        layer: &mut Layer<'_>,
        accs: &[Var],
        zeros: &[Option<WeightZero>],
        [pixel, weights]: [&Affine; 2],
        stored: bool,
    ) {
        for (j, (&acc, &zero)) in accs.iter().zip(zeros).enumerate() {
            let at = pixel.offset(j as i64);
            let x = match stored {
                true => self.emitter.stored(layer, self.x, at),
                false => self.emitter.x(layer, self.x, at),
            };
            let weight = self.emitter.weight(layer, self.w, weights.offset(j as i64), zero);
            self.emitter.accumulate(layer, acc, x, weight);
        }
    }

    /// A tap outside of the image, where x is its zero point.
    fn beyond(&self, layer: &mut Layer<'_>, accs: &[Var], zeros: &[Option<WeightZero>], weights: &Affine) {
        let x = self.emitter.x_zero(layer);
        for (j, (&acc, &zero)) in accs.iter().zip(zeros).enumerate() {
            let weight = self.emitter.weight(layer, self.w, weights.offset(j as i64), zero);
            self.emitter.accumulate(layer, acc, x, weight);
        }
    }

    /// As [`tap`](Self::tap) for four channels at once.
    fn quad_tap(
        &self,
        layer: &mut Layer<'_>,
        accs: &[Var],
        quad: Quad,
        [pixel, weights]: [&Affine; 2],
        low: bool,
    ) {
        let b = &mut layer.b;
        let mut bytes = b.load_wide(Scalar::I32, self.x, pixel.clone());
        if quad.flip {
            let top = b.i32(0x8080_8080_u32 as i32);
            bytes = b.binary(BinaryOp::Xor, bytes, top);
        }
        let bytes = b.let_("bytes", bytes);
        let mut word = b.load_wide(Scalar::I32, self.w, weights.clone());
        if self.nibbles {
            if low {
                let up = b.i32(NIBBLE as i32);
                word = b.binary(BinaryOp::Shl, word, up);
            }
            let mask = b.i32(HIGH);
            word = b.binary(BinaryOp::And, word, mask);
        }
        let word = b.let_("w", word);
        for (first, rotate) in [(0, 0), (1, 8)] {
            let unpack = match quad.signed {
                true => PackedOp::UnpackSigned { rotate },
                false => PackedOp::UnpackUnsigned { rotate },
            };
            let (x, w) = (b.var(bytes), b.var(word));
            let x = b.packed(unpack, &[x]);
            let x = b.let_("v", x);
            let w = b.packed(PackedOp::UnpackSigned { rotate }, &[w]);
            let w = b.let_("pair", w);
            for (channel, high) in [(first, false), (first + 2, true)] {
                let args = [accs[channel], x, w].map(|var| b.var(var));
                let sum = b.packed(PackedOp::MulHalf { a_high: high, b_high: high }, &args);
                b.assign(accs[channel], sum);
            }
        }
    }
}
