//! One machine instruction, before and after register allocation: an operation and its fields.

use crate::codegen::Field;

/// A machine instruction over registers of type `R`. A general register that is absent where the operation has one is x0,
/// which reads as 0 and forgets what is written. Fields that the operation does not have keep their default, so equal
/// instructions compare equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inst<R> {
    /// What is done.
    pub op: Op,
    /// Destination (`rd`).
    pub d: Option<R>,
    /// First operand (`rs1`); the base of loads and stores.
    pub n: Option<R>,
    /// Second operand (`rs2`); what is stored.
    pub m: Option<R>,
    /// Third operand (`rs3`).
    pub a: Option<R>,
    /// The immediate: number, byte offset, shift amount, the whole word of LUI and AUIPC, displacement of a branch in bytes from
    /// its own address.
    pub imm: i32,
    /// Forces the 32-bit encoding where there is a 16-bit one, too.
    pub wide: bool,
}

impl<R> Inst<R> {
    /// An instruction with all fields at their default.
    pub const fn new(op: Op) -> Self {
        Self { op, d: None, n: None, m: None, a: None, imm: 0, wide: false }
    }

    /// The register in a field.
    pub const fn register(&self, field: Field) -> Option<&R> {
        match field {
            Field::D => self.d.as_ref(),
            Field::N => self.n.as_ref(),
            Field::M => self.m.as_ref(),
            Field::A => self.a.as_ref(),
        }
    }

    /// The same, to change it.
    pub const fn register_mut(&mut self, field: Field) -> &mut Option<R> {
        match field {
            Field::D => &mut self.d,
            Field::N => &mut self.n,
            Field::M => &mut self.m,
            Field::A => &mut self.a,
        }
    }
}

/// The operations, by the names of the architecture. Operands are d, n, m, a and the immediate, as far as the table has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "mnemonics of the architecture; the table has the details")]
pub enum Op {
    Lui,
    Auipc,
    Jal,
    Jalr,
    Beq,
    Bne,
    Blt,
    Bge,
    Bltu,
    Bgeu,
    Lb,
    Lh,
    Lw,
    Lbu,
    Lhu,
    Sb,
    Sh,
    Sw,
    Addi,
    Slti,
    Sltiu,
    Xori,
    Ori,
    Andi,
    Slli,
    Srli,
    Srai,
    Add,
    Sub,
    Sll,
    Slt,
    Sltu,
    Xor,
    Srl,
    Sra,
    Or,
    And,
    Fence,
    Ecall,
    Ebreak,
    // M
    Mul,
    Mulh,
    Mulhsu,
    Mulhu,
    Div,
    Divu,
    Rem,
    Remu,
    // Zba: (n << 1, 2, 3) + m
    Sh1add,
    Sh2add,
    Sh3add,
    // Zbb
    Andn,
    Orn,
    Xnor,
    Clz,
    Ctz,
    Cpop,
    Max,
    Maxu,
    Min,
    Minu,
    SextB,
    SextH,
    ZextH,
    Rol,
    Ror,
    Rori,
    OrcB,
    Rev8,
    // F, rounding to nearest even; conversions to integers round towards zero
    Flw,
    Fsw,
    Fmadd,
    Fmsub,
    Fnmsub,
    Fnmadd,
    Fadd,
    Fsub,
    Fmul,
    Fdiv,
    Fsqrt,
    Fsgnj,
    Fsgnjn,
    Fsgnjx,
    Fmin,
    Fmax,
    Feq,
    Flt,
    Fle,
    Fclass,
    FcvtWS,
    FcvtWuS,
    FcvtSW,
    FcvtSWu,
    FmvXW,
    FmvWX,
}

impl Op {
    /// The conditional branch that is taken where this one is not.
    ///
    /// # Panics
    /// If it is no conditional branch.
    pub fn inverse(self) -> Self {
        match self {
            Self::Beq => Self::Bne,
            Self::Bne => Self::Beq,
            Self::Blt => Self::Bge,
            Self::Bge => Self::Blt,
            Self::Bltu => Self::Bgeu,
            Self::Bgeu => Self::Bltu,
            other => unreachable!("{other:?} is no conditional branch"),
        }
    }
}
