//! Which tensors of a float graph become integers, and which of them share scale and zero point.
//!
//! Layers (`conv2d` and `dense` with constant weights) always compute on integers, unless the user keeps one on floats. What
//! stands between them does where all that it reads is stored as integers and what it makes is wanted as such; the rest are
//! islands of floats, which read and write floats. What a tensor's range is, is not decided here. Nor is which parts of unrolled steps
//! belong together: [`steps`] says that.

pub mod apart;
mod form;
mod precision;
pub mod reason;
pub mod squares;
mod steps;

use form::unmoved;
pub(crate) use form::{Form, form};
pub use precision::{Precision, Precisions};

use crate::lower::state::Kept;
use crate::quantize::range::Stored;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::entity::Entity;
use tinyc_ir::formula::{Formula, Term};
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::loops::UnaryOp;
use tinyc_ir::{DType, Graph, Op};

/// What a graph looks like on integers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Tensors that share scale and zero point.
    pub groups: Vec<Group>,
    /// The layers with weights that compute on integers, in the graph's order.
    pub layers: Vec<Layer>,
    /// For each value, its group.
    group: Vec<Option<usize>>,
    /// For each node, whether it computes on integers.
    integer: Vec<bool>,
    /// For some constant arguments of formulas, the group as which they are stored.
    starts: BTreeMap<(Node, usize), usize>,
    /// What the model keeps between runs, each with whether that is integers.
    states: Vec<(Kept, bool)>,
}

/// What a model keeps between runs.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// Inputs and the outputs that become them.
    pub kept: Vec<Kept>,
    /// Whether they have 16 bits, where their readers allow that.
    pub wide: bool,
}

/// Tensors that share scale and zero point.
#[derive(Clone, Debug)]
pub struct Group {
    /// The tensors, in the graph's order; not empty.
    pub values: Vec<Value>,
    /// i8, or i16 where only floats are made of them, or a layer asks for it.
    pub dtype: DType,
    /// Scale and zero point, where the operator knows them best: shares are 0 to 1.
    pub fixed: Option<Stored>,
}

/// A layer with constant weights.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The node.
    pub node: Node,
    /// What it reads.
    pub input: Value,
    /// Its weights, output channels first.
    pub weight: Value,
    /// Its bias.
    pub bias: Value,
    /// What it makes.
    pub output: Value,
}

impl Plan {
    /// The plan for a graph whose clamps are fused.
    pub fn of(graph: &Graph, precisions: &Precisions) -> Self {
        Self::keeping(graph, precisions, &States::default())
    }

    /// The same for a graph some of whose outputs are inputs of its next run: both are stored alike, as integers if they are made and read as such,
    /// else as floats.
    pub fn keeping(graph: &Graph, precisions: &Precisions, states: &States) -> Self {
        let precision = |node: Node| precisions.get(&node).copied().unwrap_or_default();
        let forms: Vec<Form> = graph
            .nodes
            .keys()
            .map(|node| match form(graph, node) {
                Form::Layer if precision(node) == Precision::Float => Form::Island,
                form => form,
            })
            .collect();
        let integer = integer_nodes(graph, &forms);
        let mut plan = Self { integer, ..Self::default() };
        plan.group_values(graph, &forms, &states.kept);
        plan.fix(graph);
        for node in graph.nodes.keys().filter(|&n| plan.integer[n.index()] && forms[n.index()] == Form::Layer)
        {
            let data = &graph.nodes[node];
            let (input, weight, bias) = (data.inputs[0], data.inputs[1], data.inputs[2]);
            plan.layers.push(Layer { node, input, weight, bias, output: data.outputs[0] });
        }
        plan.choose_types(graph, &precision, states.wide);
        plan
    }

    /// The group of a value that is stored as integers, as it is made or for those who want it so.
    pub fn group(&self, value: Value) -> Option<usize> {
        self.group[value.index()]
    }

    /// The group as which a constant argument of a formula is stored, if there is one.
    pub fn start(&self, node: Node, position: usize) -> Option<usize> {
        self.starts.get(&(node, position)).copied()
    }

    /// Whether a node computes on integers.
    pub fn is_integer(&self, node: Node) -> bool {
        self.integer[node.index()]
    }

    /// Whether an input that the model keeps is integers between runs; `None` if the user supplies it.
    pub fn kept_input(&self, input: usize) -> Option<bool> {
        self.states.iter().find(|(kept, _)| kept.input == input).map(|(_, integer)| *integer)
    }

    /// The same of an output.
    pub fn kept_output(&self, output: usize) -> Option<bool> {
        self.states.iter().find(|(kept, _)| kept.output == output).map(|(_, integer)| *integer)
    }

    /// Whether a value is made as integers: by a node on integers, or by the user.
    pub fn is_stored(&self, graph: &Graph, value: Value) -> bool {
        match graph.values[value].def {
            Def::Input => self.group(value).is_some(),
            Def::Const(_) => false,
            Def::Node(node, _) => self.is_integer(node),
        }
    }

    /// Joins values that share parameters.
    fn group_values(&mut self, graph: &Graph, forms: &[Form], kept: &[Kept]) {
        let mut parent: Vec<usize> = (0..graph.values.len()).collect();
        let uses = graph.use_counts();
        let mut stored = vec![false; graph.values.len()];
        let variable = |v: Value| graph.const_of(v).is_none();
        let mut by_weight: BTreeMap<Value, Node> = BTreeMap::new();
        for node in graph.nodes.keys().filter(|n| self.integer[n.index()]) {
            let data = &graph.nodes[node];
            let result = data.outputs[0];
            stored[result.index()] = true;
            data.inputs.iter().filter(|&&v| variable(v)).for_each(|v| stored[v.index()] = true);
            match forms[node.index()] {
                Form::Move => join(&mut parent, data.inputs[0], result),
                Form::Join => {
                    // A part that nothing else reads may as well be made the way the whole wants it.
                    let own = data.inputs.iter().filter(|&&v| {
                        uses[v.index()] == 1
                            && matches!(graph.values[v].def, Def::Node(n, _) if self.integer[n.index()])
                            && known_storage(graph, v).is_none()
                    });
                    own.for_each(|&v| join(&mut parent, v, result));
                }
                // Layers that share weights (the steps of a recurrent one) share the rest, or they could not share code.
                Form::Layer => {
                    let first = *by_weight.entry(data.inputs[1]).or_insert(node);
                    let other = &graph.nodes[first];
                    join(&mut parent, other.inputs[0], data.inputs[0]);
                    join(&mut parent, other.outputs[0], result);
                }
                _ => {}
            }
        }
        for (a, b) in steps::alike(graph, &|node| self.is_integer(node)) {
            join(&mut parent, a, b);
        }
        for &kept in kept {
            let (from, to) = (graph.inputs[kept.input], graph.outputs[kept.output]);
            let made = match graph.values[to].def {
                Def::Node(node, _) => self.integer[node.index()],
                _ => stored[to.index()],
            };
            let integer = made && stored[from.index()];
            self.states.push((kept, integer));
            if integer {
                join(&mut parent, from, to);
            }
        }
        self.group = vec![None; graph.values.len()];
        let mut by_root: BTreeMap<usize, usize> = BTreeMap::new();
        for value in graph.values.keys().filter(|v| stored[v.index()]) {
            let root = find(&mut parent, value.index());
            let index = *by_root.entry(root).or_insert_with(|| {
                self.groups.push(Group { values: Vec::new(), dtype: DType::I8, fixed: None });
                self.groups.len() - 1
            });
            self.groups[index].values.push(value);
            self.group[value.index()] = Some(index);
        }
        let starts = steps::starts(graph, &|node| self.is_integer(node));
        self.starts = starts.into_iter().filter_map(|(at, like)| Some((at, self.group(like)?))).collect();
    }

    /// Gives groups that begin with a function of known range the storage that suits it.
    fn fix(&mut self, graph: &Graph) {
        for group in &mut self.groups {
            let known: Vec<Option<Stored>> = group
                .values
                .iter()
                .filter(|&&v| !matches!(graph.node_of(v), Some((n, _)) if form(graph, n) == Form::Move))
                .map(|&v| known_storage(graph, v))
                .collect();
            if let [Some(first), rest @ ..] = known.as_slice()
                && rest.iter().all(|other| *other == Some(*first))
            {
                group.fixed = Some(*first);
            }
        }
    }

    /// Sixteen bits for what becomes floats again anyway, for gates and states, for what powers are made of, and for what a layer of that
    /// precision reads.
    fn choose_types(&mut self, graph: &Graph, precision: &dyn Fn(Node) -> Precision, wide_states: bool) {
        let mut floats_only = vec![true; self.groups.len()];
        let mut narrow = vec![false; self.groups.len()];
        let mut wide: BTreeSet<usize> = BTreeSet::new();
        let outputs = graph.outputs.iter().copied();
        let inputs = graph.inputs.iter().copied();
        for group in outputs.chain(inputs).filter_map(|v| self.group(v)) {
            floats_only[group] = false;
        }
        for node in graph.nodes.keys().filter(|&n| self.is_integer(n)) {
            let data = &graph.nodes[node];
            let form = form(graph, node);
            let is_power = matches!(&data.op, Op::Map(map) if squares::has_power(&map.f));
            for group in data.inputs.iter().filter_map(|&v| self.group(v)) {
                floats_only[group] &= form == Form::Move;
                narrow[group] |=
                    matches!(form, Form::Table | Form::Product) || matches!(data.op, Op::Softmax(_));
                if form == Form::Layer && precision(node) == Precision::Int16
                    || form == Form::Formula && is_power
                {
                    wide.insert(group);
                }
            }
            if let (Form::Table, Some(group)) = (form, self.group(data.outputs[0])) {
                narrow[group] = true;
            }
        }
        let computed = |kept: &Kept| !is_moved(graph, graph.outputs[kept.output]);
        let integers = self.states.iter().filter(|(kept, integer)| *integer && wide_states && computed(kept));
        wide.extend(integers.filter_map(|(kept, _)| self.group(graph.inputs[kept.input])));
        let gates = steps::gates(graph, &|node| self.is_integer(node));
        wide.extend(gates.into_iter().filter_map(|v| self.group(v)));
        for (index, group) in self.groups.iter_mut().enumerate() {
            if (floats_only[index] || wide.contains(&index)) && !narrow[index] && group.fixed.is_none() {
                group.dtype = DType::I16;
            }
        }
    }
}

/// Whether a value is only moved or joined of others, as a window over past inputs is: more bits would tell nothing more.
fn is_moved(graph: &Graph, value: Value) -> bool {
    graph.node_of(unmoved(graph, value)).is_none_or(|(node, _)| form(graph, node) == Form::Join)
}

/// For each node, whether it computes on integers.
fn integer_nodes(graph: &Graph, forms: &[Form]) -> Vec<bool> {
    let made = |integer: &[bool], v: Value| match graph.values[v].def {
        Def::Input => true,
        Def::Const(_) => false,
        Def::Node(node, _) => integer[node.index()],
    };
    let reads_integers = |integer: &[bool], node: Node| {
        let variable: Vec<Value> =
            graph.nodes[node].inputs.iter().copied().filter(|&v| graph.const_of(v).is_none()).collect();
        !variable.is_empty() && variable.iter().all(|&v| made(integer, v))
    };
    // Forward: what could.
    let mut integer = vec![false; graph.nodes.len()];
    for node in graph.nodes.keys() {
        integer[node.index()] = match forms[node.index()] {
            Form::Layer => true,
            Form::Island => false,
            _ => reads_integers(&integer, node),
        };
    }
    // Backward: what is of use to an integer operator or to the user.
    let mut wanted = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|v| wanted[v.index()] = true);
    for (node, data) in graph.nodes.iter().rev() {
        let at = node.index();
        let moves = forms[at] == Form::Move
            && matches!(graph.node_of(data.inputs[0]), Some((n, _)) if integer[n.index()]);
        integer[at] &= forms[at] == Form::Layer || wanted[data.outputs[0].index()] || moves;
        if integer[at] && (forms[at] != Form::Move || wanted[data.outputs[0].index()]) {
            data.inputs.iter().for_each(|v| wanted[v.index()] = true);
        }
    }
    // What lost its integer argument that way computes on floats too.
    for node in graph.nodes.keys() {
        let at = node.index();
        integer[at] &= forms[at] == Form::Layer || reads_integers(&integer, node);
    }
    integer
}

/// The storage of a result whose range the operator knows.
fn known_storage(graph: &Graph, value: Value) -> Option<Stored> {
    let (_, data) = graph.node_of(value)?;
    let share = Stored { dtype: DType::I8, scale: 1.0 / 256.0, zero_point: -128 };
    match &data.op {
        Op::Softmax(_) => Some(share),
        Op::Map(map) if data.inputs.len() == 1 => match last_function(&map.f)? {
            UnaryOp::Sigmoid => Some(share),
            UnaryOp::Tanh => Some(Stored { scale: 1.0 / 128.0, zero_point: 0, ..share }),
            _ => None,
        },
        _ => None,
    }
}

fn last_function(formula: &Formula) -> Option<UnaryOp> {
    match formula.terms().last()? {
        Term::Unary(op, _) => Some(*op),
        _ => None,
    }
}

fn find(parent: &mut [usize], at: usize) -> usize {
    let mut root = at;
    while parent[root] != root {
        root = parent[root];
    }
    parent[at] = root;
    root
}

fn join(parent: &mut [usize], a: Value, b: Value) {
    let (a, b) = (find(parent, a.index()), find(parent, b.index()));
    // The smaller one leads, so that groups come out in the graph's order.
    parent[a.max(b)] = a.min(b);
}
