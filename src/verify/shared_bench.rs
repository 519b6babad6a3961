//! Cycles by a cycle model that is not ours: the measuring harness and QEMU plugin of a folder `bench` outside of this
//! repository, where it exists. It is used for the table of the README; nothing else needs it.

use super::code;
use super::qemu::{FLAGS, OPTIMISATION, cannot, run};
use crate::budget::state_bytes;
use crate::pipeline::{Compiled, Emit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tinyc_ir::{DType, Diagnostic, Diagnostics};

/// One inference on the harness's pseudo-random input, on a Cortex-M4 with memory that never waits. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchFigures {
    /// Instructions, exactly.
    pub instructions: u64,
    /// Cycles by the model of the Cortex-M4's pipeline.
    pub cycles: u64,
    /// Stack below the call.
    pub stack: u64,
    /// Flash of the whole firmware, the harness included.
    pub flash: u64,
    /// FNV-1a hash of the output, in hexadecimal: equal hashes mean equal outputs.
    pub output_hash: String,
}

/// Builds what was emitted for a Cortex-M4, the C or the object, with the harness in `folder` (which is copied, never
/// written to), and measures one inference.
///
/// # Errors
/// A form that was not emitted, or is no code. A program with more than one input or output, or with state: the harness has no place for them. A tool that is
/// missing or fails.
pub fn cycles(compiled: &Compiled, emit: Emit, folder: &Path) -> Result<BenchFigures, Diagnostics> {
    let program = &compiled.program;
    let (&[input], &[output]) = (program.inputs.as_slice(), program.outputs.as_slice()) else {
        return Err(refuse("it measures networks of one input and one output").into());
    };
    if state_bytes(program) > 0 {
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
    let network = match emit {
        Emit::C => {
            compile_c(work, &prefix)?;
            "network.o".to_owned()
        }
        Emit::Obj => format!("{prefix}.o"),
        Emit::Asm => return Err(refuse("a listing is not measured, its object is").into()),
    };
    let mut arguments: Vec<String> = ["build.sh", "m4", "out.elf", "src/runner.c"].map(String::from).into();
    arguments.extend([
        network,
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
        ["run.py", "--machine", "mps2-an386", "--model", "m4", "--quiet", "--json", "out.json", "out.elf"];
    tool(work, "python3", &arguments, "python3")?;
    let path = work.join("out.json");
    let text = std::fs::read_to_string(&path).map_err(|e| cannot("read", &path, &e))?;
    figures(&text).map_err(Diagnostics::from)
}

/// Compiles the C as in a verification, and apart from the harness, whose markers must survive as functions.
fn compile_c(work: &Path, prefix: &str) -> Result<(), Diagnostics> {
    let core = tinyc_targets::find("cortex-m4").expect("the catalogue has the core").core;
    let source = format!("{prefix}.c");
    let mut arguments: Vec<&str> = core.gcc.flags.iter().map(String::as_str).collect();
    arguments.extend(FLAGS);
    arguments.extend([OPTIMISATION, "-c", &source, "-o", "network.o"]);
    tool(work, &core.gcc.compiler, &arguments, &core.gcc.package)
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
        cycles: report.total.cycles,
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
