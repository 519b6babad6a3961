//! What the timing rules need to know of one instruction: its class, and which registers play which part. No costs.

use crate::thumb::isa::{self, Address, Field, Inst, Op, Reg, Role, Shift};

/// A set of registers: bit n is `rn`, bit 16 + n is `sn`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Registers(pub(super) u64);

impl Registers {
    pub(super) const NONE: Self = Self(0);

    fn one(reg: Option<Reg>) -> Self {
        match reg {
            Some(reg) if reg.is_float() => Self(1 << (16 + reg.number())),
            Some(reg) => Self(1 << reg.number()),
            None => Self::NONE,
        }
    }

    /// `count` floats from `first` on.
    fn floats(first: Option<Reg>, count: i32) -> Self {
        let first = first.map_or(0, |reg| u32::from(reg.number()));
        let count = count.clamp(0, 32) as u32;
        Self((((1u64 << count) - 1) << first) << 16)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The members, lowest first, as indices of 48 registers.
    pub(super) fn indices(self) -> impl Iterator<Item = usize> {
        (0..48).filter(move |index| self.0 >> index & 1 == 1)
    }
}

/// A class of instructions with one cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Alu,
    Multiply,
    MultiplyAccumulate,
    MultiplyLong,
    MultiplyLongAccumulate,
    MultiplyHigh,
    /// Packed multiplies.
    DspMultiply,
    /// Packed additions, unpacking and packing.
    Dsp,
    Saturate,
    Divide,
    /// A load of one register.
    Load,
    /// A store of one register with an immediate offset, and with a register offset.
    Store,
    StoreIndexed,
    /// A load or store of this many registers.
    LoadMany(u32),
    StoreMany(u32),
    /// A direct branch, conditional or not.
    Branch,
    Call,
    /// A jump or call to the address in a register.
    Jump,
    TableBranch,
    ConditionalBlock,
    Status,
    FloatAlu,
    FloatAccumulate,
    FloatDivide,
    FloatSqrt,
    FloatLoad,
    FloatStore,
    FloatMove,
    FloatMovePair,
}

/// One instruction as the timing rules see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    pub(super) class: Class,
    /// Written by anything but a load, general and float.
    pub(super) made: Registers,
    /// Written by a load (base writeback is neither).
    pub(super) loaded: Registers,
    /// Read to make an address.
    pub(super) address: Registers,
    /// Read in any way but as `addend` or address.
    pub(super) used: Registers,
    /// Read as the number to which a multiply adds.
    pub(super) addend: Registers,
    /// Read through a shift that costs no instruction.
    pub(super) shifted: Registers,
    /// Whether the base register advances.
    pub(super) writeback: bool,
    /// Whether it loads or stores less than a word.
    pub(super) narrow: bool,
    /// Whether it jumps or branches in any way.
    pub(super) jumps: bool,
    /// Whether it is a load or pop into the program counter.
    pub(super) loads_pc: bool,
    /// Whether the result of a float operation can make the next instruction wait.
    pub(super) float_latency: bool,
    /// The immediate offset of a load; `None` with a register offset.
    pub(super) offset: Option<i32>,
}

impl Facts {
    pub(super) fn of(inst: &Inst<Reg>) -> Self {
        let info = inst.op.info();
        // A condition changes nothing here: what is skipped costs the same.
        let role = |field: Field| (Registers::one(inst.register(field).copied()), info.role(field));
        let fields = Field::ALL.map(role);
        let with = |wanted: &dyn Fn(Role) -> bool| {
            let matching = fields.iter().filter(|(_, role)| wanted(*role)).map(|(registers, _)| *registers);
            matching.fold(Registers::NONE, Registers::or)
        };
        let written = with(&|role| matches!(role, Role::Def | Role::Modify));
        let read = with(&|role| matches!(role, Role::Use | Role::Modify));
        let [(d, _), (n, n_role), (m, _), (a, a_role)] = fields;
        let pc = Registers::one(Some(Reg::PC));
        let base = Self {
            class: Class::Alu,
            made: written,
            loaded: Registers::NONE,
            address: Registers::NONE,
            used: read,
            addend: Registers::NONE,
            shifted: Registers::NONE,
            writeback: false,
            narrow: false,
            jumps: false,
            loads_pc: false,
            float_latency: false,
            offset: None,
        };
        // The addend is `a`, or what is both read and written.
        let sum = |class| {
            let addend =
                with(&|role| role == Role::Modify).or(if a_role == Role::Use { a } else { Registers::NONE });
            Self { class, addend, used: read.without(addend), ..base }
        };
        let plain = |class| Self { class, ..base };
        let float = |facts: Self| Self { float_latency: true, ..facts };
        let jump = |class| Self { jumps: true, ..plain(class) };
        // PUSH and POP name no base.
        let pointer = if n == Registers::NONE { Registers::one(Some(Reg::SP)) } else { n };
        let access = |class, loaded: Registers, used| Self {
            class,
            made: Registers::NONE,
            loaded,
            used,
            address: pointer,
            writeback: n_role == Role::Modify || n == Registers::NONE,
            jumps: loaded.meets(pc),
            loads_pc: loaded.meets(pc),
            ..base
        };
        let general = Registers(u64::from(inst.general_list()));
        let floats = Registers::floats(inst.d, inst.float_range() as i32);
        match info.class {
            isa::Class::Alu => {
                let shifted = if inst.shift == Shift::NONE { Registers::NONE } else { m };
                Self { shifted, ..base }
            }
            isa::Class::Nop => base,
            isa::Class::System => match inst.op {
                Op::MrsApsr | Op::MsrApsr => plain(Class::Status),
                _ => base,
            },
            isa::Class::Multiply => plain(Class::Multiply),
            isa::Class::MultiplyAccumulate => sum(Class::MultiplyAccumulate),
            isa::Class::MultiplyLong => plain(Class::MultiplyLong),
            isa::Class::MultiplyLongAccumulate => sum(Class::MultiplyLongAccumulate),
            isa::Class::MultiplyHigh => sum(Class::MultiplyHigh),
            isa::Class::DspMultiply => sum(Class::DspMultiply),
            isa::Class::Dsp => plain(Class::Dsp),
            isa::Class::Saturate => plain(Class::Saturate),
            isa::Class::Divide => plain(Class::Divide),
            isa::Class::Load { bytes: 8, .. } => access(Class::LoadMany(2), d.or(a), Registers::NONE),
            isa::Class::Store { bytes: 8, .. } => access(Class::StoreMany(2), Registers::NONE, d.or(a)),
            isa::Class::Load { bytes, address } => {
                let base = if address == Address::Literal { pc } else { n.or(m) };
                let offset = (address != Address::Register).then_some(inst.imm);
                let writeback = address == Address::Writeback;
                let narrow = bytes < 4;
                Self { address: base, offset, writeback, narrow, ..access(Class::Load, d, Registers::NONE) }
            }
            isa::Class::Store { bytes, address } => {
                let class = if address == Address::Register { Class::StoreIndexed } else { Class::Store };
                Self { address: n.or(m), narrow: bytes < 4, ..access(class, Registers::NONE, d) }
            }
            isa::Class::LoadMultiple => {
                access(Class::LoadMany(general.0.count_ones()), general, Registers::NONE)
            }
            isa::Class::StoreMultiple => {
                access(Class::StoreMany(general.0.count_ones()), Registers::NONE, general)
            }
            isa::Class::Branch | isa::Class::BranchConditional => jump(Class::Branch),
            isa::Class::Call if inst.op == Op::Bl => jump(Class::Call),
            isa::Class::Call | isa::Class::JumpRegister => jump(Class::Jump),
            isa::Class::JumpTable => jump(Class::TableBranch),
            isa::Class::It => plain(Class::ConditionalBlock),
            isa::Class::FloatAlu => float(plain(Class::FloatAlu)),
            isa::Class::FloatMultiplyAccumulate => float(sum(Class::FloatAccumulate)),
            isa::Class::FloatDivide => float(plain(Class::FloatDivide)),
            isa::Class::FloatSqrt => float(plain(Class::FloatSqrt)),
            isa::Class::FloatLoad => {
                Self { offset: Some(inst.imm), ..access(Class::FloatLoad, d, Registers::NONE) }
            }
            isa::Class::FloatStore => access(Class::FloatStore, Registers::NONE, d),
            isa::Class::FloatLoadMultiple => {
                access(Class::LoadMany(inst.float_range()), floats, Registers::NONE)
            }
            // Storing several floats waits for none of them, as the reference model has it.
            isa::Class::FloatStoreMultiple => {
                access(Class::StoreMany(inst.float_range()), Registers::NONE, Registers::NONE)
            }
            isa::Class::FloatMove => plain(Class::FloatMove),
            isa::Class::FloatMovePair => {
                let pair = Registers::floats(Some(Reg::s(inst.imm.clamp(0, 31) as u8)), 2);
                let (made, used) = match inst.op {
                    Op::VmovPairFromFloat => (written, pair),
                    _ => (pair, read),
                };
                Self { made, used, ..plain(Class::FloatMovePair) }
            }
        }
    }

    /// Whether the result comes out of the data path, so that an address made from it is late.
    pub(super) fn computes(&self) -> bool {
        use Class::{
            Alu, Divide, Dsp, DspMultiply, Multiply, MultiplyAccumulate, MultiplyHigh, MultiplyLong,
            MultiplyLongAccumulate, Saturate, Status,
        };
        matches!(
            self.class,
            Alu | Multiply
                | MultiplyAccumulate
                | MultiplyLong
                | MultiplyLongAccumulate
                | MultiplyHigh
                | DspMultiply
                | Dsp
                | Saturate
                | Divide
                | Status
        )
    }

    /// Whether it is a multiply of integers.
    pub(super) fn multiplies(&self) -> bool {
        use Class::{
            DspMultiply, Multiply, MultiplyAccumulate, MultiplyHigh, MultiplyLong, MultiplyLongAccumulate,
        };
        matches!(
            self.class,
            Multiply
                | MultiplyAccumulate
                | MultiplyLong
                | MultiplyLongAccumulate
                | MultiplyHigh
                | DspMultiply
        )
    }

    /// Whether it takes the float unit.
    pub(super) fn floats(&self) -> bool {
        use Class::{FloatAccumulate, FloatAlu, FloatDivide, FloatMove, FloatMovePair, FloatSqrt};
        matches!(self.class, FloatAlu | FloatAccumulate | FloatDivide | FloatSqrt | FloatMove | FloatMovePair)
    }
}
