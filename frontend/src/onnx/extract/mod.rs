//! Cuts a small model out of a large one, to be sent in a report: [`extract`].
//!
//! It works on the messages of the file, so that a model can be cut whose import fails. What the importer finds out
//! about types on the way is used where it is known.

mod select;
mod strip;
mod types;

use super::proto::{FunctionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use super::{Options, captures, code, importer, model, order, tensor};
use prost::Message;
use select::Choice;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::{Diagnostic, Diagnostics};
use types::Types;

/// What is cut out, and how.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Nodes, by their name or by the name of a result.
    pub nodes: Vec<String>,
    /// Tensors that become inputs; none: back to what is known or supplied. Not beside `nodes`.
    pub from: Vec<String>,
    /// Tensors that become outputs; none: the model's. Not beside `nodes`.
    pub to: Vec<String>,
    /// Replace weights by pseudo-random data of the same type, shape and range.
    pub strip_weights: bool,
}

/// A model that was cut out.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// The bytes of the ONNX file.
    pub bytes: Vec<u8>,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many nodes the whole model has.
    pub of: usize,
    /// Its inputs with their types, as text.
    pub inputs: Vec<(String, String)>,
    /// Its outputs with their types, as text.
    pub outputs: Vec<(String, String)>,
    /// How many tensors were replaced.
    pub stripped: usize,
    /// What the user should know.
    pub warnings: Diagnostics,
}

/// See [`super::extract_file`].
pub(super) fn extract(
    bytes: &[u8],
    options: &Options,
    selection: &Selection,
) -> Result<Extracted, Diagnostics> {
    let place = |d: Diagnostic| Diagnostics::from(d.at(&*options.name));
    let whole = model::decode(bytes).map_err(place)?;
    let graph = whole.graph.as_ref().expect("decode refuses models without a graph");
    let choice = select::choose(graph, selection).map_err(place)?;
    let seen = importer::survey(&whole, &importer_options(options, graph));
    let mut cut = Cut {
        graph,
        types: Types::new(graph, &seen, options),
        made: choice.nodes.iter().flat_map(|&i| &graph.node[i].output).map(String::as_str).collect(),
        result: GraphProto { name: Some(graph.name().to_owned()), ..GraphProto::default() },
        problems: Diagnostics::default(),
    };
    cut.nodes(&choice);
    cut.operands(options)?;
    cut.outputs(&choice);
    cut.annotations();
    let Cut { result, mut problems, .. } = cut;
    problems.0.iter_mut().for_each(|problem| problem.place.clone_from(&options.name));
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(finish(&whole, result, problems, selection))
}

/// The importer takes shapes of inputs only.
fn importer_options(options: &Options, graph: &GraphProto) -> Options {
    let mut options = options.clone();
    options.shapes.retain(|name, _| graph.input.iter().any(|info| info.name() == name));
    options
}

/// The cut graph and what it is cut from.
struct Cut<'m> {
    graph: &'m GraphProto,
    types: Types<'m>,
    /// What the kept nodes make.
    made: BTreeSet<&'m str>,
    result: GraphProto,
    problems: Diagnostics,
}

impl<'m> Cut<'m> {
    /// The kept nodes, each behind what it reads.
    fn nodes(&mut self, choice: &Choice) {
        let mut nodes: Vec<NodeProto> = choice.nodes.iter().map(|&i| self.graph.node[i].clone()).collect();
        for node in &mut nodes {
            node.device_configurations.clear();
        }
        let order = order::sort(&nodes).nodes;
        let sorted: BTreeSet<usize> = order.iter().copied().collect();
        let rest = (0..nodes.len()).filter(|i| !sorted.contains(i));
        self.result.node = order.iter().copied().chain(rest).map(|i| nodes[i].clone()).collect();
    }

    /// Constants and inputs, in the order in which they are read first.
    fn operands(&mut self, options: &Options) -> Result<(), Diagnostics> {
        let graph = self.graph;
        let stored: BTreeMap<&str, usize> =
            graph.initializer.iter().enumerate().map(|(i, t)| (t.name(), i)).collect();
        let sparse: BTreeMap<&str, usize> = (graph.sparse_initializer.iter().enumerate())
            .filter_map(|(i, s)| Some((s.values.as_ref()?.name(), i)))
            .collect();
        let declared: BTreeMap<&str, &ValueInfoProto> = graph.input.iter().map(|i| (i.name(), i)).collect();
        let mut done = BTreeSet::new();
        let reads: Vec<String> =
            self.result.node.iter().flat_map(captures::reads).map(str::to_owned).collect();
        for name in reads.iter().map(String::as_str) {
            if self.made.contains(name) || !done.insert(name) {
                continue;
            }
            if let Some(&index) = stored.get(name) {
                let mut tensor = graph.initializer[index].clone();
                strip::load(&mut tensor, options.base_dir.as_deref()).map_err(|d| {
                    Diagnostics::from(d.at(format!("{}, initializer {name:?}", options.name)))
                })?;
                self.result.initializer.push(tensor);
                // Old files list them as inputs too, and must.
                self.result.input.extend(declared.get(name).map(|&info| info.clone()));
            } else if let Some(&index) = sparse.get(name) {
                self.result.sparse_initializer.push(graph.sparse_initializer[index].clone());
            } else if let Some(tensor) = self.types.numbers(name) {
                self.result.initializer.push(tensor::write(name, &tensor));
            } else {
                match self.types.of(name) {
                    Some(info) => self.result.input.push(info),
                    None => self.problems.push(unknown_type(name)),
                }
            }
        }
        Ok(())
    }

    /// What the rest of the model reads, or the user asked for; every chain of nodes ends in an output.
    fn outputs(&mut self, choice: &Choice) {
        for name in &choice.outputs {
            let info = self.types.of(name).unwrap_or_else(|| {
                let maker = self.result.node.iter().find(|node| node.output.contains(name));
                let operand = maker.and_then(|node| node.input.iter().find(|name| !name.is_empty()));
                let like = operand.and_then(|operand| self.types.of(operand));
                let message = format!("the type of output {name:?} is not known");
                self.problems.push(
                    Diagnostic::warning(code::DECLARED_SHAPE, message)
                        .note("it is written with the element type and rank of the node's first operand")
                        .help("onnx.shape_inference.infer_shapes writes types into a model"),
                );
                types::like(name, like.as_ref())
            });
            self.result.output.push(info);
        }
    }

    /// What the file says about tensors that are kept.
    fn annotations(&mut self) {
        let outputs: BTreeSet<&str> = self.result.output.iter().map(ValueInfoProto::name).collect();
        let inner = |name: &str| self.made.contains(name) && !outputs.contains(name);
        self.result.value_info =
            self.graph.value_info.iter().filter(|info| inner(info.name())).cloned().collect();
        let known: BTreeSet<&str> = self.result.initializer.iter().map(|t| t.name()).collect();
        let annotated = self.graph.quantization_annotation.iter().filter(|a| {
            let names = a.quant_parameter_tensor_names.iter().map(|entry| entry.value());
            (self.made.contains(a.tensor_name()) || known.contains(a.tensor_name()))
                && names.into_iter().all(|name| known.contains(name))
        });
        self.result.quantization_annotation = annotated.cloned().collect();
    }
}

fn unknown_type(name: &str) -> Diagnostic {
    Diagnostic::error(code::OPEN_DIMENSION, format!("the type of {name:?}, which becomes an input, is not known"))
        .note("neither does the model declare it, nor can it be followed from the inputs to there")
        .help(format!(
            "give its shape (its elements are taken for float32), as in --shape {name}=1,3,32,32, or those of the model's inputs that are open; or let onnx.shape_inference.infer_shapes write them into the model"
        ))
}

/// The model around the cut graph.
fn finish(
    whole: &ModelProto,
    mut graph: GraphProto,
    warnings: Diagnostics,
    selection: &Selection,
) -> Extracted {
    let mut functions = called(whole, &graph);
    let stripped = if selection.strip_weights { strip::weights(&mut graph, &mut functions) } else { 0 };
    let spelled = |infos: &[ValueInfoProto]| -> Vec<(String, String)> {
        infos.iter().map(|info| (info.name().to_owned(), types::spell(info))).collect()
    };
    let stored: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name()).collect();
    let supplied: Vec<ValueInfoProto> =
        graph.input.iter().filter(|info| !stored.contains(info.name())).cloned().collect();
    let (inputs, outputs, nodes) = (spelled(&supplied), spelled(&graph.output), graph.node.len());
    let small = ModelProto {
        ir_version: whole.ir_version,
        opset_import: whole.opset_import.clone(),
        producer_name: whole.producer_name.clone(),
        producer_version: whole.producer_version.clone(),
        graph: Some(graph),
        functions,
        ..ModelProto::default()
    };
    let of = whole.graph.as_ref().map_or(0, |graph| graph.node.len());
    Extracted { bytes: small.encode_to_vec(), nodes, of, inputs, outputs, stripped, warnings }
}

/// The functions of the model that nodes call, also from bodies and from other functions, in the file's order.
fn called(whole: &ModelProto, graph: &GraphProto) -> Vec<FunctionProto> {
    let key = |f: &FunctionProto| (f.domain().to_owned(), f.name().to_owned());
    let mut open: Vec<&NodeProto> = graph.node.iter().collect();
    let mut wanted = BTreeSet::new();
    while let Some(node) = open.pop() {
        open.extend(captures::bodies(node).flat_map(|body| &body.node));
        let name = (node.domain().to_owned(), node.op_type().to_owned());
        if !wanted.contains(&name) {
            let found = whole.functions.iter().filter(|f| key(f) == name).collect::<Vec<_>>();
            if !found.is_empty() {
                open.extend(found.iter().flat_map(|f| &f.node));
                wanted.insert(name);
            }
        }
    }
    whole.functions.iter().filter(|f| wanted.contains(&key(f))).cloned().collect()
}
