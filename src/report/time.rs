//! What one inference of the emitted machine code takes, known before it runs. C has no such figures: a compiler comes in
//! between.

use serde::Serialize;
use tinyc_backends::thumb::{Cost, Object};
use tinyc_targets::Target;

/// Time and energy of one inference.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    /// Cycles and instructions.
    #[serde(flatten)]
    pub cost: Spent,
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
    /// Of an object on its target.
    pub(super) fn new(object: &Object, target: &Target) -> Self {
        let cycles = object.total.cycles as f64;
        let (clock_hz, energy) = (target.clock_hz(), target.energy());
        Self {
            cost: object.total.into(),
            memory: ZERO_WAIT,
            clock_hz,
            microseconds: clock_hz.map(|hz| cycles * 1e6 / hz as f64),
            microjoules: energy.as_ref().map(|energy| cycles * energy.picojoules_per_cycle / 1e6),
            energy_measured: energy.map(|energy| energy.measured),
        }
    }
}
