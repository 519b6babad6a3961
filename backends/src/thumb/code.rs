//! Thumb for the shared steps of code generation: which registers its instructions read and write, what touches the flags,
//! and what makes the next instruction wait.

use super::flavor::Flavor;
use super::isa::{self, Cond, Field, Flags, Inst, Op, Reg, Role};
use super::select::ARGUMENTS;
use crate::codegen::{self, Convention, Isa, Name};
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass, VReg};
use tinyc_targets::{Cycles, Timing};

pub(super) use crate::codegen::Memory;

/// The instruction set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Thumb;

pub(super) type Code<R> = codegen::Code<Thumb, R>;
pub(super) type End<R> = codegen::End<Thumb, R>;
pub(super) type Line<R> = codegen::Line<Thumb, R>;
pub(super) type What<R> = codegen::What<Thumb, R>;
pub(super) type Location = codegen::Location<Thumb>;

/// Results that the next instruction has to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stalls {
    load: bool,
    multiply: bool,
    float: bool,
    address: bool,
}

impl Stalls {
    /// Those of a core.
    pub(super) fn of(timing: &Timing) -> Self {
        let waits = |figure: &Option<Cycles>| figure.as_ref().is_some_and(|cycles| cycles.cycles > 0);
        Self {
            load: waits(&timing.load_use_stall),
            multiply: waits(&timing.multiply_use_stall),
            float: waits(&timing.float_use_stall),
            address: waits(&timing.address_stall),
        }
    }
}

impl Isa for Thumb {
    type Reg = Reg;
    type Inst<R: Name> = Inst<R>;
    type Test<R: Name> = Cond;
    type Stalls = Stalls;

    fn fields<R: Name>(inst: &Inst<R>) -> [Option<(Field, R, Role)>; 4] {
        let info = inst.op.info();
        let values = [inst.d, inst.n, inst.m, inst.a];
        let mut found = Field::ALL.into_iter().zip(values);
        std::array::from_fn(|_| {
            let (field, value) = found.next()?;
            Some((field, value?, info.role(field)))
        })
    }

    fn each_read<R: Name>(inst: &mut Inst<R>, visit: &mut dyn FnMut(&mut R)) {
        let info = inst.op.info();
        let values = [&mut inst.d, &mut inst.n, &mut inst.m, &mut inst.a];
        for (field, value) in Field::ALL.into_iter().zip(values) {
            if let Some(value) = value
                && info.role(field) == Role::Use
            {
                visit(value);
            }
        }
    }

    fn each_tested<R: Name>(_: &mut Cond, _: &mut dyn FnMut(&mut R)) {}

    fn with_registers(inst: &Inst<VReg>, registers: &[(Field, Reg)]) -> Inst<Reg> {
        let mut chosen = Inst {
            imm: inst.imm,
            shift: inst.shift,
            cond: inst.cond,
            s: inst.s,
            wide: inst.wide,
            ..Inst::new(inst.op)
        };
        for &(field, reg) in registers {
            *chosen.register_mut(field) = Some(reg);
        }
        chosen
    }

    fn tested(test: &Cond, _: &mut dyn FnMut() -> Reg) -> Cond {
        *test
    }

    fn inverse(test: &Cond) -> Cond {
        test.inverse()
    }

    fn register(reg: PReg) -> Reg {
        let number = reg.hw_enc() as u8;
        if reg.class() == RegClass::Float { Reg::s(number) } else { Reg::r(number) }
    }

    /// A load that a load before it makes cheaper.
    fn gathers(line: &Line<VReg>) -> bool {
        matches!(line.memory, Some(Memory { store: false, .. }))
            && matches!(&line.what, What::Inst(inst) if inst.op != Op::Vldr)
    }

    fn waits(first: &Line<VReg>, written: &[VReg], second: &Line<VReg>, stalls: Stalls) -> bool {
        use isa::Class;
        let (What::Inst(producer), What::Inst(user)) = (&first.what, &second.what) else {
            return false;
        };
        let stall = match producer.op.info().class {
            Class::Load { .. } => stalls.load,
            Class::Multiply
            | Class::MultiplyAccumulate
            | Class::MultiplyLong
            | Class::MultiplyLongAccumulate
            | Class::MultiplyHigh
            | Class::Dsp
            | Class::DspMultiply => stalls.multiply,
            Class::FloatAlu | Class::FloatMultiplyAccumulate | Class::FloatDivide | Class::FloatSqrt => {
                stalls.float
            }
            Class::Alu if stalls.address && second.memory.is_some() => {
                return user.n.is_some_and(|base| written.contains(&base));
            }
            _ => false,
        };
        // Accumulators are handed on without a wait.
        let mut factors = codegen::reads::<Self, VReg>(user).filter(|(field, _)| *field != Field::A);
        stall && factors.any(|(_, value)| written.contains(&value))
    }

    fn flags(line: &Line<VReg>) -> (bool, bool) {
        match &line.what {
            What::Inst(inst) => (!inst.flags_read().is_empty(), inst.flags_written() != Flags::NONE),
            What::Choose { .. } => (true, false),
            What::Constant { .. } | What::Call { .. } => (false, true),
            _ => (false, false),
        }
    }
}

/// Registers, and what calls do with them.
pub(super) fn convention(flavor: Flavor) -> Convention {
    let core = |number: usize| PReg::new(number, RegClass::Int);
    let int = |numbers: &[usize]| numbers.iter().copied().map(core).fold(PRegSet::empty(), PRegSet::with);
    let float = |numbers: std::ops::Range<usize>| {
        numbers.fold(PRegSet::empty(), |set, n| set.with(PReg::new(n, RegClass::Float)))
    };
    let high: &[usize] = if flavor.thumb2 { &[8, 9, 10, 11, 12, 14] } else { &[] };
    let (low_floats, high_floats) =
        if flavor.float { (float(0..16), float(16..32)) } else { Default::default() };
    let mut clobbers = int(&[0, 1, 2, 3, 12, 14]);
    clobbers.union_from(float(0..16));
    Convention {
        environment: MachineEnv {
            preferred_regs_by_class: [int(&[0, 1, 2, 3, 4, 5, 6, 7]), low_floats, PRegSet::empty()],
            non_preferred_regs_by_class: [int(high), high_floats, PRegSet::empty()],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        },
        arguments: (0..ARGUMENTS).map(core).collect(),
        clobbers,
    }
}

#[cfg(test)]
mod tests;
