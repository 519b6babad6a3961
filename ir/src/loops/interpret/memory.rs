//! The interpreter's memory: real bytes at the planned places, each with a flag that says whether it was written.

use super::fault::Trap;
use crate::entity::Entity;
use crate::loops::{Buffer, Place, Program};
use crate::{DType, Data};

/// Every area starts at a multiple of this, so that planned alignment is real alignment.
const AREA_ALIGN: usize = 64;

/// All memory of a program. The arena and the state are one area each, in which buffers may overlap; every input,
/// output and constant is an area of its own.
pub struct Memory<'a> {
    program: &'a Program,
    /// The first byte of each buffer.
    starts: Vec<usize>,
    /// Where the areas that a run forgets begin: the arena and the outputs lie behind state, constants and inputs.
    volatile: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) written: Vec<bool>,
}

impl<'a> Memory<'a> {
    /// Constants and the initial state are filled in, the rest is unwritten.
    pub(super) fn new(program: &'a Program) -> Result<Self, Trap> {
        let mut end = 0usize;
        let mut area = |bytes: usize| {
            let start = end.next_multiple_of(AREA_ALIGN);
            end = start + bytes;
            start
        };
        let initial = program.initial_state();
        let state = area(initial.len());
        let mut starts = vec![0; program.buffers.len()];
        let own_area = |place: &Place, volatile: bool| match place {
            Place::Flash(_) | Place::Input(_) => !volatile,
            Place::Output(_) => volatile,
            Place::Arena(_) | Place::State(_) => false,
        };
        for (buffer, data) in program.buffers.iter().filter(|(_, b)| own_area(&b.place, false)) {
            starts[buffer.index()] = area(data.bytes());
        }
        let arena = area(program.arena_bytes as usize);
        for (buffer, data) in program.buffers.iter().filter(|(_, b)| own_area(&b.place, true)) {
            starts[buffer.index()] = area(data.bytes());
        }
        let mut memory =
            Self { program, starts, volatile: arena, bytes: vec![0; end], written: vec![false; end] };
        memory.bytes[state..state + initial.len()].copy_from_slice(&initial);
        memory.written[state..state + initial.len()].fill(true);
        for (buffer, data) in program.buffers.iter() {
            match &data.place {
                Place::Arena(offset) => {
                    if *offset as usize + data.bytes() > program.arena_bytes as usize {
                        let (name, bytes) = (&data.name, data.bytes());
                        return Err(Trap::before_calls(format!(
                            "buffer {name} has {bytes} bytes at {offset} in an arena of {}",
                            program.arena_bytes
                        )));
                    }
                    memory.starts[buffer.index()] = arena + *offset as usize;
                }
                Place::State(offset) => memory.starts[buffer.index()] = state + *offset as usize,
                Place::Flash(constant) => memory.fill(buffer, (data.scalar, data.len), constant)?,
                Place::Input(_) | Place::Output(_) => {}
            }
        }
        Ok(memory)
    }

    /// Overwrites a whole input; a trap if the data has another type or length.
    pub(super) fn supply(&mut self, buffer: Buffer, data: &Data) -> Result<(), Trap> {
        self.fill(buffer, self.program.buffers[buffer].elements(), data)
    }

    fn fill(&mut self, buffer: Buffer, elements: (DType, usize), data: &Data) -> Result<(), Trap> {
        let expected = &self.program.buffers[buffer];
        if elements != (data.dtype(), data.len()) {
            return Err(Trap::before_calls(format!(
                "buffer {} holds {} of {}, not {} of {}",
                expected.name,
                elements.1,
                elements.0,
                data.len(),
                data.dtype()
            )));
        }
        let range = self.start(buffer)..self.start(buffer) + expected.bytes();
        self.bytes[range.clone()].copy_from_slice(&data.to_le_bytes());
        self.written[range].fill(true);
        Ok(())
    }

    /// Makes the arena and the outputs unwritten, as they are at the start of every run.
    pub(super) fn forget(&mut self) {
        self.written[self.volatile..].fill(false);
    }

    /// The position of a buffer's first byte.
    pub(super) fn start(&self, buffer: Buffer) -> usize {
        self.starts[buffer.index()]
    }

    /// What a buffer holds now; `None` if a byte of it was not written in this run. In the arena this is only the
    /// buffer's own content while no other buffer took its place.
    pub fn read(&self, buffer: Buffer) -> Option<Data> {
        let data = &self.program.buffers[buffer];
        let range = self.start(buffer)..self.start(buffer) + data.bytes();
        if !self.written[range.clone()].iter().all(|&w| w) {
            return None;
        }
        let (dtype, count) = data.elements();
        Data::from_le_bytes(dtype, count, &self.bytes[range])
    }

    /// The first element of a buffer that has an unwritten byte.
    pub fn first_unwritten(&self, buffer: Buffer) -> Option<usize> {
        let data = &self.program.buffers[buffer];
        let written = &self.written[self.start(buffer)..self.start(buffer) + data.bytes()];
        written.iter().position(|&w| !w).map(|byte| byte / data.scalar.size())
    }
}
