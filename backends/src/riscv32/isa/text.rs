//! Assembly text of an instruction, as GNU as reads it.

use std::fmt::{self, Display, Formatter};

use super::inst::{Inst, Op};
use crate::codegen::pattern::operands;

/// The text of an instruction, such as `lw a0, 4(a1)`. With its address, branch targets are absolute; without, they are
/// relative to `.`.
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
        let info = self.inst.op.info();
        if self.inst.op == Op::Jal && self.inst.d.is_none() {
            // The assembler shortens jumps by this name only; returns likewise.
            f.write_str("j ")?;
            return self.operand("target", f);
        }
        if self.inst.op == Op::Jalr && self.inst.d.is_none() && self.inst.imm == 0 {
            f.write_str("jr ")?;
            return self.operand("n", f);
        }
        f.write_str(info.mnemonic)?;
        if info.operands.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        operands(info.operands, f, |name, f| self.operand(name, f))
    }
}

impl<R: Display> Text<'_, R> {
    fn operand(&self, name: &str, f: &mut Formatter<'_>) -> fmt::Result {
        let inst = self.inst;
        match name {
            "d" => register(&inst.d, f),
            "n" => register(&inst.n, f),
            "m" => register(&inst.m, f),
            "a" => register(&inst.a, f),
            "i" => write!(f, "{}", inst.imm),
            "upper" => write!(f, "{:#x}", inst.imm.cast_unsigned() >> 12),
            "target" => match self.address {
                Some(address) => write!(f, "{:#x}", address.wrapping_add_signed(inst.imm)),
                None if inst.imm < 0 => write!(f, ". - {}", inst.imm.unsigned_abs()),
                None => write!(f, ". + {}", inst.imm),
            },
            _ => unreachable!("the table names only the operands above"),
        }
    }
}

fn register<R: Display>(register: &Option<R>, f: &mut Formatter<'_>) -> fmt::Result {
    match register {
        Some(register) => register.fmt(f),
        None => f.write_str("zero"),
    }
}
