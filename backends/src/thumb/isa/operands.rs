//! What an instruction does with its registers and flags, for register allocation and scheduling.

use super::info::{Field, Flags, Role, Sets};
use super::inst::{Cond, Inst, Op};

impl<R> Inst<R> {
    /// The register in a field.
    pub const fn register(&self, field: Field) -> Option<&R> {
        match field {
            Field::D => self.d.as_ref(),
            Field::N => self.n.as_ref(),
            Field::M => self.m.as_ref(),
            Field::A => self.a.as_ref(),
        }
    }

    /// Where the register of a field is kept.
    pub const fn register_mut(&mut self, field: Field) -> &mut Option<R> {
        match field {
            Field::D => &mut self.d,
            Field::N => &mut self.n,
            Field::M => &mut self.m,
            Field::A => &mut self.a,
        }
    }

    /// What is done with the register of a field. What may not happen, because of a condition, keeps the old value: then a
    /// `Def` is a `Modify`.
    pub fn role(&self, field: Field) -> Role {
        match self.op.info().role(field) {
            Role::Def if self.is_in_it() => Role::Modify,
            role => role,
        }
    }

    /// The registers in the fields d, n, m, a, in this order. Those that no field names are not among them: lists
    /// (`general_list`), float ranges (`float_range`), SP of PUSH and POP, and what a call changes.
    pub fn operands(&self) -> impl Iterator<Item = (&R, Role)> {
        Field::ALL.into_iter().filter_map(|field| Some((self.register(field)?, self.role(field))))
    }

    /// The same instruction with other registers.
    pub fn map<S>(self, mut change: impl FnMut(R) -> S) -> Inst<S> {
        Inst {
            op: self.op,
            d: self.d.map(&mut change),
            n: self.n.map(&mut change),
            m: self.m.map(&mut change),
            a: self.a.map(&mut change),
            imm: self.imm,
            shift: self.shift,
            cond: self.cond,
            s: self.s,
            wide: self.wide,
        }
    }

    /// Whether it stands in an IT block: it has a condition that its own encoding does not hold.
    pub fn is_in_it(&self) -> bool {
        self.cond != Cond::Al && !matches!(self.op, Op::Bcond | Op::It)
    }

    /// The flags that are read.
    pub fn flags_read(&self) -> Flags {
        let condition = if self.cond == Cond::Al { Flags::NONE } else { Flags::NZCV };
        self.op.info().reads.union(condition)
    }

    /// The flags that are written, or may be.
    pub fn flags_written(&self) -> Flags {
        let info = self.op.info();
        match info.sets {
            Sets::Never => info.writes,
            Sets::IfS if !self.s => info.writes,
            Sets::IfS | Sets::Always => info.writes.union(Flags::NZCV),
        }
    }

    /// The general registers of a list (bit n: rn); 0 for operations without a list.
    pub const fn general_list(&self) -> u16 {
        match self.op {
            Op::Ldm | Op::LdmKeep | Op::Ldmdb | Op::Pop | Op::Stm | Op::StmKeep | Op::Stmdb | Op::Push => {
                self.imm as u16
            }
            _ => 0,
        }
    }

    /// How many floats the operation reaches, from the one in `d` on: 0 for those that are not about a range.
    pub const fn float_range(&self) -> u32 {
        match self.op {
            Op::Vldm | Op::VldmKeep | Op::Vstm | Op::VstmKeep | Op::Vpush | Op::Vpop => self.imm as u32,
            _ => 0,
        }
    }
}

impl Cond {
    /// The condition that holds when this one does not; `Al` has none and stays.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Cs => Self::Cc,
            Self::Cc => Self::Cs,
            Self::Mi => Self::Pl,
            Self::Pl => Self::Mi,
            Self::Vs => Self::Vc,
            Self::Vc => Self::Vs,
            Self::Hi => Self::Ls,
            Self::Ls => Self::Hi,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Al => Self::Al,
        }
    }

    /// The condition of a number in an encoding; 14 is `Al`, 15 none.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Eq,
            1 => Self::Ne,
            2 => Self::Cs,
            3 => Self::Cc,
            4 => Self::Mi,
            5 => Self::Pl,
            6 => Self::Vs,
            7 => Self::Vc,
            8 => Self::Hi,
            9 => Self::Ls,
            10 => Self::Ge,
            11 => Self::Lt,
            12 => Self::Gt,
            13 => Self::Le,
            14 => Self::Al,
            _ => return None,
        })
    }

    /// The suffix in assembly text; empty for `Al`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Cs => "cs",
            Self::Cc => "cc",
            Self::Mi => "mi",
            Self::Pl => "pl",
            Self::Vs => "vs",
            Self::Vc => "vc",
            Self::Hi => "hi",
            Self::Ls => "ls",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Gt => "gt",
            Self::Le => "le",
            Self::Al => "",
        }
    }

    /// The conditions of an IT block, from the first condition and the mask of its encoding.
    pub fn of_block(self, mask: u8) -> impl Iterator<Item = Self> {
        let length = if mask & 15 == 0 { 0 } else { 4 - (mask & 15).trailing_zeros() };
        (0..length).map(move |k| {
            // The first has the condition itself; each later one a bit that replaces the condition's lowest.
            let odd = if k == 0 { self as u8 & 1 } else { mask >> (4 - k) & 1 };
            if odd == self as u8 & 1 { self } else { self.inverse() }
        })
    }

    /// The mask of an IT instruction with this first condition. `others[k]`: whether instruction k + 1 runs under the same
    /// condition; at most three.
    pub fn block_mask(self, others: &[bool]) -> u8 {
        debug_assert!(others.len() <= 3, "an IT block has at most four instructions");
        let mut mask = 0;
        for (k, same) in others.iter().enumerate() {
            mask |= (self as u8 & 1 ^ u8::from(!same)) << (3 - k);
        }
        mask | 1 << (3 - others.len().min(3))
    }
}
