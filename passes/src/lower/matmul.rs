//! `matmul`: four columns of a row at a time, each with its accumulator.

use super::map::{literal, register};
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::Affine;
use tinyc_ir::op::matmul::operations;

/// Columns that one pass over a row of `a` computes.
const WIDTH: usize = 4;

/// Lowers a `matmul`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (a_shape, b_shape) = (&inputs[0].shape, &inputs[1].shape);
    let (rows, depth, columns) = (a_shape[1], a_shape[2], b_shape[2]);
    let (add, mul) = operations(output.dtype.is_float());
    let scalar = register(output.dtype);
    let values = &lowering.graph.nodes[node].inputs;
    let (a, b) = (lowering.buffer(values[0]), lowering.buffer(values[1]));
    let y = lowering.result(node);
    let macs = lowering.macs(node);
    let name = format!("matmul_{rows}x{depth}_{columns}");
    let mut layer = lowering.layer(node, name, format!("{a_shape} times {b_shape}"));
    let (a, b, y) = (layer.read("a", a), layer.read("b", b), layer.write("y", y));
    let batch = |shape: &[usize]| if shape[0] == 1 { 0 } else { 1 };
    let (a_batch, b_batch) = (batch(a_shape), batch(b_shape));
    layer.nest(&[("n", output.shape[0]), ("row", rows)], &mut |layer, at| {
        let x_row = at[0].times(a_batch * rows as i64).plus(&at[1]).times(depth as i64);
        let matrix = at[0].times(b_batch * (depth * columns) as i64);
        let y_row = at[0].times(rows as i64).plus(&at[1]).times(columns as i64);
        let whole = columns / WIDTH;
        for (first, count, width) in [(0, whole, WIDTH), (whole * WIDTH, columns % WIDTH, 1)] {
            layer.each("column", count, &mut |layer, step| {
                let column = step.times(width as i64).offset(first as i64);
                let accs: Vec<_> = (0..width)
                    .map(|_| {
                        let zero = layer.b.literal(literal(scalar, 0));
                        layer.b.let_("acc", zero)
                    })
                    .collect();
                layer.each("k", depth, &mut |layer, k| {
                    let x = layer.b.load_as(scalar, a, x_row.plus(&k));
                    let x = layer.b.let_("x", x);
                    let row: Affine = matrix.plus(&k.times(columns as i64)).plus(&column);
                    for (i, &acc) in accs.iter().enumerate() {
                        let (x, w) = (layer.b.var(x), layer.b.load_as(scalar, b, row.offset(i as i64)));
                        let product = layer.b.binary(mul, x, w);
                        let old = layer.b.var(acc);
                        let sum = layer.b.binary(add, old, product);
                        layer.b.assign(acc, sum);
                    }
                });
                for (i, &acc) in accs.iter().enumerate() {
                    let value = layer.b.var(acc);
                    layer.b.store(y, y_row.plus(&column).offset(i as i64), value);
                }
            });
        }
    });
    layer.finish(macs);
    Ok(())
}
