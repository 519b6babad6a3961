//! A function in SSA form over 32-bit words: the input of instruction selection. It has no types beyond the register
//! class, no loops beyond edges and no buffers beyond addresses; wide integers are pairs of words, low word first.

use tinyc_ir::entity::Arena;
use tinyc_ir::loops::PackedOp;

tinyc_ir::entity! {
    /// A value, defined once.
    pub struct Value = "v";
}
tinyc_ir::entity! {
    /// A basic block.
    pub struct Block = "bb";
}

/// A function; the arguments and results are words (or floats where [`Class::Float`] says so).
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// A valid identifier, unique in the object.
    pub name: String,
    /// One line for a reader of the listing.
    pub comment: String,
    /// All values.
    pub values: Arena<Value, Class>,
    /// All blocks, in the order in which they are to be laid out; the first is the entry, whose parameters are the
    /// function's. Every block is reachable.
    pub blocks: Arena<Block, BlockData>,
}

/// Which registers hold a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// A 32-bit word in a general register.
    Word,
    /// A binary32 number in a float register. Only on cores with an FPU; elsewhere floats are words.
    Float,
}

/// A basic block.
#[derive(Clone, Debug)]
pub struct BlockData {
    /// Values that every edge to the block brings.
    pub params: Vec<Value>,
    /// What it does, in order.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub end: End,
    /// How many loops it is in.
    pub depth: u32,
    /// How often it runs in one call of the function.
    pub count: Count,
    /// What it does, in a few words for the listing; may be empty.
    pub comment: String,
}

/// How often something happens in one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// The number of times; where it depends on data, the most that is possible.
    pub times: u64,
    /// Whether it depends on data.
    pub varies: bool,
}

/// One operation. Results are new values.
#[derive(Clone, Debug, PartialEq)]
pub struct Inst {
    /// What is done.
    pub op: Op,
    /// Operands, as the operation documents them.
    pub args: Vec<Value>,
    /// Results, as the operation documents them.
    pub results: Vec<Value>,
}

/// A way from one block to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Where it leads.
    pub to: Block,
    /// One value per parameter of the target.
    pub args: Vec<Value>,
    /// How often it is taken in one call.
    pub count: Count,
}

/// The end of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Goes on in another block.
    Jump(Edge),
    /// `if left cond right then … else …` on words.
    Branch {
        /// The comparison.
        cond: Cond,
        /// Its left side.
        left: Value,
        /// Its right side.
        right: Value,
        /// Taken if it holds.
        then: Edge,
        /// Taken if not.
        otherwise: Edge,
    },
    /// Leaves the function with these results.
    Return(Vec<Value>),
    /// Not closed yet; never in a finished function.
    Open,
}

/// A comparison of two words. For floats: [`Op::FloatCompare`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cond {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less, signed.
    Lt,
    /// Less or equal, signed.
    Le,
    /// Less, unsigned.
    LtU,
    /// Less or equal, unsigned.
    LeU,
}

/// A comparison of two floats. False if an operand is NaN, but for `Ne`, which is then true.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FloatCond {
    Eq,
    Ne,
    Lt,
    Le,
}

/// How a piece of memory is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Width {
    /// A byte; sign-extended when read.
    S8,
    /// A byte; zero-extended when read.
    U8,
    /// A halfword (aligned); sign-extended when read.
    S16,
    /// A halfword (aligned); zero-extended when read.
    U16,
    /// An aligned word.
    Word,
    /// An aligned binary32 number into or out of a float register.
    Float,
}

impl Width {
    /// Bytes in memory.
    pub fn bytes(self) -> u32 {
        match self {
            Self::S8 | Self::U8 => 1,
            Self::S16 | Self::U16 => 2,
            Self::Word | Self::Float => 4,
        }
    }
}

/// Memory accesses with different regions never touch the same byte; equal regions may.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Region(pub u16);

/// A function that another one calls.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Callee {
    /// A kernel of the program, by its position.
    Kernel(u32),
    /// A routine that the backend brings along, by its name in [`routines`](super).
    Routine(&'static str),
}

/// What an instruction does. `w` stands for a word, `f` for a float. Arithmetic wraps.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the signatures say it")]
pub enum Op {
    /// `() → w`. A constant; selection folds it into its users where the machine can.
    Const(i32),
    /// `() → f`. A constant by its bits.
    FloatConst(u32),
    /// `() → w`. The address of this byte of the program's constant data.
    DataAddress(u32),

    /// `(a, b) → w`.
    Add,
    Sub,
    /// Only where [`Machine::multiply`]; elsewhere it becomes a call at last.
    Mul,
    And,
    Or,
    Xor,
    /// `(a, amount) → w`. The amount is 0 to 31.
    ShiftLeft,
    /// `(a, amount) → w`. Logical; the amount is 0 to 31.
    ShiftRight,
    /// `(a, amount) → w`. Arithmetic; the amount is 0 to 31.
    ShiftRightSigned,
    /// `(a) → w`. The low byte or halfword, extended.
    Extend(Width),
    /// `(a) → w`. 32 for zero. Only where [`Machine::count_leading_zeros`].
    CountLeadingZeros,
    /// `(a, b) → w`. Bits 63..32 of the product. Only where [`Machine::multiply_long`].
    MulHighSigned,
    /// As [`MulHighSigned`](Self::MulHighSigned), unsigned.
    MulHighUnsigned,
    /// `(a, b) → (low, high)`. Only where [`Machine::multiply_long`].
    MulLongSigned,
    /// As [`MulLongSigned`](Self::MulLongSigned), unsigned.
    MulLongUnsigned,
    /// `(low, high, a, b) → (low, high)`: a 64-bit sum plus a signed product. Only where [`Machine::multiply_long`].
    MulAddLongSigned,
    /// As [`MulAddLongSigned`](Self::MulAddLongSigned), unsigned.
    MulAddLongUnsigned,
    /// `(a, b) → w`, towards zero; 0 if `b` is 0, wraps for `MIN / −1`. Only where [`Machine::divide`].
    DivSigned,
    /// As [`DivSigned`](Self::DivSigned), unsigned.
    DivUnsigned,
    /// `(a_low, a_high, b_low, b_high) → (low, high)`.
    AddWide,
    /// `(a_low, a_high, b_low, b_high) → (low, high)`.
    SubWide,
    /// `(a, b) → w`: 1 if it holds, else 0.
    Compare(Cond),
    /// `(a_low, a_high, b_low, b_high) → w`: 1 if it holds, else 0.
    CompareWide(Cond),
    /// `(a, b, then, otherwise) → w` or `f`: chosen by a comparison of the words `a` and `b`.
    Select(Cond),
    /// A packed operation on words, with its operands in order; only those that [`Machine`] promises. The 64-bit operand and
    /// result of [`PackedOp::Dot2Wide`] are pairs.
    Packed(PackedOp),

    /// `(base) → w` or `f`, from `base + offset`.
    Load {
        width: Width,
        offset: i32,
        region: Region,
    },
    /// `(base, value)`, to `base + offset`.
    Store {
        width: Width,
        offset: i32,
        region: Region,
    },

    /// `(a, b) → f`, rounded once; no contraction. Only with an FPU, like all that follow.
    FloatAdd,
    FloatSub,
    FloatMul,
    FloatDiv,
    /// `(a) → f`.
    FloatSqrt,
    FloatNeg,
    FloatAbs,
    /// `(a, b) → w`: 1 if it holds, else 0.
    FloatCompare(FloatCond),
    /// `(f) → w`, towards zero, saturating, NaN to 0.
    FloatToSigned,
    FloatToUnsigned,
    /// `(w) → f`, ties to even.
    SignedToFloat,
    UnsignedToFloat,
    /// `(w) → f`: the number whose binary16 is in the low half of the word; a NaN becomes quiet.
    HalfToFloat,
    /// `(f) → w`: the nearest binary16, ties to even; a NaN keeps its sign and the upper bits of its payload.
    FloatToHalf,
    /// `(w) → f`: the same bits.
    BitsToFloat,
    /// `(f) → w`: the same bits.
    FloatToBits,

    /// `(arguments) → (results)`, all words; caller-saved registers are lost.
    Call(Callee),
}

/// What selection can do on the machine at hand: the questions that building a function asks.
#[derive(Clone, Debug)]
pub struct Machine {
    /// 32×32 → low 32 multiplies; without them, [`Op::Mul`] becomes a call.
    pub multiply: bool,
    /// 32×32 → 64 multiplies, also accumulating.
    pub multiply_long: bool,
    /// Hardware division.
    pub divide: bool,
    /// Count of leading zeros.
    pub count_leading_zeros: bool,
    /// [`PackedOp::SaturateSigned`] and [`PackedOp::SaturateUnsigned`].
    pub saturate: bool,
    /// All other packed operations.
    pub dsp: bool,
    /// binary32 in float registers.
    pub float: bool,
    /// Conversions between these and binary16: [`Op::HalfToFloat`], [`Op::FloatToHalf`].
    pub half: bool,
    /// General registers that can hold values in a loop.
    pub registers: u32,
    /// Least and greatest number that one instruction adds to a register.
    pub add: (i32, i32),
    /// Least and greatest byte offset of a load or store of each width from its base.
    pub offset: fn(Width) -> (i32, i32),
}

impl Op {
    /// Whether it only computes: it touches no memory and calls nothing, so equal operands give equal results.
    pub fn is_pure(&self) -> bool {
        !matches!(self, Self::Load { .. } | Self::Store { .. } | Self::Call(_))
    }

    /// Whether something besides its results changes.
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Store { .. } | Self::Call(Callee::Kernel(_)) => true,
            // Routines only compute.
            _ => false,
        }
    }
}

impl Function {
    /// The instruction that defines each value, as block and position; `None` for parameters of blocks.
    pub fn definitions(&self) -> Vec<Option<(Block, usize)>> {
        let mut found = vec![None; self.values.len()];
        for (block, data) in self.blocks.iter() {
            for (at, inst) in data.insts.iter().enumerate() {
                for result in &inst.results {
                    found[tinyc_ir::entity::Entity::index(*result)] = Some((block, at));
                }
            }
        }
        found
    }
}

impl Function {
    /// How often each value is used.
    pub fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.values.len()];
        for block in self.blocks.values() {
            let mut read = |values: &[Value]| {
                values.iter().for_each(|v| uses[tinyc_ir::entity::Entity::index(*v)] += 1);
            };
            block.insts.iter().for_each(|inst| read(&inst.args));
            block.edges().into_iter().for_each(|edge| read(&edge.args));
            match &block.end {
                End::Branch { left, right, .. } => read(&[*left, *right]),
                End::Return(values) => read(values),
                End::Jump(_) | End::Open => {}
            }
        }
        uses
    }
}

impl BlockData {
    /// As [`edges`](Self::edges), to change.
    pub fn edges_mut(&mut self) -> Vec<&mut Edge> {
        match &mut self.end {
            End::Jump(edge) => vec![edge],
            End::Branch { then, otherwise, .. } => vec![then, otherwise],
            End::Return(_) | End::Open => Vec::new(),
        }
    }

    /// The edges that leave the block.
    pub fn edges(&self) -> Vec<&Edge> {
        match &self.end {
            End::Jump(edge) => vec![edge],
            End::Branch { then, otherwise, .. } => vec![then, otherwise],
            End::Return(_) | End::Open => Vec::new(),
        }
    }
}
