//! Assembly text of an instruction, in the unified syntax as GNU as reads it.

use std::fmt::{self, Display, Formatter};

use super::immediate::{expand_float, modified_immediate};
use super::inst::{Cond, Inst, Op, Shift};
use super::reg::Reg;
use crate::codegen::pattern::operands;

/// The text of an instruction, such as `ldr r0, [r1, #4]`. With its address, branch targets are absolute; without, they
/// are relative to `.`. Registers that are missing show as `?`.
pub fn text<R: Display>(inst: &Inst<R>, address: Option<u32>) -> String {
    Text { inst, address }.to_string()
}

impl<R: Display> Display for Inst<R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Text { inst: self, address: None }.fmt(f)
    }
}

struct Text<'a, R> {
    inst: &'a Inst<R>,
    address: Option<u32>,
}

impl<R: Display> Display for Text<'_, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let inst = self.inst;
        let info = inst.op.info();
        f.write_str(info.mnemonic)?;
        if inst.s {
            f.write_str("s")?;
        }
        if needs_plain_immediate(inst) {
            f.write_str("w")?;
        }
        if inst.op == Op::It {
            let first = inst.cond;
            for cond in first.of_block(inst.imm as u8).skip(1) {
                f.write_str(if cond == first { "t" } else { "e" })?;
            }
        } else {
            f.write_str(inst.cond.suffix())?;
        }
        if inst.wide {
            f.write_str(".w")?;
        }
        f.write_str(info.suffix)?;
        if info.operands.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        operands(info.operands, f, |name, f| self.operand(name, f))
    }
}

/// Whether only the forms with a plain immediate can hold the number: ADDW, SUBW, MOVW.
fn needs_plain_immediate<R>(inst: &Inst<R>) -> bool {
    matches!(inst.op, Op::AddImm | Op::SubImm | Op::MovImm)
        && modified_immediate(inst.imm.cast_unsigned()).is_none()
}

impl<R: Display> Text<'_, R> {
    fn operand(&self, name: &str, f: &mut Formatter<'_>) -> fmt::Result {
        let inst = self.inst;
        let imm = inst.imm;
        match name {
            "d" => register(&inst.d, f),
            "n" => register(&inst.n, f),
            "m" => register(&inst.m, f),
            "a" => register(&inst.a, f),
            "i" => write!(f, "#{imm}"),
            // 32-bit patterns: what is negative could as well be large.
            "number" => write!(f, "#{}", imm.cast_unsigned()),
            "offset" if imm == 0 => Ok(()),
            "offset" => write!(f, ", #{imm}"),
            "shift" => shift(inst.shift, f),
            "lowest" => write!(f, "#{}", imm & 0xff),
            "width" => write!(f, "#{}", imm >> 8),
            "target" => self.target(f),
            "list" => list(imm.cast_unsigned(), f),
            "floats" => self.floats(f),
            "pair" => write!(f, "s{imm}, s{}", imm.wrapping_add(1)),
            "float" => write!(f, "#{:?}", expand_float(imm as u8)),
            "cond" => f.write_str(if inst.cond == Cond::Al { "al" } else { inst.cond.suffix() }),
            _ => unreachable!("the table names only the operands above"),
        }
    }

    /// The target of a branch. The displacement counts from the address + 4.
    fn target(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let displacement = self.inst.imm.wrapping_add(4);
        match self.address {
            Some(address) => write!(f, "{:#x}", address.wrapping_add_signed(displacement)),
            None if displacement < 0 => write!(f, ". - {}", displacement.unsigned_abs()),
            None => write!(f, ". + {displacement}"),
        }
    }

    fn floats(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        register(&self.inst.d, f)?;
        if let (Some(first), 2..) = (&self.inst.d, self.inst.imm) {
            let first = first.to_string();
            // Of a register that is not allocated yet, only the first can be named.
            match first.strip_prefix('s').and_then(|number| number.parse::<i32>().ok()) {
                Some(number) => write!(f, "-s{}", number.wrapping_add(self.inst.imm - 1))?,
                None => write!(f, " and {} more", self.inst.imm - 1)?,
            }
        }
        f.write_str("}")
    }
}

fn register<R: Display>(register: &Option<R>, f: &mut Formatter<'_>) -> fmt::Result {
    match register {
        Some(register) => register.fmt(f),
        None => f.write_str("?"),
    }
}

fn shift(shift: Shift, f: &mut Formatter<'_>) -> fmt::Result {
    match shift {
        Shift::Lsl(0) | Shift::Ror(0) => Ok(()),
        Shift::Lsl(amount) => write!(f, ", lsl #{amount}"),
        Shift::Lsr(amount) => write!(f, ", lsr #{amount}"),
        Shift::Asr(amount) => write!(f, ", asr #{amount}"),
        Shift::Ror(amount) => write!(f, ", ror #{amount}"),
    }
}

/// A register list, neighbours as ranges.
fn list(mask: u32, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("{")?;
    let mut separator = "";
    let mut number = 0;
    while number < 16 {
        // Only r0 to r12 make ranges: sp, lr and pc stand for themselves.
        let run = (number..16).take_while(|&n| mask >> n & 1 == 1 && (n == number || n < 13)).count() as u8;
        if run > 0 {
            write!(f, "{separator}{}", Reg::r(number))?;
            separator = ", ";
        }
        match run {
            0 | 1 => {}
            2 => write!(f, ", {}", Reg::r(number + 1))?,
            _ => write!(f, "-{}", Reg::r(number + run - 1))?,
        }
        number += run.max(1);
    }
    f.write_str("}")
}
