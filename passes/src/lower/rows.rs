//! `dense`, and `conv2d` with a 1×1 kernel: rows of x as they lie in memory, times a matrix.
//!
//! For the dual multiply, rows that do not lie in aligned words are copied first, as a 1×1 window.

use super::conv2d::Geometry;
use super::im2col;
use super::tile::{Kind, Tile, steps};
use super::weighted_sum::WeightedSum;
use super::{Lowering, Unsupported};
use tinyc_ir::op::Conv2d;
use tinyc_ir::{Activation, DType, Node, TensorType};

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
    let name = format!("{name}_{rows}x{depth}_{outputs}");
    let mut kind = sum.kind(lowering.features);
    let x_type = lowering.node_types(node).0[0].dtype;
    let quads = kind == Kind::Dual && depth.is_multiple_of(4);
    if quads && x_type != DType::I16 {
        kind = Kind::DualBytes { signed: x_type == DType::I8 };
    }
    // The user's buffers need not be aligned.
    let in_words = quads && lowering.is_arena(x);
    if kind != Kind::Plain && !in_words {
        let conv = Conv2d { strides: [1; 2], pads: [0; 4], dilations: [1; 2], groups: 1, act };
        let [x_shape, y_shape] = [depth, outputs].map(|c| [1, 1, rows, c].into());
        let g = Geometry { conv, x: x_shape, w: [outputs, 1, 1, depth].into(), y: y_shape };
        let dtype = if kind == Kind::Dual { DType::I16 } else { x_type };
        let window = lowering
            .scratch("window", &TensorType::new(dtype, [im2col::scratch_len(&g, kind, lowering.features)]));
        let mut layer = lowering.layer(node, name, comment);
        // Nothing is padded, so the zero point does not occur.
        im2col::emit(&mut layer, &sum, &g, 0, kind, &im2col::Buffers { x, window, y });
        layer.finish(macs);
        return Ok(());
    }
    let mut layer = lowering.layer(node, name, comment);
    let x = layer.read("x", x);
    let width = kind.width(layer.features, rows);
    let w = layer.constant("weight", kind.pack(&sum, depth, width));
    let emitter = sum.prepare(&mut layer);
    let y = layer.write("y", y);
    let tile = Tile { kind, emitter: &emitter, x, w, y, depth, outputs, width };
    // Several rows at a time, then what is left of them.
    for (height, first, count) in steps(rows, kind.height(layer.features, false)) {
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
