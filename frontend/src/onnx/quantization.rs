//! What the integers of the model's inputs and constants mean, where the operator that takes them does not say it.
//!
//! Results of nodes get their quantisation from the node; a graph input gets it from the first node behind it that
//! states one, through operators that keep the numbers as they are.

use super::attribute::axis;
use super::builder::Builder;
use super::context::Context;
use super::model;
use super::proto::NodeProto;
use std::collections::BTreeMap;
use tinyc_ir::{DType, Quant};

/// Per-tensor quantisations that nodes state, by tensor name. Nodes are visited from the last to the first, so that
/// one sweep carries a statement through any chain. What is wrong with a statement is said when its node is imported.
pub(super) fn stated<'m>(
    nodes: &'m [NodeProto],
    order: &[usize],
    build: &mut Builder,
) -> BTreeMap<&'m str, Quant> {
    let mut stated: BTreeMap<&str, Quant> = BTreeMap::new();
    for &index in order.iter().rev() {
        let node = &nodes[index];
        if let (Some(source), Some(result)) = (node.input.first(), node.output.first())
            && keeps_numbers(node)
            && let Some(quant) = stated.get(result.as_str()).cloned()
        {
            stated.insert(source, quant);
        }
        let cx = Context::new(node, index, 0, build);
        for (operand, scale, zero_point) in operands(node) {
            let Some(name) = cx.operand(operand) else { continue };
            let dtype = cx
                .operand(zero_point)
                .and_then(|_| cx.known(zero_point).ok())
                .map_or(DType::U8, |t| t.dtype());
            if let Ok(quant) = cx.quant(scale, zero_point, None, dtype) {
                stated.insert(name, quant);
            }
        }
    }
    stated
}

/// Whether an operator's first result holds the same stored numbers as its first operand.
fn keeps_numbers(node: &NodeProto) -> bool {
    model::domain(node.domain()).is_empty()
        && matches!(
            node.op_type(),
            "Reshape"
                | "Flatten"
                | "Squeeze"
                | "Unsqueeze"
                | "Transpose"
                | "Identity"
                | "MaxPool"
                | "Dropout"
                | "Pad"
                | "Clip"
        )
}

/// The operands of a node whose scale and zero point are operands too: their positions.
fn operands(node: &NodeProto) -> Vec<(usize, usize, usize)> {
    match node.op_type() {
        "DequantizeLinear"
        | "QLinearAveragePool"
        | "QLinearGlobalAveragePool"
        | "QLinearSoftmax"
        | "QLinearSigmoid"
        | "QLinearLeakyRelu"
        | "QLinearReduceMean" => vec![(0, 1, 2)],
        "QLinearConv" | "QLinearMatMul" | "QGemm" | "QLinearAdd" | "QLinearMul" => vec![(0, 1, 2), (3, 4, 5)],
        "QLinearWhere" => vec![(1, 2, 3), (4, 5, 6)],
        "QLinearConcat" => (2..node.input.len()).step_by(3).map(|i| (i, i + 1, i + 2)).collect(),
        _ => Vec::new(),
    }
}

/// Whether the graph IR's quantised types store such elements; other integers are quantised by formulas.
pub(super) fn is_storage(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::I32) || dtype.is_packed()
}

/// The axis along which a `DequantizeLinear` or `QuantizeLinear` of a tensor of `rank` dimensions is quantised.
pub(super) fn stated_axis(attribute: Option<i64>, rank: usize) -> Option<usize> {
    axis(attribute.unwrap_or(1), rank)
}
