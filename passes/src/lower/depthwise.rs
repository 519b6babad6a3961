//! Depthwise convolution: four neighbouring channels of one pixel at a time.

use super::conv2d::Geometry;
use super::layer::Layer;
use super::weighted_sum::{Emitter, WeightedSum};
use tinyc_ir::loops::{Affine, Buffer, Param};

/// Channels computed together.
const WIDTH: usize = 4;

struct Params {
    x: Param,
    w: Param,
    y: Param,
}

/// Writes the kernel of a convolution with as many groups as channels, in and out.
pub fn emit(layer: &mut Layer<'_>, sum: &WeightedSum, g: &Geometry, x: Buffer, y: Buffer) {
    let (channels, taps) = (g.x[3], g.w[1] * g.w[2]);
    // Weights [C][KH·KW] become [KH·KW][C], as the image lies.
    let positions: Vec<usize> = (0..taps * channels).map(|p| p % channels * taps + p / channels).collect();
    let x = layer.read("x", x);
    let w = layer.constant("weight", sum.weights.data.gather(&positions));
    let emitter = sum.prepare(layer);
    let y = layer.write("y", y);
    let params = Params { x, w, y };
    layer.each("n", g.x[0], &mut |layer, n| {
        layer.each("oy", g.y[1], &mut |layer, oy| {
            layer.each("ox", g.y[2], &mut |layer, ox| {
                let at = [n.clone(), oy.clone(), ox];
                layer.each("block", channels / WIDTH, &mut |layer, block| {
                    body(layer, &emitter, &params, g, &at, &block.times(WIDTH as i64), WIDTH);
                });
                let tail = channels % WIDTH;
                if tail > 0 {
                    body(layer, &emitter, &params, g, &at, &Affine::constant((channels - tail) as i64), tail);
                }
            });
        });
    });
}

fn body(
    layer: &mut Layer<'_>,
    emitter: &Emitter,
    params: &Params,
    g: &Geometry,
    [n, oy, ox]: &[Affine; 3],
    first: &Affine,
    width: usize,
) {
    let [h, w, c] = [1, 2, 3].map(|i| g.x[i] as i64);
    let window = g.window();
    let accs = emitter.start(layer, first, width);
    let zeros = emitter.weight_zeros(layer, first, width);
    let (ky_lo, ky_hi) = window.taps(0, oy);
    layer.for_("ky", ky_lo, ky_hi, |layer, ky| {
        let ky = Affine::of(ky);
        let row = n.times(h).plus(&window.under(0, oy, &ky)).times(w);
        let (kx_lo, kx_hi) = window.taps(1, ox);
        layer.for_("kx", kx_lo, kx_hi, |layer, kx| {
            let kx = Affine::of(kx);
            let pixel = row.plus(&window.under(1, ox, &kx)).times(c).plus(first);
            let weights = ky.times(g.w[2] as i64).plus(&kx).times(c).plus(first);
            for (j, &acc) in accs.iter().enumerate() {
                let x = emitter.x(layer, params.x, pixel.offset(j as i64));
                let weight = emitter.weight(layer, params.w, weights.offset(j as i64), zeros[j]);
                emitter.accumulate(layer, acc, x, weight);
            }
        });
    });
    for (j, &acc) in accs.iter().enumerate() {
        let channel = first.offset(j as i64);
        let pixel = n.times(g.y[1] as i64).plus(oy).times(g.y[2] as i64).plus(ox);
        emitter.finish(layer, acc, &channel, params.y, pixel.times(c).plus(&channel));
    }
}
