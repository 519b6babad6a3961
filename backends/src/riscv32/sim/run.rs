//! The order of execution: the loop over steps, calls and returns, and the counts of cycles.

use super::Machine;
use super::cpu::{Cpu, NOWHERE};
use super::execute::{Flow, execute};
use super::step::{MIDDLE, Step, UNDEFINED};
use crate::codegen::sim::{Counts, RETURN, Trap, Watch, push, returned};
use crate::riscv32::isa::{Op, Reg};

/// What a caller expects back: the registers of [`kept`].
type Frame = crate::codegen::sim::Frame<Vec<u32>>;

/// Registers that a function gives back as they were, after the stack pointer.
fn kept() -> impl Iterator<Item = Reg> {
    (3..32).map(Reg::x).chain((0..32).map(Reg::f)).filter(|reg| reg.is_kept() || is_fixed(*reg))
}

/// The global pointer and the thread pointer.
fn is_fixed(reg: Reg) -> bool {
    !reg.is_float() && matches!(reg.number(), 3 | 4)
}

fn frame(cpu: &Cpu, return_address: u32, function: u32, at_call: Counts) -> Frame {
    let kept = kept().map(|reg| cpu.get(reg)).collect();
    Frame { return_address, function, stack_pointer: cpu.x[2], kept, at_call }
}

/// Whether a function gives back what its caller may rely on.
fn check(frame: &Frame, cpu: &Cpu) -> Result<(), Trap> {
    if frame.stack_pointer != cpu.x[2] {
        return Err(Trap::StackNotRestored { expected: frame.stack_pointer, found: cpu.x[2] });
    }
    let mut differing = kept().zip(&frame.kept).filter(|&(reg, &expected)| cpu.get(reg) != expected);
    match differing.next() {
        Some((reg, &expected)) => {
            Err(Trap::NotPreserved { register: reg.name(), expected, found: cpu.get(reg) })
        }
        None => Ok(()),
    }
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
            match step.why {
                0 => {}
                MIDDLE => return Err((index, Trap::NoInstruction { address: self.address_of(index) })),
                UNDEFINED => return Err((index, Trap::Undefined)),
                _ => return Err((index, Trap::Unsupported)),
            }
            counts.ran(&step.pace);
            if self.observed {
                self.observe(index, step.size);
            }
            let next = index + usize::from(step.size);
            let flow = match execute(&mut self.cpu, &mut self.memory, step) {
                Ok(flow) => flow,
                Err(trap) => return Err((index, trap)),
            };
            if step.moves_stack
                && let Err(trap) = self.memory.move_stack(self.cpu.x[2])
            {
                return Err((index, trap));
            }
            match flow {
                Flow::Next => index = next,
                Flow::Taken => {
                    counts.jumped(step.pace.taken);
                    index = step.target as usize;
                }
                Flow::Link | Flow::Jump(_) => {
                    let target = match flow {
                        Flow::Jump(address) => self.jump(address, &frames).map_err(|trap| (index, trap))?,
                        _ => step.target as usize,
                    };
                    counts.jumped(step.pace.jump(code.get(target).map(|to| &to.pace)));
                    let behind = self.address_of(next);
                    if step.d != NOWHERE {
                        self.cpu.x[usize::from(step.d)] = behind;
                        let at_call = Counts { waited: self.waited(), ..counts };
                        let frame = frame(&self.cpu, behind, self.address_of(target), at_call);
                        push(&mut frames, frame).map_err(|trap| (index, trap))?;
                    } else if step.op == Op::Jalr
                        && let Some(frame) = returned(&mut frames, self.cpu.x[2], self.address_of(target))
                    {
                        check(&frame, &self.cpu).map_err(|trap| (index, trap))?;
                        if frames.is_empty() {
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

    /// The index of the step at an address to which code jumps.
    fn jump(&self, address: u32, frames: &[Frame]) -> Result<usize, Trap> {
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let returns = address == RETURN && frames.iter().any(|frame| frame.return_address == RETURN);
        if returns || index < self.code.len() { Ok(index) } else { Err(Trap::NoInstruction { address }) }
    }
}
