//! Sums, logic, shifts, extensions and quotients of words.

use super::{Extension, Inst, Machine, Op, Selector, VReg, Value, is_short};
use crate::native::Width;

impl Selector<'_> {
    /// `add`, `sub`, `and`, `or`, `xor`.
    pub(super) fn arithmetic(&mut self, op: &Op, a: Value, b: Value, d: Value) {
        let commutes = *op != Op::Sub;
        // A constant goes to the right.
        let (a, b) = if commutes && self.constant(a).is_some() { (b, a) } else { (a, b) };
        if let Some(number) = self.constant(b)
            && self.with_immediate(op, a, number, d)
        {
            return;
        }
        if *op == Op::Add && self.has(Extension::Zba) && (self.shift_add(a, b, d) || self.shift_add(b, a, d))
        {
            return;
        }
        let machine = match op {
            Op::Add => Machine::Add,
            Op::Sub => Machine::Sub,
            Op::And => Machine::And,
            Op::Or => Machine::Or,
            _ => Machine::Xor,
        };
        self.plain(machine, d, a, b);
    }

    /// `a op number` in one or two instructions; `false` if a register for the number is as good.
    fn with_immediate(&mut self, op: &Op, a: Value, number: i32, d: Value) -> bool {
        let (machine, imm) = match op {
            Op::Add => (Machine::Addi, number),
            Op::Sub => (Machine::Addi, number.wrapping_neg()),
            Op::And if number == 0xffff => {
                self.extend(Width::U16, a, d);
                return true;
            }
            Op::And => (Machine::Andi, number),
            Op::Or => (Machine::Ori, number),
            _ => (Machine::Xori, number),
        };
        if !is_short(imm) {
            return false;
        }
        let (d, n) = (Some(self.result(d)), self.operand(a));
        self.emit(Inst { d, n, imm, ..Inst::new(machine) });
        true
    }

    /// `a + b`, where `b` is a shift by 1 to 3 that nobody else needs.
    fn shift_add(&mut self, a: Value, b: Value, d: Value) -> bool {
        let shift = self.absorbable(b).filter(|inst| inst.op == Op::ShiftLeft);
        let Some((inst, amount)) = shift.and_then(|inst| Some((inst, self.constant(inst.args[1])?))) else {
            return false;
        };
        let op = match amount {
            1 => Machine::Sh1add,
            2 => Machine::Sh2add,
            3 => Machine::Sh3add,
            _ => return false,
        };
        self.plain(op, d, inst.args[0], a);
        true
    }

    /// Shifts, by numbers or registers.
    pub(super) fn shift(&mut self, op: &Op, a: Value, b: Value, d: Value) {
        let (by_number, by_register) = match op {
            Op::ShiftLeft => (Machine::Slli, Machine::Sll),
            Op::ShiftRight => (Machine::Srli, Machine::Srl),
            _ => (Machine::Srai, Machine::Sra),
        };
        match self.constant(b) {
            Some(amount) => {
                let (d, n) = (Some(self.result(d)), self.operand(a));
                self.emit(Inst { d, n, imm: amount & 31, ..Inst::new(by_number) });
            }
            None => self.plain(by_register, d, a, b),
        }
    }

    /// The low byte or halfword, extended; a shift to the right before it is part of the shifts that extend.
    pub(super) fn extend(&mut self, width: Width, a: Value, d: Value) {
        let d = Some(self.result(d));
        if matches!(width, Width::Word | Width::Float) {
            let m = self.operand(a);
            return self.emit(Inst { d, m, ..Inst::new(Machine::Add) });
        }
        let shifted = self.shifted_right(a, width);
        let zbb = self.has(Extension::Zbb);
        let single = match width {
            _ if shifted.is_some() => None,
            Width::U8 => Some((Machine::Andi, 0xff)),
            Width::S8 if zbb => Some((Machine::SextB, 0)),
            Width::S16 if zbb => Some((Machine::SextH, 0)),
            Width::U16 if zbb => Some((Machine::ZextH, 0)),
            _ => None,
        };
        if let Some((op, imm)) = single {
            let n = self.operand(a);
            return self.emit(Inst { d, n, imm, ..Inst::new(op) });
        }
        let (value, amount) = shifted.unwrap_or((a, 0));
        let rest = 32 - 8 * width.bytes() as i32;
        let n = self.operand(value);
        let up = if amount < rest { self.made_by(Machine::Slli, n, rest - amount) } else { n };
        let down = if matches!(width, Width::S8 | Width::S16) { Machine::Srai } else { Machine::Srli };
        self.emit(Inst { d, n: up, imm: rest, ..Inst::new(down) });
    }

    /// What a value is shifted to the right from and by how much, if nobody else needs the shift and the extension's bits
    /// are all there.
    fn shifted_right(&self, value: Value, width: Width) -> Option<(Value, i32)> {
        let inst = self.absorbable(value)?;
        let amount = self.constant(*inst.args.get(1)?)?;
        let right = matches!(inst.op, Op::ShiftRight | Op::ShiftRightSigned);
        let whole = amount + 8 * width.bytes() as i32 <= 32;
        // An AND after the shift is as short as two shifts.
        (right && whole && width.bytes() < 4).then_some((inst.args[0], amount))
    }

    /// Quotients: 0 if the divisor is 0, where the instruction says −1.
    pub(super) fn divide(&mut self, op: Machine, a: Value, b: Value, d: Value) {
        if self.constant(b).is_some_and(|number| number != 0) {
            return self.plain(op, d, a, b);
        }
        let (n, m) = (self.operand(a), self.operand(b));
        let quotient = self.made(op, n, m);
        let d = Some(self.result(d));
        self.unless(m, quotient, d);
    }

    /// `d = value`, or 0 where `condition` is 0.
    pub(super) fn unless(&mut self, condition: Option<VReg>, value: Option<VReg>, d: Option<VReg>) {
        let any = self.made(Machine::Sltu, None, condition);
        let mask = self.made(Machine::Sub, None, any);
        self.emit(Inst { d, n: value, m: mask, ..Inst::new(Machine::And) });
    }
}
