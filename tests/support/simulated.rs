//! A loop program as machine code in the simulator: every tensor after every layer and what it took, against the loop
//! interpreter and the static counts.

use super::proof::same;
use tinyc_backends::Object;
use tinyc_backends::thumb;
use tinyc_backends::thumb::sim::{Machine, Outcome};
use tinyc_ir::Data;
use tinyc_ir::loops::{Access, Buffer, Place, Program, interpret};
use tinyc_targets::Core;

/// Compiles and runs the program on each input.
pub(crate) fn check(program: &Program, core: &Core, runs: &[Vec<Data>]) -> Result<(), String> {
    let object = thumb::compile(program, core).ok_or("no code for this core")?;
    let loaded = Machine::load(&object.elf, core)?;
    for inputs in runs {
        let mut tensors = Vec::new();
        let wanted = interpret::run_with(program, inputs, |at, memory| {
            let call = &program.calls[at];
            let params = program.kernels[call.kernel].params.values().zip(&call.args);
            let written = params.filter(|(param, _)| param.access != Access::Read);
            tensors.push(written.filter_map(|(_, &b)| Some((b, memory.read(b)?))).collect::<Vec<_>>());
        });
        let mut run =
            Run { program, machine: loaded.clone(), inputs: Vec::new(), outputs: Vec::new(), arena: 0 };
        let (outcome, compared) = run.call(&object, inputs, &tensors)?;
        match wanted {
            Ok(_) if outcome.result != 0 => return Err(format!("the status is {}", outcome.result)),
            Ok(_) if compared != tensors.len() => {
                return Err(format!("{compared} layers of {} ran", tensors.len()));
            }
            Ok(_) => costs(&object, &outcome, core)?,
            Err(trap) => {
                let code = trap.fail.ok_or_else(|| trap.to_string())?;
                if outcome.result != u32::from(code) {
                    return Err(format!("the status is {} instead of {code}", outcome.result));
                }
            }
        }
    }
    Ok(())
}

struct Run<'a> {
    program: &'a Program,
    machine: Machine,
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    arena: u32,
}

impl Run<'_> {
    /// Runs the network and compares what each layer wrote; how it went, and how many layers were compared.
    fn call(
        &mut self,
        object: &Object,
        inputs: &[Data],
        tensors: &[Vec<(Buffer, Data)>],
    ) -> Result<(Outcome, usize), String> {
        let program = self.program;
        let fault = |fault: thumb::sim::Fault| fault.to_string();
        for (&b, data) in program.inputs.iter().zip(inputs) {
            let (buffer, bytes) = (&program.buffers[b], data.to_le_bytes());
            let made = self.machine.alloc(&buffer.name, bytes.len(), buffer.align, Some(&bytes), false);
            self.inputs.push(made.map_err(fault)?);
        }
        for &b in &program.outputs {
            let buffer = &program.buffers[b];
            let made = self.machine.alloc(&buffer.name, buffer.bytes(), buffer.align, None, true);
            self.outputs.push(made.map_err(fault)?);
        }
        self.arena =
            self.machine.alloc("arena", program.arena_bytes as usize, 8, None, true).map_err(fault)?;
        let mut args = [&self.inputs[..], &self.outputs].concat();
        args.push(self.arena);
        let (mut layer, mut compared) = (0, Ok(0));
        let mut machine = self.machine.clone();
        let outcome = machine.call(&object.entry, &args, &mut |machine, _| {
            // A layer that stops the network is not among those that the interpreter completed.
            if compared.is_ok()
                && let Some(written) = tensors.get(layer)
            {
                let equal = written.iter().try_for_each(|tensor| self.compare(machine, tensor));
                compared = equal.map(|()| layer + 1).map_err(|e| format!("layer {layer}: {e}"));
            }
            layer += 1;
        });
        Ok((outcome.map_err(fault)?, compared?))
    }

    fn compare(&self, machine: &Machine, (b, want): &(Buffer, Data)) -> Result<(), String> {
        let buffer = &self.program.buffers[*b];
        let address = match buffer.place {
            Place::Output(number) => self.outputs[number as usize],
            Place::Arena(offset) => self.arena + offset,
            _ => return Err(format!("{} is written where it should not", buffer.name)),
        };
        let bytes = machine.read(address, buffer.bytes()).map_err(|fault| fault.to_string())?;
        let (dtype, count) = buffer.elements();
        let got = Data::from_le_bytes(dtype, count, &bytes).ok_or("a part of an element")?;
        same(&got, want).map_err(|e| format!("{}: {e}", buffer.name))
    }
}

/// What the run took is what was said; no more where that depends on data.
fn costs(object: &Object, outcome: &Outcome, core: &Core) -> Result<(), String> {
    let total = object.total.ok_or("no timing is known")?;
    // Armv6-M branches over an instruction, in the time that it takes, to choose between two values.
    let skips = core.architecture.starts_with("armv6");
    let exact = !total.exact
        || outcome.cycles == total.cycles && (skips || outcome.instructions == total.instructions);
    let within = outcome.cycles <= total.worst && outcome.instructions <= total.instructions;
    if exact && within && outcome.stack_bytes <= object.stack_bytes {
        return Ok(());
    }
    Err(format!(
        "{} instructions, {} cycles, {} bytes of stack; predicted were {total:?} and {}",
        outcome.instructions, outcome.cycles, outcome.stack_bytes, object.stack_bytes
    ))
}
