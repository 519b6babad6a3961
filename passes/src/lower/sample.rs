//! `sample`: each result starts empty; then every position that is inside adds its stretch.

use super::layer::Layer;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Scalar, Var};
use tinyc_ir::op::Sample;

/// Lowers a `sample`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Sample) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (i_shape, w_shape) = (&inputs[1].shape, &inputs[2].shape);
    let &[batches, count, stretch] = inputs[0].shape.dims() else { unreachable!("checked by the operator") };
    let (places, taps) = (i_shape[1], i_shape[2]);
    let weights: Vec<i64> = w_shape.broadcast_strides(i_shape).into_iter().map(|s| s as i64).collect();
    let values = lowering.graph.nodes[node].inputs.clone();
    let [x, i, w] = [0, 1, 2].map(|k| lowering.buffer(values[k]));
    let y = lowering.result(node);
    let macs = lowering.macs(node);
    let comment = format!("{}, of {taps} of {} each", output.shape, inputs[0].shape);
    let mut layer = lowering.layer(node, "sample".into(), comment);
    let (x, i, w) = (layer.read("x", x), layer.read("i", i), layer.read("w", w));
    // A single element is summed in a register, a stretch in the result.
    let y = if stretch == 1 { layer.write("y", y) } else { layer.read_write("y", y) };
    let shared = i_shape[0] == 1;
    layer.nest(&[("b", batches), ("m", places)], &mut |layer, at| {
        let row = if shared { Affine::constant(0) } else { at[0].clone() };
        let target = at[0].times(places as i64).plus(&at[1]).times(stretch as i64);
        let batch = at[0].times((count * stretch) as i64);
        let first = row.times(places as i64).plus(&at[1]).times(taps as i64);
        let first_weight = row.times(weights[0]).plus(&at[1].times(weights[1]));
        let mut sum = None;
        if stretch == 1 {
            let start = layer.b.f32(op.kind.start());
            sum = Some(layer.b.let_("sum", start));
        } else {
            layer.each("s", stretch, &mut |layer, s| {
                let start = layer.b.f32(op.kind.start());
                layer.b.store(y, target.plus(&s), start);
            });
        }
        layer.each("t", taps, &mut |layer, t| {
            let place = layer.b.load(i, first.plus(&t));
            let place = layer.b.let_("place", place);
            let inside = inside(layer, place, count);
            layer.b.begin_block();
            let weight = layer.b.load(w, first_weight.plus(&t.times(weights[2])));
            let weight = layer.b.let_("weight", weight);
            layer.each("s", stretch, &mut |layer, s| {
                let value = layer.b.var(place);
                let dynamic = Dynamic { stride: stretch as i64, value, lo: 0, hi: count as i64 - 1 };
                let index = Index { affine: batch.plus(&s), ring: None, dynamic: Some(dynamic) };
                let (value, weight) = (layer.b.load(x, index), layer.b.var(weight));
                let product = layer.b.binary(BinaryOp::Mul, value, weight);
                match sum {
                    Some(sum) => {
                        let old = layer.b.var(sum);
                        let new = layer.b.binary(op.kind.combine(), old, product);
                        layer.b.assign(sum, new);
                    }
                    None => {
                        let old = layer.b.load(y, target.plus(&s));
                        let new = layer.b.binary(op.kind.combine(), old, product);
                        layer.b.store(y, target.plus(&s), new);
                    }
                }
            });
            let then = layer.b.end_block();
            layer.b.if_else(inside, then, Vec::new());
        });
        if let Some(sum) = sum {
            let sum = layer.b.var(sum);
            layer.b.store(y, target, sum);
        }
    });
    layer.finish(macs);
    Ok(())
}

/// Whether a register is in `0..count`: as an unsigned number, a negative one is beyond.
fn inside(layer: &mut Layer<'_>, place: Var, count: usize) -> Expr {
    let value = layer.b.var(place);
    let value = layer.b.convert(Scalar::U32, value);
    let count = layer.b.literal(tinyc_ir::loops::Literal::U32(count as u32));
    layer.b.less(value, count)
}
