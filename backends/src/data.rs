//! What of a program lies in flash, as one piece of memory. Where that lies, the linker knows.

use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Buffer, Place, Program};

/// Constant data as one piece of memory.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// All of it.
    pub bytes: Vec<u8>,
    /// The alignment of its first byte.
    pub align: u32,
    /// What lies where, in the order of offsets; what is between two of them is padding.
    pub labels: Vec<Label>,
    /// The offset of each buffer of the program that lies here, by its position.
    offsets: Vec<Option<u32>>,
}

/// A named part of the constant data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The buffer's name.
    pub name: String,
    /// Its first byte.
    pub offset: u32,
    /// Its bytes.
    pub len: u32,
}

impl Data {
    /// The constants that layers use, in the program's order.
    pub(crate) fn new(program: &Program) -> Self {
        let used: BTreeSet<Buffer> = program.calls.iter().flat_map(|c| c.args.iter().copied()).collect();
        let mut data = Self { align: 4, offsets: vec![None; program.buffers.len()], ..Self::default() };
        for buffer in used {
            let buffer_data = &program.buffers[buffer];
            let Place::Flash(numbers) = &buffer_data.place else { continue };
            let start = data.bytes.len().next_multiple_of(buffer_data.align as usize);
            data.bytes.resize(start, 0);
            data.bytes.extend(numbers.to_le_bytes());
            data.align = data.align.max(buffer_data.align);
            data.offsets[buffer.index()] = Some(start as u32);
            let len = (data.bytes.len() - start) as u32;
            data.labels.push(Label { name: buffer_data.name.clone(), offset: start as u32, len });
        }
        data
    }

    /// Where a buffer of the program lies, if it is one of the constants that layers use.
    pub fn offset(&self, buffer: Buffer) -> Option<u32> {
        self.offsets.get(buffer.index()).copied().flatten()
    }
}
