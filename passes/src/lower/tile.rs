//! The inner loop of every matrix-like kernel: a few rows of x times four outputs of a weight matrix.
//!
//! With two rows, eight accumulators reuse each loaded element of x four times and each weight twice; more would not
//! fit the registers of a 32-bit core.

use super::layer::Layer;
use super::weighted_sum::Emitter;
use tinyc_ir::loops::{Affine, Param};

/// Output channels computed together.
pub const WIDTH: usize = 4;
/// Rows computed together.
pub const HEIGHT: usize = 2;

/// Rows of `depth` elements times a packed matrix of `depth` x `outputs` weights.
pub struct Tile<'a> {
    /// Bias, zero points and requantisation.
    pub emitter: &'a Emitter,
    /// The rows.
    pub x: Param,
    /// The weights, in the order of [`packed_positions`].
    pub w: Param,
    /// The results; `outputs` neighbours for each row.
    pub y: Param,
    /// Elements of a row.
    pub depth: usize,
    /// Results of a row.
    pub outputs: usize,
}

/// Positions of weights `[O][depth]` in the order of the loops: blocks of `width` outputs, then depth, then output;
/// the last block is narrower.
pub fn packed_positions(outputs: usize, depth: usize, width: usize) -> Vec<usize> {
    let mut positions = Vec::with_capacity(outputs * depth);
    for first in (0..outputs).step_by(width) {
        for k in 0..depth {
            positions.extend((first..outputs.min(first + width)).map(|o| o * depth + k));
        }
    }
    positions
}

impl Tile<'_> {
    /// All outputs of the rows that start at `xs` in x; their results start at `ys` in y.
    pub fn emit(&self, layer: &mut Layer<'_>, xs: &[Affine], ys: &[Affine]) {
        let (blocks, tail) = (self.outputs / WIDTH, self.outputs % WIDTH);
        layer.each("block", blocks, &mut |layer, block| {
            self.block(layer, xs, ys, &block.times(WIDTH as i64), WIDTH)
        });
        if tail > 0 {
            self.block(layer, xs, ys, &Affine::constant((blocks * WIDTH) as i64), tail);
        }
    }

    /// `width` outputs from channel `first` on.
    fn block(&self, layer: &mut Layer<'_>, xs: &[Affine], ys: &[Affine], first: &Affine, width: usize) {
        let accs: Vec<_> = xs.iter().map(|_| self.emitter.start(layer, first, width)).collect();
        let zeros = self.emitter.weight_zeros(layer, first, width);
        let unroll = if self.depth.is_multiple_of(2) { 2 } else { 1 };
        layer.each("k", self.depth / unroll, &mut |layer, step| {
            for u in 0..unroll {
                let k = step.times(unroll as i64).offset(u as i64);
                let values: Vec<_> = xs.iter().map(|x| self.emitter.x(layer, self.x, x.plus(&k))).collect();
                for (j, &zero) in zeros.iter().enumerate() {
                    let index = first.times(self.depth as i64).plus(&k.times(width as i64)).offset(j as i64);
                    let weight = self.emitter.weight(layer, self.w, index, zero);
                    let weight = layer.b.let_("w", weight);
                    for (accs, &x) in accs.iter().zip(&values) {
                        let weight = layer.b.var(weight);
                        self.emitter.accumulate(layer, accs[j], x, weight);
                    }
                }
            }
        });
        for (accs, y) in accs.iter().zip(ys) {
            for (j, &acc) in accs.iter().enumerate() {
                let channel = first.offset(j as i64);
                self.emitter.finish(layer, acc, &channel, self.y, y.plus(&channel));
            }
        }
    }
}
