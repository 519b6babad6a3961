//! A Cortex-M core for the shared simulator: how its code is read, how functions are called.

use tinyc_targets::Core;

use super::cpu::Cpu;
use super::image::{self, Image};
use super::step::{MIDDLE, Step, UNDEFINED, UNSUPPORTED, link};
use super::{Machine, Trap, Watch};
use crate::codegen::sim::{Counts, Memory, Processor, RETURN};
use crate::thumb::isa;
use crate::thumb::timing::{Model, Placed};

impl Machine {
    /// A machine with just these instructions, at any even addresses, in ascending order. Their encodings are in no memory.
    pub fn with_code(code: Vec<Placed>, core: &Core) -> Self {
        Self::of_image(image::of_code(code), core)
    }
}

impl Processor for Cpu {
    type Step = Step;
    type Placed = Placed;

    fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Image, String> {
        image::read(object, core, memory)
    }

    fn steps(image: &Image, core: &Core) -> Vec<Step> {
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
        steps
    }

    fn address(placed: &Placed) -> u32 {
        placed.address
    }

    fn text(placed: &Placed) -> String {
        isa::text(&placed.inst, Some(placed.address))
    }

    /// The first four words of arguments in r0 to r3, the rest on the stack.
    fn begin(&mut self, memory: &mut Memory, args: &[u32]) -> Result<(), Trap> {
        let on_stack = args.get(4..).unwrap_or_default();
        // The stack pointer is a multiple of 8 where a function begins.
        let stack_pointer = memory.push_arguments(on_stack, 8)?;
        // What a caller leaves in the other registers means nothing; odd patterns are found sooner than zeros.
        for (number, register) in (0..).zip(&mut self.r) {
            *register = 0xdead_0001 + 0x1_0002 * number;
        }
        for (register, &arg) in self.r.iter_mut().zip(args.iter().take(4)) {
            *register = arg;
        }
        self.r[13] = stack_pointer;
        self.r[14] = RETURN | 1;
        Ok(())
    }

    fn stack_pointer(&self) -> u32 {
        self.r[13]
    }

    fn result(&self) -> u32 {
        self.r[0]
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
