//! The whole compiler, top to bottom: [`compile`] is the way from an ONNX file to files for firmware.

use crate::budget::{self, Budget};
use std::collections::BTreeMap;
use std::path::Path;
use tinyc_backends::c;
use tinyc_frontend::onnx;
use tinyc_ir::loops::{Place, Program};
use tinyc_ir::{Diagnostic, Diagnostics, Graph};
use tinyc_passes::graph;
use tinyc_passes::lower::{self, Features, Memory};
use tinyc_targets::Target;

/// What the user says beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    /// The core, chip or board that the code is for.
    pub target: Target,
    /// The network's name in the emitted code; the file's stem if `None`.
    pub name: Option<String>,
    /// Shapes of inputs, for dimensions that the model leaves open.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// How much memory there is.
    pub budget: Budget,
}

impl Options {
    /// No limits but the target's own, all names and shapes from the model.
    pub fn new(target: Target) -> Self {
        let budget = Budget::of(&target);
        Self { target, name: None, shapes: BTreeMap::new(), budget }
    }
}

/// A model that has been read and brought into the form that everything is compared with.
#[derive(Clone)]
pub struct Model {
    /// The network as the file says it, node by node.
    pub imported: Graph,
    /// What all code is compared with: its `eval` is the truth.
    pub reference: Graph,
    /// The version of the standard operator set that the file uses.
    pub opset: i64,
    /// How many ONNX nodes the file has.
    pub onnx_nodes: usize,
    /// What the user should know.
    pub warnings: Diagnostics,
}

/// A compiled model.
#[derive(Clone)]
pub struct Compiled {
    /// The model with its reference graph.
    pub model: Model,
    /// The graph that was lowered: the reference graph after exact passes.
    pub optimised: Graph,
    /// The kernels, buffers and calls.
    pub program: Program,
    /// The arena and the proof of its size.
    pub memory: Memory,
    /// What goes into the firmware.
    pub files: Vec<c::File>,
    /// Multiply-accumulates of the reference graph.
    pub reference_macs: u64,
    /// Multiply-accumulates that are left, constant channels gone.
    pub macs: u64,
    /// Bytes of weights and tables, exactly as they lie in flash.
    pub constant_bytes: u64,
    /// Estimated bytes of code; `verify` measures them.
    pub code_estimate: u64,
}

/// Compiles a model file.
///
/// # Errors
/// Everything that is wrong with the model, or by how much the budget is exceeded and where.
pub fn compile(path: &Path, options: &Options) -> Result<Compiled, Diagnostics> {
    let mut model = load(path, &options.shapes)?;
    if let Some(name) = &options.name {
        model.reference.name.clone_from(name);
    }
    let optimised = graph::optimise(&model.reference);
    let lowered = lower::lower(&optimised, features(&options.target))?;
    let (program, memory) = (lowered.program, lowered.memory);
    let files = c::emit(&program, &c::Options::default());
    let mut compiled = Compiled {
        reference_macs: graph::macs(&model.reference),
        macs: graph::macs(&optimised),
        constant_bytes: constant_bytes(&program),
        code_estimate: budget::code_estimate(&program),
        model,
        optimised,
        program,
        memory,
        files,
    };
    let softly = float_warning(&compiled.program, &options.target);
    compiled.model.warnings.0.extend(softly);
    budget::check(&compiled, options)?;
    Ok(compiled)
}

/// Reads a model file as far as the reference graph.
///
/// # Errors
/// Everything that is wrong with the model.
pub fn load(path: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Model, Diagnostics> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let base_dir = path.parent().map(Path::to_path_buf);
    let imported = onnx::import_file(path, &onnx::Options { name, shapes: shapes.clone(), base_dir })?;
    let mut warnings = imported.warnings;
    let reference = graph::to_reference(&imported.graph, &mut warnings);
    Ok(Model {
        imported: imported.graph,
        reference,
        opset: imported.opset,
        onnx_nodes: imported.nodes,
        warnings,
    })
}

/// What lowering asks of a core.
fn features(target: &Target) -> Features {
    let core = &target.core.features;
    Features { saturate: core.saturate, dsp: core.dsp }
}

/// Bytes of all buffers that lie in flash.
fn constant_bytes(program: &Program) -> u64 {
    let flash = program.buffers.values().filter(|b| matches!(b.place, Place::Flash(_)));
    flash.map(|b| b.bytes() as u64).sum()
}

/// A warning when floats would be computed in software.
fn float_warning(program: &Program, target: &Target) -> Option<Diagnostic> {
    let layers = program
        .calls
        .iter()
        .filter(|call| program.kernels[call.kernel].vars.values().any(|v| v.scalar.is_float()));
    let count = layers.count();
    (count > 0 && !target.core.features.fpu_f32).then(|| {
        Diagnostic::warning(
            501,
            format!("{} has no FPU, and {count} layers compute with floats", target.core.name),
        )
        .note("each float operation becomes a call of some 20 to 100 cycles")
        .help("quantise the model to int8, or choose a core with an FPU (`tinyc targets`)")
    })
}
