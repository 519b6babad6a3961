//! An RV32 core for the shared simulator: how its code is read, how functions are called, and the order of execution.

use tinyc_targets::Core;

use super::cpu::{Cpu, NOWHERE};
use super::execute::{Flow, execute};
use super::image::{self, Image};
use super::step::{MIDDLE, Step, UNDEFINED, UNSUPPORTED, jump_cycles, link};
use super::{Machine, Trap, Watch};
use crate::codegen::sim::{Counts, Frame, Memory, Processor, RETURN, STACK_BYTES, push, returned};
use crate::riscv32::isa::{self, Extension, Extensions, Op, Reg};
use crate::riscv32::timing::{Model, Placed};

/// Registers that a function gives back as they were, after the stack pointer.
fn kept() -> impl Iterator<Item = Reg> {
    (3..32).map(Reg::x).chain((0..32).map(Reg::f)).filter(|reg| reg.is_kept() || is_fixed(*reg))
}

/// The global pointer and the thread pointer.
fn is_fixed(reg: Reg) -> bool {
    !reg.is_float() && matches!(reg.number(), 3 | 4)
}

impl Processor for Cpu {
    type Step = Step;
    type Placed = Placed;

    fn of(core: &Core) -> Self {
        let all = Extensions::of(core).is_none_or(|extensions| extensions.has(Extension::Registers));
        let (arguments, stack_align) = if all { (8, 16) } else { (6, 4) };
        Self { arguments, stack_align, ..Self::default() }
    }

    fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Image, String> {
        image::read(object, core, memory)
    }

    fn steps(image: &Image, core: &Core) -> Vec<Step> {
        let model = Model::new(core);
        let base = image.start;
        let mut steps = vec![Step::none(MIDDLE); ((image.end - base) / 2) as usize];
        for (placed, price) in image.code.iter().zip(model.prices(&image.code)) {
            steps[((placed.address - base) / 2) as usize] = Step::new(placed, &price, &model, base);
        }
        for (addresses, why) in [(&image.undefined, UNDEFINED), (&image.unsupported, UNSUPPORTED)] {
            for &address in addresses {
                steps[((address - base) / 2) as usize] = Step::none(why);
            }
        }
        link(&mut steps);
        steps
    }

    fn address(placed: &Placed) -> u32 {
        placed.address
    }

    fn text(placed: &Placed) -> String {
        isa::text(&placed.inst, Some(placed.address))
    }

    /// The first words of arguments in a0 and up, the rest on the stack.
    fn begin(&mut self, memory: &mut Memory, args: &[u32]) -> Result<(), Trap> {
        let on_stack = args.get(self.arguments..).unwrap_or_default();
        let bytes = (on_stack.len() as u64 * 4).next_multiple_of(self.stack_align.into());
        if bytes > u64::from(STACK_BYTES) / 2 {
            return Err(Trap::Host("more arguments than the stack has room for"));
        }
        let stack_pointer = memory.stack_top() - bytes as u32;
        memory.move_stack(stack_pointer)?;
        for (slot, arg) in (0..).zip(on_stack) {
            memory.store32(stack_pointer + 4 * slot, *arg)?;
        }
        // What a caller leaves in the other registers means nothing; odd patterns are found sooner than zeros.
        for (number, register) in (0..).zip(&mut self.x[1..]) {
            *register = 0xdead_0001 + 0x1_0002 * number;
        }
        for (register, &arg) in self.x[10..18].iter_mut().zip(args.iter().take(self.arguments)) {
            *register = arg;
        }
        self.x[2] = stack_pointer;
        self.x[1] = RETURN;
        Ok(())
    }

    fn stack_pointer(&self) -> u32 {
        self.x[2]
    }

    fn result(&self) -> u32 {
        self.x[10]
    }

    fn run(
        machine: &mut Machine,
        index: usize,
        budget: u64,
        watch: &mut Watch<'_, Self>,
    ) -> Result<Counts, (usize, Trap)> {
        machine.run(index, budget, watch)
    }
}

fn frame(cpu: &Cpu, return_address: u32, function: u32, at_call: Counts) -> Frame<Vec<u32>> {
    let kept = kept().map(|reg| cpu.get(reg)).collect();
    Frame { return_address, function, stack_pointer: cpu.x[2], kept, at_call }
}

/// Whether a function gives back what its caller may rely on.
fn check(frame: &Frame<Vec<u32>>, cpu: &Cpu) -> Result<(), Trap> {
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
    fn run(
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
        counts.cycles = code.get(index).map_or(0, |step| i64::from(step.entered).cast_unsigned());
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
            counts.left -= 1;
            counts.cycles = counts.cycles.wrapping_add(u64::from(step.cycles));
            counts.slack += u64::from(step.slack);
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
                    counts.cycles = counts.cycles.wrapping_add_signed(i64::from(step.taken));
                    index = step.target as usize;
                }
                Flow::Link | Flow::Jump(_) => {
                    let target = match flow {
                        Flow::Jump(address) => self.jump(address, &frames).map_err(|trap| (index, trap))?,
                        _ => step.target as usize,
                    };
                    let cycles =
                        code.get(target).map_or(i16::from(step.refill[0]), |to| jump_cycles(step, to));
                    counts.cycles = counts.cycles.wrapping_add_signed(i64::from(cycles));
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
    fn jump(&self, address: u32, frames: &[Frame<Vec<u32>>]) -> Result<usize, Trap> {
        let index = (address.wrapping_sub(self.base) / 2) as usize;
        let returns = address == RETURN && frames.iter().any(|frame| frame.return_address == RETURN);
        if returns || index < self.code.len() { Ok(index) } else { Err(Trap::NoInstruction { address }) }
    }
}
