//! RISC-V for the shared steps of code generation: which registers its instructions and tests read and write, and what makes
//! the next instruction wait.

use super::isa::{Class, Inst, Op, Reg};
use crate::codegen::{self, Field, Isa, Name, Role};
use regalloc2::{PReg, RegClass, VReg};
use tinyc_targets::{Cycles, Timing};

/// The instruction set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Riscv;

pub(super) type Code<R> = codegen::Code<Riscv, R>;
pub(super) type End<R> = codegen::End<Riscv, R>;
pub(super) type Line<R> = codegen::Line<Riscv, R>;
pub(super) type What<R> = codegen::What<Riscv, R>;
pub(super) type Location = codegen::Location<Riscv>;

/// A comparison of two registers; one that is absent is x0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Test<R> {
    /// The conditional branch that is taken where it holds.
    pub op: Op,
    /// Its left side.
    pub n: Option<R>,
    /// Its right side.
    pub m: Option<R>,
}

impl<R> Test<R> {
    /// What holds where this does not.
    pub(super) fn inverse(self) -> Self {
        Self { op: self.op.inverse(), ..self }
    }
}

/// Results that the next instruction has to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stalls {
    load: bool,
    multiply: bool,
    float: bool,
}

impl Stalls {
    /// Those of a core.
    pub(super) fn of(timing: &Timing) -> Self {
        let waits = |figure: &Option<Cycles>| figure.as_ref().is_some_and(|cycles| cycles.cycles > 0);
        Self {
            load: waits(&timing.load_use_stall),
            multiply: waits(&timing.multiply_use_stall),
            float: waits(&timing.float_use_stall),
        }
    }
}

impl Isa for Riscv {
    type Reg = Reg;
    type Inst<R: Name> = Inst<R>;
    type Test<R: Name> = Test<R>;
    type Stalls = Stalls;

    fn fields<R: Name>(inst: &Inst<R>) -> [Option<(Field, R, Role)>; 4] {
        let info = inst.op.info();
        Field::ALL.map(|field| Some((field, *inst.register(field)?, info.role(field))))
    }

    fn each_read<R: Name>(inst: &mut Inst<R>, visit: &mut dyn FnMut(&mut R)) {
        let info = inst.op.info();
        for field in Field::ALL {
            if info.role(field) == Role::Use
                && let Some(value) = inst.register_mut(field)
            {
                visit(value);
            }
        }
    }

    fn each_tested<R: Name>(test: &mut Test<R>, visit: &mut dyn FnMut(&mut R)) {
        [&mut test.n, &mut test.m].into_iter().flatten().for_each(visit);
    }

    fn with_registers(inst: &Inst<VReg>, registers: &[(Field, Reg)]) -> Inst<Reg> {
        let mut chosen = Inst { imm: inst.imm, wide: inst.wide, ..Inst::new(inst.op) };
        for &(field, reg) in registers {
            *chosen.register_mut(field) = Some(reg);
        }
        chosen
    }

    fn tested(test: &Test<VReg>, next: &mut dyn FnMut() -> Reg) -> Test<Reg> {
        let n = test.n.map(|_| next());
        Test { op: test.op, n, m: test.m.map(|_| next()) }
    }

    fn inverse(test: &Test<Reg>) -> Test<Reg> {
        test.inverse()
    }

    fn register(reg: PReg) -> Reg {
        let number = reg.hw_enc() as u8;
        if reg.class() == RegClass::Float { Reg::f(number) } else { Reg::x(number) }
    }

    fn gathers(_: &Line<VReg>) -> bool {
        false
    }

    fn waits(first: &Line<VReg>, written: &[VReg], second: &Line<VReg>, stalls: Stalls) -> bool {
        let What::Inst(producer) = &first.what else { return false };
        let stall = match producer.op.info().class {
            Class::Load | Class::FloatLoad => stalls.load,
            Class::Multiply | Class::MultiplyHigh => stalls.multiply,
            Class::FloatAlu | Class::FloatMultiplyAccumulate | Class::FloatDivide | Class::FloatSqrt => {
                stalls.float
            }
            _ => false,
        };
        // What a store writes is wanted late.
        let stored = |field: Field| match &second.what {
            What::Inst(user) => user.op.info().class == Class::Store && field == Field::M,
            _ => false,
        };
        stall
            && match &second.what {
                What::Inst(user) => codegen::reads::<Self, VReg>(user)
                    .any(|(field, value)| !stored(field) && written.contains(&value)),
                _ => codegen::reads_of(second).iter().any(|value| written.contains(value)),
            }
    }

    fn flags(_: &Line<VReg>) -> (bool, bool) {
        (false, false)
    }
}
