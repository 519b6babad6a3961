//! Cycles by a cycle model that is not ours: the measuring harness and QEMU plugin of a folder `bench` outside of this
//! repository, where it exists. It is used for the table of the README; nothing else needs it.

use super::code;
use super::qemu::{FLAGS, cannot, run};
use super::run::Footprint;
use super::rust::{self, RustCompiler};
use crate::pipeline::{Compiled, Emit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tinyc_ir::{DType, Diagnostic, Diagnostics};
use tinyc_targets::Core;

/// What the harness calls a core: its target, its machine, its cycle model. The names of `targets/cores` come first. For
/// the cores of model `count`, it counts instructions and no cycles.
const CORES: [(&str, &str, &str, &str); 6] = [
    ("cortex-m0plus", "m0p", "mps2-an385", "m0p"),
    ("cortex-m3", "m3", "mps2-an385", "m3"),
    ("cortex-m4", "m4", "mps2-an386", "m4"),
    ("cortex-m7", "m7", "mps2-an500", "count"),
    ("cortex-m33", "m33", "mps2-an505", "count"),
    ("rv32imc", "rv32", "virt32", "rv"),
];

/// One inference on the harness's pseudo-random input, with memory that never waits. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchFigures {
    /// Instructions, exactly.
    pub instructions: u64,
    /// Cycles by the harness's model of the core's pipeline, if it has one.
    pub cycles: Option<u64>,
    /// Code of the network alone, without what a compiler's support library adds.
    pub code: u64,
    /// Stack below the call.
    pub stack: u64,
    /// Flash of the whole firmware, the harness included.
    pub flash: u64,
    /// FNV-1a hash of the output, in hexadecimal: equal hashes mean equal outputs.
    pub output_hash: String,
}

/// What is measured.
#[derive(Clone, Debug)]
pub enum Form {
    /// The C, as GCC compiles it with an option such as `-O2`.
    C(&'static str),
    /// The object.
    Object,
    /// The Rust module, as a compiler for the core's target makes it.
    Rust(RustCompiler),
}

/// Builds what was emitted for a core, the C or the object, with the harness in `folder` (which is copied, never
/// written to), and measures one inference.
///
/// # Errors
/// A form that was not emitted. A core that the harness does not know. A program with more than one input or output, or
/// with state: the harness has no place for them. A tool that is missing or fails.
pub fn measure(
    compiled: &Compiled,
    form: Form,
    core: &Core,
    folder: &Path,
) -> Result<BenchFigures, Diagnostics> {
    let needed = match form {
        Form::C(_) => Emit::C,
        Form::Object => Emit::Obj,
        Form::Rust(_) => Emit::Rust,
    };
    if !compiled.emit.contains(&needed) {
        return Err(refuse(format!("the form `{needed}` was not emitted")).into());
    }
    let Some((_, target, machine, model)) = CORES.into_iter().find(|(name, ..)| *name == core.name) else {
        return Err(refuse(format!("it does not know {}", core.name)).into());
    };
    let program = &compiled.program;
    let (&[input], &[output]) = (program.inputs.as_slice(), program.outputs.as_slice()) else {
        return Err(refuse("it measures networks of one input and one output").into());
    };
    if program.state_bytes() > 0 {
        return Err(refuse("it measures networks without state").into());
    }
    let temporary = tempfile::Builder::new().prefix("tinyc-bench-").tempdir();
    let temporary = temporary.map_err(|e| cannot("create", &std::env::temp_dir(), &e))?;
    let work = temporary.path();
    copy(folder, work)?;
    for (name, bytes) in compiled.artefacts() {
        let path = work.join(&name);
        std::fs::write(&path, &bytes).map_err(|e| cannot("write", &path, &e))?;
    }
    let plugin = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", "roi.so", "roi.c"];
    tool(work, "gcc", &plugin, "gcc")?;
    let prefix = tinyc_backends::c::prefix(program);
    let bytes = |b| program.buffers[b].bytes();
    let network = match form {
        Form::C(optimisation) => {
            compile_c(work, &prefix, core, optimisation)?;
            "network.o".to_owned()
        }
        Form::Object => format!("{prefix}.o"),
        Form::Rust(rust) => {
            compile_rust(work, compiled, core, &rust)?;
            "network.o".to_owned()
        }
    };
    let path = work.join(&network);
    let object = std::fs::read(&path).map_err(|e| cannot("read", &path, &e))?;
    let code = Footprint::of_object(&object).map_err(|error| refuse(error.to_string()))?.code;
    // The compiler's own library is beside the module's code in the archive.
    let network = if needed == Emit::Rust { "libnetwork.a".to_owned() } else { network };
    let mut arguments: Vec<String> = ["build.sh", target, "out.elf", "src/runner.c"].map(String::from).into();
    arguments.extend([
        network,
        // The markers of the region that is measured must stay one function.
        "-fno-ipa-cp".into(),
        format!("-DENTRY={prefix}_run"),
        format!("-DIN_BYTES={}", bytes(input)),
        format!("-DOUT_BYTES={}", bytes(output)),
        // An array of no elements does not exist in C.
        format!("-DARENA_BYTES={}", program.arena_bytes.max(1)),
    ]);
    if program.buffers[input].scalar == DType::F32 {
        arguments.push("-DIN_F32".into());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tool(work, "bash", &arguments, "bash")?;
    let arguments =
        ["run.py", "--machine", machine, "--model", model, "--quiet", "--json", "out.json", "out.elf"];
    tool(work, "python3", &arguments, "python3")?;
    let path = work.join("out.json");
    let text = std::fs::read_to_string(&path).map_err(|e| cannot("read", &path, &e))?;
    let figures = figures(&text).map_err(Diagnostics::from)?;
    Ok(BenchFigures { code, cycles: figures.cycles.filter(|_| model != "count"), ..figures })
}

/// Compiles the C as in a verification, and apart from the harness, whose markers must survive as functions.
fn compile_c(work: &Path, prefix: &str, core: &Core, optimisation: &str) -> Result<(), Diagnostics> {
    let source = format!("{prefix}.c");
    let mut arguments: Vec<&str> = core.gcc.flags.iter().map(String::as_str).collect();
    arguments.extend(FLAGS);
    arguments.extend([optimisation, "-c", &source, "-o", "network.o"]);
    tool(work, &core.gcc.compiler, &arguments, &core.gcc.package)
}

/// Compiles the Rust as in a verification: as an object, whose code is counted, and as an archive.
fn compile_rust(
    work: &Path,
    compiled: &Compiled,
    core: &Core,
    rust: &RustCompiler,
) -> Result<(), Diagnostics> {
    let path = work.join("network.rs");
    std::fs::write(&path, rust::library(&compiled.program)).map_err(|e| cannot("write", &path, &e))?;
    let options = super::Options::default();
    let target = Some(core.rust_target.as_str());
    let object = ["--crate-type", "lib", "--emit", "obj", "network.rs", "-o", "network.o"];
    rust.compile(work, target, &object, &options)?;
    let archive = ["--crate-type", "staticlib", "network.rs", "-o", "libnetwork.a"];
    rust.compile(work, target, &archive, &options)
}

/// The part of the harness's report that is used.
#[derive(Deserialize)]
struct BenchReport {
    total: Total,
    hn: BTreeMap<String, String>,
    flash: u64,
}

#[derive(Deserialize)]
struct Total {
    insns: u64,
    cycles: u64,
}

fn figures(json: &str) -> Result<BenchFigures, Diagnostic> {
    let report: BenchReport =
        serde_json::from_str(json).map_err(|error| refuse(format!("its report cannot be read: {error}")))?;
    let value =
        |key: &str| report.hn.get(key).ok_or_else(|| refuse(format!("its report says nothing of `{key}`")));
    let stack = value("stack_peak")?;
    Ok(BenchFigures {
        instructions: report.total.insns,
        cycles: Some(report.total.cycles),
        code: 0,
        stack: stack.parse().map_err(|_| refuse(format!("its report has a stack of `{stack}`")))?,
        flash: report.flash,
        output_hash: value("fnv")?.clone(),
    })
}

fn refuse(why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(code::BENCH, format!("the shared bench cannot measure this network: {why}"))
}

/// Runs a tool in the copied folder; what it prints is shown if it fails.
fn tool(folder: &Path, name: &str, arguments: &[&str], package: &str) -> Result<(), Diagnostics> {
    let output = run(Command::new(name).current_dir(folder).args(arguments), None, name, package)?;
    if output.status.success() {
        return Ok(());
    }
    let mut problem = refuse(format!("`{name} {}` failed", arguments.first().copied().unwrap_or_default()));
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(6)..] {
            problem = problem.note(*line);
        }
    }
    Err(problem.into())
}

/// Copies the files of a folder and of its folders.
fn copy(from: &Path, to: &Path) -> Result<(), Diagnostics> {
    let entries = std::fs::read_dir(from).map_err(|e| cannot("read", from, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| cannot("read", from, &e))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            std::fs::create_dir_all(&target).map_err(|e| cannot("create", &target, &e))?;
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target).map_err(|e| cannot("copy", &source, &e))?;
        }
    }
    Ok(())
}
