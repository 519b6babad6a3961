//! What code generation asks of a core: the questions of a RISC-V instruction set, answered from the target's
//! architecture.

use super::isa::{self, Extension, Extensions, Inst, Reg};
use crate::codegen::Convention;
use crate::native::{Machine, Width};
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};
use tinyc_targets::Core;

/// An instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flavor {
    /// What the table of instructions knows it by.
    pub extensions: Extensions,
    /// Whether functions may be farther apart than one instruction jumps.
    pub far_calls: bool,
}

/// General registers by what calls do with them: those of arguments, those that functions keep, the others.
const ARGUMENTS: std::ops::Range<usize> = 10..18;
const KEPT: [usize; 12] = [8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
const FREE: [usize; 8] = [1, 5, 6, 7, 28, 29, 30, 31];

impl Flavor {
    /// The instruction set of a core; `None` if it is no RV32.
    pub(super) fn of(core: &Core) -> Option<Self> {
        Some(Self { extensions: Extensions::of(core)?, far_calls: false })
    }

    pub(super) fn has(self, extension: Extension) -> bool {
        self.extensions.has(extension)
    }

    /// Bytes of the encoding of an instruction that selection chose for this instruction set.
    pub(super) fn bytes(self, inst: &Inst<Reg>) -> u32 {
        let encoding = isa::encode(inst, self.extensions);
        encoding.unwrap_or_else(|error| unreachable!("selection emits what the core has: {error}")).size()
    }

    /// How many of the general registers there are.
    fn all(self) -> usize {
        if self.has(Extension::Registers) { 32 } else { 16 }
    }

    /// Arguments in registers.
    pub(super) fn arguments(self) -> usize {
        ARGUMENTS.end.min(self.all()) - ARGUMENTS.start
    }

    /// Registers that calls keep.
    pub(super) fn kept(self) -> usize {
        KEPT.iter().filter(|&&number| number < self.all()).count()
    }

    /// Bytes to which the stack pointer is aligned where a function is called.
    pub(super) fn stack_align(self) -> u32 {
        if self.has(Extension::Registers) { 16 } else { 4 }
    }

    /// Registers that can hold values.
    pub(super) fn registers(self) -> usize {
        self.arguments() + self.kept() + FREE.iter().filter(|&&number| number < self.all()).count()
    }

    /// What functions may contain.
    pub(super) fn machine(self) -> Machine {
        let m = self.has(Extension::M);
        Machine {
            multiply: m,
            multiply_long: m,
            divide: m,
            count_leading_zeros: self.has(Extension::Zbb),
            saturate: false,
            dsp: false,
            float: self.has(Extension::F),
            half: false,
            registers: self.registers() as u32,
            add: (-2048, 2047),
            offset,
        }
    }

    /// Registers, and what calls do with them. Those that 16-bit instructions reach come first.
    pub(super) fn convention(self) -> Convention {
        let general = |number: usize| PReg::new(number, RegClass::Int);
        let float = |number: usize| PReg::new(number, RegClass::Float);
        let set = |regs: Vec<PReg>| regs.into_iter().fold(PRegSet::empty(), PRegSet::with);
        let there = |number: &usize| *number < self.all();
        let all = ARGUMENTS.chain(KEPT).chain(FREE).filter(there);
        let (short, long): (Vec<usize>, Vec<usize>) = all.partition(|number| (8..16).contains(number));
        let floats = |range: std::ops::Range<usize>| match self.has(Extension::F) {
            true => range.map(float).collect(),
            false => Vec::new(),
        };
        let lost = ARGUMENTS.chain(FREE).filter(there).map(general);
        let lost_floats = floats(0..32).into_iter().filter(|reg| !Reg::f(reg.hw_enc() as u8).is_kept());
        Convention {
            environment: MachineEnv {
                preferred_regs_by_class: [
                    set(short.into_iter().map(general).collect()),
                    set(floats(10..18)),
                    PRegSet::empty(),
                ],
                non_preferred_regs_by_class: [
                    set(long.into_iter().map(general).collect()),
                    set([floats(0..10), floats(18..32)].concat()),
                    PRegSet::empty(),
                ],
                scratch_by_class: [None; 3],
                fixed_stack_slots: Vec::new(),
            },
            arguments: ARGUMENTS.filter(there).map(general).collect(),
            clobbers: set(lost.chain(lost_floats).collect()),
        }
    }
}

/// Offsets of loads and stores.
fn offset(_: Width) -> (i32, i32) {
    (-2048, 2047)
}
