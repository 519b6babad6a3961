//! A function of machine instructions with control flow, before register allocation (`R` is a virtual register) and after
//! it (`R` is [`Reg`](super::isa::Reg)).

use super::isa::{Cond, Field, Inst};
use crate::native::{Callee, Count, Region};

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Code<R> {
    /// A valid identifier.
    pub name: String,
    /// The blocks, in the order of the layout; the first is the entry.
    pub blocks: Vec<Block<R>>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub(super) struct Block<R> {
    /// Values that edges bring; none after allocation.
    pub params: Vec<R>,
    /// What it does.
    pub lines: Vec<Line<R>>,
    /// How it ends.
    pub end: End<R>,
    /// How many loops it is in.
    pub depth: u32,
    /// How often it runs in one call.
    pub count: Count,
    /// What it does, in a few words for the listing; may be empty.
    pub comment: String,
}

/// A way to another block, by its position.
#[derive(Clone, Debug)]
pub(super) struct Edge<R> {
    /// The block.
    pub to: usize,
    /// One value per parameter of the target; none after allocation.
    pub args: Vec<R>,
    /// How often it is taken in one call.
    pub count: Count,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(super) enum End<R> {
    /// Goes on elsewhere.
    Jump(Edge<R>),
    /// Tests the flags.
    Branch {
        /// The condition.
        cond: Cond,
        /// Where to if it holds.
        then: Edge<R>,
        /// Where to if not.
        otherwise: Edge<R>,
    },
    /// Returns these words, in r0 and up.
    Return(Vec<R>),
}

/// An instruction or a piece that becomes a few of them once registers are known.
#[derive(Clone, Debug)]
pub(super) struct Line<R> {
    /// What is done.
    pub what: What<R>,
    /// Registers that the instruction changes: the field and the value that it had before.
    pub was: Vec<(Field, R)>,
    /// Whether `d` must be the register of `n`: the two-address forms.
    pub two_address: bool,
    /// What memory it touches, if any.
    pub memory: Option<Memory>,
}

/// A memory access, as far as its order with others matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Memory {
    /// Different regions never overlap.
    pub region: Region,
    /// Whether it writes.
    pub store: bool,
}

/// What a [`Line`] does.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum What<R> {
    /// One machine instruction.
    Inst(Inst<R>),
    /// `d` becomes a number.
    Constant {
        /// The result.
        d: R,
        /// The number.
        value: i32,
        /// Whether the flags must stay as they are.
        quiet: bool,
    },
    /// `d` becomes the address of a byte of the constant data.
    DataAddress {
        /// The result.
        d: R,
        /// The byte.
        offset: u32,
    },
    /// `d`, which holds the alternative, becomes `then` if the flags say so.
    Choose {
        /// The result; the register of the alternative, which is in [`Line::was`].
        d: R,
        /// The value if the condition holds.
        then: R,
        /// The condition.
        cond: Cond,
    },
    /// A call; arguments in r0 to r3, results in r0 and up.
    Call {
        /// Whom.
        callee: Callee,
        /// The arguments in registers.
        args: Vec<R>,
        /// The results.
        results: Vec<R>,
    },
    /// `d` becomes the argument that the caller left on the stack at this position.
    Incoming {
        /// The result.
        d: R,
        /// 0 for the fifth argument.
        index: u32,
    },
    /// Leaves an argument for a call on the stack at this position.
    Outgoing {
        /// The argument.
        value: R,
        /// 0 for the fifth argument.
        index: u32,
    },
    /// Keeps a value in a slot of the frame.
    Spill {
        /// The value.
        value: R,
        /// The slot.
        slot: u32,
    },
    /// `d` becomes what a slot of the frame keeps.
    Reload {
        /// The result.
        d: R,
        /// The slot.
        slot: u32,
    },
    /// Moves between registers and slots that the allocator asks for; only after allocation.
    Move {
        /// From where.
        from: Location,
        /// To where.
        to: Location,
    },
}

/// A register or a spill slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Location {
    /// A register.
    Reg(super::isa::Reg),
    /// A word of the frame.
    Slot(u32),
}

impl<R> Line<R> {
    /// A plain instruction.
    pub(super) fn inst(inst: Inst<R>) -> Self {
        What::Inst(inst).into()
    }
}

impl<R> From<What<R>> for Line<R> {
    fn from(what: What<R>) -> Self {
        Self { what, was: Vec::new(), two_address: false, memory: None }
    }
}

impl<R> End<R> {
    /// The edges, the one that is taken by a branch first.
    pub(super) fn edges(&self) -> Vec<&Edge<R>> {
        match self {
            Self::Jump(edge) => vec![edge],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Return(_) => Vec::new(),
        }
    }

    /// As [`edges`](Self::edges), to change them.
    pub(super) fn edges_mut(&mut self) -> Vec<&mut Edge<R>> {
        match self {
            Self::Jump(edge) => vec![edge],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Return(_) => Vec::new(),
        }
    }
}
