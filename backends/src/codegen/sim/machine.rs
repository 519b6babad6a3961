//! The machine as its users see it: code loaded, buffers made, functions called.

use std::sync::Arc;

use tinyc_targets::Core;

use super::fault::{Fault, Trap};
use super::flash::{FlashModel, Lines};
use super::image::{Image, Symbol};
use super::memory::{Kind, Layout, Memory, Region};
use super::run::{Counts, Visit, Watch};
use super::trace::Trace;

/// A core's registers, and how its instructions run. The rest of a machine is shared.
pub trait Processor: Clone + Default + std::fmt::Debug + Sized {
    /// An instruction, decoded once, in the form that runs fast. There is one for each halfword.
    type Step: Copy + std::fmt::Debug;
    /// An instruction where it lies.
    type Placed: Copy + std::fmt::Debug;

    /// A core with nothing in its registers.
    #[doc(hidden)]
    fn of(_: &Core) -> Self {
        Self::default()
    }

    /// Reads a relocatable object into memory.
    ///
    /// # Errors
    /// What of the object is not understood.
    #[doc(hidden)]
    fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Image<Self::Placed>, String>;

    /// The steps of an image, one for each halfword from its start on.
    #[doc(hidden)]
    fn steps(image: &Image<Self::Placed>, core: &Core) -> Vec<Self::Step>;

    /// Where an instruction lies.
    fn address(placed: &Self::Placed) -> u32;

    /// Its assembly text.
    fn text(placed: &Self::Placed) -> String;

    /// Gets everything ready for a call, as C does it.
    ///
    /// # Errors
    /// There are more arguments than the stack has room for.
    #[doc(hidden)]
    fn begin(&mut self, memory: &mut Memory, args: &[u32]) -> Result<(), Trap>;

    /// The stack pointer.
    fn stack_pointer(&self) -> u32;

    /// The first word that a function returns.
    fn result(&self) -> u32;

    /// Runs from the step at `index` until the outermost function returns. On a fault: the index of the step at which.
    #[doc(hidden)]
    fn run(
        machine: &mut Machine<Self>,
        index: usize,
        budget: u64,
        watch: &mut Watch<'_, Self>,
    ) -> Result<Counts, (usize, Trap)>;
}

/// A core with code, memory and everything that is checked.
#[derive(Clone, Debug)]
pub struct Machine<P: Processor> {
    pub(crate) cpu: P,
    pub(crate) memory: Memory,
    /// One step per halfword from `base` on.
    pub(crate) code: Arc<[P::Step]>,
    pub(crate) base: u32,
    pub(crate) visits: Vec<Visit>,
    /// The lines of flash that the fetch of instructions has at hand, if a chip's memory is modelled.
    pub(crate) code_lines: Option<Lines>,
    /// What was executed, if somebody wants to know.
    pub(crate) trace: Option<Trace>,
    /// Whether anything wants to see every instruction.
    pub(crate) observed: bool,
    flash: Option<FlashModel>,
    placed: Arc<[P::Placed]>,
    symbols: Arc<[Symbol]>,
    budget: u64,
}

/// Cycles with the memory of a chip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OnChip {
    /// All of them, waiting included.
    pub cycles: u64,
    /// Of these, waiting for code.
    pub code_waits: u64,
    /// And waiting for constants.
    pub data_waits: u64,
}

/// How a call went. Cycles assume memory that never waits, but for `on_chip`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the function returned.
    pub result: u32,
    /// Instructions, those included that a condition skipped.
    pub instructions: u64,
    /// Cycles, the last return included and the call itself not.
    pub cycles: u64,
    /// The most that operands can make of the cycles (division, long products on the M3).
    pub worst_cycles: u64,
    /// The most stack that was in use, in bytes, arguments on the stack not counted.
    pub stack_bytes: u32,
    /// The same with the memory of the chip, if one was chosen with [`Machine::set_flash`].
    pub on_chip: Option<OnChip>,
    /// The calls that the function made, in order.
    pub visits: Vec<Visit>,
}

/// Instructions that a call may execute unless [`Machine::set_budget`] says otherwise.
const BUDGET: u64 = 20_000_000_000;

impl<P: Processor> Machine<P> {
    /// Loads a relocatable object: code and constants into flash, variables into RAM, everything relocated.
    ///
    /// # Errors
    /// A text that says what of the object is not understood: no ELF for the core, a symbol that nothing defines, a relocation
    /// other than those that the compiler writes.
    pub fn load(object: &[u8], core: &Core) -> Result<Self, String> {
        Self::load_at(object, core, Layout::default())
    }

    /// The same with memory at other addresses: code comes first in flash, the stack first in RAM.
    ///
    /// # Errors
    /// As [`Machine::load`].
    pub fn load_at(object: &[u8], core: &Core, layout: Layout) -> Result<Self, String> {
        let mut memory = Memory::new(layout);
        let image = P::read(object, core, &mut memory)?;
        Ok(Self::new(memory, image, core))
    }

    /// A machine with just these instructions, at any even addresses. Their encodings are in no memory.
    pub(crate) fn of_image(image: Image<P::Placed>, core: &Core) -> Self {
        Self::new(Memory::new(Layout::default()), image, core)
    }

    fn new(memory: Memory, image: Image<P::Placed>, core: &Core) -> Self {
        Self {
            cpu: P::of(core),
            memory,
            code: P::steps(&image, core).into(),
            base: image.start,
            visits: Vec::new(),
            code_lines: None,
            trace: None,
            observed: false,
            flash: None,
            placed: image.code.into(),
            symbols: image.symbols.into(),
            budget: BUDGET,
        }
    }

    /// Makes a buffer in RAM, apart from all others, and returns its address. Without `init` its bytes are unwritten, and reading
    /// one is a fault; if it is not `writable`, storing to it is.
    ///
    /// # Errors
    /// There is no room for it, or `init` is longer than it.
    pub fn alloc(
        &mut self,
        name: &str,
        bytes: usize,
        align: u32,
        init: Option<&[u8]>,
        writable: bool,
    ) -> Result<u32, Fault> {
        let size = u32::try_from(bytes).map_err(|_| Trap::Host("a buffer over 4 GiB"))?;
        if init.is_some_and(|init| init.len() > bytes) {
            return Err(Trap::Host("more initial bytes than the buffer has").into());
        }
        let address = self.memory.take(name, size, align, Kind::Ram { writable })?;
        self.memory.write(address, init.unwrap_or_default())?;
        Ok(address)
    }

    /// Writes bytes into buffers, whether or not code may.
    ///
    /// # Errors
    /// A byte belongs to no buffer.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.memory.write(address, bytes).map_err(|trap| self.fault(trap))
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// A byte belongs to no buffer or was never written.
    pub fn read(&self, address: u32, bytes: usize) -> Result<Vec<u8>, Fault> {
        self.memory.read(address, bytes).map_err(|trap| self.fault(trap))
    }

    /// Makes bytes unwritten again: what code left there must not be read any more.
    ///
    /// # Errors
    /// There is no such memory.
    pub fn forget(&mut self, address: u32, bytes: u32) -> Result<(), Fault> {
        self.memory.forget(address, bytes).map_err(|trap| self.fault(trap))
    }

    /// How many instructions a call may execute.
    pub fn set_budget(&mut self, instructions: u64) {
        self.budget = instructions;
    }

    /// Lets words and halfwords lie at any address, as Armv7-M does; else an unaligned access is a fault. Each unaligned
    /// load costs 1 cycle more, 2 for a word at an odd address.
    pub fn allow_unaligned(&mut self, allowed: bool) {
        self.memory.unaligned = allowed;
    }

    /// Counts cycles with the memory of a chip, too, or stops doing so. Every call begins with empty caches.
    pub fn set_flash(&mut self, model: Option<FlashModel>) {
        self.flash = model;
    }

    /// Traces what the next calls execute.
    pub fn start_trace(&mut self) {
        self.trace = Some(Trace::default());
    }

    /// What was executed since tracing started; ends it.
    pub fn take_trace(&mut self) -> Option<Trace> {
        self.trace.take()
    }

    fn empty_lines(&mut self) {
        let [code, data] = self.flash.as_ref().map_or([None, None], |flash| flash.lines().map(Some));
        self.code_lines = code;
        self.memory.data_lines = data;
    }

    fn on_chip(&self, cycles: u64) -> Option<OnChip> {
        let (code, data) = (self.code_lines.as_ref()?, self.memory.data_lines.as_ref()?);
        let (code_waits, data_waits) = (code.waited, data.waited);
        Some(OnChip { cycles: cycles + code_waits + data_waits, code_waits, data_waits })
    }

    /// Cycles that flash has waited since the call began.
    pub(crate) fn waited(&self) -> u64 {
        self.on_chip(0).map_or(0, |on_chip| on_chip.cycles)
    }

    /// The address of a symbol.
    pub fn symbol(&self, name: &str) -> Option<u32> {
        self.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.start)
    }

    /// The function that contains an address, and the offset in it.
    pub fn function_at(&self, address: u32) -> Option<(&str, u32)> {
        let behind = self.symbols.partition_point(|symbol| symbol.start <= address);
        let symbol = self.symbols[..behind].iter().rev().find(|symbol| symbol.is_function)?;
        Some((&symbol.name, address - symbol.start))
    }

    /// All instructions, where they lie.
    pub fn code(&self) -> &[P::Placed] {
        &self.placed
    }

    /// The buffers, sections and the stack.
    pub fn regions(&self) -> &[Region] {
        &self.memory.regions
    }

    /// Registers and flags, as the last call left them.
    pub fn cpu(&self) -> &P {
        &self.cpu
    }

    /// Calls a function as C does: the first words of arguments in registers, the rest on the stack. `watch` is told
    /// whenever a call that the function itself made has returned; it may look at memory and change it.
    ///
    /// # Errors
    /// The first access, jump or instruction that is not allowed, or that the function does not keep the registers of its
    /// caller, or runs on beyond the budget.
    pub fn call(&mut self, symbol: &str, args: &[u32], watch: &mut Watch<'_, P>) -> Result<Outcome, Fault> {
        let address = self.symbol(symbol).ok_or(Trap::Host("there is no such function"))?;
        self.call_at(address, args, watch)
    }

    /// The same with the address of the function.
    ///
    /// # Errors
    /// As [`Machine::call`].
    pub fn call_at(
        &mut self,
        address: u32,
        args: &[u32],
        watch: &mut Watch<'_, P>,
    ) -> Result<Outcome, Fault> {
        self.memory.reset_stack();
        self.cpu.begin(&mut self.memory, args)?;
        let stack_pointer = self.cpu.stack_pointer();
        self.visits.clear();
        self.empty_lines();
        self.observed = self.code_lines.is_some() || self.trace.is_some();
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let counts =
            P::run(self, index, self.budget, watch).map_err(|(index, trap)| self.fault_at(index, trap))?;
        Ok(Outcome {
            result: self.cpu.result(),
            instructions: self.budget - counts.left,
            cycles: counts.cycles,
            worst_cycles: counts.cycles + counts.slack,
            stack_bytes: stack_pointer - self.memory.deepest.min(stack_pointer),
            on_chip: self.on_chip(counts.cycles),
            visits: std::mem::take(&mut self.visits),
        })
    }

    /// Tells who wants to see every instruction of the next one, which has so many halfwords.
    #[inline(never)]
    pub(crate) fn observe(&mut self, index: usize, size: u8) {
        let address = self.address_of(index);
        if let Some(lines) = &mut self.code_lines {
            lines.touch(address);
            lines.touch(address.wrapping_add(2 * u32::from(size) - 1));
        }
        if let Some(trace) = &mut self.trace {
            trace.step(index);
        }
    }

    pub(crate) fn address_of(&self, index: usize) -> u32 {
        self.base.wrapping_add((index as u32).wrapping_mul(2))
    }

    fn fault(&self, trap: Trap) -> Fault {
        let near = trap.address().and_then(|address| self.memory.near(address));
        Fault { near, ..Fault::from(trap) }
    }

    fn fault_at(&self, index: usize, trap: Trap) -> Fault {
        let pc = self.address_of(index);
        let place = self.function_at(pc).map(|(name, offset)| format!("{name}+{offset:#x}"));
        let found = self.placed.binary_search_by_key(&pc, P::address);
        let instruction = found.ok().map(|at| P::text(&self.placed[at]));
        Fault { pc: Some(pc), place, instruction, ..self.fault(trap) }
    }
}
