//! The proof on the spot: builds a small firmware around the emitted C, unchanged, runs it on a simulated machine with
//! the target's core, and compares every byte that it computes with the reference evaluator.
//!
//! Two firmwares are built. The *plain* one computes all samples and measures instructions, stack, flash and RAM; the
//! *traced* one calls a hook after each layer and hands out every tensor that the layer wrote. What is compared:
//! - outputs of every sample: machine against `eval` of the reference graph;
//! - for the traced samples, each surviving tensor: machine against `eval` of the optimised graph, and tensors that both
//!   graphs have: one `eval` against the other.
//!
//! It needs GCC for the core and QEMU; nothing else of tinyc does.

mod build;
mod code;
mod compare;
mod image;
mod report;
pub mod shared_bench;
mod simulator;
mod source;
mod trace;

pub use report::{Flash, Instructions, Mismatch, Side, Verification};

use crate::pipeline::Compiled;
use compare::Expected;
use source::Kind;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tinyc_ir::{Diagnostic, Diagnostics, Graph, Tensor};
use tinyc_targets::Target;

/// What a user may choose about a verification.
#[derive(Clone, Debug)]
pub struct Options {
    /// Keeps the sources, objects, ELF files and logs in this folder, which is created.
    pub keep: Option<PathBuf>,
    /// How many samples are compared tensor by tensor. A sample whose outputs differ is traced beyond these.
    pub traced: usize,
    /// The longest that one simulation may last, for each sample of it.
    pub timeout: Duration,
    /// Where GCC and QEMU are looked for, in the form of `PATH`; `None` is the process's own.
    pub path: Option<OsString>,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep: None, traced: 1, timeout: Duration::from_secs(120), path: None }
    }
}

/// Builds, runs, compares. `samples` hold one tensor per input of the reference graph, in its order; `progress` is told
/// what is being done.
///
/// A difference is no error: it is the result's [`mismatch`](Verification::mismatch).
///
/// # Errors
/// Samples that do not fit the model; a tool that is missing, with the way to get it; code that GCC refuses or that is
/// larger than the simulated machine's memory; a firmware that faults, returns an error or does not end.
pub fn verify(
    compiled: &Compiled,
    target: &Target,
    samples: &[Vec<Tensor>],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Verification, Diagnostics> {
    let start = Instant::now();
    check_samples(&compiled.model.reference, samples)?;
    let workshop = build::Workshop::new(compiled, target, options)?;

    progress(&format!("building firmware for {}", target.core.name));
    workshop.compile()?;
    let plain = workshop.link(Kind::Plain)?;
    let stub = workshop.link(Kind::Stub)?;
    let mut verification = Verification::new(compiled, target, samples.len());
    verification.measure_memory(&compiled.program, &plain, &stub);

    progress(&format!("running {} on {}", count(samples.len(), "sample"), target.core.qemu.machine));
    let running = workshop.start(Kind::Plain, samples)?;
    // The host evaluates while the simulator runs.
    let expected: Vec<Vec<Tensor>> = samples
        .iter()
        .map(|inputs| {
            tinyc_ir::eval::eval(&compiled.model.reference, inputs).outputs(&compiled.model.reference)
        })
        .collect();
    let run = running.finish(&plain, samples.len())?;
    verification.measure_time(&run);
    let outputs = compare::split_outputs(&compiled.program, &run.bytes, samples.len())?;
    verification.compare_outputs(&compiled.program, &expected, &outputs);

    let mut traced: Vec<usize> = (0..samples.len().min(options.traced)).collect();
    if let Some(mismatch) = &verification.mismatch
        && !traced.contains(&mismatch.sample)
    {
        traced.push(mismatch.sample);
    }
    if !traced.is_empty() {
        progress(&format!("tracing {}", count(traced.len(), "sample")));
        let inputs: Vec<Vec<Tensor>> = traced.iter().map(|&i| samples[i].clone()).collect();
        let image = workshop.link(Kind::Traced)?;
        let running = workshop.start(Kind::Traced, &inputs)?;
        let expected: Vec<Expected> =
            traced.iter().zip(&inputs).map(|(&i, x)| Expected::new(compiled, i, x)).collect();
        let run = running.finish(&image, inputs.len())?;
        verification.compare_tensors(compiled, workshop.pieces(), &expected, &run.bytes)?;
    }
    verification.milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(verification)
}

fn check_samples(graph: &Graph, samples: &[Vec<Tensor>]) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::default();
    if samples.is_empty() {
        problems.push(Diagnostic::error(code::SAMPLE, "there is no sample to verify with"));
    }
    for (i, inputs) in samples.iter().enumerate() {
        if inputs.len() != graph.inputs.len() {
            let need = count(graph.inputs.len(), "input");
            let message = format!("sample {i} has {}, the model {need}", count(inputs.len(), "input"));
            problems.push(Diagnostic::error(code::SAMPLE, message));
            continue;
        }
        for (tensor, &value) in inputs.iter().zip(&graph.inputs) {
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

/// `1 sample`, `2 samples`.
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
