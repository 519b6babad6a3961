//! Conditions: comparisons as words, as what branches test, and choices between two values.

use super::{Extension, Inst, Line, Machine, Op, Selector, VReg, Value, What, is_short};
use crate::codegen::Field;
use crate::native::{self, Cond};
use crate::riscv32::code::Test;

impl Selector<'_> {
    /// What a branch tests for `left cond right`.
    pub(super) fn branch(&mut self, cond: Cond, left: Value, right: Value) -> Test<VReg> {
        // A truth value that only this comparison needs: what it compares.
        if self.constant(right) == Some(0)
            && let Some(holds) = match cond {
                Cond::Ne => Some(true),
                Cond::Eq => Some(false),
                _ => None,
            }
            && let Some(inst) = self.absorbable(left)
            && let Op::Compare(inner) = inst.op
        {
            let found = self.branch(inner, inst.args[0], inst.args[1]);
            return if holds { found } else { found.inverse() };
        }
        let (op, swapped) = match cond {
            Cond::Eq => (Machine::Beq, false),
            Cond::Ne => (Machine::Bne, false),
            Cond::Lt => (Machine::Blt, false),
            Cond::LtU => (Machine::Bltu, false),
            // a ≤ b is b ≥ a.
            Cond::Le => (Machine::Bge, true),
            Cond::LeU => (Machine::Bgeu, true),
        };
        let (n, m) = (self.operand(left), self.operand(right));
        // The 16-bit forms have x0 on the right.
        let swapped = swapped || n.is_none() && matches!(cond, Cond::Eq | Cond::Ne);
        if swapped { Test { op, n: m, m: n } } else { Test { op, n, m } }
    }

    /// A comparison as a word, 0 or 1.
    pub(super) fn truth(&mut self, cond: Cond, a: Value, b: Value, d: Value) {
        let d = Some(self.result(d));
        let number = self.constant(b);
        match cond {
            Cond::Eq | Cond::Ne => {
                let n = self.operand(a);
                let difference = match number {
                    Some(0) => n,
                    Some(number) if is_short(number.wrapping_neg()) => {
                        self.made_by(Machine::Addi, n, number.wrapping_neg())
                    }
                    _ => {
                        let m = self.operand(b);
                        self.made(Machine::Xor, n, m)
                    }
                };
                self.is_zero(cond == Cond::Eq, difference, d);
            }
            Cond::Lt | Cond::LtU | Cond::Le | Cond::LeU => {
                let signed = matches!(cond, Cond::Lt | Cond::Le);
                let strict = matches!(cond, Cond::Lt | Cond::LtU);
                // a ≤ number is a < number + 1, where that is one.
                let end = number.and_then(|number| match (strict, signed) {
                    (true, _) => Some(number),
                    (false, true) => number.checked_add(1),
                    (false, false) if number == -1 => None,
                    (false, false) => Some(number.wrapping_add(1)),
                });
                if let Some(imm) = end.filter(|&end| is_short(end)) {
                    let n = self.operand(a);
                    let op = if signed { Machine::Slti } else { Machine::Sltiu };
                    return self.emit(Inst { d, n, imm, ..Inst::new(op) });
                }
                let op = if signed { Machine::Slt } else { Machine::Sltu };
                let (n, m) = (self.operand(a), self.operand(b));
                if strict {
                    return self.emit(Inst { d, n, m, ..Inst::new(op) });
                }
                let greater = self.made(op, m, n);
                self.emit(Inst { d, n: greater, imm: 1, ..Inst::new(Machine::Xori) });
            }
        }
    }

    /// Whether a word is zero, or is not.
    fn is_zero(&mut self, zero: bool, word: Option<VReg>, d: Option<VReg>) {
        self.emit(match zero {
            true => Inst { d, n: word, imm: 1, ..Inst::new(Machine::Sltiu) },
            false => Inst { d, m: word, ..Inst::new(Machine::Sltu) },
        });
    }

    /// A comparison of pairs as a word.
    pub(super) fn truth_wide(&mut self, cond: Cond, inst: &native::Inst) {
        let [al, ah, bl, bh] = [0, 1, 2, 3].map(|i| self.operand(inst.args[i]));
        let d = Some(self.result(inst.results[0]));
        if matches!(cond, Cond::Eq | Cond::Ne) {
            let low = self.made(Machine::Xor, al, bl);
            let high = self.made(Machine::Xor, ah, bh);
            let both = self.made(Machine::Or, low, high);
            return self.is_zero(cond == Cond::Eq, both, d);
        }
        let signed = matches!(cond, Cond::Lt | Cond::Le);
        let strict = matches!(cond, Cond::Lt | Cond::LtU);
        // a ≤ b is not b < a.
        let ((al, ah), (bl, bh)) = if strict { ((al, ah), (bl, bh)) } else { ((bl, bh), (al, ah)) };
        let high = if signed { Machine::Slt } else { Machine::Sltu };
        let less = self.made(high, ah, bh);
        let greater = self.made(high, bh, ah);
        let below = self.made(Machine::Sltu, al, bl);
        let either = self.made(Machine::Or, less, below);
        // 1 if the high words say less, or neither less nor greater and the low ones do.
        if strict {
            return self.emit(Inst { d, n: greater, m: either, ..Inst::new(Machine::Sltu) });
        }
        let found = self.made(Machine::Sltu, greater, either);
        self.emit(Inst { d, n: found, imm: 1, ..Inst::new(Machine::Xori) });
    }

    /// One of two values.
    pub(super) fn choose(&mut self, cond: Cond, inst: &native::Inst) {
        let [a, b, then, otherwise] = [0, 1, 2, 3].map(|i| inst.args[i]);
        if self.has(Extension::Zbb)
            && let Some(op) = extreme(cond, [a, b], [then, otherwise])
        {
            return self.plain(op, inst.results[0], a, b);
        }
        let d = self.result(inst.results[0]);
        let (then, otherwise) = (self.read(then), self.read(otherwise));
        let cond = self.branch(cond, a, b);
        self.push(Line { was: vec![(Field::D, otherwise)], ..What::Choose { d, then, cond }.into() });
    }
}

/// The instruction for a choice between the two values that are compared, if it is the lesser or the greater.
fn extreme(cond: Cond, [a, b]: [Value; 2], [then, otherwise]: [Value; 2]) -> Option<Machine> {
    let least = if (then, otherwise) == (a, b) {
        true
    } else if (then, otherwise) == (b, a) {
        false
    } else {
        return None;
    };
    match (cond, least) {
        (Cond::Lt | Cond::Le, true) => Some(Machine::Min),
        (Cond::Lt | Cond::Le, false) => Some(Machine::Max),
        (Cond::LtU | Cond::LeU, true) => Some(Machine::Minu),
        (Cond::LtU | Cond::LeU, false) => Some(Machine::Maxu),
        (Cond::Eq | Cond::Ne, _) => None,
    }
}
