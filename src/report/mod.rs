//! What a compilation has come to, as plain data: the same for the printed summary, `--json` and `NAME.report.json`.
//!
//! Nothing in it depends on the machine, the time or the folders that were used. Keys are stable: new ones may come, none
//! goes or changes its meaning within a major version.

mod message;
pub mod quantization;
mod time;

pub use message::Message;
pub use time::{ChipCycles, ChipTime, Spent, Time, ZERO_WAIT};

use crate::budget::{Budget, face_bytes};
use crate::pipeline::{Compiled, Emit};
use serde::Serialize;
use std::collections::BTreeSet;
use tinyc_ir::loops::{Access, Buffer, Call, Place, Program};
use tinyc_ir::{Graph, TensorType};
use tinyc_targets::Target;

/// A finished compilation.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `"done"`; what was refused has no report.
    pub status: &'static str,
    /// The compiler's version.
    pub tinyc: &'static str,
    /// What was compiled.
    pub model: ModelPart,
    /// What it was compiled for.
    pub target: TargetPart,
    /// What the user supplies, in order.
    pub inputs: Vec<Port>,
    /// What the user receives, in order.
    pub outputs: Vec<Port>,
    /// What the network keeps between runs.
    pub states: Vec<State>,
    /// The layers in the order of execution.
    pub layers: Vec<Layer>,
    /// Multiply-accumulates of one inference.
    pub macs: Macs,
    /// What one inference takes, if machine code was emitted for a core whose timing is known.
    pub time: Option<Time>,
    /// Read-only memory.
    pub flash: Flash,
    /// Memory that is written.
    pub ram: Ram,
    /// How a float model became integers, if it was calibrated.
    #[cfg(feature = "cli")]
    pub quantization: Option<crate::quantize::QuantReport>,
    /// The declaration of the function to call in C, or the call in Rust.
    pub prototype: String,
    /// Names of the emitted files.
    pub files: Vec<String>,
    /// What the user should know.
    pub diagnostics: Vec<Message>,
}

/// What was compiled.
#[derive(Clone, Debug, Serialize)]
pub struct ModelPart {
    /// The file's name without its folder.
    pub file: String,
    /// The name in the emitted code.
    pub name: String,
    /// The version of the ONNX operator set.
    pub opset: i64,
    /// How many nodes the file has.
    pub onnx_nodes: usize,
}

/// What it was compiled for.
#[derive(Clone, Debug, Serialize)]
pub struct TargetPart {
    /// The name of the board, chip or core.
    pub name: String,
    /// The core.
    pub core: String,
    /// The chip, if it is known.
    pub chip: Option<String>,
}

/// An input or an output.
#[derive(Clone, Debug, Serialize)]
pub struct Port {
    /// The tensor's name in the model.
    pub name: String,
    /// The element's type, such as `i8`.
    pub dtype: String,
    /// The dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Bytes of the user's buffer.
    pub bytes: usize,
    /// `real = scale · (stored − zero_point)`, if the tensor is quantised.
    pub scale: Option<f32>,
    /// See `scale`.
    pub zero_point: Option<i32>,
}

/// An input that is an output of the run before.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// The input.
    pub input: Port,
    /// The output's name in the model.
    pub output: String,
}

/// One step of execution.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// The ONNX node's name, or its first output's; empty for what the compiler added.
    pub name: String,
    /// The node's position in the ONNX file.
    pub onnx: Option<u32>,
    /// The function in the emitted code; layers of equal shape share one.
    pub kernel: String,
    /// The result's element type and shape as in the text form, `i8[1,8,8,4]`.
    pub output: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of the weights and tables that it reads.
    pub weight_bytes: u64,
    /// What it takes, if machine code was emitted for a core whose timing is known.
    pub time: Option<Spent>,
}

/// Multiply-accumulates of one inference.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Macs {
    /// Of the reference graph.
    pub reference: u64,
    /// Of the emitted code, constant channels gone.
    pub emitted: u64,
}

/// Read-only memory, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Flash {
    /// Weights and tables, exactly.
    pub constant_bytes: u64,
    /// Code, estimated for C; `verify` measures it.
    pub code_bytes_estimate: u64,
    /// Code, exactly, if machine code was emitted.
    pub code_bytes: Option<u64>,
    /// What there is.
    pub limit_bytes: Option<u64>,
}

/// Memory that is written, in bytes. The stack comes on top; for C, `verify` measures it.
#[derive(Clone, Debug, Serialize)]
pub struct Ram {
    /// The arena that the caller lends for one run.
    pub arena_bytes: u32,
    /// No plan of these layers in this order needs less.
    pub arena_lower_bound: u32,
    /// Whether no smaller arena exists for these layers in this order.
    pub arena_proven_minimal: bool,
    /// The layer at which most bytes are alive.
    pub peak_layer: Option<String>,
    /// What is alive there.
    pub alive_at_peak: Vec<Alive>,
    /// The user's buffers for inputs.
    pub input_bytes: u64,
    /// The user's buffers for outputs.
    pub output_bytes: u64,
    /// What is kept between runs.
    pub state_bytes: u64,
    /// The most stack that a run takes, if machine code was emitted.
    pub stack_bytes: Option<u32>,
    /// What there is for arena, inputs, outputs and state.
    pub limit_bytes: Option<u64>,
}

/// A buffer that is alive when memory is scarcest.
#[derive(Clone, Debug, Serialize)]
pub struct Alive {
    /// The tensor's or scratch buffer's name.
    pub name: String,
    /// Its bytes.
    pub bytes: u32,
}

impl Report {
    /// Sums up a compilation. `file` is the model's name without its folder.
    pub fn new(compiled: &Compiled, file: &str, target: &Target, budget: &Budget) -> Self {
        let (model, memory, program) = (&compiled.model, &compiled.memory, &compiled.program);
        let graph = &compiled.optimised;
        let of = |value: tinyc_ir::Value| port(&graph.values[value].name, graph.ty(value));
        let inputs: Vec<Port> = model.states.supplied(graph).map(|(_, value)| of(value)).collect();
        let outputs: Vec<Port> = model.states.received(graph).map(|(_, value)| of(value)).collect();
        let kept = model.states.kept().iter();
        let states = kept.map(|kept| State {
            input: of(graph.inputs[kept.input]),
            output: model.imported.values[model.imported.outputs[kept.output]].name.clone(),
        });
        let output_bytes = outputs.iter().map(|port| port.bytes as u64).sum();
        let alive = memory.alive.iter().map(|(name, bytes)| Alive { name: name.clone(), bytes: *bytes });
        let object = compiled.object.as_ref();
        let times: Vec<Option<Spent>> = match object {
            Some(object) => object.layers.iter().map(|layer| layer.cost.map(Spent::from)).collect(),
            None => vec![None; program.calls.len()],
        };
        Self {
            status: "done",
            tinyc: env!("CARGO_PKG_VERSION"),
            model: ModelPart {
                file: file.to_owned(),
                name: program.name.clone(),
                opset: model.opset,
                onnx_nodes: model.onnx_nodes,
            },
            target: TargetPart {
                name: target.name().to_owned(),
                core: target.core.name.clone(),
                chip: target.chip.as_ref().map(|chip| chip.name.clone()),
            },
            inputs,
            outputs,
            states: states.collect(),
            layers: program
                .calls
                .iter()
                .zip(times)
                .map(|(call, time)| layer(program, &compiled.optimised, call, time))
                .collect(),
            macs: Macs { reference: compiled.reference_macs, emitted: compiled.macs },
            time: object.and_then(|object| Time::new(object, program, target)),
            flash: Flash {
                constant_bytes: compiled.constant_bytes,
                code_bytes_estimate: compiled.code_estimate,
                code_bytes: object.map(|object| object.code_bytes.into()),
                limit_bytes: budget.flash,
            },
            ram: Ram {
                arena_bytes: memory.arena_bytes,
                arena_lower_bound: memory.lower_bound,
                arena_proven_minimal: memory.packing.proof.is_optimal(),
                peak_layer: memory.peak.as_ref().map(|origin| origin.name.clone()),
                alive_at_peak: alive.collect(),
                input_bytes: face_bytes(program) - output_bytes,
                output_bytes,
                state_bytes: program.state_bytes() as u64,
                stack_bytes: object.map(|object| object.stack_bytes),
                limit_bytes: budget.ram,
            },
            #[cfg(feature = "cli")]
            quantization: None,
            prototype: prototype(compiled),
            files: compiled.artefacts().into_iter().map(|(name, _)| name).collect(),
            diagnostics: model.warnings.0.iter().map(Message::from).collect(),
        }
    }
}

fn port(name: &str, ty: &TensorType) -> Port {
    let quant = ty.quant.as_ref().and_then(|quant| quant.tensor_wide());
    Port {
        name: name.to_owned(),
        dtype: ty.dtype.to_string(),
        shape: ty.shape.to_vec(),
        bytes: ty.bytes(),
        scale: quant.map(|(scale, _)| scale),
        zero_point: quant.map(|(_, zero)| zero),
    }
}

fn layer(program: &Program, graph: &Graph, call: &Call, time: Option<Spent>) -> Layer {
    let kernel = &program.kernels[call.kernel];
    let args = || kernel.params.values().zip(&call.args).map(|(param, &buffer)| (param.access, buffer));
    // What shares bytes with others is read back to be written.
    let packed = |buffer: Buffer| program.buffers[buffer].packed.is_some();
    let writes = |access, buffer| access == Access::Write || access == Access::ReadWrite && packed(buffer);
    let result =
        args().filter(|&(access, buffer)| writes(access, buffer)).map(|(_, buffer)| buffer).next_back();
    let flash = |buffer: &Buffer| matches!(program.buffers[*buffer].place, Place::Flash(_));
    let weights: BTreeSet<Buffer> = call.args.iter().copied().filter(flash).collect();
    Layer {
        name: call.origin.name.clone(),
        onnx: call.origin.onnx,
        kernel: kernel.name.clone(),
        output: result.map(|buffer| shown(program, graph, buffer)).unwrap_or_default(),
        macs: call.macs,
        weight_bytes: weights.iter().map(|&buffer| program.buffers[buffer].bytes() as u64).sum(),
        time,
    }
}

/// A buffer's type, with the shape of the tensor that it holds.
fn shown(program: &Program, graph: &Graph, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let tensor =
        data.tensor.as_ref().and_then(|name| graph.values.values().find(|value| value.name == *name));
    match tensor {
        Some(value) => format!("{}{}", value.ty.dtype, value.ty.shape),
        None => format!("{}[{}]", data.elements().0, data.elements().1),
    }
}

/// How the network is called: the declaration in C, or the expression in Rust if there is nothing but that.
fn prototype(compiled: &Compiled) -> String {
    let program = &compiled.program;
    if compiled.emit.iter().any(|&emit| emit != Emit::Rust) {
        return tinyc_backends::c::prototype(program);
    }
    tinyc_backends::rust::call(program)
}
