//! Writes a graph in the text form.

use super::attrs::{AttrValue, Attrs};
use super::data::{DataPrinter, f32_text};
use crate::entity::Arena;
use crate::graph::{Def, Graph, NodeData, Value, ValueData};
use crate::{Activation, Op};
use std::fmt::{self, Write};

/// How a graph is written.
#[derive(Clone, Debug)]
pub struct PrintOptions {
    /// Constants of more elements are written as `...`, which people like and the parser refuses. Those whose elements
    /// are all equal stay.
    pub most_elements: usize,
}

impl Default for PrintOptions {
    /// Everything is written.
    fn default() -> Self {
        Self { most_elements: usize::MAX }
    }
}

/// The graph as text that [`parse_graph`](super::parse_graph) reads back as an equal graph, if the graph is valid.
pub fn print_graph(graph: &Graph) -> String {
    print_graph_with(graph, &PrintOptions::default())
}

/// The graph as text, perhaps shortened for people.
pub fn print_graph_with(graph: &Graph, options: &PrintOptions) -> String {
    let mut text = format!("graph {} {{\n", symbol(&graph.name));
    let mut data = DataPrinter::new(options.most_elements);
    for (value, ValueData { name, ty, def }) in graph.values.iter() {
        let name = quoted_unless(name, &value.to_string());
        match def {
            Def::Input => writeln!(text, "  in {value}: {ty}{name}"),
            Def::Const(tensor) => {
                writeln!(text, "  const {value}: {ty}{name} = {}", data.print(&tensor.data, "    "))
            }
            // A node is written where its first result is; a node that the value only claims is the verifier's to tell.
            Def::Node(node, 0) if graph.nodes.get(*node).is_some() => {
                writeln!(text, "  {}", node_line(&graph.values, &graph.nodes[*node], value))
            }
            Def::Node(node, position) => {
                writeln!(text, "  ; {value}: {ty}{name} = result {position} of {node}")
            }
        }
        .expect("a string takes everything");
    }
    if !graph.outputs.is_empty() {
        writeln!(text, "  out {}", list(&graph.outputs)).expect("a string takes everything");
    }
    text.push_str("}\n");
    text
}

/// One node as the text form writes it, without a line's end: `v2 = dense v0, v1, v3 {act=relu} : i8[1,4] q(0.1, 0)`.
pub fn print_node(graph: &Graph, node: crate::Node) -> String {
    let data = &graph.nodes[node];
    match data.outputs.first() {
        Some(&value) if graph.values.get(value).is_some() => node_line(&graph.values, data, value),
        _ => operation(&data.op, &data.inputs),
    }
}

fn node_line(values: &Arena<Value, ValueData>, node: &NodeData, value: Value) -> String {
    let ValueData { name, ty, .. } = &values[value];
    let mut text = format!(
        "{value} = {} : {ty}{}",
        operation(&node.op, &node.inputs),
        quoted_unless(name, &value.to_string())
    );
    if node.origin != crate::Origin::default() {
        write!(text, " {}", node.origin).expect("a string takes everything");
    }
    text
}

/// `dense v0, v1, v3 {act=relu}`.
fn operation(op: &Op, inputs: &[Value]) -> String {
    let mut text = op.name().to_string();
    if !inputs.is_empty() {
        write!(text, " {}", list(inputs)).expect("a string takes everything");
    }
    let mut attrs = Attrs::default();
    op.write_attrs(&mut attrs);
    if !attrs.0.is_empty() {
        let attrs: Vec<_> = attrs.0.iter().map(|(k, v)| format!("{k}={}", attr_value(v))).collect();
        write!(text, " {{{}}}", attrs.join(", ")).expect("a string takes everything");
    }
    text
}

fn attr_value(value: &AttrValue) -> String {
    fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
        format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(","))
    }
    match value {
        AttrValue::Int(v) => v.to_string(),
        AttrValue::Float(v) => f32_text(*v),
        AttrValue::Ints(v) => list(v, i64::to_string),
        AttrValue::Floats(v) => list(v, |x| f32_text(*x)),
        AttrValue::Bool(v) => v.to_string(),
        AttrValue::Act(act) => activation(*act),
        AttrValue::Formula(formula) => format!("({})", super::formula::print(formula)),
        AttrValue::Word(word) => word.to_string(),
    }
}

/// As `Display`, which does not tell -0.0 from 0.0.
fn activation(act: Activation) -> String {
    let same =
        |other: Activation| act.lo.to_bits() == other.lo.to_bits() && act.hi.to_bits() == other.hi.to_bits();
    if [Activation::NONE, Activation::RELU, Activation::RELU6].into_iter().any(same) {
        act.to_string()
    } else {
        format!("clamp({}, {})", f32_text(act.lo), f32_text(act.hi))
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// A space and the quoted name, unless the name is the one that is understood.
fn quoted_unless(name: &str, understood: &str) -> String {
    if name == understood { String::new() } else { format!(" {name:?}") }
}

/// `@name`, quoted where it is no word.
pub(super) fn symbol(name: &str) -> String {
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { format!("@{name}") } else { format!("@{name:?}") }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_graph(self))
    }
}
