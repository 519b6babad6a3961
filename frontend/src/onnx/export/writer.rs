//! The file under construction: nodes and initializers, their names, and which tensor of the file is which of the graph.

use super::form::Form;
use super::names::{self, Taken, unique};
use super::order::{Held, Order};
use crate::onnx::context::Step;
use crate::onnx::proto::attribute_proto::AttributeType;
use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use crate::onnx::tensor;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::entity::Entity;
use tinyc_ir::{DType, Data, Graph, Tensor, Value};

/// Writes a graph, node by node.
pub(super) struct Writer<'g> {
    pub(super) graph: &'g Graph,
    pub(super) held: Held,
    /// The tensors of the file that hold a value.
    pub(super) forms: BTreeMap<(Value, Form), String>,
    /// Scales and zero points of quantised values.
    pub(super) scales: BTreeMap<Value, Vec<String>>,
    /// The model's outputs.
    pub(super) outputs: Vec<(String, Value)>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// The names of values in the order in which they are held.
    names: Vec<String>,
    taken: Taken,
    node_names: Taken,
    /// What the nodes being written are named after: the graph's node, and its result.
    origin: String,
    label: String,
}

impl<'g> Writer<'g> {
    /// A file with nothing in it but the inputs.
    pub(super) fn new(graph: &'g Graph) -> Self {
        let held = Held::new(graph);
        let (names, taken) = names::choose(graph, &held);
        let input = |&v: &Value| ((v, Form::STORED), graph.values[v].name.clone());
        Self {
            forms: graph.inputs.iter().map(input).collect(),
            graph,
            held,
            scales: BTreeMap::new(),
            outputs: Vec::new(),
            nodes: Vec::new(),
            initializers: Vec::new(),
            names,
            taken,
            node_names: Taken::default(),
            origin: String::new(),
            label: String::new(),
        }
    }

    /// Says for which node of the graph the next ones are.
    pub(super) fn begin(&mut self, origin: &str, y: Value) {
        let data = &self.graph.values[y];
        self.label = if self.name(y).is_empty() { data.name.clone() } else { self.name(y).to_owned() };
        self.origin = if origin.is_empty() { self.label.clone() } else { origin.to_owned() };
    }

    /// Results of a node that cannot be written exist all the same, so that others can be looked at.
    pub(super) fn give_up(&mut self, node: tinyc_ir::graph::Node) {
        let y = self.graph.nodes[node].outputs[0];
        let name = self.name(y).to_owned();
        self.forms.insert((y, Form::stored(self.held.order(y))), name);
    }

    /// The name of a value in the order in which it is held.
    pub(super) fn name(&self, value: Value) -> &str {
        &self.names[value.index()]
    }

    /// A free name for a part of what is being written.
    pub(super) fn part(&mut self, part: &str) -> String {
        unique(&mut self.taken, &format!("{}/{part}", self.label))
    }

    /// A free name like this one.
    pub(super) fn free(&mut self, wish: &str) -> String {
        unique(&mut self.taken, wish)
    }

    /// Adds a node named after the graph's.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        let first = !self.node_names.contains(&self.origin);
        let wish = if first { self.origin.clone() } else { format!("{}/{op}", self.origin) };
        self.push(&wish, "", op, inputs, output, attributes);
    }

    /// Adds a node of another domain.
    pub(super) fn node_of(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<AttributeProto>,
    ) {
        let wish = self.origin.clone();
        self.push(&wish, domain, op, inputs, output, attributes);
    }

    /// Adds a node that stands between those of the graph, named after its result.
    pub(super) fn helper(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<AttributeProto>,
    ) {
        self.push(&format!("{output}/{op}"), "", op, inputs, output, attributes);
    }

    fn push(
        &mut self,
        name: &str,
        domain: &str,
        op: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<AttributeProto>,
    ) {
        let name = unique(&mut self.node_names, name);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(name),
            op_type: Some(op.to_owned()),
            domain: (!domain.is_empty()).then(|| domain.to_owned()),
            attribute,
            ..NodeProto::default()
        });
    }

    /// Says that the last node has another result before its first.
    pub(super) fn second_result(&mut self, first: &str) {
        if let Some(node) = self.nodes.last_mut() {
            node.output.insert(0, first.to_owned());
        }
    }

    /// Adds a node whose result is a part of what is being written.
    pub(super) fn call(
        &mut self,
        part: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.part(part);
        self.node(op, inputs, &output, attributes);
        output
    }

    /// An initializer of a free name like this one.
    pub(super) fn constant(&mut self, wish: &str, tensor: &Tensor) -> String {
        let name = self.free(wish);
        self.constant_as(&name, tensor);
        name
    }

    /// An initializer of a name that is its own.
    pub(super) fn constant_as(&mut self, name: &str, tensor: &Tensor) {
        // 2-bit integers are new in operator set 25; the same numbers fit 4 bits.
        let dtype = file_type(tensor.dtype());
        let stored = match dtype == tensor.dtype() {
            true => tensor::write(name, tensor),
            false => {
                let data = Data::from_ints(dtype, (0..tensor.data.len()).map(|i| tensor.data.int(i)));
                tensor::write(name, &Tensor::new(tensor.shape.clone(), data))
            }
        };
        self.initializers.push(stored);
    }

    /// An initializer that is a part of what is being written.
    pub(super) fn part_constant(&mut self, part: &str, tensor: &Tensor) -> String {
        let wish = format!("{}/{part}", self.label);
        self.constant(&wish, tensor)
    }

    /// A vector of 64-bit integers: shapes, axes, positions.
    pub(super) fn numbers(&mut self, part: &str, numbers: &[i64]) -> String {
        self.part_constant(part, &Tensor::new([numbers.len()], Data::I64(numbers.to_vec())))
    }

    /// A number without dimensions.
    pub(super) fn scalar(&mut self, part: &str, data: Data) -> String {
        self.part_constant(part, &Tensor::new([], data))
    }

    /// The result of `Reshape` to a shape.
    pub(super) fn reshaped(&mut self, part: &str, x: &str, shape: &[usize]) -> String {
        let dims = self.shape_operand(shape);
        let attributes = allow_zero(shape);
        self.call(part, "Reshape", &[x, &dims], attributes)
    }

    /// The operand of `Reshape` and `Expand` for a shape.
    pub(super) fn shape_operand(&mut self, shape: &[usize]) -> String {
        self.numbers("shape", &super::ints(shape))
    }

    /// The result of `Cast` to a type.
    pub(super) fn cast(&mut self, part: &str, x: &str, to: DType) -> String {
        self.call(part, "Cast", &[x], vec![int("to", tensor::element(to).into())])
    }

    /// Says that a value is an output of the model.
    pub(super) fn output(&mut self, value: Value) -> Step<()> {
        let wish = self.graph.values[value].name.clone();
        let known = |name: &str, writer: &Self| writer.outputs.iter().any(|(other, _)| other == name);
        self.begin("", value);
        let from = self.stored(value, Order::Last)?;
        let name = if known(&wish, self) { self.free(&wish) } else { wish };
        if name != from {
            self.helper("Identity", &[&from], &name, vec![]);
        }
        self.outputs.push((name, value));
        Ok(())
    }

    /// Whether there are trees among the nodes.
    pub(super) fn has_trees(&self) -> bool {
        self.nodes.iter().any(|node| node.domain.is_some())
    }

    /// The nodes and initializers that outputs need, in order. Steps of a sequence share their weights: what is stored twice becomes one.
    pub(super) fn used(self) -> (Vec<NodeProto>, Vec<TensorProto>) {
        let outputs: BTreeSet<String> = self.outputs.into_iter().map(|(name, _)| name).collect();
        let (initializers, same) = merged(self.initializers, &outputs);
        let mut needed = outputs;
        let mut kept = Vec::with_capacity(self.nodes.len());
        for mut node in self.nodes.into_iter().rev() {
            if node.output.iter().any(|name| needed.contains(name)) {
                for name in &mut node.input {
                    if let Some(first) = same.get(name) {
                        name.clone_from(first);
                    }
                }
                needed.extend(node.input.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        (kept, initializers.into_iter().filter(|t| needed.contains(t.name())).collect())
    }
}

/// Below so many bytes, a name of its own says more than is saved.
const WORTH_SHARING: usize = 64;

/// The initializers without those that hold what one before them does, and the names to take for the latter.
fn merged(all: Vec<TensorProto>, outputs: &BTreeSet<String>) -> (Vec<TensorProto>, BTreeMap<String, String>) {
    let mut kept: Vec<TensorProto> = Vec::with_capacity(all.len());
    let mut first: BTreeMap<(i32, Vec<i64>, Vec<u8>), String> = BTreeMap::new();
    let mut same = BTreeMap::new();
    for tensor in all {
        let large = tensor.raw_data().len() >= WORTH_SHARING && !outputs.contains(tensor.name());
        if large {
            let content = (tensor.data_type(), tensor.dims.clone(), tensor.raw_data().to_vec());
            match first.entry(content) {
                Entry::Occupied(before) => {
                    same.insert(tensor.name().to_owned(), before.get().clone());
                    continue;
                }
                Entry::Vacant(place) => place.insert(tensor.name().to_owned()),
            };
        }
        kept.push(tensor);
    }
    (kept, same)
}

/// The type of a tensor in the file.
pub(super) fn file_type(dtype: DType) -> DType {
    match dtype {
        DType::I2 => DType::I4,
        DType::U2 => DType::U4,
        other => other,
    }
}

/// What `Reshape` needs for a shape with zeros.
pub(super) fn allow_zero(shape: &[usize]) -> Vec<AttributeProto> {
    if shape.contains(&0) { vec![int("allowzero", 1)] } else { vec![] }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

/// An integer attribute.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

/// An attribute of integers.
pub(super) fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto { ints: values, ..attribute(name, AttributeType::Ints) }
}

/// An attribute of floats.
pub(super) fn floats(name: &str, values: Vec<f32>) -> AttributeProto {
    AttributeProto { floats: values, ..attribute(name, AttributeType::Floats) }
}

/// A text attribute.
pub(super) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

/// An attribute of texts.
pub(super) fn strings(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}
