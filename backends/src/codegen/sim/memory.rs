//! Flash and RAM, with what is known about every byte: whether it belongs to a buffer, may be written, and was written.

use super::fault::Trap;
use super::flash::Lines;

/// Where memory lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The beginning of flash: code and constants.
    pub flash: u32,
    /// The beginning of RAM. The stack comes first, so that its overflow leaves the RAM instead of hitting a buffer.
    pub ram: u32,
}

impl Default for Layout {
    /// As on most chips.
    fn default() -> Self {
        Self { flash: 0x0800_0000, ram: 0x2000_0000 }
    }
}

/// Bytes for the stack.
pub const STACK_BYTES: u32 = 0x1_0000;
/// Bytes between two buffers that belong to neither.
pub const RED_ZONE: u32 = 64;
/// The most that flash or RAM can hold.
const BANK_BYTES: u32 = 0x1000_0000;

/// A byte was written.
const WRITTEN: u32 = 1;
/// A byte may be written.
const WRITABLE: u32 = 2;
/// A byte belongs to a buffer.
const MAPPED: u32 = 4;
/// The same mark for all four bytes of a word.
const ALL: u32 = 0x0101_0101;

/// A word of memory and the marks of its bytes, each in the byte's place.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    data: u32,
    marks: u32,
}

/// A named piece of memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region {
    /// What it holds.
    pub name: String,
    /// Its first byte.
    pub start: u32,
    /// The byte behind its last.
    pub end: u32,
}

#[derive(Clone, Debug, Default)]
struct Bank {
    base: u32,
    cells: Vec<Cell>,
    /// Where the next buffer may begin, relative to `base`.
    top: u32,
}

/// All memory of the machine.
#[derive(Clone, Debug)]
pub struct Memory {
    flash: Bank,
    ram: Bank,
    pub(crate) regions: Vec<Region>,
    /// Whether words and halfwords may lie at any address; else that is a fault.
    pub(crate) unaligned: bool,
    /// The lines of flash that loads have at hand, if a chip's memory is modelled.
    pub(crate) data_lines: Option<Lines>,
    /// Cycles that unaligned loads took so far.
    pub(crate) unaligned_cycles: u64,
    /// The stack pointer up to which the stack's bytes are marked.
    stack: u32,
    /// The lowest stack pointer so far.
    pub(crate) deepest: u32,
}

/// How memory is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Flash,
    Ram { writable: bool },
}

impl Memory {
    /// Memory at a layout; addresses that do not leave room for flash and RAM move to where they do.
    pub(crate) fn new(layout: Layout) -> Self {
        let base = |address: u32| (address & !7).min(u32::MAX - BANK_BYTES - 7);
        let (flash, ram) = (base(layout.flash), base(layout.ram));
        let stack_top = ram + STACK_BYTES;
        let mut memory = Self {
            flash: Bank { base: flash, ..Bank::default() },
            ram: Bank { base: ram, ..Bank::default() },
            regions: vec![Region { name: "the stack".into(), start: ram, end: stack_top }],
            unaligned: false,
            data_lines: None,
            unaligned_cycles: 0,
            stack: stack_top,
            deepest: stack_top,
        };
        memory.ram.cells.resize(STACK_BYTES as usize / 4, Cell::default());
        memory.ram.top = STACK_BYTES;
        memory
    }

    /// Makes a buffer; its bytes are unwritten.
    pub(crate) fn take(&mut self, name: &str, bytes: u32, align: u32, kind: Kind) -> Result<u32, Trap> {
        let bank = if kind == Kind::Flash { &mut self.flash } else { &mut self.ram };
        let full = Trap::Host("no room for another buffer");
        let gap = if bank.top == 0 { 0 } else { RED_ZONE };
        let start = bank
            .top
            .checked_add(gap)
            .and_then(|top| top.checked_next_multiple_of(align.max(1)))
            .ok_or(full)?;
        let end = start.checked_add(bytes).filter(|&end| end <= BANK_BYTES).ok_or(full)?;
        bank.top = end;
        bank.cells.resize(end.div_ceil(4) as usize, Cell::default());
        let (start, end) = (bank.base + start, bank.base + end);
        let marks = if kind == (Kind::Ram { writable: true }) { MAPPED | WRITABLE } else { MAPPED };
        self.mark(start, bytes, |_| marks);
        self.regions.push(Region { name: name.to_owned(), start, end });
        Ok(start)
    }

    fn cell(&self, address: u32) -> Option<&Cell> {
        let ram = address.wrapping_sub(self.ram.base) >> 2;
        self.ram
            .cells
            .get(ram as usize)
            .or_else(|| self.flash.cells.get((address.wrapping_sub(self.flash.base) >> 2) as usize))
    }

    /// The cell that a load reads: if it lies in flash, flash may wait.
    #[inline(always)]
    fn loaded(&mut self, address: u32) -> Option<&Cell> {
        let ram = address.wrapping_sub(self.ram.base) >> 2;
        if let Some(cell) = self.ram.cells.get(ram as usize) {
            return Some(cell);
        }
        if let Some(lines) = &mut self.data_lines {
            lines.touch(address);
        }
        let flash = address.wrapping_sub(self.flash.base) >> 2;
        self.flash.cells.get(flash as usize)
    }

    fn cell_mut(&mut self, address: u32) -> Option<&mut Cell> {
        let ram = address.wrapping_sub(self.ram.base) >> 2;
        match self.ram.cells.get_mut(ram as usize) {
            Some(cell) => Some(cell),
            None => self.flash.cells.get_mut((address.wrapping_sub(self.flash.base) >> 2) as usize),
        }
    }

    /// Changes the marks of bytes that exist.
    fn mark(&mut self, start: u32, bytes: u32, change: impl Fn(u32) -> u32) {
        let mut address = start;
        let end = start + bytes;
        while address < end {
            let shift = 8 * (address & 3);
            if let Some(cell) = self.cell_mut(address) {
                if shift == 0 && end - address >= 4 {
                    cell.marks = change(cell.marks & 0xff) * ALL;
                    address += 4;
                    continue;
                }
                let new = change(cell.marks >> shift & 0xff);
                cell.marks = cell.marks & !(0xff << shift) | new << shift;
            }
            address += 1;
        }
    }

    /// Writes bytes from outside, whether or not the code may.
    pub(crate) fn write(&mut self, start: u32, bytes: &[u8]) -> Result<(), Trap> {
        for (address, &byte) in (start..).zip(bytes) {
            let shift = 8 * (address & 3);
            match self.cell_mut(address) {
                Some(cell) if cell.marks >> shift & MAPPED != 0 => {
                    cell.data = cell.data & !(0xff << shift) | u32::from(byte) << shift;
                    cell.marks |= WRITTEN << shift;
                }
                _ => return Err(Trap::StoreOutside { address, bytes: 1 }),
            }
        }
        Ok(())
    }

    /// Reads bytes that were written.
    pub(crate) fn read(&self, start: u32, bytes: usize) -> Result<Vec<u8>, Trap> {
        let byte = |address| match self.marks(address) & WRITTEN {
            0 => Err(self.why_not_load(address, 1)),
            _ => Ok(self.cell(address).map_or(0, |cell| (cell.data >> (8 * (address & 3))) as u8)),
        };
        (start..).take(bytes).map(byte).collect()
    }

    /// Forgets that bytes were written.
    pub(crate) fn forget(&mut self, start: u32, bytes: u32) -> Result<(), Trap> {
        if bytes > 0 {
            let last = start.checked_add(bytes - 1).ok_or(Trap::LoadOutside { address: start, bytes })?;
            for address in [start, last] {
                self.cell(address).ok_or(Trap::LoadOutside { address, bytes: 1 })?;
            }
        }
        let mut address = start;
        while address < start + bytes {
            self.mark(address, 1, |marks| marks & !WRITTEN);
            address += 1;
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn load32(&mut self, address: u32) -> Result<u32, Trap> {
        if address & 3 == 0
            && let Some(cell) = self.loaded(address)
            && cell.marks & (ALL * WRITTEN) == ALL * WRITTEN
        {
            return Ok(cell.data);
        }
        self.load_slow(address, 4)
    }

    #[inline(always)]
    pub(crate) fn load16(&mut self, address: u32) -> Result<u32, Trap> {
        let shift = 8 * (address & 2);
        if address & 1 == 0
            && let Some(cell) = self.loaded(address)
            && cell.marks >> shift & 0x0101 == 0x0101
        {
            return Ok(cell.data >> shift & 0xffff);
        }
        self.load_slow(address, 2)
    }

    #[inline(always)]
    pub(crate) fn load8(&mut self, address: u32) -> Result<u32, Trap> {
        let shift = 8 * (address & 3);
        if let Some(cell) = self.loaded(address)
            && cell.marks >> shift & WRITTEN != 0
        {
            return Ok(cell.data >> shift & 0xff);
        }
        Err(self.why_not_load(address, 1))
    }

    #[inline(always)]
    pub(crate) fn store32(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        if address & 3 == 0
            && let Some(cell) = self.cell_mut(address)
            && cell.marks & (ALL * WRITABLE) == ALL * WRITABLE
        {
            cell.data = value;
            cell.marks |= ALL * WRITTEN;
            return Ok(());
        }
        self.store_slow(address, 4, value)
    }

    #[inline(always)]
    pub(crate) fn store16(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        let shift = 8 * (address & 2);
        if address & 1 == 0
            && let Some(cell) = self.cell_mut(address)
            && cell.marks >> shift & 0x0202 == 0x0202
        {
            cell.data = cell.data & !(0xffff << shift) | (value & 0xffff) << shift;
            cell.marks |= 0x0101 << shift;
            return Ok(());
        }
        self.store_slow(address, 2, value)
    }

    #[inline(always)]
    pub(crate) fn store8(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        let shift = 8 * (address & 3);
        if let Some(cell) = self.cell_mut(address)
            && cell.marks >> shift & WRITABLE != 0
        {
            cell.data = cell.data & !(0xff << shift) | (value & 0xff) << shift;
            cell.marks |= WRITTEN << shift;
            return Ok(());
        }
        Err(self.why_not_store(address, 1))
    }

    #[cold]
    #[inline(never)]
    fn load_slow(&mut self, address: u32, bytes: u32) -> Result<u32, Trap> {
        if !address.is_multiple_of(bytes) {
            if !self.unaligned {
                return Err(Trap::Unaligned { address, bytes });
            }
            let mut value = 0;
            for byte in 0..bytes {
                let part =
                    self.load8(address.wrapping_add(byte)).map_err(|_| self.why_not_load(address, bytes))?;
                value |= part << (8 * byte);
            }
            // A word at an odd address is read in three pieces.
            self.unaligned_cycles += if bytes == 4 && address & 1 == 1 { 2 } else { 1 };
            return Ok(value);
        }
        Err(self.why_not_load(address, bytes))
    }

    #[cold]
    #[inline(never)]
    fn store_slow(&mut self, address: u32, bytes: u32, value: u32) -> Result<(), Trap> {
        if !address.is_multiple_of(bytes) {
            if !self.unaligned {
                return Err(Trap::Unaligned { address, bytes });
            }
            for byte in 0..bytes {
                self.store8(address.wrapping_add(byte), value >> (8 * byte))
                    .map_err(|_| self.why_not_store(address, bytes))?;
            }
            return Ok(());
        }
        Err(self.why_not_store(address, bytes))
    }

    fn marks(&self, address: u32) -> u32 {
        self.cell(address).map_or(0, |cell| cell.marks >> (8 * (address & 3)) & 0xff)
    }

    #[cold]
    fn why_not_load(&self, address: u32, bytes: u32) -> Trap {
        match (0..bytes).all(|byte| self.marks(address.wrapping_add(byte)) & MAPPED != 0) {
            true => Trap::Uninitialised { address, bytes },
            false => Trap::LoadOutside { address, bytes },
        }
    }

    #[cold]
    fn why_not_store(&self, address: u32, bytes: u32) -> Trap {
        match (0..bytes).all(|byte| self.marks(address.wrapping_add(byte)) & MAPPED != 0) {
            true => Trap::StoreReadOnly { address, bytes },
            false => Trap::StoreOutside { address, bytes },
        }
    }

    /// Follows the stack pointer: bytes above it belong to the stack, unwritten at first; bytes below belong to nobody,
    /// because an interrupt may use them at any time.
    pub(crate) fn move_stack(&mut self, stack_pointer: u32) -> Result<(), Trap> {
        if !(self.ram.base..=self.stack_top()).contains(&stack_pointer) {
            return Err(Trap::StackOverflow { stack_pointer });
        }
        if stack_pointer & 3 != 0 {
            return Err(Trap::StackUnaligned { stack_pointer });
        }
        let (old, new) = (self.stack, stack_pointer);
        if new < old {
            self.mark(new, old - new, |_| MAPPED | WRITABLE);
            self.deepest = self.deepest.min(new);
        } else {
            self.mark(old, new - old, |_| 0);
        }
        self.stack = new;
        Ok(())
    }

    /// The stack pointer of an empty stack.
    pub(crate) fn stack_top(&self) -> u32 {
        self.ram.base + STACK_BYTES
    }

    /// Puts arguments on an empty stack, and returns the stack pointer, a multiple of `align`.
    pub(crate) fn push_arguments(&mut self, arguments: &[u32], align: u32) -> Result<u32, Trap> {
        let bytes = (arguments.len() as u64 * 4).next_multiple_of(align.into());
        if bytes > u64::from(STACK_BYTES) / 2 {
            return Err(Trap::Host("more arguments than the stack has room for"));
        }
        let stack_pointer = self.stack_top() - bytes as u32;
        self.move_stack(stack_pointer)?;
        for (slot, argument) in (0..).zip(arguments) {
            self.store32(stack_pointer + 4 * slot, *argument)?;
        }
        Ok(stack_pointer)
    }

    /// An empty stack again.
    pub(crate) fn reset_stack(&mut self) {
        let top = self.stack_top();
        self.move_stack(top).expect("the top of the stack is in the stack");
        self.deepest = top;
    }

    /// Words how an address lies to the nearest buffer.
    pub(crate) fn near(&self, address: u32) -> Option<String> {
        let distance = |region: &Region| match address {
            _ if address < region.start => region.start - address,
            _ if address >= region.end => address - region.end + 1,
            _ => 0,
        };
        let region = self.regions.iter().min_by_key(|region| distance(region))?;
        let (name, bytes) = (&region.name, region.end - region.start);
        Some(match address {
            _ if address < region.start => format!("{} bytes before {name}", region.start - address),
            _ if address >= region.end => {
                format!("{} bytes behind {name}, which has {bytes}", address - region.end)
            }
            _ => format!("byte {} of the {bytes} of {name}", address - region.start),
        })
    }
}
