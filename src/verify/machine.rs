//! The machine that a verification runs on: the built-in simulator, QEMU or this computer, behind one face.

use super::host::Host;
use super::qemu::Qemu;
use super::run::{Footprint, Run};
use super::simulator::{Simulated, simulator};
use super::trace::Piece;
use super::{Method, Options};
use crate::pipeline::Compiled;
use tinyc_ir::{Diagnostics, Tensor};
use tinyc_targets::Target;

/// A machine with the network loaded.
pub(super) enum Machine<'a> {
    Simulator(Box<dyn Simulated + 'a>),
    Qemu(Qemu<'a>),
    Host(Host<'a>),
}

impl<'a> Machine<'a> {
    /// Loads what was emitted. `pieces` are the tensors that are compared after each layer.
    pub(super) fn new(
        compiled: &'a Compiled,
        target: &'a Target,
        options: &'a Options,
        pieces: &'a [Vec<Piece>],
    ) -> Result<Self, Diagnostics> {
        Ok(match options.method {
            Method::Simulator => Self::Simulator(simulator(compiled, target, pieces)?),
            Method::QemuObject | Method::QemuC | Method::QemuRust => {
                Self::Qemu(Qemu::new(compiled, target, options, pieces)?)
            }
            Method::HostRust => Self::Host(Host::new(compiled, options)?),
        })
    }

    /// Memory that the network takes; nothing is known of it on this computer.
    pub(super) fn footprint(&self) -> Result<Footprint, Diagnostics> {
        match self {
            Self::Simulator(simulator) => Ok(simulator.footprint()),
            Self::Qemu(qemu) => qemu.footprint(),
            Self::Host(_) => Ok(Footprint::default()),
        }
    }

    /// Whether tensors can be seen between layers.
    pub(super) fn traces(&self) -> bool {
        match self {
            Self::Simulator(_) => true,
            Self::Qemu(qemu) => qemu.traces(),
            Self::Host(_) => false,
        }
    }

    /// Runs all samples, and hands out the tensors of the first `traced`, if it can.
    pub(super) fn run(&self, samples: &[Vec<Tensor>], traced: usize) -> Result<Run, Diagnostics> {
        match self {
            Self::Simulator(simulator) => simulator.run(samples, traced),
            Self::Qemu(qemu) => qemu.run(samples, traced),
            Self::Host(host) => host.run(samples),
        }
    }
}
