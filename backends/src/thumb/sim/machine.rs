//! The machine as its users see it: code loaded, buffers made, functions called.

use std::sync::Arc;

use tinyc_targets::Core;

use super::cpu::Cpu;
use super::fault::{Fault, Trap};
use super::flash::{FlashModel, Lines};
use super::image::{Image, Symbol};
use super::memory::{Kind, Layout, Memory, Region, STACK_BYTES};
use super::run::{RETURN, Visit, Watch};
use super::step::{MIDDLE, Step, UNDEFINED, UNSUPPORTED, link};
use super::trace::Trace;
use crate::thumb::isa;
use crate::thumb::timing::{Model, Placed};

/// A core with code, memory and everything that is checked.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) cpu: Cpu,
    pub(super) memory: Memory,
    /// One step per halfword from `base` on.
    pub(super) code: Arc<[Step]>,
    pub(super) base: u32,
    pub(super) visits: Vec<Visit>,
    /// The lines of flash that the fetch of instructions has at hand, if a chip's memory is modelled.
    pub(super) code_lines: Option<Lines>,
    /// What was executed, if somebody wants to know.
    pub(super) trace: Option<Trace>,
    /// Whether anything wants to see every instruction.
    pub(super) observed: bool,
    flash: Option<FlashModel>,
    placed: Arc<[Placed]>,
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
    /// r0 at the end.
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

impl Machine {
    /// Loads a relocatable object: code and constants into flash, variables into RAM, everything relocated.
    ///
    /// # Errors
    /// A text that says what of the object is not understood: no ELF for Arm, a symbol that nothing defines, a relocation
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
        let image = Image::read(object, core, &mut memory)?;
        Ok(Self::new(memory, image, core))
    }

    /// A machine with just these instructions, at any even addresses, in ascending order. Their encodings are in no memory.
    pub fn with_code(code: Vec<Placed>, core: &Core) -> Self {
        Self::new(Memory::new(Layout::default()), Image::of_code(code), core)
    }

    fn new(memory: Memory, image: Image, core: &Core) -> Self {
        let model = Model::new(core);
        let base = image.start;
        let mut steps = vec![Step::none(MIDDLE); ((image.end - base) / 2) as usize];
        let mut rest: &[Placed] = &image.code;
        // Pairs of instructions do not reach from one function into the next.
        let mut bounds = image.symbols.iter().filter(|symbol| symbol.is_function).map(|symbol| symbol.start);
        while !rest.is_empty() {
            let end = bounds
                .find(|&start| start > rest[0].address)
                .map_or(rest.len(), |start| rest.partition_point(|placed| placed.address < start));
            let (function, behind) = rest.split_at(end.max(1));
            for (placed, price) in function.iter().zip(model.prices(function)) {
                steps[((placed.address - base) / 2) as usize] = Step::new(placed, &price, &model, base);
            }
            rest = behind;
        }
        for (addresses, why) in [(&image.undefined, UNDEFINED), (&image.unsupported, UNSUPPORTED)] {
            for &address in addresses {
                steps[((address - base) / 2) as usize] = Step::none(why);
            }
        }
        link(&mut steps);
        Self {
            cpu: Cpu::default(),
            memory,
            code: steps.into(),
            base,
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

    /// Lets LDR, LDRH, STR and STRH access any address, as Armv7-M does; else an unaligned access is a fault. Each unaligned
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
    pub(super) fn waited(&self) -> u64 {
        self.on_chip(0).map_or(0, |on_chip| on_chip.cycles)
    }

    /// The address of a symbol, without the Thumb bit.
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
    pub fn code(&self) -> &[Placed] {
        &self.placed
    }

    /// The buffers, sections and the stack.
    pub fn regions(&self) -> &[Region] {
        &self.memory.regions
    }

    /// Registers and flags, as the last call left them.
    pub fn cpu(&self) -> &Cpu {
        &self.cpu
    }

    /// The same, to prepare a test.
    pub fn cpu_mut(&mut self) -> &mut Cpu {
        &mut self.cpu
    }

    /// Calls a function as C does: the first four words of arguments in r0 to r3, the rest on the stack. `watch` is told
    /// whenever a call that the function itself made has returned; it may look at memory and change it.
    ///
    /// # Errors
    /// The first access, jump or instruction that is not allowed, or that the function does not keep the registers of its
    /// caller, or runs on beyond the budget.
    pub fn call(&mut self, symbol: &str, args: &[u32], watch: &mut Watch<'_>) -> Result<Outcome, Fault> {
        let address = self.symbol(symbol).ok_or(Trap::Host("there is no such function"))?;
        self.call_at(address, args, watch)
    }

    /// The same with the address of the function.
    ///
    /// # Errors
    /// As [`Machine::call`].
    pub fn call_at(&mut self, address: u32, args: &[u32], watch: &mut Watch<'_>) -> Result<Outcome, Fault> {
        self.memory.reset_stack();
        let on_stack = args.get(4..).unwrap_or_default();
        // The stack pointer is a multiple of 8 where a function begins.
        let bytes = (on_stack.len() as u64 * 4).next_multiple_of(8);
        if bytes > u64::from(STACK_BYTES) / 2 {
            return Err(Trap::Host("more arguments than the stack has room for").into());
        }
        let stack_pointer = self.memory.stack_top() - bytes as u32;
        self.memory.move_stack(stack_pointer)?;
        for (slot, arg) in (0..).zip(on_stack) {
            self.memory.store32(stack_pointer + 4 * slot, *arg)?;
        }
        // What a caller leaves in the other registers means nothing; odd patterns are found sooner than zeros.
        for (number, register) in (0..).zip(&mut self.cpu.r) {
            *register = 0xdead_0001 + 0x1_0002 * number;
        }
        for (register, &arg) in self.cpu.r.iter_mut().zip(args.iter().take(4)) {
            *register = arg;
        }
        self.cpu.r[13] = stack_pointer;
        self.cpu.r[14] = RETURN | 1;
        self.visits.clear();
        self.empty_lines();
        self.observed = self.code_lines.is_some() || self.trace.is_some();
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let counts =
            self.run(index, self.budget, watch).map_err(|(index, trap)| self.fault_at(index, trap))?;
        Ok(Outcome {
            result: self.cpu.r[0],
            instructions: self.budget - counts.left,
            cycles: counts.cycles,
            worst_cycles: counts.cycles + counts.slack,
            stack_bytes: stack_pointer - self.memory.deepest.min(stack_pointer),
            on_chip: self.on_chip(counts.cycles),
            visits: std::mem::take(&mut self.visits),
        })
    }

    pub(super) fn address_of(&self, index: usize) -> u32 {
        self.base.wrapping_add((index as u32).wrapping_mul(2))
    }

    fn fault(&self, trap: Trap) -> Fault {
        let near = trap.address().and_then(|address| self.memory.near(address));
        Fault { near, ..Fault::from(trap) }
    }

    fn fault_at(&self, index: usize, trap: Trap) -> Fault {
        let pc = self.address_of(index);
        let place = self.function_at(pc).map(|(name, offset)| format!("{name}+{offset:#x}"));
        let found = self.placed.binary_search_by_key(&pc, |placed| placed.address);
        let instruction = found.ok().map(|at| isa::text(&self.placed[at].inst, Some(pc)));
        Fault { pc: Some(pc), place, instruction, ..self.fault(trap) }
    }
}
