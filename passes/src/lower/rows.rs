//! `dense`, and `conv2d` with a 1×1 kernel: rows of x times a matrix, four outputs of two rows at a time.
//!
//! Eight accumulators reuse each loaded element of x four times and each weight twice; more would not fit the
//! registers of a 32-bit core.

use super::layer::Layer;
use super::weighted_sum::{Emitter, WeightedSum};
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, Buffer, Param};
use tinyc_ir::{Activation, Node};

/// Output channels computed together.
const WIDTH: usize = 4;
/// Rows computed together.
const HEIGHT: usize = 2;

/// Lowers a node whose output rows each depend on one input row of `depth` elements.
pub fn lower(
    lowering: &mut Lowering<'_>,
    node: Node,
    act: Activation,
    rows: usize,
    depth: usize,
    name: &str,
) -> Result<(), Unsupported> {
    let sum = WeightedSum::new(lowering, node, act, true)?;
    let outputs = sum.outputs();
    let (x, y) = lowering.data_buffers(node);
    let comment = format!("{rows} x {depth} elements times {depth} x {outputs} weights");
    let macs = lowering.macs(node);
    let mut layer = lowering.layer(node, format!("{name}_{rows}x{depth}_{outputs}"), comment);
    let shape = Shape { rows, depth, outputs };
    emit(&mut layer, &sum, &shape, x, y);
    layer.finish(macs);
    Ok(())
}

struct Shape {
    rows: usize,
    depth: usize,
    outputs: usize,
}

struct Params {
    x: Param,
    w: Param,
    y: Param,
}

fn emit(layer: &mut Layer<'_>, sum: &WeightedSum, shape: &Shape, x: Buffer, y: Buffer) {
    let x = layer.read("x", x);
    let packed = sum.weights.data.gather(&packed_positions(shape.outputs, shape.depth, WIDTH));
    let w = layer.constant("weight", packed);
    let emitter = sum.prepare(layer);
    let y = layer.write("y", y);
    let params = Params { x, w, y };
    let (blocks, tail) = (shape.outputs / WIDTH, shape.outputs % WIDTH);
    // Pairs of rows, then a last single row; a body for each.
    let pairs = shape.rows / HEIGHT;
    let mut bands = vec![(0, pairs, HEIGHT)];
    bands.push((pairs * HEIGHT, shape.rows % HEIGHT, 1));
    for (first, count, height) in bands {
        if count == 0 {
            continue;
        }
        layer.each("row", count, &mut |layer, step| {
            let row = step.times(height as i64).offset(first as i64);
            layer.each("block", blocks, &mut |layer, block| {
                body(layer, &emitter, &params, shape, &row, height, &block.times(WIDTH as i64), WIDTH);
            });
            if tail > 0 {
                let first = Affine::constant((blocks * WIDTH) as i64);
                body(layer, &emitter, &params, shape, &row, height, &first, tail);
            }
        });
    }
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

/// `height` rows times `width` outputs.
#[allow(clippy::too_many_arguments, reason = "the corner and the size of a tile")]
fn body(
    layer: &mut Layer<'_>,
    emitter: &Emitter,
    params: &Params,
    shape: &Shape,
    row: &Affine,
    height: usize,
    first: &Affine,
    width: usize,
) {
    let depth = shape.depth as i64;
    let accs: Vec<_> = (0..height).map(|_| emitter.start(layer, first, width)).collect();
    let zeros = emitter.weight_zeros(layer, first, width);
    let unroll = if shape.depth.is_multiple_of(2) { 2 } else { 1 };
    layer.each("k", shape.depth / unroll, &mut |layer, step| {
        for u in 0..unroll {
            let k = step.times(unroll as i64).offset(u as i64);
            let xs: Vec<_> = (0..height as i64)
                .map(|r| emitter.x(layer, params.x, row.offset(r).times(depth).plus(&k)))
                .collect();
            for j in 0..width {
                let index = first.times(depth).plus(&k.times(width as i64)).offset(j as i64);
                let weight = emitter.weight(layer, params.w, index, zeros[j]);
                let weight = layer.b.let_("w", weight);
                for (accs, &x) in accs.iter().zip(&xs) {
                    let weight = layer.b.var(weight);
                    emitter.accumulate(layer, accs[j], x, weight);
                }
            }
        }
    });
    for (r, accs) in accs.iter().enumerate() {
        for (j, &acc) in accs.iter().enumerate() {
            let channel = first.offset(j as i64);
            let index = row.offset(r as i64).times(shape.outputs as i64).plus(&channel);
            emitter.finish(layer, acc, &channel, params.y, index);
        }
    }
}
