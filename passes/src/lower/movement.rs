//! Operators that only move elements: `reshape`, `transpose`, and copies.

use super::layer::Layer;
use super::{Lowering, Unsupported};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Affine, Buffer};
use tinyc_ir::op::Transpose;
use tinyc_ir::wording::counted;
use tinyc_ir::{Def, Node};

/// A `reshape` is another name for its argument's memory, unless both belong to the user.
pub fn reshape(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let data = &lowering.graph.nodes[node];
    let (from, to) = (data.inputs[0], data.outputs[0]);
    let source = lowering.buffer(from);
    let Some(target) = lowering.buffers[to.index()] else {
        lowering.buffers[to.index()] = Some(source);
        return Ok(());
    };
    debug_assert!(!matches!(lowering.graph.values[to].def, Def::Const(_)));
    let comment = counted(lowering.graph.ty(to).shape.elements(), "element");
    let mut layer = lowering.layer(node, "copy".into(), comment);
    copy(&mut layer, source, target);
    layer.finish(0);
    Ok(())
}

/// Writes a kernel that copies one buffer to another of the same type.
pub fn copy(layer: &mut Layer<'_>, from: Buffer, to: Buffer) {
    let x = layer.read("x", from);
    let y = layer.write("y", to);
    let count = layer.len(y);
    layer.each("i", count, &mut |layer, i| {
        let value = layer.b.load(x, i.clone());
        layer.b.store(y, i, value);
    });
}

/// Lowers a `transpose`: the result is written in order.
pub fn transpose(lowering: &mut Lowering<'_>, node: Node, op: &Transpose) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let strides = inputs[0].shape.strides();
    let (x, y) = lowering.data_buffers(node);
    let mut layer =
        lowering.layer(node, "transpose".into(), format!("{} to {}", inputs[0].shape, output.shape));
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    let names: Vec<String> = (0..output.shape.rank()).map(|i| format!("i{i}")).collect();
    let dims: Vec<(&str, usize)> =
        names.iter().map(String::as_str).zip(output.shape.iter().copied()).collect();
    layer.nest(&dims, &mut |layer, at| {
        let sum = |terms: &mut dyn Iterator<Item = (usize, &Affine)>| {
            terms.fold(Affine::constant(0), |sum, (stride, i)| sum.plus(&i.times(stride as i64)))
        };
        let source = sum(&mut op.perm.iter().map(|&p| strides[p]).zip(at));
        let target = sum(&mut output.shape.strides().into_iter().zip(at));
        let value = layer.load(x, source);
        layer.store(y, target, value);
    });
    layer.finish(0);
    Ok(())
}
