//! An RV32 core for the shared simulator: how its code is read, how functions are called.

use tinyc_targets::Core;

use super::cpu::Cpu;
use super::image::{self, Image};
use super::step::{MIDDLE, Step, UNDEFINED, UNSUPPORTED, link};
use super::{Machine, Trap, Watch};
use crate::codegen::sim::{Counts, Memory, Processor, RETURN};
use crate::riscv32::isa::{self, Extension, Extensions};
use crate::riscv32::timing::{Model, Placed};

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
        let stack_pointer = memory.push_arguments(on_stack, self.stack_align)?;
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
