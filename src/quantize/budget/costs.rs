//! What a graph costs on a target: it is compiled, and with a chip whose flash waits, run in the simulator.

use crate::budget::{Budget, face_bytes};
use crate::pipeline::{self, Emit, Model, Options, constant_bytes};
use crate::verify;
use tinyc_ir::{Diagnostics, Graph};

/// What a graph costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Costs {
    /// Cycles of one run with memory that never waits, where machine code is there for the core.
    pub(super) cycles: Option<u64>,
    /// Cycles with the flash of the chip, where it is known and was asked for.
    pub(super) on_chip: Option<u64>,
    /// Weights, tables and code.
    pub(super) flash: u64,
    /// Arena, inputs, outputs and state.
    pub(super) ram: u64,
    /// For each call, the name of the layer it stands for, and the RAM that is in use then.
    pub(super) steps: Vec<(String, u64)>,
}

/// Compiles graphs of one model for one target.
pub(super) struct Meter<'a> {
    pub(super) model: &'a Model,
    pub(super) options: &'a Options,
}

impl Meter<'_> {
    /// What the graph costs; with `on_chip`, cycles as a chip takes them, waiting for flash.
    pub(super) fn costs(&self, graph: &Graph, on_chip: bool) -> Result<Costs, Diagnostics> {
        let exact = self.options.emit.iter().any(|emit| matches!(emit, Emit::Obj | Emit::Asm));
        let native = exact || self.options.target.core.isa.is_timed();
        let mut model = self.model.clone();
        model.reference = graph.clone();
        model.reference.name.clone_from(&self.model.reference.name);
        let options = Options {
            budget: Budget { ram: None, flash: None },
            emit: [if native { Emit::Obj } else { Emit::C }].into(),
            ..self.options.clone()
        };
        let compiled = pipeline::compile_model(model, &options)?;
        let program = &compiled.program;
        // As the files that were asked for will be counted.
        let flash = match exact {
            true => compiled.constant_bytes + compiled.code_bytes(),
            false => constant_bytes(program) + compiled.code_estimate,
        };
        let lasting = face_bytes(program) + program.state_bytes() as u64;
        let alive = compiled.memory.alive_bytes.iter();
        let steps = program.calls.iter().zip(alive);
        Ok(Costs {
            cycles: compiled.object.as_ref().and_then(|object| object.total).map(|cost| cost.cycles),
            on_chip: if on_chip {
                verify::on_chip(&compiled, &self.options.target).map(|chip| chip.cycles)
            } else {
                None
            },
            flash,
            ram: u64::from(compiled.memory.arena_bytes) + lasting,
            steps: steps
                .map(|(call, &bytes)| (call.origin.name.clone(), u64::from(bytes) + lasting))
                .collect(),
        })
    }
}
