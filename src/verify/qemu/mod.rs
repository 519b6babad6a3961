//! The independent check: a small firmware around what was emitted, unchanged, linked by GCC and run under QEMU.
//!
//! Two firmwares are built. The *plain* one computes all samples and measures instructions, stack, flash and RAM; the
//! *traced* one, which only C allows, calls a hook after each layer and hands out every tensor that the layer wrote.

mod image;
mod running;
mod source;
mod workshop;

pub(super) use workshop::{FLAGS, Folder, cannot, no_tool, run};

use super::run::{Footprint, Run};
use super::trace::Piece;
use super::{Method, Options, code};
use crate::pipeline::Compiled;
use source::Kind;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;
use workshop::Workshop;

/// A firmware that is built and can run.
pub(super) struct Qemu<'a> {
    workshop: Workshop<'a>,
    plain: image::Image,
    /// The object, if it is that which runs.
    object: Option<&'a [u8]>,
    traces: bool,
}

impl<'a> Qemu<'a> {
    /// Builds the plain firmware.
    pub(super) fn new(
        compiled: &'a Compiled,
        target: &'a Target,
        options: &'a Options,
        pieces: &'a [Vec<Piece>],
    ) -> Result<Self, Diagnostics> {
        let object = compiled.object.as_ref().map(|object| object.elf.as_slice());
        let object = object.filter(|_| options.method == Method::QemuObject);
        let workshop = Workshop::new(compiled, target, options, pieces)?;
        workshop.compile()?;
        let plain = workshop.link(Kind::Plain)?;
        Ok(Self { workshop, plain, object, traces: options.method == Method::QemuC })
    }

    /// Whether tensors can be seen between layers: C has hooks for that, the other forms are run as they are.
    pub(super) fn traces(&self) -> bool {
        self.traces
    }

    /// The network's share: the object's own sections, or what the firmware has more than the same one without a network.
    pub(super) fn footprint(&self) -> Result<Footprint, Diagnostics> {
        if let Some(elf) = self.object {
            let broken =
                |error| Diagnostic::error(code::FILES, format!("the object cannot be read: {error}"));
            return Ok(Footprint::of_object(elf).map_err(broken)?);
        }
        let stub = self.workshop.link(Kind::Stub)?;
        Ok(Footprint {
            code: self.plain.code.saturating_sub(stub.code),
            constants: self.plain.constants.saturating_sub(stub.constants),
            variables: self.plain.ram.saturating_sub(stub.ram),
        })
    }

    /// Runs all samples, and the first `traced` of them layer by layer, if it can.
    pub(super) fn run(&self, samples: &[Vec<Tensor>], traced: usize) -> Result<Run, Diagnostics> {
        let running = self.workshop.start(Kind::Plain, samples)?;
        if traced == 0 || !self.traces() {
            return running.finish(&self.plain, samples.len());
        }
        let image = self.workshop.link(Kind::Traced)?;
        let beside = self.workshop.start(Kind::Traced, &samples[..traced])?;
        let run = running.finish(&self.plain, samples.len())?;
        let traced = beside.finish(&image, traced)?.outputs;
        Ok(Run { traced, ..run })
    }
}
