//! The driver: from messages to a graph, collecting every problem on the way.

use super::builder::{Builder, Slot};
use super::inline::Importer;
use super::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use super::signature::Declared;
use super::{
    Imported, Options, captures, code, dynamic, external, minifloat, model, order, quantization, signature,
    tensor,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tinyc_ir::{DType, Diagnostic, Diagnostics, Tensor, TensorType, Value};

/// After this many errors the rest is counted, not told.
const MAX_ERRORS: usize = 100;

/// Imports a model; see [`super::import`].
pub(super) fn import(bytes: &[u8], options: &Options) -> Result<Imported, Diagnostics> {
    let mut model = model::decode(bytes).map_err(|d| Diagnostics::from(d.at(&*options.name)))?;
    let dynamic_layers = match (&mut model.graph, options.fixed_ranges) {
        (Some(graph), true) => dynamic::undo(graph),
        (Some(graph), false) => dynamic::count(graph),
        (None, _) => 0,
    };
    let imported = Run::whole(&model, options, false).finish()?;
    Ok(Imported { dynamic_layers, ..imported })
}

/// What the importer finds out about a tensor.
pub(super) struct Seen {
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// The numbers of what is known at compile time, as far as it looks like a shape: integers, and few.
    pub(super) numbers: Option<Arc<Tensor>>,
}

/// Elements that a shape has at most.
const SHAPE_ELEMENTS: usize = 1024;

/// Follows the types through a model as far as possible. Behind what cannot be imported it goes on with declared types.
pub(super) fn survey(model: &ModelProto, options: &Options) -> BTreeMap<String, Seen> {
    let run = Run::whole(model, options, true);
    let build = &run.build;
    let seen = |(name, slot): (&String, &Slot)| {
        let (ty, numbers) = match slot {
            Slot::Unknown => return None,
            Slot::Constant(tensor) => {
                (TensorType::new(tensor.dtype(), tensor.shape.clone()), Some(Arc::clone(tensor)))
            }
            Slot::Value(value) => {
                let ty = build.graph.ty(*value).clone();
                let short = ty.shape.elements() <= SHAPE_ELEMENTS;
                let numbers = short.then(|| build.numbers(*value)).flatten();
                (ty, numbers)
            }
        };
        let shape_like = |tensor: &Arc<Tensor>| {
            [DType::I64, DType::I32, DType::Bool].contains(&ty.dtype)
                && tensor.shape.elements() <= SHAPE_ELEMENTS
        };
        let numbers = numbers.filter(shape_like);
        Some((name.clone(), Seen { dtype: ty.dtype, shape: ty.shape.to_vec(), numbers }))
    };
    build.slots.iter().filter_map(seen).collect()
}

impl<'m> Run<'m> {
    /// Imports as much as can be imported. A survey takes the declared types of what cannot.
    fn whole(model: &'m ModelProto, options: &Options, survey: bool) -> Self {
        let graph = model.graph.as_ref().expect("decode refuses models without a graph");
        let file = if options.name.is_empty() { graph.name().to_string() } else { options.name.clone() };
        let opsets = model::opsets(model);
        let names = tensor_names(graph);
        let mut build = Builder::new(graph_name(&file), names);
        build.outputs = graph.output.iter().map(|info| info.name().to_owned()).collect();
        build.opsets = opsets.iter().map(|(&domain, &version)| (domain.to_owned(), version)).collect();
        build.functions = model.functions.iter().cloned().map(Arc::new).collect();
        build.base_dir.clone_from(&options.base_dir);
        let mut used: BTreeSet<&str> = graph.node.iter().flat_map(captures::reads).collect();
        used.extend(graph.output.iter().map(ValueInfoProto::name));
        let declared =
            if survey { graph.value_info.iter().chain(&graph.output).collect() } else { Vec::new() };
        let declared = declared.into_iter().map(|info: &ValueInfoProto| (info.name(), info)).collect();
        let mut run = Self {
            file,
            graph,
            opsets,
            used,
            build,
            declared,
            diagnostics: Diagnostics::default(),
            unreported: 0,
        };
        let order = run.check_names();
        run.constants();
        run.inputs(options, &order);
        for &index in &order {
            run.node(index);
        }
        run.outputs();
        run
    }
}

/// One import.
struct Run<'m> {
    file: String,
    graph: &'m GraphProto,
    opsets: BTreeMap<&'m str, i64>,
    /// Every tensor that a node reads or the user receives.
    used: BTreeSet<&'m str>,
    build: Builder,
    /// The types that stand in for results of nodes that fail; none, unless this is a survey.
    declared: BTreeMap<&'m str, &'m ValueInfoProto>,
    diagnostics: Diagnostics,
    unreported: usize,
}

impl<'m> Run<'m> {
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.0.len() < MAX_ERRORS {
            self.diagnostics.push(diagnostic);
        } else {
            self.unreported += 1;
        }
    }

    fn place(&self, what: &str, name: &str) -> String {
        format!("{}, {what} {name:?}", self.file)
    }

    fn node_place(&self, index: usize) -> String {
        let node = &self.graph.node[index];
        let domain = model::domain(node.domain());
        let opset = self.opsets.get(domain).map_or("no opset".to_string(), |v| format!("opset {v}"));
        let prefix = if domain.is_empty() { String::new() } else { format!("{domain}.") };
        format!("{}, node {index} {:?} ({prefix}{}, {opset})", self.file, node_name(node), node.op_type())
    }

    /// Reports names that two things have, and cycles; returns the order in which nodes are imported.
    fn check_names(&mut self) -> Vec<usize> {
        let graph = self.graph;
        let is_standard = |node: &NodeProto| model::domain(node.domain()).is_empty();
        if !self.opsets.contains_key("") && graph.node.iter().any(is_standard) {
            let file = self.file.clone();
            self.report(
                Diagnostic::error(
                    code::INCOMPLETE,
                    "the model does not name its version of the standard operator set",
                )
                .at(file)
                .help("add it to opset_import with onnx.helper.make_opsetid(\"\", 13)"),
            );
        }
        let mut makers: BTreeMap<&str, String> = BTreeMap::new();
        for init in &graph.initializer {
            let maker = self.place("initializer", init.name());
            if makers.insert(init.name(), maker.clone()).is_some() {
                self.report(Diagnostic::error(code::NAME_TWICE, "two initializers have this name").at(maker));
            }
        }
        let mut inputs = BTreeSet::new();
        for input in &graph.input {
            if !inputs.insert(input.name()) {
                let place = self.place("input", input.name());
                self.report(Diagnostic::error(code::NAME_TWICE, "two inputs have this name").at(place));
            }
        }
        for name in inputs {
            let maker = self.place("input", name);
            makers.entry(name).or_insert(maker);
        }
        for (index, node) in graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|n| !n.is_empty()) {
                let place = self.node_place(index);
                if let Some(first) = makers.insert(name, place.clone()) {
                    let message = format!("tensor {name:?} is made twice");
                    self.report(
                        Diagnostic::error(code::NAME_TWICE, message)
                            .at(place)
                            .note(format!("first by {first}")),
                    );
                }
            }
        }
        let order = order::sort(&graph.node);
        if !order.cycle.is_empty() {
            let names: Vec<String> =
                order.cycle.iter().map(|&i| format!("{:?}", node_name(&graph.node[i]))).take(8).collect();
            let more = if order.cycle.len() > names.len() { " → …" } else { "" };
            let message = format!("{} nodes wait for each other's results", order.cycle.len());
            let place = self.node_place(order.cycle[0]);
            let note = format!("the cycle is {}{more} → {}", names.join(" → "), names[0]);
            self.report(Diagnostic::error(code::CYCLE, message).at(place).note(note));
            let sorted: BTreeSet<usize> = order.nodes.iter().copied().collect();
            for index in (0..graph.node.len()).filter(|i| !sorted.contains(i)) {
                self.give_up(index);
            }
        }
        order.nodes
    }

    /// Reads the initializers and `Constant` nodes that something uses.
    fn constants(&mut self) {
        let graph = self.graph;
        let base_dir = self.build.base_dir.clone();
        for init in &graph.initializer {
            if !self.used.contains(init.name()) {
                continue;
            }
            let slot = match tensor::read_stored(init, base_dir.as_deref()) {
                Ok((tensor, format)) => {
                    self.build.mark(init.name(), format);
                    Slot::Constant(Arc::new(tensor))
                }
                Err(diagnostic) => {
                    let place = self.place("initializer", init.name());
                    self.report(diagnostic.at(place));
                    Slot::Unknown
                }
            };
            self.build.slots.insert(init.name().to_owned(), slot);
        }
        for sparse in &graph.sparse_initializer {
            let name = sparse.values.as_ref().map_or("", |v| v.name());
            if self.used.contains(name) {
                let place = self.place("initializer", name);
                let message = "sparse initializers are not supported";
                self.report(
                    Diagnostic::error(code::TENSOR_DATA, message).at(place).help("store the tensor densely"),
                );
                self.build.slots.insert(name.to_owned(), Slot::Unknown);
            }
        }
        for (index, node) in graph.node.iter().enumerate() {
            if node.op_type() == "Constant" && model::domain(node.domain()).is_empty() {
                self.node(index);
            }
        }
    }

    /// Adds the inputs: what the user supplies, without the initializers that old files list too.
    fn inputs(&mut self, options: &Options, order: &[usize]) {
        let graph = self.graph;
        let stored: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name()).collect();
        let inputs: Vec<&ValueInfoProto> =
            graph.input.iter().filter(|i| !stored.contains(i.name())).collect();
        for name in options.shapes.keys().filter(|name| !inputs.iter().any(|i| i.name() == name.as_str())) {
            let known: Vec<String> = inputs.iter().map(|i| format!("{:?}", i.name())).collect();
            let message = format!("a shape is given for {name:?}, which is not an input");
            let diagnostic = Diagnostic::error(code::GIVEN_SHAPE, message).at(&*self.file);
            self.report(diagnostic.help(format!("the inputs are {}", known.join(", "))));
        }
        let bindings = signature::bindings(&inputs, options);
        let stated = quantization::stated(&graph.node, order, &mut self.build);
        for info in inputs {
            if self.build.slots.contains_key(info.name()) {
                continue; // reported: its name is another's
            }
            match signature::resolve(info, options, &bindings) {
                Ok((mut ty, format)) => {
                    self.build.mark(info.name(), format);
                    if quantization::is_storage(ty.dtype) {
                        ty.quant = stated.get(info.name()).cloned();
                    }
                    self.build.input(info.name(), ty);
                }
                Err(diagnostic) => {
                    let place = self.place("input", info.name());
                    self.report(diagnostic.at(place));
                    self.build.slots.insert(info.name().to_owned(), Slot::Unknown);
                }
            }
        }
    }

    /// The results of a node that is not imported are unknown; who needs them is silent about it.
    fn give_up(&mut self, index: usize) {
        let bindings = BTreeMap::new();
        for name in self.graph.node[index].output.iter().filter(|n| !n.is_empty()) {
            let info = self.declared.get(name.as_str());
            match info.map(|info| signature::resolve(info, &Options::default(), &bindings)) {
                Some(Ok((ty, format))) => {
                    self.build.mark(name, format);
                    self.build.input(name, ty);
                }
                _ => drop(self.build.slots.insert(name.to_owned(), Slot::Unknown)),
            }
        }
    }

    /// Imports one node, or reports what is wrong with it.
    fn node(&mut self, index: usize) {
        let node = &self.graph.node[index];
        if node.output.first().is_some_and(|name| self.build.slots.contains_key(name.as_str())) {
            return; // a constant that is known already, or a name that was reported
        }
        if let Err(diagnostic) = self.try_node(index, node) {
            if let Some(diagnostic) = diagnostic {
                let mut diagnostic = diagnostic.at(self.node_place(index));
                diagnostic.notes.extend(self.operand_notes(node));
                self.report(diagnostic);
            }
            self.give_up(index);
        }
    }

    /// The error is `None` if the node only suffers from what was reported.
    fn try_node(&mut self, index: usize, node: &'m NodeProto) -> Result<(), Option<Diagnostic>> {
        let importer = self.importer(node)?;
        let mut suffers = false;
        let reads = captures::reads(node);
        for &name in &reads {
            match self.build.slots.get(name) {
                Some(Slot::Unknown) => suffers = true,
                Some(_) => {}
                None => {
                    let message = format!("{} reads {name:?}, which nothing makes", node.op_type());
                    return Err(Some(Diagnostic::error(code::NAME_UNKNOWN, message)));
                }
            }
        }
        if !minifloat::takes(node) && reads.iter().any(|name| self.build.minifloats.contains_key(*name)) {
            return Err(Some(minifloat::refusal(node)));
        }
        if node.output.iter().all(String::is_empty) {
            let message = format!("no result of {} has a name", node.op_type());
            return Err(Some(Diagnostic::error(code::INCOMPLETE, message)));
        }
        let imported = importer.run(node, index, &mut self.build);
        let warnings = std::mem::take(&mut self.build.warnings);
        for warning in warnings {
            let place = self.node_place(index);
            self.report(warning.at(place));
        }
        imported.map_err(|d| (d.code != code::SUFFERS).then_some(d))?;
        if suffers {
            return Err(None);
        }
        let known = |name: &str| name.is_empty() || self.build.slots.contains_key(name);
        let wanted = node
            .output
            .iter()
            .enumerate()
            .find(|(_, name)| !known(name) && self.used.contains(name.as_str()));
        match wanted {
            Some((i, name)) => {
                let message =
                    format!("result {i} of {} is not supported, but {name:?} is used", node.op_type());
                Err(Some(Diagnostic::error(code::FORM, message)))
            }
            None => Ok(()),
        }
    }

    /// The importer for a node in the model's version of the operator set.
    fn importer(&self, node: &NodeProto) -> Result<Importer, Option<Diagnostic>> {
        // A missing version of the standard set is reported once for the model.
        Importer::of(node, &self.build).map_err(|d| (d.code != code::SUFFERS).then_some(d))
    }

    /// The facts about a node's operands that help to understand an error.
    fn operand_notes(&self, node: &NodeProto) -> Vec<String> {
        let note = |(i, name): (usize, &String)| match self.build.slots.get(name.as_str())? {
            Slot::Value(value) => {
                Some(format!("input {i} {name:?} has type {}", self.build.graph.ty(*value)))
            }
            Slot::Constant(tensor) => {
                Some(format!("input {i} {name:?} has type {}{} (constant)", tensor.dtype(), tensor.shape))
            }
            Slot::Unknown => None,
        };
        node.input.iter().enumerate().take(9).filter_map(note).collect()
    }

    /// Finds the model's outputs and compares their shapes with the declared ones.
    fn outputs(&mut self) {
        let graph = self.graph;
        if graph.output.is_empty() {
            let file = self.file.clone();
            self.report(Diagnostic::error(code::INCOMPLETE, "the model has no outputs").at(file));
        }
        for info in &graph.output {
            let name = info.name();
            let place = self.place("output", name);
            let value = match self.build.slots.get(name).cloned() {
                Some(Slot::Value(value)) => Ok(value),
                Some(Slot::Constant(tensor)) => self.build.constant(name, &tensor, None),
                Some(Slot::Unknown) => continue,
                None => Err(Diagnostic::error(code::NAME_UNKNOWN, "nothing makes this output")),
            };
            match value {
                Ok(value) => {
                    self.build.graph.outputs.push(value);
                    self.compare_declared(info, value, place);
                }
                Err(diagnostic) => self.report(diagnostic.at(place)),
            }
        }
        if let Err(diagnostic) = self.build.count_outputs() {
            let file = self.file.clone();
            self.report(diagnostic.at(file));
        }
    }

    fn compare_declared(&mut self, info: &ValueInfoProto, value: Value, place: String) {
        let Ok(Declared { dims: Some(dims), .. }) = signature::declared(info) else { return };
        let shape = &self.build.graph.ty(value).shape;
        let fits = dims.len() == shape.rank()
            && dims.iter().zip(shape.iter()).all(|(d, &s)| !matches!(d, signature::Dim::Fixed(f) if *f != s));
        if !fits {
            let message = format!(
                "the model declares shape {}, but its nodes compute {shape}",
                signature::spell(&dims)
            );
            self.report(Diagnostic::warning(code::DECLARED_SHAPE, message).at(place));
        }
    }

    fn finish(mut self) -> Result<Imported, Diagnostics> {
        if self.unreported > 0 {
            let message = format!("{} more messages are left out", self.unreported);
            self.diagnostics.push(Diagnostic::error(code::TOO_MANY, message).at(self.file));
        }
        if self.diagnostics.has_errors() {
            return Err(self.diagnostics);
        }
        Ok(Imported {
            graph: self.build.graph,
            warnings: self.diagnostics,
            opset: self.opsets.get("").copied().unwrap_or(0),
            nodes: self.graph.node.len(),
            dynamic_layers: 0,
            data_files: external::files(self.graph).into_iter().map(PathBuf::from).collect(),
        })
    }
}

/// A node's name, or its first result's.
fn node_name(node: &NodeProto) -> &str {
    if node.name().is_empty() { node.output.first().map_or("", String::as_str) } else { node.name() }
}

/// All tensor names of the model, which helper values must keep clear of.
fn tensor_names(graph: &GraphProto) -> BTreeSet<String> {
    let inputs = graph.input.iter().map(ValueInfoProto::name);
    let initializers = graph.initializer.iter().map(|t| t.name());
    let results = graph.node.iter().flat_map(|n| &n.output).map(String::as_str);
    inputs.chain(initializers).chain(results).map(str::to_string).collect()
}

/// The graph's name: the file's stem with everything that is not a letter, digit or underscore replaced.
fn graph_name(file: &str) -> String {
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("model_{name}")
    } else {
        name
    }
}
