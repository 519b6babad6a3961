//! The graph verifier: what must hold of every graph that a front end, a pass or the text form hands on.
//!
//! - The graph has an output, and every output exists.
//! - `inputs` are exactly the values defined as inputs, each once, in ascending order.
//! - Names of values are unique and not empty.
//! - A tensor has less than 2^31 elements.
//! - A quantised type stores i8, u8, i16 or i32; its axis exists and is as long as there are scales; every zero point
//!   lies in the storage's range. (That scales are finite and above zero, [`Quant`](crate::Quant) sees to itself.)
//! - A constant has the dtype and the shape of its type, and as many elements.
//! - A node has one result. Value and node point at each other, and results are numbered in the order of the nodes.
//! - A node's arguments exist, and are defined before its result.
//! - The operator takes that many arguments of those types and makes a result of that type
//!   ([`Op::check`](crate::Op::check)).
//!
//! Whether a pass kept the *meaning* is not asked here; comparing evaluations shows that.

use crate::entity::Entity;
use crate::graph::{Def, Graph, Node, Value, ValueData};
use crate::op::quantize::check_quant;
use crate::text::print_node;
use crate::{Diagnostic, Diagnostics};
use std::collections::HashMap;

/// Checks all invariants; every violation is reported, in the order of outputs and inputs, values, nodes.
pub fn verify(graph: &Graph) -> Result<(), Diagnostics> {
    let mut verifier =
        Verifier { graph, sound: vec![true; graph.values.len()], diagnostics: Diagnostics::default() };
    verifier.interface();
    verifier.values();
    verifier.nodes();
    if verifier.diagnostics.has_errors() { Err(verifier.diagnostics) } else { Ok(()) }
}

struct Verifier<'a> {
    graph: &'a Graph,
    /// Which values have a type that operators may be asked about.
    sound: Vec<bool>,
    diagnostics: Diagnostics,
}

impl<'a> Verifier<'a> {
    fn report(&mut self, code: u16, place: String, message: impl Into<String>) -> &mut Diagnostic {
        let place = if place.is_empty() { String::new() } else { format!(", {place}") };
        let place = format!("graph {:?}{place}", self.graph.name);
        self.diagnostics.push(Diagnostic::error(code, message).at(place));
        self.diagnostics.0.last_mut().expect("just pushed")
    }

    fn interface(&mut self) {
        let graph = self.graph;
        if graph.outputs.is_empty() {
            self.report(620, String::new(), "the graph has no output");
        }
        for &output in &graph.outputs {
            if graph.values.get(output).is_none() {
                self.report(620, String::new(), format!("output {output} does not exist"));
            }
        }
        for pair in graph.inputs.windows(2) {
            if pair[0] >= pair[1] {
                let message =
                    format!("input {} is listed after {}, not in ascending order", pair[1], pair[0]);
                self.report(621, String::new(), message);
            }
        }
        for &input in &graph.inputs {
            match graph.values.get(input) {
                None => {
                    self.report(621, String::new(), format!("input {input} does not exist"));
                }
                Some(ValueData { def: Def::Input, .. }) => {}
                Some(_) => {
                    self.report(621, String::new(), format!("input {input} is not defined as an input"));
                }
            }
        }
    }

    fn values(&mut self) {
        let graph = self.graph;
        let mut names: HashMap<&str, Value> = HashMap::new();
        let mut last_node: Option<Node> = None;
        for (value, data) in graph.values.iter() {
            let place = || format!("{value} {:?}", data.name);
            if data.name.is_empty() {
                self.report(622, place(), format!("{value} has no name"));
            } else if let Some(first) = names.insert(&data.name, value) {
                self.report(622, place(), format!("{value} has the name of {first}"));
            }
            self.value_type(value, data);
            match &data.def {
                Def::Input if !graph.inputs.contains(&value) => {
                    self.report(
                        621,
                        place(),
                        format!("{value} is defined as an input and not listed as one"),
                    );
                }
                Def::Input => {}
                Def::Const(tensor) => {
                    if (tensor.dtype(), &tensor.shape) != (data.ty.dtype, &data.ty.shape) {
                        let message = format!(
                            "a constant of type {} holds a {}{} tensor",
                            data.ty,
                            tensor.dtype(),
                            tensor.shape
                        );
                        self.report(625, place(), message);
                    } else if tensor.shape.checked_elements() != Some(tensor.data.len()) {
                        let message = format!("{} elements do not fill {}", tensor.data.len(), data.ty);
                        self.report(625, place(), message);
                    }
                }
                Def::Node(node, position) => {
                    let result = graph.nodes.get(*node).and_then(|n| n.outputs.get(*position));
                    if result != Some(&value) {
                        let message = format!("{value} is not result {position} of {node}");
                        self.report(626, place(), message);
                    } else if last_node.replace(*node).is_some_and(|last| last >= *node) {
                        self.report(
                            626,
                            place(),
                            format!("{value} is not numbered in the order of the nodes"),
                        );
                    }
                }
            }
        }
    }

    /// Size and quantisation.
    fn value_type(&mut self, value: Value, data: &ValueData) {
        let place = || format!("{value} {:?}", data.name);
        if !crate::text::dims_fit(&data.ty.shape) {
            self.sound[value.index()] = false;
            self.report(623, place(), format!("{} has 2^31 elements or more", data.ty));
        } else if data.ty.is_quantized()
            && let Err(error) = check_quant(&data.ty)
        {
            self.sound[value.index()] = false;
            self.report(624, place(), error.message);
        }
    }

    fn nodes(&mut self) {
        let graph = self.graph;
        for (node, data) in graph.nodes.iter() {
            let place = || format!("{node}: {}", print_node(graph, node));
            let &[output] = &data.outputs[..] else {
                self.report(626, place(), format!("{node} has {} results, not one", data.outputs.len()));
                continue;
            };
            if !matches!(graph.values.get(output), Some(v) if matches!(v.def, Def::Node(n, 0) if n == node)) {
                self.report(626, place(), format!("result {output} is not defined by {node}"));
                continue;
            }
            if let Some(&late) = data.inputs.iter().find(|&&input| input >= output) {
                self.report(627, place(), format!("argument {late} is not defined before {output}"));
                continue;
            }
            // What is wrong with a type has been said where the value is; operators may count on sound ones.
            if !data.inputs.iter().chain([&output]).all(|v| self.sound[v.index()]) {
                continue;
            }
            if let Err(error) = data.op.check(&graph.types(&data.inputs), graph.ty(output)) {
                let facts: Vec<String> = data
                    .inputs
                    .iter()
                    .map(|&v| format!("argument {v} {:?} has type {}", graph.values[v].name, graph.ty(v)))
                    .collect();
                self.report(628, place(), error.message).notes = facts;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Clamp;
    use crate::{Activation, Origin, Quant, Tensor, TensorType};

    fn sound() -> Graph {
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([2]));
        let y = graph.node(Clamp { act: Activation::RELU }, &[x], "y", Origin::default()).unwrap();
        graph.outputs.push(y);
        graph
    }

    fn codes(graph: &Graph) -> Vec<u16> {
        verify(graph).err().map_or(Vec::new(), |d| d.0.iter().map(|d| d.code).collect())
    }

    /// What no text can say: the text form is well-formed by construction, graphs made by code need not be.
    #[test]
    fn ill_formed_graphs_are_told() {
        assert_eq!(codes(&sound()), [0u16; 0]);
        let changed = |change: &dyn Fn(&mut Graph)| {
            let mut graph = sound();
            change(&mut graph);
            codes(&graph)
        };
        assert_eq!(changed(&|g| g.outputs = vec![Value::new(9)]), [620]);
        assert_eq!(changed(&|g| g.inputs.clear()), [621]);
        assert_eq!(changed(&|g| g.inputs.push(Value::new(9))), [621]);
        assert_eq!(changed(&|g| g.inputs.push(Value::new(1))), [621]);
        assert_eq!(changed(&|g| g.inputs.push(Value::new(0))), [621]);
        assert_eq!(changed(&|g| g.values[Value::new(1)].def = Def::Node(Node::new(7), 0)), [626, 626]);
        assert_eq!(changed(&|g| g.values[Value::new(1)].def = Def::Node(Node::new(0), 1)), [626, 626]);
        assert_eq!(changed(&|g| g.nodes[Node::new(0)].outputs.clear()), [626, 626]);
        assert_eq!(changed(&|g| g.nodes[Node::new(0)].inputs = vec![Value::new(1)]), [627]);
        assert_eq!(changed(&|g| g.nodes[Node::new(0)].inputs = vec![Value::new(8)]), [627]);
        assert_eq!(changed(&|g| g.nodes[Node::new(0)].inputs.clear()), [628]);
        assert_eq!(changed(&|g| g.values[Value::new(1)].ty.shape = [1 << 40].into()), [623]);
        let constant = |ty: [usize; 1], tensor: &Tensor| {
            let data = ValueData {
                name: "c".into(),
                ty: TensorType::f32(ty),
                def: Def::Const(tensor.clone().into()),
            };
            changed(&|g| {
                g.values.push(data.clone());
            })
        };
        let mut tensor = Tensor::f32([3], vec![0.0; 3]);
        assert_eq!(constant([3], &tensor), [0u16; 0]);
        assert_eq!(constant([2], &tensor), [625]);
        tensor.shape = [4].into();
        assert_eq!(constant([4], &tensor), [625]);
        let quant = Quant::per_axis(3, vec![1.0], vec![0]).unwrap();
        let add_input = |g: &mut Graph| {
            g.input("q", TensorType::quantized(crate::DType::I8, [1], quant.clone()));
        };
        assert_eq!(changed(&add_input), [624]);
    }

    #[test]
    fn results_follow_the_order_of_nodes() {
        let mut graph = sound();
        let x = graph.inputs[0];
        let z = graph.node(Clamp { act: Activation::RELU6 }, &[x], "z", Origin::default()).unwrap();
        let y = graph.outputs[0];
        for (value, node) in [(y, 1), (z, 0)] {
            graph.values[value].def = Def::Node(Node::new(node), 0);
            graph.nodes[Node::new(node)].outputs = vec![value];
        }
        assert_eq!(codes(&graph), [626]);
    }
}
