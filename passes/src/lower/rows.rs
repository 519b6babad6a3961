//! `dense`, and `conv2d` with a 1×1 kernel: rows of x as they lie in memory, times a matrix.

use super::tile::{HEIGHT, Tile, WIDTH, packed_positions};
use super::weighted_sum::WeightedSum;
use super::{Lowering, Unsupported};
use tinyc_ir::{Activation, Node};

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
    let x = layer.read("x", x);
    let w = layer.constant("weight", sum.weights.data.gather(&packed_positions(outputs, depth, WIDTH)));
    let emitter = sum.prepare(&mut layer);
    let y = layer.write("y", y);
    let tile = Tile { emitter: &emitter, x, w, y, depth, outputs };
    // Pairs of rows, then a last single one.
    let pairs = rows / HEIGHT;
    for (first, count, height) in [(0, pairs, HEIGHT), (pairs * HEIGHT, rows % HEIGHT, 1)] {
        layer.each("row", count, &mut |layer, step| {
            let rows = (0..height).map(|r| step.times(height as i64).offset((first + r) as i64));
            let (xs, ys): (Vec<_>, Vec<_>) =
                rows.map(|row| (row.times(depth as i64), row.times(outputs as i64))).unzip();
            tile.emit(layer, &xs, &ys);
        });
    }
    layer.finish(macs);
    Ok(())
}
