//! What one inference of the emitted machine code takes, known before it runs. C has no such figures: a compiler comes in
//! between.

use serde::Serialize;
use tinyc_backends::{Cost, Object};
use tinyc_ir::loops::Program;
use tinyc_targets::{Fidelity, Target};

/// Time and energy of one inference. Microseconds and microjoules are those of memory that never waits.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    /// Cycles and instructions.
    #[serde(flatten)]
    pub cost: Spent,
    /// Whether not all of the core's timing is documented, so that no count is exact.
    pub estimated: bool,
    /// Whether floats are computed in software, in a time that depends on them.
    pub soft_floats: bool,
    /// Which memory the cycles assume.
    pub memory: &'static str,
    /// The chip's highest clock, if the chip is known.
    pub clock_hz: Option<u64>,
    /// Microseconds at that clock.
    pub microseconds: Option<f64>,
    /// Microjoules, if anything is known of the chip's energy.
    pub microjoules: Option<f64>,
    /// Whether they rest on a measurement; if not, on a current and an assumed supply.
    pub energy_measured: Option<bool>,
    /// The same with the chip's flash, simulated on one sample; `None` for a core alone, for a chip of whose flash too little is
    /// known, and for networks that would take long to simulate.
    pub on_chip: Option<ChipTime>,
}

/// Cycles of one run with the flash of a chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChipCycles {
    /// All of them, waiting included.
    pub cycles: u64,
    /// Of these, waiting for code.
    pub code_waits: u64,
    /// And waiting for constants.
    pub data_waits: u64,
    /// The model of the flash, in words.
    pub memory: String,
}

/// Time and energy with the flash of a chip.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChipTime {
    /// What was counted.
    #[serde(flatten)]
    pub cycles: ChipCycles,
    /// Microseconds at the chip's highest clock.
    pub microseconds: f64,
    /// Microjoules, if anything is known of the chip's energy.
    pub microjoules: Option<f64>,
}

/// Cycles and instructions of a layer or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Cycles; where they depend on data, typical ones.
    pub cycles: u64,
    /// The most that data can make of them.
    pub worst_cycles: u64,
    /// Whether every run takes just these.
    pub exact: bool,
    /// Instructions.
    pub instructions: u64,
}

impl From<Cost> for Spent {
    fn from(cost: Cost) -> Self {
        let Cost { instructions, cycles, worst, exact } = cost;
        Self { cycles, worst_cycles: worst, exact, instructions }
    }
}

/// The memory that all cycles assume.
pub const ZERO_WAIT: &str = "zero wait states";

impl Time {
    /// Of an object on its target; `None` where the core's timing is not known.
    pub(super) fn new(object: &Object, program: &Program, target: &Target) -> Option<Self> {
        let (total, timing) = object.total.zip(target.core.timing.as_ref())?;
        let cycles = total.cycles as f64;
        let (clock_hz, energy) = (target.clock_hz(), target.energy());
        Some(Self {
            cost: total.into(),
            estimated: timing.fidelity == Fidelity::Estimate,
            soft_floats: !target.core.features.fpu_f32 && floats(program),
            memory: ZERO_WAIT,
            clock_hz,
            microseconds: clock_hz.map(|hz| cycles * 1e6 / hz as f64),
            microjoules: energy.as_ref().map(|energy| cycles * energy.picojoules_per_cycle / 1e6),
            energy_measured: energy.map(|energy| energy.measured),
            on_chip: None,
        })
    }

    /// Adds what a run with the chip's flash took.
    pub fn add_chip(&mut self, cycles: ChipCycles, target: &Target) {
        let all = cycles.cycles as f64;
        self.on_chip = target.clock_hz().map(|hz| ChipTime {
            microseconds: all * 1e6 / hz as f64,
            microjoules: target.energy().map(|energy| all * energy.picojoules_per_cycle / 1e6),
            cycles,
        });
    }
}

/// Whether any layer computes with floats.
fn floats(program: &Program) -> bool {
    program.calls.iter().any(|call| program.kernels[call.kernel].computes_with_floats())
}
