//! The loop-IR interpreter: what a [`Program`] means. Every backend is tested against it.
//!
//! It walks the kernels as they are written, over real bytes at the planned places, and trusts nothing that the
//! verifier proves about memory: accesses, alignment, overflow and ranges are checked again when they happen. It does
//! trust the structure (types, scopes, arguments), so verify a program before running it.

pub(crate) mod fault;
mod frame;
mod memory;
pub(crate) mod ops;

pub use fault::Trap;
pub use memory::Memory;

use super::{Access, Place, Program, Scalar};
use crate::Data;
use frame::{Frame, View};

/// What a finished run leaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// The outputs, in the program's order.
    pub outputs: Vec<Data>,
}

/// Runs a program once on inputs in its order, with the state at zero.
pub fn run(program: &Program, inputs: &[Data]) -> Result<Run, Trap> {
    run_with(program, inputs, |_, _| {})
}

/// As [`run`]; after each call, `hook` sees the call's position and all memory.
pub fn run_with(
    program: &Program,
    inputs: &[Data],
    hook: impl FnMut(usize, &Memory<'_>),
) -> Result<Run, Trap> {
    Interpreter::new(program)?.run_with(inputs, hook)
}

/// A program with its memory, for several runs that share the state.
pub struct Interpreter<'a> {
    program: &'a Program,
    memory: Memory<'a>,
    /// The type of each expression of each kernel.
    scalars: Vec<Vec<Scalar>>,
}

impl<'a> Interpreter<'a> {
    /// Lays out the memory, with the state at zero; a trap if a buffer does not fit into the arena.
    pub fn new(program: &'a Program) -> Result<Self, Trap> {
        let scalars =
            program.kernels.values().map(|k| k.exprs.keys().map(|e| k.scalar(e)).collect()).collect();
        Ok(Self { program, memory: Memory::new(program)?, scalars })
    }

    /// Runs all calls once. The arena and the outputs start unwritten, the state as the last run left it.
    pub fn run(&mut self, inputs: &[Data]) -> Result<Run, Trap> {
        self.run_with(inputs, |_, _| {})
    }

    /// As [`run`](Self::run); after each call, `hook` sees the call's position and all memory.
    pub fn run_with(
        &mut self,
        inputs: &[Data],
        mut hook: impl FnMut(usize, &Memory<'_>),
    ) -> Result<Run, Trap> {
        let program = self.program;
        self.memory.forget();
        if inputs.len() != program.inputs.len() {
            let message = format!("{} inputs for a program of {}", inputs.len(), program.inputs.len());
            return Err(Trap::before_calls(message));
        }
        for (&buffer, data) in program.inputs.iter().zip(inputs) {
            self.memory.supply(buffer, data)?;
        }
        for position in 0..program.calls.len() {
            self.call(position)?;
            hook(position, &self.memory);
        }
        let output = |&buffer| {
            self.memory.read(buffer).ok_or_else(|| {
                let element = self.memory.first_unwritten(buffer).unwrap_or(0);
                let name = &program.buffers[buffer].name;
                Trap::before_calls(format!("element {element} of output {name} was never written"))
            })
        };
        Ok(Run { outputs: program.outputs.iter().map(output).collect::<Result<_, _>>()? })
    }

    fn call(&mut self, position: usize) -> Result<(), Trap> {
        use crate::entity::Entity;
        let call = &self.program.calls[position];
        let kernel = &self.program.kernels[call.kernel];
        let mut views = Vec::with_capacity(call.args.len());
        for (param, &buffer) in kernel.params.values().zip(&call.args) {
            let data = &self.program.buffers[buffer];
            let constant = matches!(data.place, Place::Flash(_) | Place::Input(_));
            views.push(View {
                start: self.memory.start(buffer),
                // A kernel sees the smaller of what it was promised and what it was given.
                len: param.len.min(data.len),
                size: param.scalar.size(),
                writable: param.access != Access::Read && !constant,
            });
        }
        let mut frame = Frame::new(kernel, &self.scalars[call.kernel.index()], views, &mut self.memory);
        frame.run().map_err(|fault| fault.at(position, &kernel.name))
    }
}

#[cfg(test)]
mod tests;
