//! The memory of a program while it runs: inputs, outputs, arena and state in one aligned block.

use crate::code::{ALIGN, Code};
use std::fmt;
use std::sync::Arc;
use tinyc_ir::Data;
use tinyc_ir::loops::{Buffer, Program};

/// Why a run gave no outputs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The program ended the run for its data's sake, with this code.
    #[error("the run ended with code {0}")]
    Fail(u8),
    /// The inputs are not the program's.
    #[error("{0}")]
    Inputs(String),
}

/// A program's memory, for runs that share the state.
pub struct Session {
    program: Arc<Program>,
    code: Arc<Code>,
    memory: Vec<u8>,
    /// Where the areas begin, from the first aligned byte on: inputs, outputs, arena, state.
    areas: Vec<usize>,
}

impl Session {
    pub(crate) fn new(program: Arc<Program>, code: Arc<Code>) -> Self {
        let mut end = 0usize;
        let mut areas = Vec::new();
        for &bytes in code.areas() {
            areas.push(end);
            end = (end + bytes).next_multiple_of(ALIGN);
        }
        let initial = program.initial_state();
        let mut session = Self { program, code, memory: vec![0; end + ALIGN], areas };
        let state = session.start(session.areas.len() - 1);
        session.memory[state..state + initial.len()].copy_from_slice(&initial);
        session
    }

    /// The position of an area in the memory. The block may lie anywhere, but it does not move.
    fn start(&self, area: usize) -> usize {
        self.memory.as_ptr().align_offset(ALIGN) + self.areas[area]
    }

    /// Runs the program once, from the state that the last run left.
    ///
    /// # Errors
    /// Inputs of another number, type or length than the program's; a run that the program ended, for an index that is outside, say. The
    /// state is then what the run had made of it.
    pub fn run(&mut self, inputs: &[Data]) -> Result<Vec<Data>, Failure> {
        self.run_on(&inputs.iter().collect::<Vec<_>>())
    }

    /// As [`run`](Self::run), on inputs that lie apart.
    ///
    /// # Errors
    /// The same.
    pub fn run_on(&mut self, inputs: &[&Data]) -> Result<Vec<Data>, Failure> {
        let program = self.program.clone();
        if inputs.len() != program.inputs.len() {
            let message = format!("{} inputs for a program of {}", inputs.len(), program.inputs.len());
            return Err(Failure::Inputs(message));
        }
        for (area, (&buffer, data)) in program.inputs.iter().zip(inputs).enumerate() {
            let expected = &program.buffers[buffer];
            if expected.elements() != (data.dtype(), data.len()) {
                let ((dtype, len), name) = (expected.elements(), &expected.name);
                let message =
                    format!("{name} holds {len} of {dtype}, not {} of {}", data.len(), data.dtype());
                return Err(Failure::Inputs(message));
            }
            let bytes = data.to_le_bytes();
            let start = self.start(area);
            self.memory[start..start + bytes.len()].copy_from_slice(&bytes);
        }
        let starts: Vec<usize> = (0..self.areas.len()).map(|area| self.start(area)).collect();
        match self.code.run(&mut self.memory, &starts) {
            0 => Ok(program
                .outputs
                .iter()
                .enumerate()
                .map(|(i, &buffer)| self.read(inputs.len() + i, buffer))
                .collect()),
            code => Err(Failure::Fail(code as u8)),
        }
    }

    fn read(&self, area: usize, buffer: Buffer) -> Data {
        let data = &self.program.buffers[buffer];
        let (dtype, count) = data.elements();
        let start = self.start(area);
        Data::from_le_bytes(dtype, count, &self.memory[start..start + data.bytes()]).expect("whole elements")
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("program", &self.program.name).finish_non_exhaustive()
    }
}
