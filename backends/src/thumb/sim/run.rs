//! The order of execution: the loop over steps, calls and returns, and the counts of cycles.

use super::cpu::Cpu;
use super::execute::{Flow, execute};
use super::fault::Trap;
use super::machine::Machine;
use super::step::{
    CONDITIONAL, GROWS_STACK, MIDDLE, MOVES_STACK, READS_PC, Step, UNDEFINED, UNSUPPORTED, WRITES_PC,
    jump_cycles,
};
use crate::thumb::isa::{Op, Reg};

/// Where the outermost function returns to: an address at which nothing can be.
pub(super) const RETURN: u32 = 0xffff_fffe;

/// A call that the outermost function made, when it came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visit {
    /// The first address of the function that was called.
    pub function: u32,
    /// The address to which it returned.
    pub return_address: u32,
    /// Instructions that it executed, with those of functions that it called.
    pub instructions: u64,
    /// Their cycles, with the refill behind its return and without that of the call.
    pub cycles: u64,
    /// The most that their operands can make of the cycles.
    pub worst_cycles: u64,
    /// Cycles that the flash of the chip waited besides; 0 without a chip.
    pub waits: u64,
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Instructions that may still be executed.
    pub(super) left: u64,
    pub(super) cycles: u64,
    /// What operands could add to the cycles.
    pub(super) slack: u64,
    /// Cycles that flash had waited when a call was made.
    waited: u64,
}

/// What a caller expects back.
#[derive(Clone, Copy, Debug)]
struct Frame {
    return_address: u32,
    function: u32,
    stack_pointer: u32,
    kept: [u32; 8],
    kept_floats: [u32; 16],
    at_call: Counts,
}

/// Called when a call of the outermost function returns.
pub type Watch<'a> = dyn FnMut(&mut Machine, &Visit) + 'a;

fn frame(cpu: &Cpu, return_address: u32, function: u32, at_call: Counts) -> Frame {
    let mut kept = [0; 8];
    kept.copy_from_slice(&cpu.r[4..12]);
    let mut kept_floats = [0; 16];
    kept_floats.copy_from_slice(&cpu.s[16..]);
    Frame { return_address, function, stack_pointer: cpu.r[13], kept, kept_floats, at_call }
}

/// Whether a function gives back what its caller may rely on.
fn check(frame: &Frame, cpu: &Cpu) -> Result<(), Trap> {
    if frame.stack_pointer != cpu.r[13] {
        return Err(Trap::StackNotRestored { expected: frame.stack_pointer, found: cpu.r[13] });
    }
    let differs = |(register, (&expected, &found)): (Reg, (&u32, &u32))| {
        (expected != found).then_some(Trap::NotPreserved { register, expected, found })
    };
    let general = (4..12).map(Reg::r).zip(frame.kept.iter().zip(&cpu.r[4..12]));
    let floats = (16..32).map(Reg::s).zip(frame.kept_floats.iter().zip(&cpu.s[16..]));
    general.chain(floats).find_map(differs).map_or(Ok(()), Err)
}

/// The most calls that can be under way.
const DEPTH: usize = 100_000;

fn push(frames: &mut Vec<Frame>, frame: Frame) -> Result<(), Trap> {
    // A call from the same place that is still open has gone elsewhere than back.
    let same = |open: &Frame| {
        open.return_address == frame.return_address && open.stack_pointer == frame.stack_pointer
    };
    if frames.last().is_some_and(same) && frames.len() > 1 {
        frames.pop();
    }
    if frames.len() >= DEPTH {
        return Err(Trap::Host("calls are nested too deeply"));
    }
    frames.push(frame);
    Ok(())
}

/// The call from which a jump comes back, if it does. Calls above it never come back: small cores choose between cases
/// by calling a routine that changes its return address.
fn returned(frames: &mut Vec<Frame>, cpu: &Cpu, address: u32) -> Option<Frame> {
    let is_it = |frame: &Frame| frame.return_address == address;
    if !frames.last().is_some_and(is_it) {
        let goes_back = |frame: &Frame| is_it(frame) && frame.stack_pointer == cpu.r[13];
        let at = frames.iter().rposition(goes_back)?;
        frames.truncate(at + 1);
    }
    frames.pop()
}

impl Machine {
    /// Runs from the step at `index` until the outermost function returns. On a fault: the index of the step at which.
    pub(super) fn run(
        &mut self,
        mut index: usize,
        budget: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Counts, (usize, Trap)> {
        let code = self.code.clone();
        let code: &[Step] = &code;
        let mut counts = Counts { left: budget, ..Counts::default() };
        let stalls_before = self.memory.unaligned_cycles;
        let mut frames = vec![frame(&self.cpu, RETURN, self.address_of(index), counts)];
        // The outermost function's first instruction is reached by a call too.
        counts.cycles = code.get(index).map_or(0, |step| i64::from(step.entered).cast_unsigned());
        loop {
            let Some(step) = code.get(index) else {
                return Err((index, Trap::NoInstruction { address: self.address_of(index) }));
            };
            if counts.left == 0 {
                return Err((index, Trap::Budget));
            }
            counts.left -= 1;
            counts.cycles = counts.cycles.wrapping_add(u64::from(step.cycles));
            counts.slack += u64::from(step.slack);
            if self.observed {
                self.observe(step, index);
            }
            let next = index + usize::from(step.size);
            if step.extra != 0 {
                match self.before(step, index) {
                    Ok(true) => {}
                    Ok(false) => {
                        index = next;
                        continue;
                    }
                    Err(trap) => return Err((index, trap)),
                }
            }
            let mut flow = match execute(&mut self.cpu, &mut self.memory, step) {
                Ok(flow) => flow,
                Err(trap) => return Err((index, trap)),
            };
            if step.extra & (WRITES_PC | MOVES_STACK) != 0 {
                match self.after(step, flow) {
                    Ok(changed) => flow = changed,
                    Err(trap) => return Err((index, trap)),
                }
            }
            match flow {
                Flow::Next => index = next,
                Flow::Taken => {
                    counts.cycles = counts.cycles.wrapping_add_signed(i64::from(step.taken));
                    index = step.target as usize;
                }
                Flow::Call => {
                    counts.cycles = counts.cycles.wrapping_add_signed(i64::from(step.taken));
                    index = step.target as usize;
                    self.cpu.r[14] = self.address_of(next) | 1;
                    let at_call = Counts { waited: self.waited(), ..counts };
                    let frame = frame(&self.cpu, self.address_of(next), self.address_of(index), at_call);
                    if let Err(trap) = push(&mut frames, frame) {
                        return Err((index, trap));
                    }
                }
                Flow::CallTo(address) | Flow::Jump(address) => {
                    let target = match self.jump(address, &frames) {
                        Ok(target) => target,
                        Err(trap) => return Err((index, trap)),
                    };
                    let cycles =
                        code.get(target).map_or(i16::from(step.refill[0]), |to| jump_cycles(step, to));
                    counts.cycles = counts.cycles.wrapping_add_signed(i64::from(cycles));
                    if let Flow::CallTo(_) = flow {
                        self.cpu.r[14] = self.address_of(next) | 1;
                        let at_call = Counts { waited: self.waited(), ..counts };
                        let frame = frame(&self.cpu, self.address_of(next), address & !1, at_call);
                        if let Err(trap) = push(&mut frames, frame) {
                            return Err((index, trap));
                        }
                    } else if let Some(frame) = returned(&mut frames, &self.cpu, address & !1) {
                        if let Err(trap) = check(&frame, &self.cpu) {
                            return Err((index, trap));
                        }
                        if frames.is_empty() {
                            counts.cycles += self.memory.unaligned_cycles - stalls_before;
                            return Ok(counts);
                        }
                        if frames.len() == 1 {
                            let cycles = counts.cycles - frame.at_call.cycles;
                            let visit = Visit {
                                function: frame.function,
                                return_address: frame.return_address,
                                instructions: frame.at_call.left - counts.left,
                                cycles,
                                worst_cycles: cycles + counts.slack - frame.at_call.slack,
                                waits: self.waited() - frame.at_call.waited,
                            };
                            self.visits.push(visit);
                            watch(self, &visit);
                        }
                    }
                    index = target;
                }
            }
        }
    }

    /// Tells who wants to see every instruction.
    #[inline(never)]
    fn observe(&mut self, step: &Step, index: usize) {
        let address = self.address_of(index);
        if let Some(lines) = &mut self.code_lines {
            lines.touch(address);
            lines.touch(address.wrapping_add(2 * u32::from(step.size) - 1));
        }
        if let Some(trace) = &mut self.trace {
            trace.step(index);
        }
    }

    /// What is rarely needed before a step; whether the step runs at all.
    #[inline(never)]
    fn before(&mut self, step: &Step, index: usize) -> Result<bool, Trap> {
        if step.extra == MIDDLE {
            return Err(Trap::NoInstruction { address: self.address_of(index) });
        }
        if step.extra == UNDEFINED {
            return Err(Trap::Undefined);
        }
        if step.extra == UNSUPPORTED {
            return Err(Trap::Unsupported);
        }
        if step.extra & CONDITIONAL != 0 && !self.cpu.holds(step.cond) {
            return Ok(false);
        }
        if step.extra & (READS_PC | WRITES_PC) != 0 {
            let pc = self.address_of(index).wrapping_add(4);
            // Loads relative to the program counter take it down to a whole word.
            self.cpu.r[15] = if matches!(step.op, Op::Vldr | Op::LdrdImm) { pc & !3 } else { pc };
        }
        if step.extra & GROWS_STACK != 0 {
            self.memory.move_stack(self.cpu.r[13].wrapping_sub(step.target))?;
        }
        Ok(true)
    }

    /// What is rarely needed behind a step.
    #[inline(never)]
    fn after(&mut self, step: &Step, flow: Flow) -> Result<Flow, Trap> {
        if step.extra & MOVES_STACK != 0 {
            self.memory.move_stack(self.cpu.r[13])?;
        }
        match flow {
            // Loads say the state in the lowest bit; moves and additions ignore it.
            Flow::Next if step.extra & WRITES_PC != 0 => {
                let loads = !matches!(step.op, Op::Mov | Op::Add);
                Ok(Flow::Jump(if loads { self.cpu.r[15] } else { self.cpu.r[15] | 1 }))
            }
            flow => Ok(flow),
        }
    }

    /// The index of the step at an address to which code jumps.
    fn jump(&self, address: u32, frames: &[Frame]) -> Result<usize, Trap> {
        if address & 1 == 0 {
            return Err(Trap::NotThumb { address });
        }
        let address = address & !1;
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let returns = address == RETURN && frames.iter().any(|frame| frame.return_address == RETURN);
        if returns || index < self.code.len() { Ok(index) } else { Err(Trap::NoInstruction { address }) }
    }
}
