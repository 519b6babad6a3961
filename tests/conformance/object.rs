//! The level of machine code: each program as an object for a Cortex-M4, executed in the simulator, which checks every access.

use crate::outcome::{Failure, Level, Lowered, Outcome, guarded};
use crate::parallel;
use crate::support::proof::same;
use std::sync::Mutex;
use tinyc_backends::thumb::{self, sim::Machine};
use tinyc_ir::Data;
use tinyc_targets::Core;

/// Instructions that a node test may take; the longest takes some hundred thousand.
const BUDGET: u64 = 100_000_000;

/// Compiles and runs every test that got as far as C, and puts down what became of it.
pub(crate) fn run(outcomes: &mut [Outcome<'_>]) {
    let core = tinyc_targets::find("cortex-m4").expect("the core is known").core;
    let ready: Vec<Mutex<&mut Outcome<'_>>> =
        outcomes.iter_mut().filter(|o| o.reached == Some(Level::C)).map(Mutex::new).collect();
    parallel::each(ready.len(), |i| {
        let mut outcome = ready[i].lock().expect("each test is taken once");
        let lowered = outcome.lowered.as_ref().expect("there was a program for C");
        match guarded(|| check(lowered, &core)) {
            Ok(()) => outcome.reached = Some(Level::Object),
            Err(e) => outcome.failure = Some(Failure::Wrong(format!("on a Cortex-M4: {e}"))),
        }
    });
}

/// Whether the machine code repeats the run.
fn check(lowered: &Lowered, core: &Core) -> Result<(), String> {
    let Lowered { program, inputs, outputs } = lowered;
    let object = thumb::compile(program, core).ok_or("no code for this core")?;
    let mut machine = Machine::load(&object.elf, core)?;
    machine.set_budget(BUDGET);
    let buffer = |b| &program.buffers[b];
    let mut arguments = Vec::new();
    for (&b, data) in program.inputs.iter().zip(inputs) {
        let bytes = data.to_le_bytes();
        let address = machine.alloc(&buffer(b).name, bytes.len(), buffer(b).align, Some(&bytes), false);
        arguments.push(address.map_err(|fault| fault.to_string())?);
    }
    for &b in &program.outputs {
        let address = machine.alloc(&buffer(b).name, buffer(b).bytes(), buffer(b).align, None, true);
        arguments.push(address.map_err(|fault| fault.to_string())?);
    }
    let results = arguments[inputs.len()..].to_vec();
    let arena = machine.alloc("arena", program.arena_bytes as usize, 16, None, true);
    arguments.push(arena.map_err(|fault| fault.to_string())?);
    let outcome =
        machine.call(&object.entry, &arguments, &mut |_, _| {}).map_err(|fault| fault.to_string())?;
    if outcome.result != 0 {
        return Err(format!("the status is {}", outcome.result));
    }
    for (i, ((&b, address), want)) in program.outputs.iter().zip(results).zip(outputs).enumerate() {
        let bytes = machine.read(address, buffer(b).bytes()).map_err(|fault| fault.to_string())?;
        let (dtype, count) = buffer(b).elements();
        let got = Data::from_le_bytes(dtype, count, &bytes).ok_or("a part of an element")?;
        same(&got, want).map_err(|e| format!("output {i}: {e}"))?;
    }
    Ok(())
}
