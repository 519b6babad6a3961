//! Why an operator of a float graph stays on floats.

use super::{Form, Plan, Precision, Precisions, form};
use crate::quantize::fixed;
use tinyc_ir::graph::{Def, Node};
use tinyc_ir::{Graph, Op};

/// The reason, as the end of a sentence that begins with the operator; `None` if it computes on integers, or on no floats at all.
pub fn why(graph: &Graph, plan: &Plan, precisions: &Precisions, node: Node) -> Option<&'static str> {
    let data = &graph.nodes[node];
    let float = |v| graph.ty(v).dtype.is_float();
    let known = |v| graph.const_of(v).is_some();
    if plan.is_integer(node) || !data.inputs.iter().chain(&data.outputs).any(|&v| float(v)) {
        return None;
    }
    if precisions.get(&node) == Some(&Precision::Float) {
        return Some("was asked to");
    }
    let from_floats = data.inputs.iter().any(|&v| match graph.values[v].def {
        Def::Node(node, _) => !plan.is_integer(node),
        _ => false,
    });
    Some(match (form(graph, node), &data.op) {
        (Form::Island, Op::Conv2d(_) | Op::Dense(_)) => "has weights that are computed, or not finite",
        (Form::Island, Op::Map(map)) if data.inputs.len() > 1 && !fixed::supports(&map.f) => {
            "is a function of several tensors with more than sums, products, limits, sigmoid and tanh"
        }
        (Form::Island, Op::Quantize(_) | Op::Dequantize(_)) => "converts",
        (Form::Island, _) if data.inputs.iter().any(|&v| !float(v)) => "reads other numbers than floats",
        (Form::Island, _) if data.inputs.iter().all(|&v| known(v)) => "is computed from constants",
        (Form::Island, _) => "has no form on integers",
        _ if from_floats => "reads what is made on floats",
        _ => "makes what only floats are made of",
    })
}
