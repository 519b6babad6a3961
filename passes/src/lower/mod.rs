//! From the graph to loops: one file per operator or kernel, then the memory plan.
//!
//! Schedules are plain but decent: four outputs at a time, borders by loop bounds, no padded copies.

pub mod compact;
pub mod concat;
pub mod conv2d;
pub mod convert;
pub mod cumulative;
pub mod depthwise;
pub mod division;
pub mod elementwise;
pub mod gather;
pub mod im2col;
pub mod layer;
pub mod map;
pub mod matmul;
pub mod memory;
pub mod movement;
pub mod nest;
pub mod packed;
pub mod pad;
pub mod pool;
pub mod reduce;
pub mod regions;
pub mod requant;
pub mod rows;
pub mod sample;
pub mod scatter;
pub mod softmax;
pub mod state;
pub mod strided;
pub mod sum;
pub mod suppress;
pub mod tile;
pub mod top_k;
pub mod tree_ensemble;
mod tree_keys;
mod tree_leaves;
pub mod tree_tables;
pub mod weighted_sum;
pub mod window;

use crate::plan::Packing;
use layer::{Layer, identifier, unique};
use memory::Views;
use regions::Regions;
use state::Kept;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::program::Face;
use tinyc_ir::loops::{Buffer, BufferData, Place, Program};
use tinyc_ir::wording::counted;
use tinyc_ir::{Def, Diagnostic, Diagnostics, Graph, Node, Op, Origin, Tensor, TensorType, Value};

/// What the target's core can do, as far as schedules depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Has saturating shifts (`SSAT`, `USAT`).
    pub saturate: bool,
    /// Has the packed 16-bit multiplies (`SMLAD`) and byte unpacking (`SXTB16`).
    pub dsp: bool,
    /// General registers that can hold values; 0 if it is not known, which is taken as few.
    pub registers: u32,
}

/// A lowered network and its memory plan.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The kernels, buffers and calls.
    pub program: Program,
    /// How the arena was packed.
    pub memory: Memory,
}

/// The memory plan of a program, for reports.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// No plan of these kernels in this order can do with fewer bytes.
    pub lower_bound: u32,
    /// How the packing was found and whether it is proven minimal.
    pub packing: Packing,
    /// The origin of the layer at which most bytes are alive.
    pub peak: Option<Origin>,
    /// Names and bytes of what is alive there.
    pub alive: Vec<(String, u32)>,
    /// For each call, the bytes of what is alive in it.
    pub alive_bytes: Vec<u32>,
}

/// Why a node has no kernel.
#[derive(Clone, Debug)]
pub struct Unsupported {
    /// What the node has that no kernel takes.
    pub what: String,
}

impl Unsupported {
    /// A reason, worded to follow "does not support".
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// The state of lowering: the graph, the program so far, and where each tensor lies.
pub struct Lowering<'a> {
    /// What is lowered.
    pub graph: &'a Graph,
    /// Inputs and outputs that are no business of the user's, because the one becomes the other.
    kept: Vec<Kept>,
    program: Program,
    features: Features,
    regions: Regions,
    buffers: Vec<Option<Buffer>>,
    views: Views,
    /// For each value, the last node that needs its memory.
    needed: Vec<usize>,
}

/// Lowers a verified graph. Everything that has no kernel is reported at once.
pub fn lower(graph: &Graph, features: Features) -> Result<Lowered, Diagnostics> {
    lower_with_states(graph, features, &[])
}

/// As [`lower`], for a network that keeps some of its outputs as inputs of the next run.
pub fn lower_with_states(graph: &Graph, features: Features, kept: &[Kept]) -> Result<Lowered, Diagnostics> {
    let mut lowering = Lowering {
        graph,
        kept: kept.to_vec(),
        program: Program { name: identifier(&graph.name), ..Program::default() },
        features,
        regions: Regions::new(graph),
        buffers: vec![None; graph.values.len()],
        views: Views::new(),
        needed: strided::needed(graph),
    };
    lowering.place_inputs();
    lowering.place_states();
    lowering.place_outputs();
    let mut problems = Diagnostics::default();
    for node in graph.nodes.keys() {
        if let Err(unsupported) = lowering.node(node) {
            problems.push(lowering.report(node, &unsupported));
            // A place for the missing result lets the nodes behind it be checked, too.
            lowering.result(node);
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    lowering.copy_outputs();
    lowering.update_states();
    let (mut program, views) = (lowering.program, lowering.views);
    let memory = memory::plan(&mut program, &views);
    Ok(Lowered { program, memory })
}

impl<'a> Lowering<'a> {
    fn place_inputs(&mut self) {
        let kept: Vec<usize> = self.kept.iter().map(|kept| kept.input).collect();
        let supplied = self.graph.inputs.iter().enumerate().filter(|(i, _)| !kept.contains(i));
        for (i, (_, &value)) in supplied.enumerate() {
            let buffer = self.add_buffer(value, Place::Input(i as u32));
            self.program.buffers[buffer].face = Some(face(self.graph.ty(value)));
            self.program.inputs.push(buffer);
            self.buffers[value.index()] = Some(buffer);
        }
    }

    /// The outputs that the user receives.
    fn received(&self) -> Vec<Value> {
        let kept = |i: &usize| self.kept.iter().any(|kept| kept.output == *i);
        let outputs = self.graph.outputs.iter().enumerate();
        outputs.filter(|(i, _)| !kept(i)).map(|(_, &value)| value).collect()
    }

    /// A computed output is written where the user wants it; an input or constant that is an output is copied at the end.
    fn place_outputs(&mut self) {
        for (i, value) in self.received().into_iter().enumerate() {
            let buffer = self.add_buffer(value, Place::Output(i as u32));
            self.program.buffers[buffer].face = Some(face(self.graph.ty(value)));
            self.program.outputs.push(buffer);
            if matches!(self.graph.values[value].def, Def::Node(..)) && self.buffers[value.index()].is_none()
            {
                self.buffers[value.index()] = Some(buffer);
            }
        }
    }

    /// Copies outputs that are inputs, constants or other outputs.
    fn copy_outputs(&mut self) {
        for (i, value) in self.received().into_iter().enumerate() {
            let output = self.program.outputs[i];
            if self.graph.ty(value).shape.elements() == 0 {
                continue;
            }
            let source = self.buffer(value);
            if source != output {
                let comment = counted(self.graph.ty(value).shape.elements(), "element");
                let origin = Origin { name: self.graph.values[value].name.clone(), onnx: None };
                let mut layer = Layer::new(&mut self.program, self.features, origin, "copy".into(), comment);
                movement::copy(&mut layer, source, output);
                layer.finish(0);
            }
        }
    }

    fn node(&mut self, node: Node) -> Result<(), Unsupported> {
        let (arguments, result) = self.node_types(node);
        if self.regions.is_absorbed(node) || result.shape.elements() == 0 {
            return Ok(());
        }
        if arguments.iter().all(|t| t.shape.elements() == 0) {
            return self.constant_result(node);
        }
        match &self.graph.nodes[node].op {
            Op::Conv2d(op) => conv2d::lower(self, node, op),
            Op::Dense(op) => {
                let x = &self.graph.ty(self.graph.nodes[node].inputs[0]).shape;
                rows::lower(self, node, op.act, x[0], x[1], "dense")
            }
            Op::AvgPool2d(op) => pool::average(self, node, op),
            Op::MaxPool2d(op) => pool::max(self, node, &op.window),
            Op::Add(op) => elementwise::add(self, node, op.act),
            Op::Mul(op) => elementwise::mul(self, node, op.act),
            Op::Clamp(op) => elementwise::clamp(self, node, op.act),
            Op::Requantize(op) => elementwise::requantize(self, node, op.act),
            Op::Softmax(_) => softmax::lower(self, node),
            Op::Reshape(_) => movement::reshape(self, node),
            Op::Transpose(op) => movement::transpose(self, node, op),
            Op::Pad(op) => pad::lower(self, node, op),
            Op::Quantize(_) => convert::quantize(self, node),
            Op::Dequantize(_) => convert::dequantize(self, node),
            Op::Map(op) => map::lower(self, node, &op.f),
            Op::Reduce(op) => reduce::lower(self, node, op),
            Op::Cumulative(op) => cumulative::lower(self, node, op),
            Op::Matmul(_) => matmul::lower(self, node),
            Op::Strided(op) => strided::lower(self, node, op),
            Op::Concat(op) => concat::lower(self, node, op),
            Op::Gather(_) => gather::lower(self, node),
            Op::Scatter(op) => scatter::lower(self, node, op),
            Op::TopK(op) => top_k::lower(self, node, op),
            Op::TreeEnsemble(op) => tree_ensemble::lower(self, node, op),
            Op::Sample(op) => sample::lower(self, node, op),
            Op::Compact(_) => compact::lower(self, node),
            Op::Suppress(op) => suppress::lower(self, node, op),
        }
    }

    /// What a node makes of arguments that all have no elements is known: a sum of none, padding alone.
    fn constant_result(&mut self, node: Node) -> Result<(), Unsupported> {
        let (types, ty) = self.node_types(node);
        let nothing: Vec<Tensor> = types.iter().map(|ty| Tensor::without_elements(ty)).collect();
        let arguments: Vec<_> = types.into_iter().zip(&nothing).collect();
        let tensor = self.graph.nodes[node].op.eval(&arguments, ty);
        let value = self.graph.nodes[node].outputs[0];
        let source =
            layer::flash(&mut self.program, &identifier(&self.graph.values[value].name), tensor.data);
        match self.buffers[value.index()] {
            None => self.buffers[value.index()] = Some(source),
            Some(target) => {
                let comment = counted(ty.shape.elements(), "element");
                let mut layer = self.layer(node, "copy".into(), comment);
                movement::copy(&mut layer, source, target);
                layer.finish(0);
            }
        }
        Ok(())
    }

    fn report(&self, node: Node, unsupported: &Unsupported) -> Diagnostic {
        let data = &self.graph.nodes[node];
        let mut diagnostic = Diagnostic::error(
            220,
            format!("{} does not support {}", data.op.name(), unsupported.what),
        )
        .at(format!("{node}, {}", data.origin))
        .help("please report the model: `tinyc inspect` prints the graph that the report should contain");
        for (i, &input) in data.inputs.iter().enumerate() {
            diagnostic = diagnostic.note(format!("argument {i} has type {}", self.graph.ty(input)));
        }
        diagnostic
    }

    fn add_buffer(&mut self, value: Value, place: Place) -> Buffer {
        let data = &self.graph.values[value];
        let taken = |name: &str| self.program.buffers.values().any(|b| b.name == name);
        let (scalar, len, packed) = layer::memory(data.ty.dtype, data.ty.shape.elements());
        let buffer = BufferData {
            name: unique(&identifier(&data.name), taken),
            scalar,
            len,
            align: data.ty.dtype.size() as u32,
            place,
            packed,
            tensor: Some(data.name.clone()),
            face: None,
        };
        self.program.buffers.push(buffer)
    }

    /// The buffer that holds a value; constants come to lie in flash when first asked for.
    fn buffer(&mut self, value: Value) -> Buffer {
        if let Some(buffer) = self.buffers[value.index()] {
            return buffer;
        }
        let tensor = self.graph.const_of(value).expect("nodes are lowered in topological order");
        let buffer =
            layer::flash(&mut self.program, &identifier(&self.graph.values[value].name), tensor.data.clone());
        self.buffers[value.index()] = Some(buffer);
        buffer
    }

    /// Whether a buffer lies in the arena, where its alignment is ours to choose.
    fn is_arena(&self, buffer: Buffer) -> bool {
        matches!(self.program.buffers[buffer].place, Place::Arena(_)) && !self.views.contains_key(&buffer)
    }

    /// The buffer that the result of a node's region goes to: the user's, or a new one in the arena.
    fn result(&mut self, node: Node) -> Buffer {
        let value = self.regions.result(self.graph, node);
        if let Some(buffer) = self.buffers[value.index()] {
            return buffer;
        }
        let buffer = self.add_buffer(value, Place::Arena(0));
        self.buffers[value.index()] = Some(buffer);
        buffer
    }

    /// Memory that only one layer uses; planned like any tensor.
    fn scratch(&mut self, name: &str, ty: &TensorType) -> Buffer {
        let taken = |name: &str| self.program.buffers.values().any(|b| b.name == name);
        let (scalar, len, packed) = layer::memory(ty.dtype, ty.shape.elements());
        let buffer = BufferData {
            name: unique(name, taken),
            scalar,
            len,
            align: ty.dtype.size() as u32,
            place: Place::Arena(0),
            packed,
            tensor: None,
            face: None,
        };
        self.program.buffers.push(buffer)
    }

    /// The buffers of a node's first argument and its result.
    fn data_buffers(&mut self, node: Node) -> (Buffer, Buffer) {
        (self.buffer(self.graph.nodes[node].inputs[0]), self.result(node))
    }

    fn layer(&mut self, node: Node, name: String, comment: String) -> Layer<'_> {
        let origin = self.graph.nodes[node].origin.clone();
        Layer::new(&mut self.program, self.features, origin, name, comment)
    }

    fn macs(&self, node: Node) -> u64 {
        let data = &self.graph.nodes[node];
        data.op.macs(&self.graph.types(&data.inputs), self.graph.ty(data.outputs[0]))
    }

    /// The types of a node's arguments and of its result.
    fn node_types(&self, node: Node) -> (Vec<&'a TensorType>, &'a TensorType) {
        let graph = self.graph;
        let data = &graph.nodes[node];
        (graph.types(&data.inputs), graph.ty(data.outputs[0]))
    }
}

fn face(ty: &TensorType) -> Face {
    Face { shape: ty.shape.to_vec(), quant: ty.quant.as_ref().and_then(|q| q.tensor_wide()) }
}
