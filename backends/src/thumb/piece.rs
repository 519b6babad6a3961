//! Machine instructions with registers, before they have addresses.

use super::code::Thumb;
use super::isa::{Cond, Inst, Reg};
use crate::codegen;
use crate::native::Callee;

pub(super) type Body = codegen::Body<Thumb, Piece>;
pub(super) type Block = codegen::Part<Thumb, Piece>;

/// One or a few instructions whose form depends on addresses.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Piece {
    /// An instruction.
    Inst(Inst<Reg>),
    /// A call of another function of the object.
    Call(Callee),
    /// One half of the address of a byte of the constant data: MOVW or MOVT.
    DataHalf {
        /// The register.
        d: Reg,
        /// The byte.
        offset: u32,
        /// MOVT, else MOVW.
        high: bool,
    },
    /// Loads a word that lies behind the code.
    Literal {
        /// The register.
        d: Reg,
        /// The word.
        word: Symbol,
    },
    /// `d = then`, if the flags say so.
    Choose {
        /// The register.
        d: Reg,
        /// What it becomes.
        then: Reg,
        /// When.
        cond: Cond,
    },
}

/// A word behind the code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Symbol {
    /// A number.
    Number(i32),
    /// The address of a byte of the constant data.
    Data(u32),
}
