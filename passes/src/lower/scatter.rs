//! `scatter`: a copy of the argument, then the updates in order.

use super::gather::Source;
use super::{Lowering, Unsupported, movement};
use tinyc_ir::Node;
use tinyc_ir::op::Scatter;
use tinyc_ir::wording::counted;

/// Lowers a `scatter`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Scatter) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let i_shape = &inputs[1].shape;
    let (count, stretch) = (output.shape[1], output.shape[2]);
    let values = lowering.graph.nodes[node].inputs.clone();
    if inputs[2].shape.elements() == 0 {
        let (x, y) = lowering.data_buffers(node);
        let mut layer = lowering.layer(node, "copy".into(), counted(output.shape.elements(), "element"));
        movement::copy(&mut layer, x, y);
        layer.finish(0);
        return Ok(());
    }
    let (x, u) = (lowering.buffer(values[0]), lowering.buffer(values[2]));
    let source = Source::new(lowering, values[1], count);
    let y = lowering.result(node);
    let comment = format!("{} into {}", inputs[2].shape, output.shape);
    let mut layer = lowering.layer(node, "scatter".into(), comment);
    let combine = op.kind.combine(output.dtype);
    let (x, u) = (layer.read("x", x), layer.read("u", u));
    let positions = source.prepare(&mut layer, i_shape, count);
    let y = if combine.is_some() { layer.read_write("y", y) } else { layer.write("y", y) };
    layer.each("i", output.shape.elements(), &mut |layer, i| {
        let value = layer.b.load(x, i.clone());
        layer.b.store(y, i, value);
    });
    layer.nest(&[("b", output.shape[0]), ("m", i_shape[1])], &mut |layer, at| {
        let place = positions.load(layer, at);
        let from = at[0].times(i_shape[1] as i64).plus(&at[1]).times(stretch as i64);
        let batch = at[0].times((count * stretch) as i64);
        layer.each("s", stretch, &mut |layer, s| {
            let mut value = layer.b.load(u, from.plus(&s));
            if let Some(combine) = combine {
                let index = positions.index(layer, place, batch.plus(&s), stretch);
                let old = layer.b.load(y, index);
                value = layer.b.binary(combine, old, value);
            }
            let index = positions.index(layer, place, batch.plus(&s), stretch);
            layer.b.store(y, index, value);
        });
    });
    layer.finish(0);
    Ok(())
}
