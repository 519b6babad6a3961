//! The ONNX writer: [`export`] says a [`Graph`] as an ONNX model that other tools run.
//!
//! What is quantised is written as such models are: `DequantizeLinear` in front of the float operator, `QuantizeLinear` behind it,
//! constants as integers behind `DequantizeLinear`. Images are channels-first in the file; [`order`] says which tensors
//! are images. Not here: what a model means, which is the importer's; [`export`] is its inverse as far as `eval` can tell.

mod form;
mod formula;
mod indices;
mod layers;
mod moves;
mod names;
mod order;
mod reductions;
mod strided;
mod trees;
mod writer;

use super::context::Step;
use super::proto::{
    GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_shape_proto, type_proto,
};
use super::{code, tensor};
use order::Order;
use prost::Message;
use tinyc_ir::{DType, Diagnostic, Diagnostics, Graph, Op, TensorType};
use writer::Writer;

/// The operator set of most files: the oldest that has everything the writer uses (bits of integers, reductions along
/// axes that are an operand, scatters that compare), so that ONNX Runtime from 1.14 on reads them.
const OPSET: i64 = 18;
/// The one of files with 4-bit integers or quantised 16-bit ones, which are new in it; ONNX Runtime 1.18.
const WIDE_OPSET: i64 = 21;
/// The version of trees as a table of attributes.
const TREES_OPSET: i64 = 3;

/// Writes a verified graph as the bytes of an ONNX file: opset 18, or 21 if it has 4-bit or quantised 16-bit tensors.
///
/// Inputs and outputs keep names, types and order. Quantised operators become float operators between `DequantizeLinear` and
/// `QuantizeLinear`, whose import gives the same integers again. The same graph gives the same bytes.
///
/// # Errors
/// Every node that has no equivalent in these operator sets, with its name.
pub fn export(graph: &Graph) -> Result<Exported, Diagnostics> {
    let mut problems = interface_problems(graph);
    let mut writer = Writer::new(graph);
    for node in graph.nodes.keys() {
        if let Err(diagnostic) = writer.operator(node) {
            let data = &graph.nodes[node];
            let place = format!("{}, node {:?} ({})", graph.name, data.origin.name, data.op.name());
            problems.push(diagnostic.at(place));
            writer.give_up(node);
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    for &output in &graph.outputs {
        writer.output(output).map_err(Diagnostics::from)?;
    }
    let model = model(writer);
    let nodes = model.graph.as_ref().map_or(0, |graph| graph.node.len());
    Ok(Exported { nodes, bytes: model.encode_to_vec() })
}

/// A graph as an ONNX file.
#[derive(Clone, PartialEq, Debug)]
pub struct Exported {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// How many nodes it has.
    pub nodes: usize,
}

impl Writer<'_> {
    fn operator(&mut self, node: tinyc_ir::graph::Node) -> Step<()> {
        let data = &self.graph.nodes[node];
        let (inputs, y) = (&data.inputs, data.outputs[0]);
        self.begin(&data.origin.name, y);
        match &data.op {
            Op::Conv2d(op) => self.conv2d(op, inputs, y),
            Op::Dense(op) => self.dense(op, inputs, y),
            Op::AvgPool2d(op) => self.avg_pool2d(op, inputs[0], y),
            Op::MaxPool2d(op) => self.max_pool2d(op, inputs[0], y),
            Op::Add(op) => self.pointwise("Add", op.act, inputs, y),
            Op::Mul(op) => self.pointwise("Mul", op.act, inputs, y),
            Op::Clamp(op) => self.clamp(op.act, inputs[0], y),
            Op::Softmax(_) => self.softmax(inputs[0], y),
            Op::Quantize(_) => self.quantize(inputs[0], y),
            Op::Dequantize(_) => self.dequantize(inputs[0], y),
            Op::Requantize(op) => self.clamp(op.act, inputs[0], y),
            Op::Reshape(op) => self.reshape(op, inputs[0], y),
            Op::Transpose(op) => self.transpose(op, inputs[0], y),
            Op::Pad(op) => self.pad(op, inputs[0], y),
            Op::Concat(op) => self.concat(op, inputs, y),
            Op::Strided(op) => self.strided(op, inputs[0], y),
            Op::Map(op) => self.map(op, inputs, y),
            Op::Reduce(op) => self.reduce(op, inputs[0], y),
            Op::Cumulative(op) => self.cumulative(op, inputs[0], y),
            Op::Matmul(_) => self.matmul(inputs, y),
            Op::Gather(_) => self.gather(inputs, y),
            Op::Scatter(op) => self.scatter(op, inputs, y),
            Op::TopK(op) => self.top_k(op, inputs[0], y),
            Op::Compact(_) => self.compact(inputs[0], y),
            Op::Sample(op) => self.sample(op, inputs, y),
            Op::Suppress(op) => self.suppress(op, inputs, y),
            Op::TreeEnsemble(op) => self.tree_ensemble(op, inputs, y),
        }
    }
}

/// What has no equivalent in the operator sets that are written.
fn unsayable(what: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::UNSAYABLE, what.into())
}

/// Inputs and outputs of types that the files do not have.
fn interface_problems(graph: &Graph) -> Diagnostics {
    let mut problems = Diagnostics::default();
    for &value in graph.inputs.iter().chain(&graph.outputs) {
        let data = &graph.values[value];
        if matches!(data.ty.dtype, DType::I2 | DType::U2) {
            let message = format!("{} inputs and outputs are not written", data.ty.dtype);
            let place = format!("{}, tensor {:?}", graph.name, data.name);
            problems.push(
                unsayable(message).at(place).help("ONNX has them from operator set 25 on; make it 4 bits"),
            );
        }
    }
    problems
}

fn model(writer: Writer<'_>) -> ModelProto {
    let graph = writer.graph;
    let wide = graph
        .values
        .values()
        .any(|data| data.ty.dtype.is_packed() || data.ty.is_quantized() && data.ty.dtype == DType::I16);
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: Some(domain.to_owned()),
        version: Some(version),
    };
    let mut opsets = vec![opset("", if wide { WIDE_OPSET } else { OPSET })];
    if writer.has_trees() {
        opsets.push(opset("ai.onnx.ml", TREES_OPSET));
    }
    let inputs: Vec<ValueInfoProto> =
        graph.inputs.iter().map(|&v| info(&graph.values[v].name, graph.ty(v))).collect();
    let outputs: Vec<ValueInfoProto> =
        writer.outputs.iter().map(|(name, v)| info(name, graph.ty(*v))).collect();
    let (node, initializer) = writer.used();
    ModelProto {
        ir_version: Some(if wide { 10 } else { 8 }),
        opset_import: opsets,
        producer_name: Some("tinyc".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(GraphProto {
            name: Some(graph.name.clone()),
            node,
            initializer,
            input: inputs,
            output: outputs,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn info(name: &str, ty: &TensorType) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension};
    let dim = |&size: &usize| Dimension {
        value: Some(dimension::Value::DimValue(int(size))),
        ..Dimension::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(tensor::element(ty.dtype)),
        shape: Some(TensorShapeProto { dim: ty.shape.iter().map(dim).collect() }),
    };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { value, ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

/// A size or position as ONNX has it; all are below 2^31.
fn int(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn ints(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| int(size)).collect()
}

#[cfg(test)]
mod tests;
