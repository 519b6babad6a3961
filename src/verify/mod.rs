//! The proof on the spot: runs what was emitted, unchanged, on a simulated machine with the target's core, and compares
//! every byte that it computes with the reference evaluator.
//!
//! What is compared:
//! - outputs of every sample: machine against `eval` of the reference graph;
//! - for the traced samples, each surviving tensor: machine against `eval` of the optimised graph, and tensors that both
//!   graphs have: one `eval` against the other.
//!
//! Objects run in the built-in simulator, which needs nothing else and sees every access to memory. The independent
//! check, and the only one for C, is QEMU, with a firmware that GCC builds. Rust runs there, too, and on this computer.

mod code;
mod compare;
mod host;
mod machine;
mod once;
mod qemu;
mod report;
mod run;
mod rust;
pub mod shared_bench;
mod simulator;
mod trace;

pub use once::{Simulated, on_chip, simulate};
pub use report::{Cycles, Flash, Instructions, LayerTime, Mismatch, Side, Verification};
pub use rust::RustCompiler;
pub use simulator::has_simulator;

use crate::pipeline::{Compiled, Emit, Model};
use crate::wording::counted;
use compare::Expected;
use machine::Machine;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;

/// What runs, and on which machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The object, in the built-in simulator.
    Simulator,
    /// The object, in a firmware under QEMU.
    QemuObject,
    /// The C source, compiled by GCC, in a firmware under QEMU.
    QemuC,
    /// The Rust module, compiled by rustc, in a firmware under QEMU.
    QemuRust,
    /// The Rust module, compiled by rustc for this computer.
    HostRust,
}

impl Method {
    /// What is proven: which form must have been emitted.
    pub fn emit(self) -> Emit {
        match self {
            Self::Simulator | Self::QemuObject => Emit::Obj,
            Self::QemuC => Emit::C,
            Self::QemuRust | Self::HostRust => Emit::Rust,
        }
    }
}

/// What a user may choose about a verification.
#[derive(Clone, Debug)]
pub struct Options {
    /// What runs where.
    pub method: Method,
    /// Keeps the sources, objects, ELF files and logs of a firmware in this folder, which is created.
    pub keep: Option<PathBuf>,
    /// How many samples are compared tensor by tensor. A sample whose outputs differ is traced beyond these.
    pub traced: usize,
    /// The longest that one run under QEMU may last, for each sample of it.
    pub timeout: Duration,
    /// Where GCC and QEMU are looked for, in the form of `PATH`; `None` is the process's own.
    pub path: Option<OsString>,
    /// What compiles Rust.
    pub rust: RustCompiler,
}

impl Default for Options {
    /// C under QEMU, which every target has.
    fn default() -> Self {
        let (timeout, rust) = (Duration::from_secs(120), RustCompiler::default());
        Self { method: Method::QemuC, keep: None, traced: 1, timeout, path: None, rust }
    }
}

/// Builds, runs, compares. `samples` hold one tensor per input that the user supplies, in the reference graph's
/// order; with a state they are one sequence, which starts from zeros; `progress` is told
/// what is being done.
///
/// A difference is no error: it is the result's [`mismatch`](Verification::mismatch).
///
/// # Errors
/// A form that was not emitted; samples that do not fit the model; a tool that is missing, with the way to get it; code
/// that a linker refuses or that is larger than the simulated machine's memory; code that faults, reads or writes
/// outside of its memory, returns an error or does not end.
pub fn verify(
    compiled: &Compiled,
    target: &Target,
    samples: &[Vec<Tensor>],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Verification, Diagnostics> {
    let start = Instant::now();
    check_emitted(compiled, options.method)?;
    check_samples(&compiled.model, samples)?;
    let pieces = trace::pieces(&compiled.program);
    let mut verification = Verification::new(compiled, target, options.method, samples.len());

    progress(&format!("preparing {}", target.core.name));
    let machine = Machine::new(compiled, target, options, &pieces)?;
    verification.measure_memory(&compiled.program, machine.footprint()?);

    progress(&format!("running {} on {}", counted(samples.len(), "sample"), verification.machine));
    let traced = samples.len().min(options.traced);
    // The host evaluates while the machine runs.
    let (run, expected) = std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.run(samples, traced));
        let expected = Expected::all(compiled, samples, traced);
        (running.join().expect("a machine reports its faults"), expected)
    });
    if let Some(failure) = Expected::failure(&expected) {
        let agrees = match run {
            Err(_) => "the machine stopped, too",
            Ok(_) => "the machine went on: this is a fault of tinyc, please report it",
        };
        return Err(failure.note(agrees).into());
    }
    let run = run?;
    verification.measure_time(compiled, &run);
    let outputs = compare::split_outputs(&compiled.program, &run.outputs, samples.len())?;
    verification.compare_outputs(&compiled.program, &expected, &outputs);

    let found = verification.mismatch.as_ref().map(|mismatch| mismatch.sample);
    match found.filter(|&sample| sample >= traced && options.traced > 0 && machine.traces()) {
        Some(sample) => {
            progress("tracing the sample that differs");
            // A sample of a sequence is what it is because of those before it.
            let first = if compiled.model.states.is_empty() { sample } else { 0 };
            let mut expected = Expected::all(compiled, &samples[first..=sample], usize::MAX);
            expected.iter_mut().for_each(|expected| expected.sample += first);
            let run = machine.run(&samples[first..=sample], sample + 1 - first)?;
            verification.compare_tensors(compiled, &pieces, &expected, &run.traced)?;
        }
        None if machine.traces() && traced > 0 => {
            verification.compare_tensors(compiled, &pieces, &expected[..traced], &run.traced)?;
        }
        None => {}
    }
    verification.milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(verification)
}

fn check_emitted(compiled: &Compiled, method: Method) -> Result<(), Diagnostics> {
    let emit = method.emit();
    if compiled.emit.contains(&emit) {
        return Ok(());
    }
    let message = format!("there is nothing to verify: the form `{emit}` was not emitted");
    Err(Diagnostic::error(code::NOT_EMITTED, message).help(format!("compile with `--emit {emit}`")).into())
}

fn check_samples(model: &Model, samples: &[Vec<Tensor>]) -> Result<(), Diagnostics> {
    let graph = &model.reference;
    let supplied: Vec<_> = model.states.supplied(graph).map(|(_, value)| value).collect();
    let mut problems = Diagnostics::default();
    if samples.is_empty() {
        problems.push(Diagnostic::error(code::SAMPLE, "there is no sample to verify with"));
    }
    for (i, inputs) in samples.iter().enumerate() {
        if inputs.len() != supplied.len() {
            let need = counted(supplied.len(), "input");
            let message = format!("sample {i} has {}, the model {need}", counted(inputs.len(), "input"));
            problems.push(Diagnostic::error(code::SAMPLE, message));
            continue;
        }
        for (tensor, &value) in inputs.iter().zip(&supplied) {
            let ty = graph.ty(value);
            if (tensor.dtype(), &tensor.shape) != (ty.dtype, &ty.shape) {
                let name = &graph.values[value].name;
                problems.push(
                    Diagnostic::error(code::SAMPLE, format!("sample {i} does not fit input \"{name}\""))
                        .note(format!("the model takes {}{}", ty.dtype, ty.shape))
                        .note(format!("the sample has {}{}", tensor.dtype(), tensor.shape)),
                );
            }
        }
    }
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}
