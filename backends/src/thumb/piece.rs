//! Machine instructions with registers, before they have addresses.

use super::code::End;
use super::isa::{Cond, Inst, Reg};
use crate::native::{Callee, Count};

/// A function whose registers are chosen.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// A valid identifier.
    pub name: String,
    /// In the order of the layout; the first is the entry.
    pub blocks: Vec<Block>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// What it does. Where the block returns, the last piece does.
    pub pieces: Vec<Piece>,
    /// How it ends.
    pub end: End<Reg>,
    /// How often it runs in one call.
    pub count: Count,
    /// What it does, in a few words for the listing; may be empty.
    pub comment: String,
}

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
