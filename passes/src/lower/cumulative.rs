//! `cumulative`: one accumulator that runs along the axis.

use super::map::literal;
use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::Affine;
use tinyc_ir::op::Cumulative;

/// Lowers a `cumulative`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Cumulative) -> Result<(), Unsupported> {
    let (_, output) = lowering.node_types(node);
    let (dtype, strides) = (output.dtype, output.shape.strides());
    let combine = op.kind.combine(dtype).expect("checked: sum or product");
    let mut others = output.shape.to_vec();
    let count = std::mem::replace(&mut others[op.axis], 1);
    let stride = strides[op.axis] as i64;
    let rows = Nest::of(&others, &[&strides]);
    let (x, y) = lowering.data_buffers(node);
    let comment = format!("{}, along axis {}", output.shape, op.axis);
    let mut layer = lowering.layer(node, "cumulative".into(), comment);
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    layer.b.may_alias(y, x);
    rows.each(&mut layer, "i", &mut |layer, at| {
        let start = layer.b.literal(literal(dtype, op.kind.start(dtype)));
        let acc = layer.b.let_("acc", start);
        layer.each("k", count, &mut |layer, k| {
            let along = if op.reverse { k.times(-1).offset(count as i64 - 1) } else { k };
            let index: Affine = at[0].plus(&along.times(stride));
            let (old, value) = (layer.b.var(acc), layer.b.load(x, index.clone()));
            let next = layer.b.binary(combine, old, value);
            let next = layer.b.let_("next", next);
            let stored = layer.b.var(if op.exclusive { acc } else { next });
            layer.b.store(y, index, stored);
            let next = layer.b.var(next);
            layer.b.assign(acc, next);
        });
    });
    layer.finish(0);
    Ok(())
}
