//! Machine instructions with registers, before they have addresses.

use super::code::{Riscv, Test};
use super::isa::{Inst, Reg};
use crate::codegen;
use crate::native::Callee;

pub(super) type Body = codegen::Body<Riscv, Piece>;
pub(super) type Block = codegen::Part<Riscv, Piece>;

/// One or a few instructions whose form depends on addresses.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Piece {
    /// An instruction.
    Inst(Inst<Reg>),
    /// A call of another function of the object.
    Call(Callee),
    /// `d` becomes the address of a byte of the constant data: two instructions.
    DataAddress {
        /// The register.
        d: Reg,
        /// The byte.
        offset: u32,
    },
    /// `d = then`, if the test holds.
    Choose {
        /// The register.
        d: Reg,
        /// What it becomes.
        then: Reg,
        /// When.
        cond: Test<Reg>,
    },
}
