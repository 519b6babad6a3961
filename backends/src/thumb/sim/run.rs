//! The order of execution: the loop over steps, calls and returns, and the counts of cycles.

use super::Machine;
use super::cpu::Cpu;
use super::execute::{Flow, execute};
use super::step::{
    CONDITIONAL, GROWS_STACK, MIDDLE, MOVES_STACK, READS_PC, Step, UNDEFINED, UNSUPPORTED, WRITES_PC,
};
use crate::codegen::sim::{Counts, RETURN, Trap, Watch, push, returned};
use crate::thumb::isa::{Op, Reg};

/// What a caller expects back: r4 to r11, s16 to s31.
type Frame = crate::codegen::sim::Frame<([u32; 8], [u32; 16])>;

fn frame(cpu: &Cpu, return_address: u32, function: u32, at_call: Counts) -> Frame {
    let mut kept = [0; 8];
    kept.copy_from_slice(&cpu.r[4..12]);
    let mut kept_floats = [0; 16];
    kept_floats.copy_from_slice(&cpu.s[16..]);
    Frame { return_address, function, stack_pointer: cpu.r[13], kept: (kept, kept_floats), at_call }
}

/// Whether a function gives back what its caller may rely on.
fn check(frame: &Frame, cpu: &Cpu) -> Result<(), Trap> {
    if frame.stack_pointer != cpu.r[13] {
        return Err(Trap::StackNotRestored { expected: frame.stack_pointer, found: cpu.r[13] });
    }
    let differs = |(register, (&expected, &found)): (Reg, (&u32, &u32))| {
        (expected != found).then_some(Trap::NotPreserved { register: register.name(), expected, found })
    };
    let general = (4..12).map(Reg::r).zip(frame.kept.0.iter().zip(&cpu.r[4..12]));
    let floats = (16..32).map(Reg::s).zip(frame.kept.1.iter().zip(&cpu.s[16..]));
    general.chain(floats).find_map(differs).map_or(Ok(()), Err)
}

impl Machine {
    /// Runs from the step at `index` until the outermost function returns. On a fault: the index of the step at which.
    pub(super) fn run(
        &mut self,
        mut index: usize,
        budget: u64,
        watch: &mut Watch<'_, Cpu>,
    ) -> Result<Counts, (usize, Trap)> {
        let code = self.code.clone();
        let code: &[Step] = &code;
        let mut counts = Counts { left: budget, ..Counts::default() };
        let stalls_before = self.memory.unaligned_cycles;
        let mut frames = vec![frame(&self.cpu, RETURN, self.address_of(index), counts)];
        // The outermost function's first instruction is reached by a call too.
        counts.cycles = code.get(index).map_or(0, |step| i64::from(step.pace.entered).cast_unsigned());
        loop {
            let Some(step) = code.get(index) else {
                return Err((index, Trap::NoInstruction { address: self.address_of(index) }));
            };
            if counts.left == 0 {
                return Err((index, Trap::Budget));
            }
            counts.ran(&step.pace);
            if self.observed {
                self.observe(index, step.size);
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
                    counts.jumped(step.pace.taken);
                    index = step.target as usize;
                }
                Flow::Call => {
                    counts.jumped(step.pace.taken);
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
                    counts.jumped(step.pace.jump(code.get(target).map(|to| &to.pace)));
                    if let Flow::CallTo(_) = flow {
                        self.cpu.r[14] = self.address_of(next) | 1;
                        let at_call = Counts { waited: self.waited(), ..counts };
                        let frame = frame(&self.cpu, self.address_of(next), address & !1, at_call);
                        if let Err(trap) = push(&mut frames, frame) {
                            return Err((index, trap));
                        }
                    } else if let Some(frame) = returned(&mut frames, self.cpu.r[13], address & !1) {
                        if let Err(trap) = check(&frame, &self.cpu) {
                            return Err((index, trap));
                        }
                        if frames.is_empty() {
                            counts.cycles += self.memory.unaligned_cycles - stalls_before;
                            return Ok(counts);
                        }
                        if frames.len() == 1 {
                            self.visited(&frame, &counts, watch);
                        }
                    }
                    index = target;
                }
            }
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
            return Err(Trap::WrongState { address });
        }
        let address = address & !1;
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let returns = address == RETURN && frames.iter().any(|frame| frame.return_address == RETURN);
        if returns || index < self.code.len() { Ok(index) } else { Err(Trap::NoInstruction { address }) }
    }
}
