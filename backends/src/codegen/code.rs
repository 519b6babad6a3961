//! A function of machine instructions with control flow, before register allocation (`R` is a virtual register) and after
//! it (`R` is [`Isa::Reg`]).

use super::isa::{Field, Isa, Name};
use crate::native::{Callee, Count, Region};

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Code<I: Isa, R: Name> {
    /// A valid identifier.
    pub name: String,
    /// The blocks, in the order of the layout; the first is the entry.
    pub blocks: Vec<Block<I, R>>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub(crate) struct Block<I: Isa, R: Name> {
    /// Values that edges bring; none after allocation.
    pub params: Vec<R>,
    /// What it does.
    pub lines: Vec<Line<I, R>>,
    /// How it ends.
    pub end: End<I, R>,
    /// How many loops it is in.
    pub depth: u32,
    /// How often it runs in one call.
    pub count: Count,
    /// What it does, in a few words for the listing; may be empty.
    pub comment: String,
}

/// A way to another block, by its position.
#[derive(Clone, Debug)]
pub(crate) struct Edge<R> {
    /// The block.
    pub to: usize,
    /// One value per parameter of the target; none after allocation.
    pub args: Vec<R>,
    /// How often it is taken in one call.
    pub count: Count,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(crate) enum End<I: Isa, R: Name> {
    /// Goes on elsewhere.
    Jump(Edge<R>),
    /// Tests flags or registers.
    Branch {
        /// The condition.
        cond: I::Test<R>,
        /// Where to if it holds.
        then: Edge<R>,
        /// Where to if not.
        otherwise: Edge<R>,
    },
    /// Returns these words, in the first registers of arguments.
    Return(Vec<R>),
}

/// An instruction or a piece that becomes a few of them once registers are known.
#[derive(Clone, Debug)]
pub(crate) struct Line<I: Isa, R: Name> {
    /// What is done.
    pub what: What<I, R>,
    /// Registers that the instruction changes: the field and the value that it had before.
    pub was: Vec<(Field, R)>,
    /// Whether `d` must be the register of `n`: the two-address forms.
    pub two_address: bool,
    /// What memory it touches, if any.
    pub memory: Option<Memory>,
}

/// A memory access, as far as its order with others matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Memory {
    /// Different regions never overlap.
    pub region: Region,
    /// Whether it writes.
    pub store: bool,
}

/// What a [`Line`] does.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum What<I: Isa, R: Name> {
    /// One machine instruction.
    Inst(I::Inst<R>),
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
    /// `d`, which holds the alternative, becomes `then` if the condition holds.
    Choose {
        /// The result; the register of the alternative, which is in [`Line::was`].
        d: R,
        /// The value if the condition holds.
        then: R,
        /// The condition.
        cond: I::Test<R>,
    },
    /// A call; the first arguments in registers, results in the first of these.
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
        /// 0 for the first one that no register holds.
        index: u32,
    },
    /// Leaves an argument for a call on the stack at this position.
    Outgoing {
        /// The argument.
        value: R,
        /// 0 for the first one that no register holds.
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
        from: Location<I>,
        /// To where.
        to: Location<I>,
    },
}

/// A register or a spill slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Location<I: Isa> {
    /// A register.
    Reg(I::Reg),
    /// A word of the frame.
    Slot(u32),
}

impl<I: Isa, R: Name> Line<I, R> {
    /// A plain instruction.
    pub(crate) fn inst(inst: I::Inst<R>) -> Self {
        What::Inst(inst).into()
    }
}

impl<I: Isa, R: Name> From<What<I, R>> for Line<I, R> {
    fn from(what: What<I, R>) -> Self {
        Self { what, was: Vec::new(), two_address: false, memory: None }
    }
}

impl<I: Isa, R: Name> End<I, R> {
    /// The edges, the one that is taken by a branch first.
    pub(crate) fn edges(&self) -> Vec<&Edge<R>> {
        match self {
            Self::Jump(edge) => vec![edge],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Return(_) => Vec::new(),
        }
    }

    /// As [`edges`](Self::edges), to change them.
    pub(crate) fn edges_mut(&mut self) -> Vec<&mut Edge<R>> {
        match self {
            Self::Jump(edge) => vec![edge],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Return(_) => Vec::new(),
        }
    }

    /// What the end reads: what its edges carry, what it tests, and what it returns.
    pub(crate) fn reads(&self) -> Vec<R> {
        let mut found = Vec::new();
        self.clone().each_read(&mut |value| found.push(*value));
        found
    }

    /// Visits what the end reads, to replace it.
    pub(crate) fn each_read(&mut self, visit: &mut dyn FnMut(&mut R)) {
        self.edges_mut().into_iter().flat_map(|edge| &mut edge.args).for_each(&mut *visit);
        match self {
            Self::Branch { cond, .. } => I::each_tested(cond, visit),
            Self::Return(values) => values.iter_mut().for_each(visit),
            Self::Jump(_) => {}
        }
    }
}
