//! `reduce`: one accumulator for each result, or the best element so far and where it was.

use super::layer::Layer;
use super::map::{literal, register};
use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Param};
use tinyc_ir::op::Reduce;

/// Lowers a `reduce`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Reduce) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (shape, dtype) = (&inputs[0].shape, register(inputs[0].dtype));
    let strides = shape.strides();
    let pick = |values: &[usize]| op.axes.iter().map(|&a| values[a]).collect::<Vec<_>>();
    let kept = Nest::of(&output.shape, &[&strides, &output.shape.strides()]);
    let under = Nest::of(&pick(shape), &[&pick(&strides)]);
    let (x, y) = lowering.data_buffers(node);
    let comment = format!("{shape} to {}", output.shape);
    let mut layer = lowering.layer(node, "reduce".into(), comment);
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    kept.each(&mut layer, "i", &mut |layer, at| {
        let value = match (op.kind.combine(dtype), op.kind.better()) {
            (Some(combine), _) => {
                let start = layer.b.literal(literal(dtype, op.kind.start(dtype)));
                let acc = layer.b.let_("acc", start);
                under.each(layer, "k", &mut |layer, inner| {
                    let value = layer.b.load_as(dtype, x, at[0].plus(&inner[0]));
                    let old = layer.b.var(acc);
                    let next = layer.b.binary(combine, old, value);
                    layer.b.assign(acc, next);
                });
                layer.b.var(acc)
            }
            (None, Some(better)) => {
                let axis = op.axes[0];
                position(layer, x, &at[0], shape[axis], strides[axis] as i64, better)
            }
            (None, None) => unreachable!("what combines nothing finds positions"),
        };
        layer.b.store(y, at[1].clone(), value);
    });
    layer.finish(0);
    Ok(())
}

/// Where along `count` elements the best one is, as an i32.
fn position(
    layer: &mut Layer<'_>,
    x: Param,
    first: &Affine,
    count: usize,
    stride: i64,
    (better, swapped): (BinaryOp, bool),
) -> Expr {
    let scalar = register(layer.scalar(x));
    let value = layer.b.load_as(scalar, x, first.clone());
    let best = layer.b.let_("best", value);
    let zero = layer.b.i32(0);
    let place = layer.b.let_("place", zero);
    layer.for_("k", 1, count as i64, |layer, k| {
        let value = layer.b.load_as(scalar, x, first.plus(&Affine::of(k).times(stride)));
        let value = layer.b.let_("v", value);
        let (old, new) = (layer.b.var(best), layer.b.var(value));
        let (left, right) = if swapped { (new, old) } else { (old, new) };
        let wins = layer.b.binary(better, left, right);
        layer.b.begin_block();
        let new = layer.b.var(value);
        layer.b.assign(best, new);
        let at = layer.b.affine(k);
        layer.b.assign(place, at);
        let then = layer.b.end_block();
        layer.b.if_else(wins, then, Vec::new());
    });
    layer.b.var(place)
}
