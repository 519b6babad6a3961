//! `concat`: each argument is copied to its place.

use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::op::Concat;

/// Lowers a `concat`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Concat) -> Result<(), Unsupported> {
    let (mut inputs, output) = lowering.node_types(node);
    let strides = output.shape.strides();
    let mut values = lowering.graph.nodes[node].inputs.clone();
    values.retain(|&v| lowering.graph.ty(v).shape.elements() > 0);
    inputs.retain(|t| t.shape.elements() > 0);
    let buffers: Vec<_> = values.into_iter().map(|v| lowering.buffer(v)).collect();
    let y = lowering.result(node);
    let comment = format!("{} tensors to {}", inputs.len(), output.shape);
    let mut layer = lowering.layer(node, "concat".into(), comment);
    let params: Vec<_> = buffers.iter().enumerate().map(|(i, &b)| layer.read(&format!("x{i}"), b)).collect();
    let y = layer.write("y", y);
    let mut first = 0;
    for (ty, &x) in inputs.iter().zip(&params) {
        let nest = Nest::of(&ty.shape, &[&ty.shape.strides(), &strides]);
        nest.each(&mut layer, "i", &mut |layer, at| {
            let value = layer.load(x, at[0].clone());
            layer.store(y, at[1].offset(first), value);
        });
        first += (ty.shape[op.axis] * strides[op.axis]) as i64;
    }
    layer.finish(0);
    Ok(())
}
