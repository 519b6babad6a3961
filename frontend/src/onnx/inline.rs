//! Nodes inside of nodes: bodies of control flow and functions of the model become nodes of the one graph, with names of
//! their own. Not here: what decides which body is taken, and how often.

use super::builder::{Builder, Slot};
use super::captures;
use super::context::{Context, Step, suffers};
use super::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto};
use super::storage::Storage;
use super::{code, model, ops, order, tensor};
use std::collections::BTreeMap;
use std::sync::Arc;
use tinyc_ir::{Diagnostic, Tensor, Value};

/// The newest standard operator set whose operators were compared with ours.
const NEWEST_OPSET: i64 = 28;

/// The same for classical machine learning.
const NEWEST_ML_OPSET: i64 = 5;

/// Nodes that all bodies and functions may come to: they are copied for every iteration and call.
const MOST_NODES: usize = 20_000;

/// How deep bodies and functions may be nested; functions that call themselves get there.
const MOST_DEPTH: usize = 32;

/// What a node's operator stands for.
pub(super) enum Importer {
    /// An operator of the table, in a version of its operator set.
    Operator(&'static ops::OpInfo, i64),
    /// A function of the model.
    Function(Arc<FunctionProto>),
}

impl Importer {
    /// The importer of a node; the error is a silent one where the model lacks the version of the standard set.
    pub(super) fn of(node: &NodeProto, build: &Builder) -> Step<Self> {
        let domain = model::domain(node.domain());
        let called = |f: &&Arc<FunctionProto>| {
            model::domain(f.domain()) == domain
                && f.name() == node.op_type()
                && f.overload() == node.overload()
        };
        if let Some(function) = build.functions.iter().find(called) {
            return Ok(Self::Function(Arc::clone(function)));
        }
        let Some(info) = ops::find(domain, node.op_type()) else {
            return Err(ops::unsupported(domain, node.op_type()));
        };
        let Some(&opset) = build.opsets.get(domain) else {
            // ONNX Runtime, too, takes version 1 of its own operators for granted.
            return if domain.is_empty() { Err(suffers()) } else { Ok(Self::Operator(info, 1)) };
        };
        let newest = match domain {
            "" => NEWEST_OPSET,
            "ai.onnx.ml" => NEWEST_ML_OPSET,
            _ => 1,
        };
        if opset < info.since || opset > newest {
            let message = format!("{} of operator set {opset} is not supported", node.op_type());
            return Err(Diagnostic::error(code::OPSET, message).help(format!(
                "supported are versions {} to {newest}; convert the model with onnx.version_converter",
                info.since
            )));
        }
        Ok(Self::Operator(info, opset))
    }

    /// Imports a node, which is at `index` of the model or inside of what is there.
    pub(super) fn run(self, node: &NodeProto, index: usize, build: &mut Builder) -> Step<()> {
        match self {
            Self::Operator(info, opset) => {
                let mut cx = Context::new(node, index, opset, build);
                (info.import)(&mut cx)?;
                cx.follow_minifloats();
                cx.follow_extents()
            }
            Self::Function(function) => {
                let mut cx = Context::new(node, index, 1, build);
                // Its own nodes widen and narrow.
                cx.storage = Storage::default();
                call(&mut cx, &function)
            }
        }
    }
}

/// A body that can be put in place several times.
pub(super) struct Body<'g> {
    graph: &'g GraphProto,
    /// What the names of constants have become, which all copies share.
    constants: BTreeMap<String, String>,
    /// The other nodes in an order that can be imported.
    nodes: Vec<&'g NodeProto>,
}

impl<'g> Body<'g> {
    /// The body in a node's attribute, with its constants read.
    pub(super) fn new(cx: &mut Context<'_, 'g>, attribute: &str) -> Step<Self> {
        let found = cx.node.attribute.iter().find(|a| a.name() == attribute).and_then(|a| a.g.as_ref());
        let graph = found.ok_or_else(|| {
            Diagnostic::error(code::ATTRIBUTE, format!("{} lacks its body {attribute}", cx.node.op_type()))
        })?;
        if !graph.sparse_initializer.is_empty() {
            return Err(Diagnostic::error(code::TENSOR_DATA, "sparse initializers are not supported")
                .help("store the tensor densely"));
        }
        let mut constants = BTreeMap::new();
        for stored in &graph.initializer {
            let tensor = tensor::read(stored, cx.build.base_dir.as_deref())?;
            let name = cx.build.unique(&format!("{}/{}", cx.label(), stored.name()));
            cx.build.slots.insert(name.clone(), Slot::Constant(Arc::new(tensor)));
            constants.insert(stored.name().to_owned(), name);
        }
        let sorted = order::sort(&graph.node);
        if !sorted.cycle.is_empty() {
            return Err(Diagnostic::error(code::CYCLE, "nodes of a body wait for each other's results"));
        }
        let mut nodes = Vec::new();
        for node in sorted.nodes.into_iter().map(|index| &graph.node[index]) {
            if node.op_type() == "Constant" && model::domain(node.domain()).is_empty() {
                copy(cx, node, &mut constants, "")?;
            } else {
                nodes.push(node);
            }
        }
        Ok(Self { graph, constants, nodes })
    }

    /// How many inputs and results the body has.
    pub(super) fn arity(&self) -> (usize, usize) {
        (self.graph.input.len(), self.graph.output.len())
    }

    /// Adds the nodes once more, and gives the results. `tag` tells this copy from others.
    pub(super) fn put(&self, cx: &mut Context<'_, 'g>, inputs: &[Slot], tag: &str) -> Step<Vec<Slot>> {
        if inputs.len() != self.graph.input.len() {
            let message = format!("a body of {} inputs gets {}", self.graph.input.len(), inputs.len());
            return Err(Diagnostic::error(code::SHAPE, message));
        }
        let mut names = self.constants.clone();
        for (info, slot) in self.graph.input.iter().zip(inputs) {
            let name = cx.build.unique(&format!("{}/{tag}{}", cx.label(), info.name()));
            cx.build.slots.insert(name.clone(), slot.clone());
            names.insert(info.name().to_owned(), name);
        }
        enter(cx)?;
        for node in &self.nodes {
            copy(cx, node, &mut names, tag)?;
        }
        cx.build.depth -= 1;
        let results = self.graph.output.iter().map(|info| cx.slot(renamed(info.name(), &names))).collect();
        // Nobody reads the names of this copy any more.
        for (inner, name) in &names {
            if !self.constants.contains_key(inner) {
                cx.build.slots.remove(name);
            }
        }
        Ok(results)
    }
}

/// One level deeper.
fn enter(cx: &mut Context<'_, '_>) -> Step<()> {
    cx.build.depth += 1;
    if cx.build.depth > MOST_DEPTH {
        let message = format!("bodies and functions are nested more than {MOST_DEPTH} deep");
        return Err(Diagnostic::error(code::FORM, message).help("a function that calls itself has no end"));
    }
    Ok(())
}

/// Imports a node of a body or function under names of its own.
fn copy(
    cx: &mut Context<'_, '_>,
    node: &NodeProto,
    names: &mut BTreeMap<String, String>,
    tag: &str,
) -> Step<()> {
    cx.build.inlined += 1;
    if cx.build.inlined > MOST_NODES {
        let message = format!("unrolled, the bodies and functions of the model have over {MOST_NODES} nodes");
        return Err(Diagnostic::error(code::FORM, message).help("iterate less, or iterate in the firmware"));
    }
    for name in node.output.iter().filter(|name| !name.is_empty()) {
        let own = cx.build.unique(&format!("{}/{tag}{name}", cx.label()));
        names.insert(name.clone(), own);
    }
    let mut own = node.clone();
    rename(&mut own, names);
    if !node.name().is_empty() {
        own.name = Some(format!("{}/{tag}{}", cx.label(), node.name()));
    }
    let inside = |error: Diagnostic| match error.code {
        code::SUFFERS => error,
        _ => error.note(format!("inside of it, in node {:?} ({})", node.name(), node.op_type())),
    };
    let importer = Importer::of(&own, cx.build).map_err(inside)?;
    for name in captures::reads(&own) {
        match cx.build.slots.get(name) {
            Some(Slot::Unknown) => return Err(suffers()),
            Some(_) => {}
            None => {
                let message = format!("{} reads {name:?}, which nothing makes", node.op_type());
                return Err(inside(Diagnostic::error(code::NAME_UNKNOWN, message)));
            }
        }
    }
    importer.run(&own, cx.index, cx.build).map_err(inside)
}

fn renamed<'n>(name: &'n str, names: &'n BTreeMap<String, String>) -> &'n str {
    names.get(name).map_or(name, String::as_str)
}

/// Gives what a node reads and makes other names, in its bodies too, where those do not define the name themselves.
fn rename(node: &mut NodeProto, names: &BTreeMap<String, String>) {
    for name in node.input.iter_mut().chain(&mut node.output) {
        *name = renamed(name, names).to_owned();
    }
    for body in node.attribute.iter_mut().flat_map(|a| a.g.iter_mut().chain(&mut a.graphs)) {
        let mut outer = names.clone();
        captures::defines(body).into_iter().for_each(|name| drop(outer.remove(name)));
        body.node.iter_mut().for_each(|node| rename(node, &outer));
        for info in &mut body.output {
            info.name = Some(renamed(info.name(), &outer).to_owned());
        }
    }
}

/// Puts a function in the place of a node that calls it.
fn call(cx: &mut Context<'_, '_>, function: &FunctionProto) -> Step<()> {
    let mut names = BTreeMap::new();
    for (i, formal) in function.input.iter().enumerate() {
        let actual = cx.operand(i).unwrap_or_default();
        names.insert(formal.clone(), actual.to_owned());
    }
    let mut given: BTreeMap<&str, &AttributeProto> =
        function.attribute_proto.iter().map(|a| (a.name(), a)).collect();
    given.extend(cx.node.attribute.iter().map(|a| (a.name(), a)));
    let own = function.opset_import.iter().map(|o| (model::domain(o.domain()).to_owned(), o.version()));
    let around = std::mem::replace(&mut cx.build.opsets, own.collect());
    let result = enter(cx).and_then(|()| {
        let sorted = order::sort(&function.node);
        if !sorted.cycle.is_empty() {
            return Err(Diagnostic::error(code::CYCLE, "nodes of a function wait for each other's results"));
        }
        for index in sorted.nodes {
            let mut node = function.node[index].clone();
            bind(&mut node, &given);
            copy(cx, &node, &mut names, "")?;
        }
        Ok(())
    });
    cx.build.opsets = around;
    cx.build.depth -= 1;
    result?;
    for (i, formal) in function.output.iter().enumerate() {
        let slot = cx.slot(renamed(formal, &names));
        cx.give_slot(i, slot)?;
    }
    Ok(())
}

/// Replaces attributes that stand for the function's own; those that the call leaves out are left out.
fn bind(node: &mut NodeProto, given: &BTreeMap<&str, &AttributeProto>) {
    node.attribute.retain_mut(|attribute| {
        if attribute.ref_attr_name().is_empty() {
            let bodies = attribute.g.iter_mut().chain(&mut attribute.graphs);
            bodies.flat_map(|body| &mut body.node).for_each(|node| bind(node, given));
            return true;
        }
        let Some(&actual) = given.get(attribute.ref_attr_name()) else { return false };
        *attribute = AttributeProto { name: attribute.name.clone(), ..actual.clone() };
        true
    });
}

impl Context<'_, '_> {
    /// Says what result `i` is.
    pub(super) fn give_slot(&mut self, i: usize, slot: Slot) -> Step<()> {
        match slot {
            Slot::Value(value) => self.give(i, value),
            Slot::Constant(tensor) => {
                if let Some(name) = self.node.output.get(i).filter(|name| !name.is_empty()) {
                    self.build.slots.insert(name.clone(), Slot::Constant(tensor));
                }
                Ok(())
            }
            Slot::Unknown => Err(suffers()),
        }
    }

    /// A value for a slot; constants without quantisation.
    pub(super) fn value_of(&mut self, slot: &Slot, part: &str) -> Step<Value> {
        match slot {
            Slot::Value(value) => Ok(*value),
            Slot::Constant(tensor) => self.part_constant(part, Tensor::clone(tensor), None),
            Slot::Unknown => Err(suffers()),
        }
    }

    /// The one truth value in a slot, if it is known at compile time.
    pub(super) fn truth(&self, slot: &Slot) -> Step<Option<bool>> {
        let tensor = match slot {
            Slot::Constant(tensor) => Some(Arc::clone(tensor)),
            Slot::Value(value) => self.build.numbers(*value),
            Slot::Unknown => return Err(suffers()),
        };
        let Some(tensor) = tensor else { return Ok(None) };
        match tensor.data.to_ints().as_deref() {
            Some([value]) => Ok(Some(*value != 0)),
            _ => Err(Diagnostic::error(code::SHAPE, "a condition is not one truth value")),
        }
    }
}
