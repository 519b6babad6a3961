//! What the timing rules need to know of one instruction: its class, and which registers play which part. No costs.

use crate::thumb::isa::{Inst, Op, Reg, Shift};

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
        let (d, n, m, a) =
            (Registers::one(inst.d), Registers::one(inst.n), Registers::one(inst.m), Registers::one(inst.a));
        let base = Self {
            class: Class::Alu,
            made: Registers::NONE,
            loaded: Registers::NONE,
            address: Registers::NONE,
            used: Registers::NONE,
            addend: Registers::NONE,
            shifted: Registers::NONE,
            writeback: false,
            narrow: false,
            jumps: false,
            loads_pc: false,
            float_latency: false,
            offset: None,
        };
        let plain = |class| Self { class, made: d, used: n.or(m), addend: a, ..base };
        let pc = Registers::one(Some(Reg::PC));
        let load = |narrow, writeback, offset| Self {
            class: Class::Load,
            loaded: d,
            address: n.or(m),
            narrow,
            writeback,
            offset,
            jumps: d.meets(pc),
            loads_pc: d.meets(pc),
            ..base
        };
        let store =
            |class, narrow, writeback| Self { class, used: d, address: n.or(m), narrow, writeback, ..base };
        let list = Registers(u64::from(inst.imm as u32 & 0xffff));
        let count = list.0.count_ones();
        let many_in = |base_register, writeback| Self {
            class: Class::LoadMany(count),
            loaded: list,
            address: base_register,
            writeback,
            jumps: list.meets(pc),
            loads_pc: list.meets(pc),
            ..base
        };
        let many_out = |base_register, writeback| Self {
            class: Class::StoreMany(count),
            used: list,
            address: base_register,
            writeback,
            ..base
        };
        let sp = Registers::one(Some(Reg::SP));
        let floats = Registers::floats(inst.d, inst.imm);
        let float_count = inst.imm.clamp(0, 32) as u32;
        let floats_in = |base_register, writeback| Self {
            class: Class::LoadMany(float_count),
            loaded: floats,
            address: base_register,
            writeback,
            ..base
        };
        let floats_out = |base_register, writeback| Self {
            class: Class::StoreMany(float_count),
            // Storing several floats waits for none of them (as the reference model has it).
            address: base_register,
            writeback,
            ..base
        };
        let float = |class| Self { float_latency: true, ..plain(class) };
        match inst.op {
            Op::Mov
            | Op::Mvn
            | Op::Add
            | Op::Sub
            | Op::Rsb
            | Op::Adc
            | Op::Sbc
            | Op::And
            | Op::Orr
            | Op::Eor
            | Op::Bic
            | Op::Orn
            | Op::Cmp
            | Op::Cmn
            | Op::Tst
            | Op::Teq => {
                let to_pc = d.meets(pc);
                Self {
                    class: if to_pc { Class::Jump } else { Class::Alu },
                    jumps: to_pc,
                    shifted: if inst.shift == Shift::NONE { Registers::NONE } else { m },
                    ..plain(Class::Alu)
                }
            }
            Op::MovImm
            | Op::MvnImm
            | Op::AddImm
            | Op::SubImm
            | Op::RsbImm
            | Op::AdcImm
            | Op::SbcImm
            | Op::AndImm
            | Op::OrrImm
            | Op::EorImm
            | Op::BicImm
            | Op::OrnImm
            | Op::LslImm
            | Op::LsrImm
            | Op::AsrImm
            | Op::RorImm
            | Op::Lsl
            | Op::Lsr
            | Op::Asr
            | Op::Ror
            | Op::CmpImm
            | Op::CmnImm
            | Op::TstImm
            | Op::TeqImm
            | Op::Ubfx
            | Op::Sbfx
            | Op::Clz
            | Op::Rbit
            | Op::Rev
            | Op::Rev16
            | Op::Sxtb
            | Op::Sxth
            | Op::Uxtb
            | Op::Uxth
            | Op::Adr
            | Op::Nop
            | Op::Dmb
            | Op::Dsb
            | Op::Isb
            | Op::Udf
            | Op::Bkpt
            | Op::Svc => plain(Class::Alu),
            Op::Movt | Op::Bfi | Op::Bfc => Self { used: n.or(m).or(d), ..plain(Class::Alu) },
            Op::Sxtab
            | Op::Sxtah
            | Op::Uxtab
            | Op::Uxtah
            | Op::Sxtb16
            | Op::Uxtb16
            | Op::Sxtab16
            | Op::Uxtab16
            | Op::Pkhbt
            | Op::Pkhtb
            | Op::Sadd8
            | Op::Uadd8
            | Op::Ssub8
            | Op::Usub8
            | Op::Sadd16
            | Op::Uadd16
            | Op::Ssub16
            | Op::Usub16
            | Op::Qadd8
            | Op::Qsub8
            | Op::Uqadd8
            | Op::Uqsub8
            | Op::Qadd16
            | Op::Qsub16
            | Op::Shadd8
            | Op::Shadd16
            | Op::Uhadd8
            | Op::Uhadd16
            | Op::Sel
            | Op::Usad8
            | Op::Usada8
            | Op::Qadd
            | Op::Qsub
            | Op::Qdadd
            | Op::Qdsub => plain(Class::Dsp),
            Op::Ssat | Op::Usat | Op::Ssat16 | Op::Usat16 => plain(Class::Saturate),
            Op::Mul => plain(Class::Multiply),
            Op::Mla | Op::Mls => plain(Class::MultiplyAccumulate),
            Op::Smull | Op::Umull => {
                Self { made: d.or(a), addend: Registers::NONE, ..plain(Class::MultiplyLong) }
            }
            Op::Smlal | Op::Umlal | Op::Umaal => {
                Self { made: d.or(a), addend: d.or(a), ..plain(Class::MultiplyLongAccumulate) }
            }
            Op::Smmul | Op::Smmulr | Op::Smmla | Op::Smmlar | Op::Smmls => plain(Class::MultiplyHigh),
            Op::Smlad
            | Op::Smladx
            | Op::Smuad
            | Op::Smuadx
            | Op::Smlsd
            | Op::Smlsdx
            | Op::Smlabb
            | Op::Smlabt
            | Op::Smlatb
            | Op::Smlatt
            | Op::Smulbb
            | Op::Smulbt
            | Op::Smultb
            | Op::Smultt
            | Op::Smlawb
            | Op::Smlawt
            | Op::Smulwb
            | Op::Smulwt => plain(Class::DspMultiply),
            Op::Smlald | Op::Smlaldx | Op::Smlalbb | Op::Smlalbt | Op::Smlaltb | Op::Smlaltt => {
                Self { made: d.or(a), addend: d.or(a), ..plain(Class::DspMultiply) }
            }
            Op::Sdiv | Op::Udiv => plain(Class::Divide),
            Op::LdrImm => load(false, false, Some(inst.imm)),
            Op::LdrbImm | Op::LdrhImm | Op::LdrsbImm | Op::LdrshImm => load(true, false, Some(inst.imm)),
            Op::LdrPost => load(false, true, Some(0)),
            Op::LdrbPost | Op::LdrhPost | Op::LdrsbPost | Op::LdrshPost => load(true, true, Some(0)),
            Op::LdrPre => load(false, true, Some(inst.imm)),
            Op::LdrbPre | Op::LdrhPre | Op::LdrsbPre | Op::LdrshPre => load(true, true, Some(inst.imm)),
            Op::Ldr => load(false, false, None),
            Op::Ldrb | Op::Ldrh | Op::Ldrsb | Op::Ldrsh => load(true, false, None),
            Op::LdrLit => Self { address: pc, ..load(false, false, Some(inst.imm)) },
            Op::StrImm => store(Class::Store, false, false),
            Op::StrbImm | Op::StrhImm => store(Class::Store, true, false),
            Op::StrPost | Op::StrPre => store(Class::Store, false, true),
            Op::StrbPost | Op::StrhPost | Op::StrbPre | Op::StrhPre => store(Class::Store, true, true),
            Op::Str => store(Class::StoreIndexed, false, false),
            Op::Strb | Op::Strh => store(Class::StoreIndexed, true, false),
            Op::LdrdImm => Self { class: Class::LoadMany(2), loaded: d.or(a), address: n, ..base },
            Op::StrdImm => Self { class: Class::StoreMany(2), used: d.or(a), address: n, ..base },
            Op::Ldm | Op::Ldmdb => many_in(n, true),
            Op::LdmKeep => many_in(n, false),
            Op::Stm | Op::Stmdb => many_out(n, true),
            Op::StmKeep => many_out(n, false),
            Op::Push => many_out(sp, true),
            Op::Pop => many_in(sp, true),
            Op::B | Op::Bcond => Self { class: Class::Branch, jumps: true, ..base },
            Op::Cbz | Op::Cbnz => Self { class: Class::Branch, used: n, jumps: true, ..base },
            Op::Bl => Self { class: Class::Call, jumps: true, ..base },
            Op::Blx | Op::Bx => Self { class: Class::Jump, used: n.or(m), jumps: true, ..base },
            Op::Tbb | Op::Tbh => Self { class: Class::TableBranch, used: n.or(m), jumps: true, ..base },
            Op::It => Self { class: Class::ConditionalBlock, ..base },
            Op::MrsApsr => plain(Class::Status),
            Op::MsrApsr => Self { made: Registers::NONE, ..plain(Class::Status) },
            Op::Vadd
            | Op::Vsub
            | Op::Vmul
            | Op::Vneg
            | Op::Vabs
            | Op::Vnmul
            | Op::VcvtFromSigned
            | Op::VcvtFromUnsigned
            | Op::VcvtToSigned
            | Op::VcvtToUnsigned
            | Op::VcvtrToSigned
            | Op::Vrintn
            | Op::Vrintz
            | Op::Vrintm
            | Op::Vrintp
            | Op::Vrinta
            | Op::Vmaxnm
            | Op::Vminnm
            | Op::VselEq
            | Op::VselGe
            | Op::VselGt
            | Op::VselVs => float(Class::FloatAlu),
            Op::Vcmp | Op::VcmpZero => plain(Class::FloatAlu),
            Op::Vmrs => Self { class: Class::FloatAlu, ..base },
            Op::Vdiv => float(Class::FloatDivide),
            Op::Vsqrt => float(Class::FloatSqrt),
            Op::Vmla | Op::Vmls | Op::Vfma | Op::Vfms => Self { addend: d, ..float(Class::FloatAccumulate) },
            Op::Vmov => plain(Class::FloatMove),
            Op::VmovImm | Op::VmovToFloat | Op::VmovFromFloat => {
                let kind = if inst.op == Op::VmovImm { Class::FloatAlu } else { Class::FloatMove };
                plain(kind)
            }
            Op::VmovPairFromFloat => Self {
                class: Class::FloatMovePair,
                made: d.or(a),
                used: Registers::floats(Some(Reg::s(inst.imm.clamp(0, 31) as u8)), 2),
                ..base
            },
            Op::VmovPairToFloat => Self {
                class: Class::FloatMovePair,
                made: Registers::floats(Some(Reg::s(inst.imm.clamp(0, 31) as u8)), 2),
                used: d.or(a),
                ..base
            },
            Op::Vldr => {
                Self { class: Class::FloatLoad, loaded: d, address: n, offset: Some(inst.imm), ..base }
            }
            Op::Vstr => Self { class: Class::FloatStore, used: d, address: n, ..base },
            Op::Vldm => floats_in(n, true),
            Op::VldmKeep => floats_in(n, false),
            Op::Vpop => floats_in(sp, true),
            Op::Vstm => floats_out(n, true),
            Op::VstmKeep => floats_out(n, false),
            Op::Vpush => floats_out(sp, true),
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
