//! What a verification found, as data and as text for a person.

use super::Method;
use super::run::{Footprint, Run};
use crate::pipeline::{Compiled, Emit};
use crate::report::{ChipCycles, ZERO_WAIT};
use crate::wording::{counted, grouped, shortened};
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
    /// What ran: `c`, `rust` or `obj`.
    pub emit: String,
    /// What compiled it: `GCC`, `Clang` or `rustc`; nothing for objects.
    pub compiler: Option<&'static str>,
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
    /// Instructions of one inference; zeros on this computer, which counts none. Under QEMU on ARM the clock resolves about 40.
    pub instructions: Instructions,
    /// Cycles of one inference, if the machine counts them.
    pub cycles: Option<Cycles>,
    /// Cycles of the first sample with the flash of the chip, if the target is a chip and its wait states are known.
    pub on_chip: Option<ChipCycles>,
    /// Time of each layer in the first sample, if the machine counts it.
    pub layers: Vec<LayerTime>,
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

/// Cycles per inference over all samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cycles {
    /// Of the first sample.
    pub first: u64,
    /// The fewest.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// Which memory they assume.
    pub memory: &'static str,
    /// What was predicted when the code was made; a worst case where `exact` is false.
    pub predicted: u64,
    /// Whether no layer's time depends on data, so that the prediction is what every run takes.
    pub exact: bool,
}

/// What a layer took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerTime {
    /// The layer's name.
    pub name: String,
    /// Cycles.
    pub cycles: u64,
    /// Instructions.
    pub instructions: u64,
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

/// The machine that is none.
const HOST: &str = "this computer";

impl Verification {
    /// Nothing compared yet.
    pub(super) fn new(compiled: &Compiled, target: &Target, method: Method, samples: usize) -> Self {
        let qemu = &target.core.qemu;
        let stands_in = qemu.stands_in.as_ref().map(|core| format!(" (a {core} stands in)"));
        let machine = match method {
            Method::Simulator => "built-in simulator".to_owned(),
            Method::HostRust => HOST.to_owned(),
            _ => format!("{}{}", qemu.machine, stands_in.unwrap_or_default()),
        };
        Self {
            network: compiled.program.name.clone(),
            target: target.name().to_string(),
            core: target.core.name.clone(),
            emit: method.emit().to_string(),
            compiler: match method.emit() {
                Emit::C if target.core.gcc.is_gcc() => Some("GCC"),
                Emit::C => Some("Clang"),
                Emit::Rust => Some("rustc"),
                Emit::Obj | Emit::Asm => None,
            },
            machine,
            samples,
            samples_equal: 0,
            outputs_equal: false,
            tensors_compared: 0,
            tensors_traced_samples: 0,
            tensors_removed: Vec::new(),
            tensors_narrowed: Vec::new(),
            mismatch: None,
            instructions: Instructions::default(),
            cycles: None,
            on_chip: None,
            layers: Vec::new(),
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

    /// What the network takes in a firmware.
    pub(super) fn measure_memory(&mut self, program: &Program, taken: Footprint) {
        let Footprint { code, constants, variables } = taken;
        self.flash = Flash { code, constants, total: code + constants };
        self.ram = Ram {
            arena: program.arena_bytes.into(),
            inputs_and_outputs: crate::budget::face_bytes(program),
            state: program.state_bytes() as u64,
            variables,
        };
    }

    /// What the machine counted.
    pub(super) fn measure_time(&mut self, compiled: &Compiled, run: &Run) {
        let (first, least, most) = extremes(&run.instructions).unwrap_or_default();
        self.instructions = Instructions { first, least, most };
        self.stack_bytes = run.stack;
        let predicted = compiled.object.as_ref().and_then(|object| object.total);
        if let Some(((first, least, most), total)) = extremes(&run.cycles).zip(predicted) {
            self.cycles = Some(Cycles {
                first,
                least,
                most,
                memory: ZERO_WAIT,
                predicted: total.worst,
                exact: total.exact,
            });
        }
        self.on_chip.clone_from(&run.on_chip);
        let calls = compiled.program.calls.iter().zip(&run.layers);
        self.layers = calls
            .map(|(call, spent)| LayerTime {
                name: match call.origin.name.as_str() {
                    "" => compiled.program.kernels[call.kernel].name.clone(),
                    name => name.to_owned(),
                },
                cycles: spent.cycles,
                instructions: spent.instructions,
            })
            .collect();
    }
}

/// The first, the least and the greatest.
fn extremes(all: &[u64]) -> Option<(u64, u64, u64)> {
    Some((*all.first()?, *all.iter().min()?, *all.iter().max()?))
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_proof() { "verified" } else { "NOT EQUAL" };
        let form = match (self.emit.as_str(), self.compiler) {
            ("c", Some(compiler)) => format!("C by {compiler}"),
            (_, Some(compiler)) => format!("Rust by {compiler}"),
            _ => "object".into(),
        };
        let on_host = self.machine == HOST;
        match on_host {
            true => writeln!(f, "{verdict}: {} for {}, {form}, run on {HOST}", self.network, self.core)?,
            false => {
                writeln!(
                    f,
                    "{verdict}: {} on {}, {form}, simulated by {}",
                    self.network, self.core, self.machine
                )?;
            }
        }
        let samples = counted(self.samples, "sample");
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
        if let Some(Cycles { first, least, most, memory, predicted, exact }) = &self.cycles {
            write!(f, "  cycles        {}", spread(*first, *least, *most))?;
            let worst = if *exact { "" } else { " at worst" };
            writeln!(f, " for one inference ({memory}); predicted {}{worst}", grouped(*predicted))?;
        }
        if let Some(ChipCycles { cycles, memory, .. }) = &self.on_chip {
            writeln!(f, "  on the chip   {} cycles ({memory})", grouped(*cycles))?;
        }
        if !on_host {
            let Instructions { first, least, most } = self.instructions;
            writeln!(f, "  instructions  {} for one inference", spread(first, least, most))?;
            writeln!(f, "  stack         {} bytes", grouped(self.stack_bytes))?;
            let Flash { code, constants, total } = self.flash;
            let (total, code, constants) = (grouped(total), grouped(code), grouped(constants));
            writeln!(f, "  flash         {total} bytes: code {code}, constants {constants}")?;
        }
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

/// `1,234 (from 1,230 to 1,240)`.
fn spread(first: u64, least: u64, most: u64) -> String {
    match least == most {
        true => grouped(first),
        false => format!("{} (from {} to {})", grouped(first), grouped(least), grouped(most)),
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
