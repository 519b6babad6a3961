//! What a verification found, as data and as text for a person.

use super::count;
use super::image::Image;
use super::simulator::Run;
use crate::pipeline::Compiled;
use crate::wording::{grouped, shortened};
use serde::Serialize;
use std::fmt;
use tinyc_ir::loops::Program;
use tinyc_targets::Target;

/// What ran, what was compared, and what it cost. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// The network's name.
    pub network: String,
    /// The target's name.
    pub target: String,
    /// The core that the code is for.
    pub core: String,
    /// The simulated machine, and the core it really has if that is another.
    pub machine: String,
    /// How many samples ran.
    pub samples: usize,
    /// How many of them have outputs equal to those of the reference, byte for byte.
    pub samples_equal: usize,
    /// Whether all have.
    pub outputs_equal: bool,
    /// How many tensors were compared after the layer that wrote them, for each traced sample.
    pub tensors_compared: usize,
    /// How many samples were compared tensor by tensor.
    pub tensors_traced_samples: usize,
    /// Tensors of the reference graph that optimisation left without memory of their own: fused, folded or constant.
    pub tensors_removed: Vec<String>,
    /// Tensors of the reference graph that lost their constant channels; the rest of each was compared.
    pub tensors_narrowed: Vec<String>,
    /// The first tensor that differs, in order of execution; `None` is the proof.
    pub mismatch: Option<Mismatch>,
    /// Instructions of one inference. On ARM the clock resolves about 40.
    pub instructions: Instructions,
    /// Stack that `run` takes, its own frame included.
    pub stack_bytes: u64,
    /// Flash that the network takes in a linked firmware.
    pub flash: Flash,
    /// RAM that the network takes, the stack aside.
    pub ram: Ram,
    /// How long all of it took on the host.
    pub milliseconds: u64,
}

/// The first difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Position of the sample.
    pub sample: usize,
    /// The tensor's name.
    pub tensor: String,
    /// The layer that wrote it, named after its ONNX node; empty where only outputs were compared.
    pub layer: String,
    /// Position of the first different element, row-major.
    pub index: usize,
    /// The same as coordinates in the tensor's shape.
    pub coordinates: Vec<usize>,
    /// How many elements of the tensor differ.
    pub different_elements: usize,
    /// The element as it should be.
    pub expected: String,
    /// The element as it is.
    pub got: String,
    /// Who says what should be.
    pub expected_by: Side,
    /// Who says otherwise.
    pub got_by: Side,
}

/// Who computed a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The evaluator, on the reference graph.
    Reference,
    /// The evaluator, on the optimised graph. If it differs from the reference, a pass is wrong.
    Optimised,
    /// The simulated machine. If it differs from the optimised graph, lowering or the emitted code is wrong.
    Machine,
}

/// Instructions per inference over all samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Instructions {
    /// Of the first sample.
    pub first: u64,
    /// The fewest.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// Flash by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flash {
    /// Code, with what it needs of the compiler's support library.
    pub code: u64,
    /// Weights and tables.
    pub constants: u64,
    /// Both.
    pub total: u64,
}

/// RAM by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ram {
    /// The arena that the caller lends.
    pub arena: u64,
    /// Inputs and outputs.
    pub inputs_and_outputs: u64,
    /// Memory that survives between runs.
    pub state: u64,
    /// Variables of the emitted code itself; it has none.
    pub variables: u64,
}

impl Verification {
    /// Nothing compared yet.
    pub(super) fn new(compiled: &Compiled, target: &Target, samples: usize) -> Self {
        let qemu = &target.core.qemu;
        let stands_in = qemu.stands_in.as_ref().map(|core| format!(" (a {core} stands in)"));
        Self {
            network: compiled.program.name.clone(),
            target: target.name().to_string(),
            core: target.core.name.clone(),
            machine: format!("{}{}", qemu.machine, stands_in.unwrap_or_default()),
            samples,
            samples_equal: 0,
            outputs_equal: false,
            tensors_compared: 0,
            tensors_traced_samples: 0,
            tensors_removed: Vec::new(),
            tensors_narrowed: Vec::new(),
            mismatch: None,
            instructions: Instructions::default(),
            stack_bytes: 0,
            flash: Flash::default(),
            ram: Ram::default(),
            milliseconds: 0,
        }
    }

    /// Whether everything that was compared is equal.
    pub fn is_proof(&self) -> bool {
        self.outputs_equal && self.mismatch.is_none()
    }

    /// The network's share: what the firmware has more than the same one without a network.
    pub(super) fn measure_memory(&mut self, program: &Program, plain: &Image, stub: &Image) {
        let code = plain.code.saturating_sub(stub.code);
        let constants = plain.constants.saturating_sub(stub.constants);
        self.flash = Flash { code, constants, total: code + constants };
        self.ram = Ram {
            arena: program.arena_bytes.into(),
            inputs_and_outputs: crate::budget::face_bytes(program),
            state: super::source::state_bytes(program) as u64,
            variables: plain.ram.saturating_sub(stub.ram),
        };
    }

    /// What the plain firmware measured.
    pub(super) fn measure_time(&mut self, run: &Run) {
        let all = &run.instructions;
        self.instructions = Instructions {
            first: all.first().copied().unwrap_or(0),
            least: all.iter().min().copied().unwrap_or(0),
            most: all.iter().max().copied().unwrap_or(0),
        };
        self.stack_bytes = run.stack;
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_proof() { "verified" } else { "NOT EQUAL" };
        writeln!(f, "{verdict}: {} on {}, simulated {}", self.network, self.core, self.machine)?;
        let samples = count(self.samples, "sample");
        writeln!(
            f,
            "  outputs       {} of {samples} equal the reference, byte for byte",
            self.samples_equal
        )?;
        if self.tensors_traced_samples > 0 {
            let traced = match self.tensors_traced_samples {
                1 => String::new(),
                n => format!(" in each of {n} samples"),
            };
            let equal = if self.mismatch.is_none() { "equal" } else { "compared" };
            writeln!(f, "  tensors       {} {equal}{traced}", self.tensors_compared)?;
        }
        list(f, "narrowed", &self.tensors_narrowed, "lost constant channels; the rest was compared")?;
        list(f, "removed", &self.tensors_removed, "fused, folded or constant")?;
        let Instructions { first, least, most } = self.instructions;
        write!(f, "  instructions  {}", grouped(first))?;
        if least != most {
            write!(f, " (from {} to {})", grouped(least), grouped(most))?;
        }
        writeln!(f, " for one inference")?;
        writeln!(f, "  stack         {} bytes", grouped(self.stack_bytes))?;
        let Flash { code, constants, total } = self.flash;
        let (total, code, constants) = (grouped(total), grouped(code), grouped(constants));
        writeln!(f, "  flash         {total} bytes: code {code}, constants {constants}")?;
        let (arena, face) = (grouped(self.ram.arena), grouped(self.ram.inputs_and_outputs));
        write!(f, "  RAM           {arena} bytes of arena, {face} of inputs and outputs")?;
        if self.ram.state > 0 {
            write!(f, ", {} of state", grouped(self.ram.state))?;
        }
        if self.ram.variables > 0 {
            write!(f, ", {} of variables", grouped(self.ram.variables))?;
        }
        match &self.mismatch {
            Some(mismatch) => write!(f, "\n{mismatch}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "first difference: tensor \"{}\"", self.tensor)?;
        if !self.layer.is_empty() {
            write!(f, ", layer \"{}\"", self.layer)?;
        }
        writeln!(f, ", sample {}", self.sample)?;
        writeln!(
            f,
            "  element   {} at {:?}, the first of {}",
            self.index, self.coordinates, self.different_elements
        )?;
        writeln!(f, "  expected  {} by {}", self.expected, self.expected_by)?;
        write!(f, "  got       {} by {}", self.got, self.got_by)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "the reference graph",
            Self::Optimised => "the optimised graph",
            Self::Machine => "the emitted code",
        })
    }
}

/// `  removed  3, fused, folded or constant: a, b, c`, the names cut short.
fn list(f: &mut fmt::Formatter<'_>, title: &str, names: &[String], why: &str) -> fmt::Result {
    /// Names that are shown; the report as JSON has all.
    const SHOWN: usize = 4;
    if names.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| shortened(name)).collect();
    let rest = if names.len() > SHOWN { ", …" } else { "" };
    writeln!(f, "  {title:<13} {} ({why}): {}{rest}", names.len(), shown.join(", "))
}
