//! Runs a whole module in the interpreter of functions, as the firmware would call it: inputs in, outputs out. For tests.

use super::interpret::{Fault, Interpreter, Memory};
use super::{Callee, Function, Module};
use std::collections::BTreeMap;
use tinyc_ir::Data;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Buffer, Program};

/// Where the constants lie; all other memory is above.
const CONSTANTS: u32 = 0x0800_0000;
const MEMORY: u32 = 0x2000_0000;
/// What memory holds before anything is written.
const GARBAGE: u8 = 0xa5;

/// What a run left.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// 0, or the code of a `fail`.
    pub status: u32,
    /// The outputs, in the program's order.
    pub outputs: Vec<Data>,
    /// How often each block of each function ran, in the module's order.
    pub runs: Vec<Vec<u64>>,
}

/// Runs the entry function once, with the state at zero. The routines are all that it calls.
///
/// # Errors
/// What the interpreter reports.
pub fn execute(
    program: &Program,
    module: &Module,
    routines: &BTreeMap<&'static str, Function>,
    inputs: &[Data],
) -> Result<Outcome, Fault> {
    let callee = |at: usize| Callee::Kernel(at as u32);
    let functions = module.functions.iter().enumerate().map(|(i, f)| (callee(i), f));
    let routines = routines.iter().map(|(&name, f)| (Callee::Routine(name), f));
    let mut interpreter = Interpreter::new(functions.chain(routines));
    interpreter.data = CONSTANTS;
    let mut constants = module.data.bytes.clone();
    constants.resize(constants.len().max(1), 0);
    interpreter.memory.add(CONSTANTS, constants);

    let mut next = MEMORY;
    let mut add = |memory: &mut Memory, bytes: Vec<u8>| {
        let address = next;
        // Buffers lie apart, so that an access beyond one is a fault.
        next = (next + bytes.len() as u32 + 64).next_multiple_of(64);
        memory.add(address, bytes);
        address
    };
    let garbage = |bytes: usize| vec![GARBAGE; bytes.max(1)];
    let memory = &mut interpreter.memory;
    let mut args: Vec<u32> = Vec::new();
    if program.state_bytes() > 0 {
        args.push(add(memory, program.initial_state()));
    }
    args.extend(inputs.iter().map(|d| add(memory, d.to_le_bytes())));
    let size = |buffer: &Buffer| program.buffers[*buffer].bytes();
    let outputs: Vec<u32> = program.outputs.iter().map(|b| add(memory, garbage(size(b)))).collect();
    args.extend(&outputs);
    args.push(add(memory, garbage(program.arena_bytes as usize)));

    let entry = module.functions.len() - 1;
    let status = interpreter.call(&callee(entry), &args)?.first().copied().unwrap_or(0);
    let read = |(&buffer, &address): (&Buffer, &u32)| {
        let bytes = interpreter.memory.piece(address).unwrap_or_default();
        let data = &program.buffers[buffer];
        let (dtype, count) = data.elements();
        Data::from_le_bytes(dtype, count, &bytes[..data.bytes()]).expect("as many bytes as it has")
    };
    let outputs = program.outputs.iter().zip(&outputs).map(read).collect();
    let runs = (0..=entry).map(|at| interpreter.runs(&callee(at)).to_vec()).collect();
    Ok(Outcome { status, outputs, runs })
}

/// Compares how often blocks ran with the static counts: equal where they do not depend on data, else not above.
///
/// # Errors
/// The first block where it does not hold.
pub fn check_counts(program: &Program, module: &Module, outcome: &Outcome) -> Result<(), String> {
    for (at, (function, runs)) in module.functions.iter().zip(&outcome.runs).enumerate() {
        let calls = match program.kernels.len() {
            kernels if at == kernels => 1,
            _ => program.calls.iter().filter(|c| c.kernel.index() == at).count() as u64,
        };
        for ((block, data), &ran) in function.blocks.iter().zip(runs) {
            let most = calls * data.count.times;
            if ran > most || (ran < most && !data.count.varies) {
                return Err(format!(
                    "{}, {block} ran {ran} times, not {} times {calls}",
                    function.name, data.count
                ));
            }
            let out: u64 = data.edges().iter().map(|e| e.count.times).sum();
            let exact = !data.count.varies && data.edges().iter().all(|e| !e.count.varies);
            if exact && !data.edges().is_empty() && out != data.count.times {
                return Err(format!("{}, {block}: {out} ways out of {}", function.name, data.count));
            }
        }
    }
    Ok(())
}
