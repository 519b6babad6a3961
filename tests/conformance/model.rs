//! One node test: its model with parameters bound to constants, its inputs and what it expects.

use crate::archive::{Archive, Entry};
use crate::parameters::is_parameter;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tinyc_frontend::onnx::proto::{
    GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use tinyc_frontend::onnx::{self, Options};
use tinyc_ir::{Diagnostic, Tensor};

/// A test as it is on disk, with its parameters bound.
pub(crate) struct NodeTest {
    /// The model's bytes.
    pub(crate) model: Vec<u8>,
    /// Names the graph after the test and gives the shapes that it leaves open.
    pub(crate) options: Options,
    /// The tolerance of floats.
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
    /// What is supplied at run time, by name; an error where the type has no tensor here.
    pub(crate) inputs: BTreeMap<String, Result<Tensor, Diagnostic>>,
    /// The outputs, in the model's order.
    pub(crate) expected: Vec<Result<Tensor, Diagnostic>>,
    /// All operators of the model, in bodies of control flow too; with their domain before a dot unless it is the
    /// standard one.
    pub(crate) operators: BTreeSet<String>,
}

impl NodeTest {
    /// Reads a test.
    pub(crate) fn read(archive: &Archive, entry: &Entry) -> Self {
        let folder = archive.folder.join(&entry.name);
        let mut model: ModelProto = decode(&folder.join("model.onnx"));
        let graph = model.graph.as_mut().unwrap();
        let parameters = match twin(entry) {
            Some(twin) => match std::fs::read(archive.folder.join(twin).join("model.onnx")) {
                Ok(bytes) => parameters(&ModelProto::decode(&*bytes).unwrap().graph.unwrap()),
                // The operator itself is excluded; its operands are all data.
                Err(_) => BTreeSet::new(),
            },
            None => parameters(graph),
        };
        let mut inputs = BTreeMap::new();
        let mut options = Options { name: format!("{}.onnx", entry.name), ..Options::default() };
        let set = folder.join("test_data_set_0");
        for (i, info) in graph.input.iter().enumerate() {
            let path = set.join(format!("input_{i}.pb"));
            if parameters.contains(info.name()) {
                let stored: TensorProto = decode(&path);
                graph.initializer.push(TensorProto { name: Some(info.name().into()), ..stored });
                continue;
            }
            let tensor = tensor(&path);
            if let Ok(tensor) = &tensor
                && is_open(info)
            {
                options.shapes.insert(info.name().into(), tensor.shape.to_vec());
            }
            inputs.insert(info.name().into(), tensor);
        }
        let mut expected: Vec<_> =
            (0..graph.output.len()).map(|i| tensor(&set.join(format!("output_{i}.pb")))).collect();
        if let (Some(Ok(input)), Some(Ok(stored))) = (inputs.values().next(), expected.first_mut())
            && let Some(exact) = crate::exact::expected(&entry.name, input, stored)
        {
            *stored = exact;
        }
        let mut operators = BTreeSet::new();
        collect_operators(&graph.node, &mut operators);
        let (relative, absolute) = (entry.relative, entry.absolute);
        let model = model.encode_to_vec();
        Self { model, options, relative, absolute, inputs, expected, operators }
    }
}

/// The test that an expanded one spells out: `test_x` of `test_x_expanded_ver18`. Their inputs have the same names.
fn twin(entry: &Entry) -> Option<&str> {
    entry.expanded.then(|| entry.name.split("_expanded").next()).flatten()
}

fn decode<M: Message + Default>(path: &Path) -> M {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    M::decode(&*bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn tensor(path: &Path) -> Result<Tensor, Diagnostic> {
    onnx::read_tensor(&decode(path))
}

/// Names of the inputs that nodes read as parameters and nothing else.
fn parameters(graph: &GraphProto) -> BTreeSet<String> {
    let reads = |name: &str| {
        let operands = graph.node.iter().flat_map(|node| {
            node.input.iter().enumerate().map(move |(i, operand)| (node.op_type(), i, operand.as_str()))
        });
        operands.filter(move |(_, _, operand)| *operand == name).collect::<Vec<_>>()
    };
    let is_bound = |name: &&str| {
        let reads = reads(name);
        !reads.is_empty() && reads.iter().all(|&(operator, i, _)| is_parameter(operator, i))
    };
    graph.input.iter().map(ValueInfoProto::name).filter(is_bound).map(str::to_owned).collect()
}

/// Whether the model leaves a dimension of an input, or all of them, open.
fn is_open(info: &ValueInfoProto) -> bool {
    let ty = info.r#type.as_ref().and_then(|ty| ty.value.as_ref());
    let Some(type_proto::Value::TensorType(ty)) = ty else { return false };
    // The importer takes 0 for "any", as exporters write it; here it is a size.
    let is_fixed = |value: &Option<tensor_shape_proto::dimension::Value>| matches!(value, Some(tensor_shape_proto::dimension::Value::DimValue(size)) if *size > 0);
    ty.shape.as_ref().is_none_or(|shape| shape.dim.iter().any(|dim| !is_fixed(&dim.value)))
}

fn collect_operators(nodes: &[NodeProto], found: &mut BTreeSet<String>) {
    for node in nodes {
        found.insert(match node.domain() {
            "" | "ai.onnx" => node.op_type().into(),
            domain => format!("{domain}.{}", node.op_type()),
        });
        for body in node.attribute.iter().filter_map(|a| a.g.as_ref()) {
            collect_operators(&body.node, found);
        }
    }
}
