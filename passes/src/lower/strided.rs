//! `strided`: the result is written in order, or is a part of its argument's memory.

use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::Place;
use tinyc_ir::op::Strided;
use tinyc_ir::{Graph, Node, Op, Shape};

/// Lowers a `strided`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Strided) -> Result<(), Unsupported> {
    if is_part(lowering, node, op) {
        return Ok(());
    }
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

/// Nodes behind a part within which the whole may be kept for it.
const SOON: usize = 8;

/// Where parts begin, in bytes: no kernel asks for more alignment than that of a word.
const WORD: usize = 4;

/// Makes the result a part of the argument's memory where its elements lie there one behind the other, as the steps of a
/// sequence or the gates of a cell do: neither code nor time is spent on it, and steps are equal in all but their buffers.
/// The whole stays in memory as long as the part, so the part must be most of it or be used up soon.
fn is_part(lowering: &mut Lowering<'_>, node: Node, op: &Strided) -> bool {
    let data = &lowering.graph.nodes[node];
    let (from, to) = (data.inputs[0], data.outputs[0]);
    let row_major = Shape::new(op.shape.clone()).strides();
    let moves = op.strides.iter().zip(row_major).zip(&op.shape);
    let together = moves.into_iter().all(|((&own, row), &dim)| dim == 1 || own == row as i64);
    let (whole, part) = (lowering.graph.ty(from), lowering.graph.ty(to));
    let soon = lowering.needed[to.index()] <= node.index() + SOON || part.bytes() * 2 >= whole.bytes();
    let is_free =
        lowering.buffers[to.index()].is_none() && lowering.regions.result(lowering.graph, node) == to;
    let aligned = !part.dtype.is_packed() && (op.offset * part.dtype.size()).is_multiple_of(WORD);
    if !together || !soon || !is_free || !aligned {
        return false;
    }
    let source = lowering.buffer(from);
    if !matches!(lowering.program.buffers[source].place, Place::Arena(_)) {
        return false;
    }
    let (base, start) = lowering.views.get(&source).copied().unwrap_or((source, 0));
    let start = start + (op.offset * part.dtype.size()) as u32;
    let view = lowering.result(node);
    lowering.views.insert(view, (base, start));
    true
}

/// For each value, the last node that needs its memory; a result may be a part of an argument, or another view of it.
pub fn needed(graph: &Graph) -> Vec<usize> {
    let mut needed = vec![0; graph.values.len()];
    for &output in &graph.outputs {
        needed[output.index()] = usize::MAX;
    }
    for (node, data) in graph.nodes.iter().rev() {
        let shares = matches!(data.op, Op::Reshape(_) | Op::Strided(_));
        let through = if shares { needed[data.outputs[0].index()] } else { 0 };
        for &input in &data.inputs {
            needed[input.index()] = needed[input.index()].max(node.index()).max(through);
        }
    }
    needed
}
