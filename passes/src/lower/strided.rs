//! `strided`: the result is written in order.

use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::op::Strided;

/// Lowers a `strided`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Strided) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let own = output.shape.strides().into_iter().map(|s| s as i64).collect();
    let nest = Nest::new(&output.shape, &[op.strides.clone(), own]);
    let (x, y) = lowering.data_buffers(node);
    let mut layer =
        lowering.layer(node, "strided".into(), format!("{} to {}", inputs[0].shape, output.shape));
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    nest.each(&mut layer, "i", &mut |layer, at| {
        let value = layer.load(x, at[0].offset(op.offset as i64));
        layer.store(y, at[1].clone(), value);
    });
    layer.finish(0);
    Ok(())
}
