//! What the table says about an operation: its assembly text, what it does to registers and flags, its class for timing,
//! and its encodings. Not what it computes: that is the simulator's.

use super::extension::Extension;
use super::form::Form;
use super::inst::Op;
pub use crate::codegen::{Field, Role};

/// One entry of the table.
#[derive(Debug)]
pub struct Info {
    /// The operation.
    pub op: Op,
    /// The mnemonic without `s`, condition, width and type: `vadd` of `vaddeq.f32`.
    pub mnemonic: &'static str,
    /// The type after condition and width, such as `.f32`; mostly empty.
    pub suffix: &'static str,
    /// The operands of the assembly text; fields stand in braces.
    pub operands: &'static str,
    /// What is done with the registers in the fields d, n, m and a.
    pub roles: [Role; 4],
    /// When the flags N, Z, C and V are written.
    pub sets: Sets,
    /// The flags that are read, apart from those of a condition.
    pub reads: Flags,
    /// The flags that are written besides N, Z, C and V.
    pub writes: Flags,
    /// What it costs.
    pub class: Class,
    /// The part of the architecture that it belongs to; single forms may need more.
    pub needs: Extension,
    /// Whether it is allowed in an IT block.
    pub conditional: bool,
    /// The encodings, the preferred one first.
    pub forms: &'static [Form],
}

/// When N, Z, C and V are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sets {
    /// Not at all.
    Never,
    /// If `Inst::s`.
    IfS,
    /// Every time.
    Always,
}

/// A set of flags. The sticky saturation flag Q is not tracked: nothing that is emitted reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flags(u8);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// Negative, zero, carry, overflow, as one.
    pub const NZCV: Self = Self(1);
    /// The four flags that SEL chooses bytes by.
    pub const GE: Self = Self(2);
    /// Negative, zero, carry and overflow of a comparison of floats.
    pub const FLOAT: Self = Self(4);

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a flag is in both.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether no flag is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How the address of an access is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// Base and constant.
    Immediate,
    /// Base and register.
    Register,
    /// Base and constant, and the base advances.
    Writeback,
    /// Program counter and constant.
    Literal,
}

/// Classes of instructions that cost the same, after the fields of `tinyc_targets::Timing`, finer where a core tells more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names of the timing tables")]
pub enum Class {
    Alu,
    Multiply,
    MultiplyAccumulate,
    MultiplyLong,
    MultiplyLongAccumulate,
    MultiplyHigh,
    /// Multiplies of the DSP set: of halfwords, and packed.
    DspMultiply,
    /// The rest of the DSP set: packed additions, packing and unpacking.
    Dsp,
    Saturate,
    Divide,
    /// `bytes` per register; two registers if 8.
    Load {
        bytes: u8,
        address: Address,
    },
    Store {
        bytes: u8,
        address: Address,
    },
    /// General registers; how many is in the mask.
    LoadMultiple,
    StoreMultiple,
    Branch,
    /// A branch that tests first: Bcond, CBZ, CBNZ.
    BranchConditional,
    Call,
    JumpRegister,
    /// TBB, TBH: a load and a jump.
    JumpTable,
    FloatAlu,
    FloatMultiplyAccumulate,
    FloatDivide,
    FloatSqrt,
    FloatLoad,
    FloatStore,
    FloatLoadMultiple,
    FloatStoreMultiple,
    /// Between a general and a float register, or two floats, or of the float flags.
    FloatMove,
    /// Two general registers from or to two floats.
    FloatMovePair,
    It,
    Nop,
    /// Barriers, special registers, traps.
    System,
}

/// An entry; the methods refine it. `roles` names the fields: `n` is read, `=d` written, `+d` both.
pub(super) const fn op(
    op: Op,
    mnemonic: &'static str,
    operands: &'static str,
    roles: &str,
    class: Class,
    forms: &'static [Form],
) -> Info {
    Info {
        op,
        mnemonic,
        suffix: "",
        operands,
        roles: parse_roles(roles),
        sets: Sets::Never,
        reads: Flags::NONE,
        writes: Flags::NONE,
        class,
        needs: Extension::Base,
        conditional: true,
        forms,
    }
}

const fn parse_roles(text: &str) -> [Role; 4] {
    let bytes = text.as_bytes();
    let mut roles = [Role::None; 4];
    let mut role = Role::Use;
    let mut i = 0;
    while i < bytes.len() {
        let field = match bytes[i] {
            b'd' => 0,
            b'n' => 1,
            b'm' => 2,
            b'a' => 3,
            b'=' => {
                role = Role::Def;
                i += 1;
                continue;
            }
            b'+' => {
                role = Role::Modify;
                i += 1;
                continue;
            }
            b' ' => {
                i += 1;
                continue;
            }
            _ => panic!("roles are made of d n m a = + and blanks"),
        };
        roles[field] = role;
        role = Role::Use;
        i += 1;
    }
    roles
}

impl Info {
    /// Writes the flags if `s`.
    pub(super) const fn if_s(mut self) -> Self {
        self.sets = Sets::IfS;
        self
    }

    /// Always writes the flags.
    pub(super) const fn compares(mut self) -> Self {
        self.sets = Sets::Always;
        self
    }

    pub(super) const fn reads(mut self, flags: Flags) -> Self {
        self.reads = flags;
        self
    }

    pub(super) const fn writes(mut self, flags: Flags) -> Self {
        self.writes = flags;
        self
    }

    pub(super) const fn needs(mut self, extension: Extension) -> Self {
        self.needs = extension;
        self
    }

    pub(super) const fn suffix(mut self, suffix: &'static str) -> Self {
        self.suffix = suffix;
        self
    }

    /// Not allowed in IT blocks.
    pub(super) const fn unconditional(mut self) -> Self {
        self.conditional = false;
        self
    }

    /// What is done with a register field.
    pub const fn role(&self, field: Field) -> Role {
        self.roles[field as usize]
    }
}
