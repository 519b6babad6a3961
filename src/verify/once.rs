//! One run in the built-in simulator without a comparison, for what only a run can tell: the cycles that a chip's flash makes
//! code wait.

use super::simulator::simulator;
use super::{check_samples, code};
use crate::pipeline::Compiled;
use crate::report::ChipCycles;
use crate::samples;
use tinyc_backends::codegen::sim::FlashModel;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;

/// What one inference took.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// Instructions.
    pub instructions: u64,
    /// Cycles with memory that never waits.
    pub cycles: u64,
    /// Cycles with the chip's flash, if the target is a chip of which its wait states are known.
    pub on_chip: Option<ChipCycles>,
    /// Stack, in bytes.
    pub stack_bytes: u64,
}

/// Runs the machine code on one sample: one tensor per input that the user supplies, in its order.
///
/// # Errors
/// A compilation without machine code; a sample that does not fit the model; code that faults or returns an error.
pub fn simulate(compiled: &Compiled, target: &Target, sample: Vec<Tensor>) -> Result<Simulated, Diagnostics> {
    if compiled.object.is_none() {
        let message = "there is no machine code to simulate: only C was emitted";
        return Err(Diagnostic::error(code::NOT_EMITTED, message).help("compile with `--emit obj`").into());
    }
    let samples = [sample];
    check_samples(&compiled.model, &samples)?;
    let run = simulator(compiled, target, &[])?.run(&samples, 0)?;
    let first = |counts: &[u64]| counts.first().copied().unwrap_or_default();
    Ok(Simulated {
        instructions: first(&run.instructions),
        cycles: first(&run.cycles),
        on_chip: run.on_chip,
        stack_bytes: run.stack,
    })
}

/// Most instructions of a run that a compilation simulates: some seconds.
const MOST_INSTRUCTIONS: u64 = 400_000_000;

/// Cycles of a run with the flash of the target's chip; `None` if that is not known, there is no machine code, or a run takes too
/// long. The sample is random and may select data that does not exist, so a run that ends early is no error here.
pub fn on_chip(compiled: &Compiled, target: &Target) -> Option<ChipCycles> {
    target.chip.as_ref().and_then(FlashModel::of)?;
    let short = compiled.object.as_ref()?.total?.instructions <= MOST_INSTRUCTIONS;
    let sample = samples::random(&compiled.model, 0, 1).pop().filter(|_| short)?;
    simulate(compiled, target, sample).ok()?.on_chip
}
