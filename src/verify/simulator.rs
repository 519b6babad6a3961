//! The emitted object in the built-in simulator: no tool is needed, and every access to memory is checked.

use super::code;
use super::run::{Footprint, Run, Spent};
use super::trace::Piece;
use crate::pipeline::Compiled;
use crate::report::ChipCycles;
use tinyc_backends::codegen::sim::{Fault, FlashModel, Machine, Processor, Visit};
use tinyc_backends::{riscv32, thumb};
use tinyc_ir::loops::{Buffer, Place, Program};
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::{Isa, Target};

/// A machine with the object loaded and memory for one run.
struct Simulator<'a, P: Processor> {
    program: &'a Program,
    pieces: &'a [Vec<Piece>],
    machine: Machine<P>,
    memory: Memory,
    entry: &'a str,
    footprint: Footprint,
    /// The flash of the target's chip, if it is known how long it waits.
    flash: Option<FlashModel>,
}

/// Addresses of what the caller of `run` lends it.
#[derive(Clone, Debug, Default)]
struct Memory {
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    state: Option<u32>,
    arena: u32,
}

impl<'a, P: Processor> Simulator<'a, P> {
    /// Loads the object, which was emitted.
    fn new(compiled: &'a Compiled, target: &Target, pieces: &'a [Vec<Piece>]) -> Result<Self, Diagnostics> {
        let program = &compiled.program;
        let emitted = compiled.object.as_ref().expect("the form to verify was emitted");
        let object = emitted.elf.as_slice();
        let broken = |error: String| {
            Diagnostic::error(code::FILES, format!("the simulator does not understand the object: {error}"))
        };
        let mut machine = Machine::load(object, &target.core).map_err(broken)?;
        let flash = target.chip.as_ref().and_then(FlashModel::of);
        machine.set_flash(flash.clone());
        let footprint = Footprint::of_object(object).map_err(|error| broken(error.to_string()))?;
        let memory = Memory::new(program, &mut machine).map_err(|fault| stopped(&fault))?;
        Ok(Self { program, pieces, machine, memory, entry: &emitted.entry, footprint, flash })
    }

    /// Runs some samples, one after another, on a machine of their own. `first` is the number of the first.
    fn some(&self, samples: &[Vec<Tensor>], first: usize, traced: usize) -> Result<Run, Diagnostics> {
        let mut machine = self.machine.clone();
        let mut all = Run::default();
        if let Some(address) = self.memory.state {
            machine.write(address, &self.program.initial_state()).map_err(|fault| stopped(&fault))?;
        }
        for (i, inputs) in samples.iter().enumerate() {
            let run = self.one(&mut machine, inputs, i < traced).map_err(|fault| stopped(&fault))?;
            if run.status != 0 {
                let message = format!("the network returned {} for sample {}", run.status, first + i);
                return Err(Diagnostic::error(code::STOPPED, message)
                    .note("the header says what the number means; the input selects data that does not exist")
                    .into());
            }
            all.add(run.run);
        }
        Ok(all)
    }

    fn one(&self, machine: &mut Machine<P>, inputs: &[Tensor], traced: bool) -> Result<Ended, Fault> {
        self.memory.prepare(self.program, machine, inputs)?;
        let mut tensors = Tensors { bytes: Vec::new(), layer: 0, fault: None };
        let mut watch = |machine: &mut Machine<P>, _: &Visit| {
            if traced && tensors.fault.is_none() {
                self.hand_out(machine, &mut tensors);
            }
        };
        let outcome = machine.call(self.entry, &self.memory.arguments(), &mut watch)?;
        if let Some(fault) = tensors.fault {
            return Err(fault);
        }
        let mut outputs = Vec::new();
        if outcome.result == 0 {
            for (&buffer, &address) in self.program.outputs.iter().zip(&self.memory.outputs) {
                outputs.extend(machine.read(address, self.program.buffers[buffer].bytes())?);
            }
        }
        let layers = outcome.visits.iter();
        let run = Run {
            outputs,
            traced: tensors.bytes,
            instructions: vec![outcome.instructions],
            cycles: vec![outcome.cycles],
            on_chip: self.flash.as_ref().zip(outcome.on_chip).map(|(flash, on_chip)| ChipCycles {
                cycles: on_chip.cycles,
                code_waits: on_chip.code_waits,
                data_waits: on_chip.data_waits,
                memory: flash.to_string(),
            }),
            stack: outcome.stack_bytes.into(),
            layers: layers.map(|v| Spent { cycles: v.cycles, instructions: v.instructions }).collect(),
        };
        Ok(Ended { status: outcome.result as i32, run })
    }

    /// Reads the tensors that a layer, which has just returned, completed.
    fn hand_out(&self, machine: &Machine<P>, tensors: &mut Tensors) {
        let Some(pieces) = self.pieces.get(tensors.layer) else { return };
        for piece in pieces {
            let bytes = self.program.buffers[piece.buffer].bytes();
            match machine.read(self.memory.address(self.program, piece.buffer), bytes) {
                Ok(read) => tensors.bytes.extend(read),
                Err(fault) => tensors.fault = Some(fault),
            }
        }
        tensors.layer += 1;
    }
}

/// A machine with an object, whatever its core.
pub(super) trait Simulated: Sync {
    /// Memory that the object takes.
    fn footprint(&self) -> Footprint;

    /// Runs all samples, as many at a time as there are processors, the first `traced` of them tensor by tensor.
    fn run(&self, samples: &[Vec<Tensor>], traced: usize) -> Result<Run, Diagnostics>;
}

/// Whether the built-in simulator executes code of these instructions.
pub fn has_simulator(isa: Isa) -> bool {
    matches!(isa, Isa::Arm | Isa::Riscv32)
}

/// The simulator of a core with the object loaded.
pub(super) fn simulator<'a>(
    compiled: &'a Compiled,
    target: &Target,
    pieces: &'a [Vec<Piece>],
) -> Result<Box<dyn Simulated + 'a>, Diagnostics> {
    Ok(match target.core.isa {
        Isa::Arm => Box::new(Simulator::<thumb::sim::Cpu>::new(compiled, target, pieces)?),
        Isa::Riscv32 => Box::new(Simulator::<riscv32::sim::Cpu>::new(compiled, target, pieces)?),
        Isa::Riscv64 | Isa::Aarch64 => {
            let message = format!("the built-in simulator has no {}", target.core.name);
            return Err(Diagnostic::error(code::NO_SIMULATOR, message)
                .note("it executes code for Cortex-M and 32-bit RISC-V")
                .help("QEMU has it: `--with qemu`")
                .into());
        }
    })
}

impl<P: Processor + Sync + Send> Simulated for Simulator<'_, P>
where
    P::Step: Sync + Send,
    P::Placed: Sync + Send,
{
    fn footprint(&self) -> Footprint {
        self.footprint
    }

    fn run(&self, samples: &[Vec<Tensor>], traced: usize) -> Result<Run, Diagnostics> {
        // A sequence runs in order.
        let stateful = self.program.state_bytes() > 0;
        let processors =
            if stateful { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
        let share = samples.len().div_ceil(processors).max(1);
        let parts: Vec<Result<Run, Diagnostics>> = std::thread::scope(|scope| {
            let part = |(number, samples): (usize, &'_ [Vec<Tensor>])| {
                let first = number * share;
                let samples = samples.to_vec();
                scope.spawn(move || self.some(&samples, first, traced.saturating_sub(first)))
            };
            let running: Vec<_> = samples.chunks(share).enumerate().map(part).collect();
            running.into_iter().map(|part| part.join().expect("a machine reports its faults")).collect()
        });
        let mut all = Run::default();
        for part in parts {
            all.add(part?);
        }
        Ok(all)
    }
}

/// A run that came to its end.
struct Ended {
    status: i32,
    run: Run,
}

/// Tensors as layers complete them.
struct Tensors {
    bytes: Vec<u8>,
    layer: usize,
    fault: Option<Fault>,
}

impl Memory {
    /// Lends the network its memory: each piece of exactly its size, apart from the others.
    fn new<P: Processor>(program: &Program, machine: &mut Machine<P>) -> Result<Self, Fault> {
        /// What the header promises of memory that holds no array.
        const ALIGN: u32 = 8;
        let face = |machine: &mut Machine<P>, buffers: &[Buffer], writable: bool| {
            let buffers = buffers.iter().map(|&buffer| &program.buffers[buffer]);
            let place = buffers.map(|b| machine.alloc(&b.name, b.bytes(), b.align, None, writable));
            place.collect::<Result<Vec<u32>, Fault>>()
        };
        let inputs = face(machine, &program.inputs, false)?;
        let outputs = face(machine, &program.outputs, true)?;
        let state = match program.state_bytes() {
            0 => None,
            bytes => Some(machine.alloc("state", bytes, ALIGN, None, true)?),
        };
        let arena = machine.alloc("arena", program.arena_bytes as usize, ALIGN, None, true)?;
        Ok(Self { inputs, outputs, state, arena })
    }

    /// Fresh inputs, the state as the last run left it, nothing anywhere else.
    fn prepare<P: Processor>(
        &self,
        program: &Program,
        machine: &mut Machine<P>,
        inputs: &[Tensor],
    ) -> Result<(), Fault> {
        for (&address, tensor) in self.inputs.iter().zip(inputs) {
            machine.write(address, &tensor.data.to_le_bytes())?;
        }
        for (&address, &buffer) in self.outputs.iter().zip(&program.outputs) {
            machine.forget(address, program.buffers[buffer].bytes() as u32)?;
        }
        machine.forget(self.arena, program.arena_bytes)
    }

    /// The arguments of `run`, in order.
    fn arguments(&self) -> Vec<u32> {
        let face = self.inputs.iter().chain(&self.outputs).copied();
        self.state.into_iter().chain(face).chain([self.arena]).collect()
    }

    fn address(&self, program: &Program, buffer: Buffer) -> u32 {
        match program.buffers[buffer].place {
            Place::Input(i) => self.inputs[i as usize],
            Place::Output(i) => self.outputs[i as usize],
            Place::Arena(offset) => self.arena + offset,
            Place::State(offset) => self.state.unwrap_or_default() + offset,
            Place::Flash(_) => unreachable!("no layer writes a constant"),
        }
    }
}

fn stopped(fault: &Fault) -> Diagnostic {
    let text = fault.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let problem = Diagnostic::error(code::STOPPED, format!("the object stopped: {first}"));
    lines.fold(problem, |problem, line| problem.note(line.trim()))
        .help("this is a fault of tinyc; `--with qemu` is a second opinion, and `--emit c` another way. Please report it")
}
