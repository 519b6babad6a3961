//! What the shared steps of code generation ask of an instruction set: the registers of its instructions, and what costs
//! a wait. Not what instructions do, and not how they are encoded.

use super::code::Line;
use regalloc2::{MachineEnv, PReg, PRegSet, VReg};
use std::fmt::Debug;

/// A register, virtual or real.
pub(crate) trait Name: Copy + Eq + Ord + Debug {}

impl<R: Copy + Eq + Ord + Debug> Name for R {}

/// The fields of an instruction that hold a register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names of the fields of instructions")]
pub enum Field {
    D,
    N,
    M,
    A,
}

impl Field {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::D, Self::N, Self::M, Self::A];
}

/// What an instruction does with a register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The operation has no such field.
    None,
    /// The register is read.
    Use,
    /// The register is written; its old value does not matter.
    Def,
    /// The register is read and written.
    Modify,
}

/// An instruction set.
pub(crate) trait Isa: Copy + PartialEq + Debug + 'static {
    /// A real register.
    type Reg: Name;
    /// An instruction.
    type Inst<R: Name>: Clone + PartialEq + Debug;
    /// What a conditional branch tests.
    type Test<R: Name>: Clone + PartialEq + Debug;
    /// Which results make the next instruction wait.
    type Stalls: Copy;

    /// The registers that an instruction names, in the order of the fields.
    fn fields<R: Name>(inst: &Self::Inst<R>) -> [Option<(Field, R, Role)>; 4];

    /// Visits the registers that an instruction reads, but for those that it changes, to replace them.
    fn each_read<R: Name>(inst: &mut Self::Inst<R>, visit: &mut dyn FnMut(&mut R));

    /// Visits the registers that a test reads, to replace them.
    fn each_tested<R: Name>(test: &mut Self::Test<R>, visit: &mut dyn FnMut(&mut R));

    /// An instruction with other registers in its fields.
    fn with_registers(inst: &Self::Inst<VReg>, registers: &[(Field, Self::Reg)]) -> Self::Inst<Self::Reg>;

    /// A test with other registers, those that it reads taken in the order of [`each_tested`](Self::each_tested).
    fn tested(test: &Self::Test<VReg>, next: &mut dyn FnMut() -> Self::Reg) -> Self::Test<Self::Reg>;

    /// What holds where a test does not.
    fn inverse(test: &Self::Test<Self::Reg>) -> Self::Test<Self::Reg>;

    /// The register of a number and class.
    fn register(reg: PReg) -> Self::Reg;

    /// Whether a line is a load that goes better beside other loads.
    fn gathers(line: &Line<Self, VReg>) -> bool;

    /// Whether a line right behind another one waits for its results, which are `written`.
    fn waits(
        first: &Line<Self, VReg>,
        written: &[VReg],
        second: &Line<Self, VReg>,
        stalls: Self::Stalls,
    ) -> bool;

    /// Whether a line reads flags, and whether it writes some.
    fn flags(line: &Line<Self, VReg>) -> (bool, bool);
}

/// Which registers there are, and what calls do with them.
pub(crate) struct Convention {
    /// The registers that can hold values, in the order of preference.
    pub(crate) environment: MachineEnv,
    /// The registers of the first arguments and of the results.
    pub(crate) arguments: Vec<PReg>,
    /// What a call may destroy.
    pub(crate) clobbers: PRegSet,
}
