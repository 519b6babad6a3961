//! What kind of operator a node of a float graph is to the quantiser.

use crate::quantize::fixed;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::{DType, Graph, Op};

/// Kinds of operators.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Form {
    /// A weighted sum with constant weights.
    Layer,
    /// Arithmetic with an integer form: what it makes has a scale of its own.
    Arithmetic,
    /// A function of one element, which becomes a table.
    Table,
    /// A function of elements of several tensors, in fixed point.
    Formula,
    /// A product of two tensors of which not both are known.
    Product,
    /// Several tensors in one, each brought to the scale of the whole.
    Join,
    /// Elements moved or picked: scale and zero point are those of what it reads.
    Move,
    /// Anything else: computes on floats.
    Island,
}

/// What kind of operator a node is.
pub(crate) fn form(graph: &Graph, node: Node) -> Form {
    let data = &graph.nodes[node];
    let plain = |v: Value| graph.ty(v).dtype == DType::F32 && !graph.ty(v).is_quantized();
    let result = data.outputs[0];
    if !plain(result) || graph.ty(result).shape.elements() == 0 {
        return Form::Island;
    }
    let all_plain = data.inputs.iter().all(|&v| plain(v));
    let constant = |v: Value| graph.const_of(v).is_some();
    let finite = |v: Value| match graph.const_of(v) {
        Some(tensor) => tensor.data.as_f32().is_some_and(|values| values.iter().all(|x| x.is_finite())),
        None => true,
    };
    let known = |v: Value| constant(v) && finite(v);
    match &data.op {
        Op::Conv2d(_) | Op::Dense(_) if all_plain && !constant(data.inputs[0]) => {
            if known(data.inputs[1]) && known(data.inputs[2]) { Form::Layer } else { Form::Island }
        }
        Op::Add(_) | Op::Mul(_) | Op::AvgPool2d(_) | Op::Softmax(_) | Op::Clamp(_)
            if all_plain && data.inputs.iter().all(|&v| finite(v)) =>
        {
            Form::Arithmetic
        }
        Op::Map(_) if all_plain && data.inputs.len() == 1 => Form::Table,
        Op::Map(map) if all_plain && data.inputs.iter().all(|&v| finite(v)) && fixed::supports(&map.f) => {
            Form::Formula
        }
        Op::Matmul(_) if all_plain && data.inputs.iter().all(|&v| finite(v)) => Form::Product,
        Op::Concat(_) if all_plain && data.inputs.iter().all(|&v| finite(v)) => Form::Join,
        Op::MaxPool2d(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Strided(_) if all_plain => Form::Move,
        // Which ones, is known.
        Op::Gather(_) if plain(data.inputs[0]) && constant(data.inputs[1]) => Form::Move,
        Op::Pad(pad) if all_plain && pad.value == 0.0 => Form::Move,
        _ => Form::Island,
    }
}

/// What a value is only moved of.
pub(super) fn unmoved(graph: &Graph, mut value: Value) -> Value {
    while let Some((node, data)) = graph.node_of(value)
        && form(graph, node) == Form::Move
    {
        value = data.inputs[0];
    }
    value
}
