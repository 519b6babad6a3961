//! An instruction decoded once, in the form that runs fast: plain bytes, targets as indices, cycles counted before.

use super::cpu::{ASR, LSL, LSR, ROR};
use crate::codegen::sim::Pace;
use crate::thumb::isa::{Cond, Inst, Op, Reg, Shift, expand_float, modified_immediate};
use crate::thumb::timing::{Model, Placed, Price};

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(super) op: Op,
    pub(super) d: u8,
    pub(super) n: u8,
    pub(super) m: u8,
    pub(super) a: u8,
    /// The kind of the shift of `m`.
    pub(super) shift: u8,
    /// Its amount. With an immediate operand: whether the encoding rotates it, which changes the carry.
    pub(super) amount: u8,
    /// Whether the flags are written.
    pub(super) s: bool,
    /// The condition of a branch, or the one under which an instruction in an IT block runs.
    pub(super) cond: Cond,
    /// What has to be done besides, mostly nothing: the constants below.
    pub(super) extra: u8,
    /// Halfwords of the encoding.
    pub(super) size: u8,
    /// Its cycles.
    pub(super) pace: Pace,
    /// The immediate; an address, where it is relative to the program counter; a mask of registers; a count.
    pub(super) imm: u32,
    /// For a direct branch: the index of the target.
    pub(super) target: u32,
}

/// Runs only if `cond` holds.
pub(super) const CONDITIONAL: u8 = 1;
/// Reads r15.
pub(super) const READS_PC: u8 = 2;
/// Writes r15, which is a jump.
pub(super) const WRITES_PC: u8 = 4;
/// Writes the stack pointer.
pub(super) const MOVES_STACK: u8 = 8;
/// Stores below the stack pointer, which it moves; `target` has the bytes.
pub(super) const GROWS_STACK: u8 = 16;
/// Nothing that can run: the others of these constants do not hold.
pub(super) const UNDEFINED: u8 = 32;
pub(super) const UNSUPPORTED: u8 = 64;
/// No instruction begins here.
pub(super) const MIDDLE: u8 = 128;

impl Step {
    /// What stands where no instruction begins, or one that cannot run.
    pub(super) fn none(why: u8) -> Self {
        Self {
            op: Op::Udf,
            d: 0,
            n: 0,
            m: 0,
            a: 0,
            shift: 0,
            amount: 0,
            s: false,
            cond: Cond::Al,
            extra: why,
            size: 1,
            pace: Pace::default(),
            imm: 0,
            target: 0,
        }
    }

    /// The instruction; branches to addresses relative to `base` get indices. `taken` is left to [`link`].
    pub(super) fn new(placed: &Placed, price: &Price, model: &Model, base: u32) -> Self {
        let inst = &placed.inst;
        let reg = |reg: Option<Reg>| reg.map_or(0, Reg::number);
        let (shift, amount) = match inst.shift {
            Shift::Lsl(amount) => (LSL, amount),
            Shift::Lsr(amount) => (LSR, amount),
            Shift::Asr(amount) => (ASR, amount),
            Shift::Ror(amount) => (ROR, amount),
        };
        let refill = [false, true].map(|straddles| model.refill(inst, straddles));
        let pc = placed.address.wrapping_add(4);
        let mut step = Self {
            op: inst.op,
            d: reg(inst.d),
            n: reg(inst.n),
            m: reg(inst.m),
            a: reg(inst.a),
            shift,
            amount,
            s: inst.s,
            cond: inst.cond,
            extra: extra(inst),
            size: (placed.bytes / 2) as u8,
            pace: Pace::new(price.after, price.entered, refill, placed.straddles()),
            imm: inst.imm.cast_unsigned(),
            target: 0,
        };
        match inst.op {
            Op::LdrLit | Op::Adr => step.imm = (pc & !3).wrapping_add_signed(inst.imm),
            Op::Movt => step.imm <<= 16,
            Op::VmovImm => step.imm = expand_float(step.imm as u8).to_bits(),
            Op::B | Op::Bcond | Op::Bl | Op::Cbz | Op::Cbnz => {
                let target = placed.target().unwrap_or(pc);
                // An odd or far target gives an index at which nothing is.
                step.target = if target & 1 == 0 { target.wrapping_sub(base) / 2 } else { u32::MAX };
            }
            Op::MovImm
            | Op::MvnImm
            | Op::AndImm
            | Op::OrrImm
            | Op::EorImm
            | Op::BicImm
            | Op::OrnImm
            | Op::TstImm
            | Op::TeqImm => step.amount = u8::from(is_rotated(step.imm)),
            _ => {}
        }
        if step.extra & GROWS_STACK != 0 {
            step.target = growth(inst);
        }
        step
    }
}

/// Counts what direct branches cost when taken.
pub(super) fn link(steps: &mut [Step]) {
    for index in 0..steps.len() {
        let from = steps[index];
        if from.extra & (MIDDLE | UNDEFINED) == 0
            && matches!(from.op, Op::B | Op::Bcond | Op::Bl | Op::Cbz | Op::Cbnz)
            && let Some(to) = steps.get(from.target as usize)
        {
            steps[index].pace.taken = from.pace.jump(Some(&to.pace));
        }
    }
}

/// Bytes by which a store moves the stack pointer down.
fn growth(inst: &Inst<Reg>) -> u32 {
    match inst.op {
        Op::Push | Op::Stmdb => 4 * inst.imm.count_ones(),
        Op::Vpush => 4 * inst.imm.cast_unsigned(),
        _ => inst.imm.wrapping_neg().cast_unsigned(),
    }
}

fn extra(inst: &Inst<Reg>) -> u8 {
    let mut extra = 0;
    if inst.cond != Cond::Al && !matches!(inst.op, Op::Bcond | Op::It) {
        extra |= CONDITIONAL;
    }
    let pc = Some(Reg::PC);
    let reads = inst.n == pc || inst.m == pc || matches!(inst.op, Op::Tbb | Op::Tbh);
    if reads {
        extra |= READS_PC;
    }
    let list = match inst.op {
        Op::Ldm | Op::LdmKeep | Op::Ldmdb | Op::Pop => inst.imm.cast_unsigned() & 0xffff,
        _ => 0,
    };
    let stores = matches!(
        inst.op,
        Op::StrImm
            | Op::StrbImm
            | Op::StrhImm
            | Op::Str
            | Op::Strb
            | Op::Strh
            | Op::StrdImm
            | Op::StrPost
            | Op::StrbPost
            | Op::StrhPost
            | Op::StrPre
            | Op::StrbPre
            | Op::StrhPre
    );
    if (inst.d == pc && !stores) || list >> 15 & 1 == 1 {
        extra |= WRITES_PC;
    }
    let sp = Some(Reg::SP);
    let writeback = matches!(
        inst.op,
        Op::LdrPost
            | Op::LdrbPost
            | Op::LdrhPost
            | Op::LdrsbPost
            | Op::LdrshPost
            | Op::StrPost
            | Op::StrbPost
            | Op::StrhPost
            | Op::LdrPre
            | Op::LdrbPre
            | Op::LdrhPre
            | Op::LdrsbPre
            | Op::LdrshPre
            | Op::StrPre
            | Op::StrbPre
            | Op::StrhPre
            | Op::Ldm
            | Op::Stm
            | Op::Stmdb
            | Op::Ldmdb
            | Op::Vldm
            | Op::Vstm
    );
    let stack_op = matches!(inst.op, Op::Push | Op::Pop | Op::Vpush | Op::Vpop);
    if stack_op || (inst.d == sp && !stores) || (inst.n == sp && writeback) {
        extra |= MOVES_STACK;
    }
    let down = match inst.op {
        Op::Push | Op::Vpush => true,
        Op::Stmdb => inst.n == sp,
        Op::StrPre | Op::StrbPre | Op::StrhPre => inst.n == sp && inst.imm < 0,
        _ => false,
    };
    if down {
        extra |= GROWS_STACK;
    }
    extra
}

/// Whether the encoding of an immediate is a rotated byte, whose top bit goes into the carry.
fn is_rotated(value: u32) -> bool {
    modified_immediate(value).is_some_and(|code| code >= 0x400)
}
