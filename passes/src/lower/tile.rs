//! The inner loop of every matrix-like kernel: a few rows of x times a few outputs of a weight matrix.
//!
//! Plain: two rows times four outputs; eight accumulators reuse each loaded element of x four times and each weight
//! twice, and more would not fit the registers of most 32-bit cores. With 24 registers or more, three or four rows times four
//! outputs, and a row that is alone times sixteen. On cores with a dual 16-bit multiply, two rows times two
//! outputs (or one times four): x lies in 16 bits, and four weights of an output are unpacked from one word.

use super::Features;
use super::layer::Layer;
use super::weighted_sum::{Emitter, WeightedSum};
use tinyc_ir::Data;
use tinyc_ir::loops::{Affine, PackedOp, Param, Scalar, Var};

/// Output channels computed together by the plain loop.
pub const WIDTH: usize = 4;
/// The same where there is one row only and many registers.
const LONE_WIDTH: usize = 16;
/// From how many registers on a tile is larger.
pub const MANY: u32 = 24;
/// From how many registers on a pixel has as many sums: vectors, each of which holds four.
const VECTORS: u32 = 64;

/// Output channels of one pixel that are computed together where no tile of pixels is.
pub fn lone_width(features: Features) -> usize {
    if features.registers >= VECTORS { LONE_WIDTH } else { WIDTH }
}

/// Which inner loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// One multiply-accumulate at a time.
    Plain,
    /// Two at a time ([`PackedOp::Dot2`]): rows of i16, their length a multiple of 4.
    Dual,
    /// As [`Dual`](Self::Dual), on rows of i8 or u8 that are unpacked in the loop: they need no copy.
    DualBytes {
        /// Whether x is i8.
        signed: bool,
    },
}

impl Kind {
    /// Elements of a row in memory, for `depth` elements that count.
    pub fn pitch(self, depth: usize) -> usize {
        match self {
            Self::Plain => depth,
            Self::Dual | Self::DualBytes { .. } => depth.next_multiple_of(4),
        }
    }

    /// The most rows that are computed together: of x as it lies in memory, or of windows that the kernel `copies`, which
    /// takes a few registers more.
    pub fn height(self, features: Features, copies: bool) -> usize {
        match self {
            Self::Plain if features.registers >= MANY => 4 - usize::from(copies),
            _ => 2,
        }
    }

    /// Outputs computed together where a kernel has so many rows.
    pub fn width(self, features: Features, rows: usize) -> usize {
        let lone = self == Self::Plain && rows == 1 && features.registers >= MANY;
        if lone { LONE_WIDTH } else { WIDTH }
    }

    /// The weights `[O][depth]` in the order of the loops, for blocks of `width` outputs.
    pub fn pack(self, sum: &WeightedSum, depth: usize, width: usize) -> Data {
        let outputs = sum.outputs();
        match self {
            Self::Plain => sum.weights.data.gather(&packed_positions(outputs, depth, width)),
            Self::DualBytes { .. } if !sum.nibbles => sum.weights.data.clone(),
            Self::Dual | Self::DualBytes { .. } => {
                let inside = |o: usize, k: usize| o < outputs && k < depth;
                let at =
                    |o: usize, k: usize| if inside(o, k) { sum.weights.data.int(o * depth + k) } else { 0 };
                let pitch = self.pitch(depth);
                // Bytes 0 and 2 of a word become the first pair, 1 and 3 the second; what fills the pitch weighs 0.
                let swapped = |k: usize| k / 4 * 4 + [0, 2, 1, 3][k % 4];
                let order = |k: usize| if self == Self::Dual { swapped(k) } else { k };
                if sum.nibbles {
                    let pair = |o: usize, k: usize| paired(at(o, order(k)), at(o + 1, order(k)));
                    let bytes = (0..outputs).step_by(2).flat_map(|o| (0..pitch).map(move |k| pair(o, k)));
                    return Data::I8(bytes.collect());
                }
                let values = (0..outputs).flat_map(|o| (0..pitch).map(move |k| at(o, order(k))));
                Data::from_ints(sum.weights.dtype(), values.collect::<Vec<_>>())
            }
        }
    }
}

/// The high halves of a word's bytes.
pub const HIGH: i32 = 0xF0F0_F0F0_u32 as i32;

/// The byte of two weights of four bits: one in the high half, one in the low half.
pub fn paired(high: i64, low: i64) -> i8 {
    ((high << 4) | (low & 15)) as i8
}

/// Rows of x times a packed matrix of `pitch` x `outputs` weights.
pub struct Tile<'a> {
    /// Which inner loop.
    pub kind: Kind,
    /// Bias, zero points and requantisation.
    pub emitter: &'a Emitter,
    /// The rows.
    pub x: Param,
    /// The weights, as [`Kind::pack`] orders them.
    pub w: Param,
    /// The results; `outputs` neighbours for each row.
    pub y: Param,
    /// Elements of a row, as [`Kind::pitch`] rounds them.
    pub depth: usize,
    /// Results of a row.
    pub outputs: usize,
    /// Results computed together by the plain loop; the weights are packed so.
    pub width: usize,
}

/// Steps over rows, `height` of them at a time and then what is left: how many rows, from which on, and how often.
pub fn steps(rows: usize, height: usize) -> Vec<(usize, usize, usize)> {
    let whole = rows / height * height;
    let all = [(height, 0, rows / height), (rows - whole, whole, 1)];
    all.into_iter().filter(|&(height, _, count)| height * count > 0).collect()
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
        let width = if self.kind != Kind::Plain && xs.len() > 1 { 2 } else { self.width };
        let (blocks, tail) = (self.outputs / width, self.outputs % width);
        layer.each("block", blocks, &mut |layer, block| {
            self.block(layer, xs, ys, &block.times(width as i64), width);
        });
        if tail > 0 {
            self.block(layer, xs, ys, &Affine::constant((blocks * width) as i64), tail);
        }
    }

    /// `width` outputs from channel `first` on.
    fn block(&self, layer: &mut Layer<'_>, xs: &[Affine], ys: &[Affine], first: &Affine, width: usize) {
        let accs: Vec<_> = xs.iter().map(|_| self.emitter.start(layer, first, width)).collect();
        match self.kind {
            Kind::Plain => self.plain(layer, xs, &accs, first, width),
            Kind::Dual | Kind::DualBytes { .. } => self.dual(layer, xs, &accs, first),
        }
        for (accs, y) in accs.iter().zip(ys) {
            for (j, &acc) in accs.iter().enumerate() {
                let channel = first.offset(j as i64);
                self.emitter.finish(layer, acc, &channel, self.y, y.plus(&channel));
            }
        }
    }

    fn plain(&self, layer: &mut Layer<'_>, xs: &[Affine], accs: &[Vec<Var>], first: &Affine, width: usize) {
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
    }

    /// Four elements of each row and four weights of each output at a time.
    fn dual(&self, layer: &mut Layer<'_>, xs: &[Affine], accs: &[Vec<Var>], first: &Affine) {
        layer.each("k", self.depth / 4, &mut |layer, step| {
            let k = step.times(4);
            let values: Vec<[Var; 2]> = xs.iter().map(|x| self.pairs(layer, &x.plus(&k))).collect();
            let count = accs[0].len();
            for j in (0..count).step_by(if self.emitter.nibbles { 2 } else { 1 }) {
                let row = first.offset(j as i64);
                if self.emitter.nibbles {
                    // Two outputs share the bytes of a row, and the block begins with an even one.
                    let bytes = word(layer, "bytes", self.w, row.times(self.depth as i64 / 2).plus(&k));
                    let weights = self.emitter.halves(layer, bytes);
                    for (j, weights) in (j..count).zip(weights) {
                        self.dots(layer, accs, j, &values, weights);
                    }
                } else {
                    let weights = word(layer, "w", self.w, row.times(self.depth as i64).plus(&k));
                    self.dots(layer, accs, j, &values, weights);
                }
            }
        });
    }

    /// Four weights of output `j` times four elements of each row.
    fn dots(&self, layer: &mut Layer<'_>, accs: &[Vec<Var>], j: usize, values: &[[Var; 2]], weights: Var) {
        for (half, rotate) in [(0, 0), (1, 8)] {
            let packed = layer.b.var(weights);
            let pair = layer.b.packed(PackedOp::UnpackSigned { rotate }, &[packed]);
            let pair = layer.b.let_("pair", pair);
            for (accs, value) in accs.iter().zip(values) {
                let args = [accs[j], value[half], pair].map(|var| layer.b.var(var));
                let sum = layer.b.packed(PackedOp::Dot2, &args);
                layer.b.assign(accs[j], sum);
            }
        }
    }

    /// Four elements of x from `index` on as two pairs, in the order of the weights' pairs.
    fn pairs(&self, layer: &mut Layer<'_>, index: &Affine) -> [Var; 2] {
        let Kind::DualBytes { signed } = self.kind else {
            return [0, 2].map(|half| word(layer, "v", self.x, index.offset(half)));
        };
        let bytes = word(layer, "bytes", self.x, index.clone());
        [0, 8].map(|rotate| {
            let bytes = layer.b.var(bytes);
            let unpack =
                if signed { PackedOp::UnpackSigned { rotate } } else { PackedOp::UnpackUnsigned { rotate } };
            let pair = layer.b.packed(unpack, &[bytes]);
            layer.b.let_("v", pair)
        })
    }
}

/// A word of neighbouring elements, in a register.
fn word(layer: &mut Layer<'_>, name: &str, param: Param, index: Affine) -> Var {
    let value = layer.b.load_wide(Scalar::I32, param, index);
    layer.b.let_(name, value)
}
