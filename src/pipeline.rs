//! The whole compiler, top to bottom: [`compile`] is the way from an ONNX file to files for firmware.

use crate::budget::{self, Budget};
use crate::state::States;
use crate::wording::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use tinyc_backends::Object;
use tinyc_backends::c::File;
use tinyc_backends::{c, rust};
use tinyc_frontend::onnx;
use tinyc_ir::loops::{Place, Program};
use tinyc_ir::{Diagnostic, Diagnostics, Graph};
use tinyc_passes::graph;
use tinyc_passes::lower::{self, Features, Memory};
use tinyc_targets::{Isa, Target};

/// What the user says beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    /// The core, chip or board that the code is for.
    pub target: Target,
    /// The network's name in the emitted code; the file's stem if `None`.
    pub name: Option<String>,
    /// Shapes of inputs, for dimensions that the model leaves open.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Inputs with the outputs that they are of the run before: memory that the network keeps.
    pub states: Vec<(String, String)>,
    /// How much memory there is.
    pub budget: Budget,
    /// What is emitted, beside the header that C and objects have.
    pub emit: BTreeSet<Emit>,
    /// How the Rust module is printed.
    pub rust: rust::Options,
}

/// A form of the emitted code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Emit {
    /// `NAME.c`: C99 for any compiler.
    C,
    /// `NAME.o`: machine code that a linker takes.
    Obj,
    /// `NAME.s`: the same machine code as commented assembly text.
    Asm,
    /// `NAME.rs`: a module without `unsafe` for `include!`.
    Rust,
}

impl Emit {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::C, Self::Obj, Self::Asm, Self::Rust];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Obj => "obj",
            Self::Asm => "asm",
            Self::Rust => "rust",
        }
    }
}

impl fmt::Display for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Options {
    /// C, no limits but the target's own, all names and shapes from the model.
    pub fn new(target: Target) -> Self {
        let budget = Budget::of(&target);
        Self {
            target,
            name: None,
            shapes: BTreeMap::new(),
            states: Vec::new(),
            budget,
            emit: [Emit::C].into(),
            rust: rust::Options::default(),
        }
    }
}

/// The code of a target, or a build of tinyc, that only C and Rust are emitted with.
const NO_BACKEND: u16 = 503;

/// A model that has been read and brought into the form that everything is compared with.
#[derive(Clone)]
pub struct Model {
    /// The network as the file says it, node by node.
    pub imported: Graph,
    /// What all code is compared with: its `eval` is the truth.
    pub reference: Graph,
    /// What it keeps between runs.
    pub states: States,
    /// The version of the standard operator set that the file uses.
    pub opset: i64,
    /// How many ONNX nodes the file has.
    pub onnx_nodes: usize,
    /// How many layers measure the range of their input in each run; with [`load_fixed`], did in the file.
    pub dynamic_layers: usize,
    /// Files in the model's folder that hold data of its tensors, as paths from there.
    pub data_files: Vec<PathBuf>,
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
    /// What goes into the firmware as text: the header, and the source or listing that was asked for.
    pub files: Vec<File>,
    /// The machine code, if any form of it was asked for.
    pub object: Option<Object>,
    /// What was asked for.
    pub emit: BTreeSet<Emit>,
    /// Multiply-accumulates of the reference graph.
    pub reference_macs: u64,
    /// Multiply-accumulates that are left, constant channels gone.
    pub macs: u64,
    /// Bytes of weights and tables, exactly as they lie in flash.
    pub constant_bytes: u64,
    /// Estimated bytes of code that a compiler makes of the C; `verify` measures them.
    pub code_estimate: u64,
}

/// Compiles a model file.
///
/// # Errors
/// Everything that is wrong with the model, or by how much the budget is exceeded and where.
pub fn compile(path: &Path, options: &Options) -> Result<Compiled, Diagnostics> {
    compile_model(load(path, &options.shapes)?.keeping(&options.states)?, options)
}

/// Compiles a model that was read, and perhaps changed: quantised, say.
///
/// # Errors
/// See [`compile`].
pub fn compile_model(mut model: Model, options: &Options) -> Result<Compiled, Diagnostics> {
    if let Some(name) = &options.name {
        model.reference.name.clone_from(name);
    }
    let optimised = graph::optimise(&model.reference);
    let lowered = lower::lower_with_states(&optimised, features(&options.target), model.states.kept())?;
    let (program, memory) = (lowered.program, lowered.memory);
    let native = options.emit.iter().any(|&emit| matches!(emit, Emit::Obj | Emit::Asm));
    let object = native.then(|| object(&program, options)).transpose()?;
    let files = files(&program, object.as_ref(), options);
    let mut compiled = Compiled {
        reference_macs: graph::macs(&model.reference),
        macs: graph::macs(&optimised),
        constant_bytes: object.as_ref().map_or_else(|| constant_bytes(&program), |o| o.constant_bytes.into()),
        code_estimate: budget::code_estimate(&program),
        model,
        optimised,
        program,
        memory,
        files,
        object,
        emit: options.emit.clone(),
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
    load_as(path, shapes, false)
}

/// As [`load`], with layers that measure the range of their input in each run as float ones, whose ranges can be chosen once.
///
/// # Errors
/// See [`load`].
pub fn load_fixed(path: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Model, Diagnostics> {
    load_as(path, shapes, true)
}

fn load_as(
    path: &Path,
    shapes: &BTreeMap<String, Vec<usize>>,
    fixed_ranges: bool,
) -> Result<Model, Diagnostics> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let base_dir = path.parent().map(Path::to_path_buf);
    let imported =
        onnx::import_file(path, &onnx::Options { name, shapes: shapes.clone(), base_dir, fixed_ranges })?;
    let mut warnings = imported.warnings;
    let reference = graph::to_reference(&imported.graph, &mut warnings);
    Ok(Model {
        imported: imported.graph,
        reference,
        states: States::default(),
        opset: imported.opset,
        onnx_nodes: imported.nodes,
        dynamic_layers: imported.dynamic_layers,
        data_files: imported.data_files,
        warnings,
    })
}

impl Model {
    /// The same, with outputs that become inputs of the next run.
    ///
    /// # Errors
    /// See [`States::resolve`].
    pub fn keeping(mut self, pairs: &[(String, String)]) -> Result<Self, Diagnostics> {
        self.states = States::resolve(&self.imported, &self.reference, pairs)?;
        Ok(self)
    }
}

/// Machine code for the target's core, in each form that is asked for.
#[cfg(feature = "native")]
fn object(program: &Program, options: &Options) -> Result<Object, Diagnostics> {
    use tinyc_backends::NoObject;
    let core = &options.target.core;
    let object = tinyc_backends::compile(program, core).map_err(|error| match error {
        NoObject::Feature => no_feature("native64", "objects for 64-bit cores"),
        NoObject::Core(_) => Diagnostic::error(NO_BACKEND, error.to_string())
            .note(format!(
                "its instruction set is {}; objects are for Arm Cortex-M, AArch64 and RISC-V",
                core.architecture
            ))
            .help("`--emit c` writes C, which is there for every target"),
        #[cfg(feature = "native64")]
        NoObject::Cranelift(_) => Diagnostic::error(NO_BACKEND, error.to_string())
            .help("this is a fault of tinyc, please report it; `--emit c` is another way"),
    })?;
    if options.emit.contains(&Emit::Asm) && object.listing.is_none() {
        let message = format!("there is no listing for {}: `--emit asm` is for 32-bit cores", core.name);
        return Err(Diagnostic::error(NO_BACKEND, message)
            .note("its code is made by Cranelift, and what tinyc lists is what its own backends wrote, with cycles")
            .help("`--emit obj` and a disassembler: `objdump -d NAME.o`")
            .into());
    }
    Ok(object)
}

/// Without the native backends there is none.
#[cfg(not(feature = "native"))]
fn object(_: &Program, options: &Options) -> Result<Object, Diagnostics> {
    Err(match options.target.core.isa.is_timed() {
        true => no_feature("native", "objects and listings"),
        false => no_feature("native64", "objects for 64-bit cores"),
    }
    .into())
}

/// This build lacks a part that is not built unless asked for.
fn no_feature(feature: &str, what: &str) -> Diagnostic {
    Diagnostic::error(NO_BACKEND, format!("this build of tinyc has no {what}"))
        .note(format!("they need its feature `{feature}`, which takes longer to build"))
        .help(format!("in Cargo.toml: tinyc = {{ …, default-features = false, features = [\"{feature}\"] }}"))
}

/// The emitted text: C and its header, or the header and the listing; and the Rust module, which needs no header.
fn files(program: &Program, object: Option<&Object>, options: &Options) -> Vec<File> {
    let emit = &options.emit;
    let c_options = c::Options::default();
    let mut files = match emit.contains(&Emit::C) {
        true => c::emit(program, &c_options),
        false if object.is_some() => vec![c::header(program, &c_options)],
        false => Vec::new(),
    };
    let listing = object.and_then(|object| object.listing.as_ref());
    if let Some(text) = listing.filter(|_| emit.contains(&Emit::Asm)) {
        files.push(File { name: format!("{}.s", c::prefix(program)), text: text.clone() });
    }
    if emit.contains(&Emit::Rust) {
        files.push(rust::emit(program, &options.rust));
    }
    files
}

impl Compiled {
    /// Bytes of code: exactly, if machine code was emitted, else an estimate.
    pub fn code_bytes(&self) -> u64 {
        self.object.as_ref().map_or(self.code_estimate, |object| object.code_bytes.into())
    }

    /// Every emitted file with its name, the object among them.
    pub fn artefacts(&self) -> Vec<(String, Vec<u8>)> {
        let text = self.files.iter().map(|file| (file.name.clone(), file.text.clone().into_bytes()));
        let object = self.object.as_ref().filter(|_| self.emit.contains(&Emit::Obj));
        let object = object.map(|object| (format!("{}.o", c::prefix(&self.program)), object.elf.clone()));
        text.chain(object).collect()
    }
}

/// What lowering asks of a core.
fn features(target: &Target) -> Features {
    let core = &target.core.features;
    let registers = match target.core.isa {
        Isa::Arm | Isa::Riscv32 => core.registers,
        // Compilers load all factors of a step first, and do not hold sixteen sums besides: with the larger tiles Cranelift's code takes 2 to
        // 25 % more instructions for the networks of MLPerf Tiny, GCC's 7 to 33 %.
        Isa::Riscv64 => core.registers.min(20),
        // Cranelift holds four neighbouring sums in a vector, and half of the vectors are for what is summed.
        Isa::Aarch64 => core.vector_registers / 2 * 4,
    };
    Features { saturate: core.saturate, dsp: core.dsp, registers }
}

/// Bytes of all buffers that lie in flash.
pub(crate) fn constant_bytes(program: &Program) -> u64 {
    let flash = program.buffers.values().filter(|b| matches!(b.place, Place::Flash(_)));
    flash.map(|b| b.bytes() as u64).sum()
}

/// A warning when floats would be computed in software.
fn float_warning(program: &Program, target: &Target) -> Option<Diagnostic> {
    let count =
        program.calls.iter().filter(|call| program.kernels[call.kernel].computes_with_floats()).count();
    (count > 0 && !target.core.features.fpu_f32).then(|| {
        Diagnostic::warning(
            501,
            format!(
                "{} has no FPU, and floats are computed in {}",
                target.core.name,
                counted(count, "layer")
            ),
        )
        .note("each float operation becomes a call of some 20 to 100 cycles")
        .help("quantise the model to int8, or choose a core with an FPU (`tinyc targets`)")
    })
}
