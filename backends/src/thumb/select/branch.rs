//! Conditions: comparisons that set flags, and what reads the flags.

use super::modified;
use super::{Field, Inst, Line, Machine, Op, Selector, Value, What};
use crate::native::{self, Cond, FloatCond};
use crate::thumb::isa;

impl Selector<'_> {
    /// Sets the flags for the branch at the block's end. A counter that was just decremented needs no comparison.
    pub(super) fn branch(&mut self, cond: Cond, left: Value, right: Value) -> isa::Cond {
        if matches!(cond, Cond::Eq | Cond::Ne)
            && self.constant(right) == Some(0)
            && let Some(inst) = self.take_for_end(left, |this, inst| this.decrement(inst).is_some())
            && let Some(decrement) = self.decrement(inst)
        {
            let n = Some(self.read(inst.args[0]));
            let (op, imm) =
                if decrement < 0 { (Machine::AddImm, -decrement) } else { (Machine::SubImm, decrement) };
            let counted = Inst { d: Some(self.result(left)), n, imm, s: true, ..Inst::new(op) };
            self.push(Line { two_address: !self.flavor.thumb2 && imm > 7, ..Line::inst(counted) });
            return condition(cond);
        }
        self.compare(cond, left, right)
    }

    /// The number that an instruction subtracts from its operand, if it fits the forms that set flags.
    fn decrement(&self, inst: &native::Inst) -> Option<i32> {
        let number = self.constant(*inst.args.get(1)?)?;
        let amount = match inst.op {
            Op::Add => number.wrapping_neg(),
            Op::Sub => number,
            _ => return None,
        };
        (1..256).contains(&amount.unsigned_abs()).then_some(amount)
    }

    /// Sets the flags for `left cond right`; the condition to test.
    pub(super) fn compare(&mut self, cond: Cond, left: Value, right: Value) -> isa::Cond {
        // A truth value that only this comparison needs: its own flags.
        if self.constant(right) == Some(0)
            && let Some(holds) = match cond {
                Cond::Ne => Some(true),
                Cond::Eq => Some(false),
                _ => None,
            }
            && let Some(inst) = self.absorbable(left)
            && matches!(inst.op, Op::Compare(_) | Op::CompareWide(_) | Op::FloatCompare(_))
        {
            let found = self.flags(inst);
            return if holds { found } else { found.inverse() };
        }
        if let (Some(_), None) = (self.constant(left), self.constant(right)) {
            return self.compare_words(cond, right, left, true);
        }
        self.compare_words(cond, left, right, false)
    }

    /// Compares words; `swapped` if the condition is meant with its sides exchanged.
    fn compare_words(&mut self, cond: Cond, left: Value, right: Value, swapped: bool) -> isa::Cond {
        let found = if swapped { exchanged(condition(cond)) } else { condition(cond) };
        let immediate = self
            .constant(right)
            .filter(|&number| if self.flavor.thumb2 { modified(number) } else { (0..256).contains(&number) });
        let negative = self.constant(right).filter(|&number| {
            // `cmn` adds: the carry of a comparison with 0 or the least number differs.
            self.flavor.thumb2 && number < 0 && number != i32::MIN && modified(-number)
        });
        let n = Some(self.read(left));
        let inst = match (immediate, negative) {
            (Some(imm), _) => Inst { n, imm, ..Inst::new(Machine::CmpImm) },
            (None, Some(number)) => Inst { n, imm: -number, ..Inst::new(Machine::CmnImm) },
            (None, None) => {
                let (m, shift) = self.shifted(right);
                Inst { n, m: Some(m), shift, ..Inst::new(Machine::Cmp) }
            }
        };
        self.emit(inst);
        found
    }

    /// Sets the flags for a comparing instruction; the condition under which it holds.
    fn flags(&mut self, inst: &native::Inst) -> isa::Cond {
        match inst.op {
            Op::Compare(cond) => self.compare(cond, inst.args[0], inst.args[1]),
            Op::CompareWide(cond) => self.compare_wide(cond, inst),
            Op::FloatCompare(cond) => {
                let (n, m) = (self.read(inst.args[0]), self.read(inst.args[1]));
                self.emit(Inst { n: Some(n), m: Some(m), ..Inst::new(Machine::Vcmp) });
                self.emit(Inst::new(Machine::Vmrs));
                match cond {
                    FloatCond::Eq => isa::Cond::Eq,
                    FloatCond::Ne => isa::Cond::Ne,
                    FloatCond::Lt => isa::Cond::Mi,
                    FloatCond::Le => isa::Cond::Ls,
                }
            }
            _ => unreachable!("only comparisons"),
        }
    }

    fn compare_wide(&mut self, cond: Cond, inst: &native::Inst) -> isa::Cond {
        let [al, ah, bl, bh] = [0, 1, 2, 3].map(|i| self.read(inst.args[i]));
        let narrow = !self.flavor.thumb2;
        match cond {
            Cond::Eq | Cond::Ne => {
                let (low, high, both) = (self.temporary(), self.temporary(), self.temporary());
                for (d, n, m) in [(low, al, bl), (high, ah, bh)] {
                    let inst =
                        Inst { d: Some(d), n: Some(n), m: Some(m), s: narrow, ..Inst::new(Machine::Eor) };
                    self.push(Line { two_address: narrow, ..Line::inst(inst) });
                }
                let inst =
                    Inst { d: Some(both), n: Some(low), m: Some(high), s: true, ..Inst::new(Machine::Orr) };
                self.push(Line { two_address: narrow, ..Line::inst(inst) });
                condition(cond)
            }
            Cond::Lt | Cond::LtU | Cond::Le | Cond::LeU => {
                // a ≤ b is not b < a.
                let less = matches!(cond, Cond::Lt | Cond::LtU);
                let ((al, ah), (bl, bh)) = if less { ((al, ah), (bl, bh)) } else { ((bl, bh), (al, ah)) };
                self.emit(Inst { n: Some(al), m: Some(bl), ..Inst::new(Machine::Cmp) });
                let d = self.temporary();
                let high = Inst { d: Some(d), n: Some(ah), m: Some(bh), s: true, ..Inst::new(Machine::Sbc) };
                self.push(Line { two_address: narrow, ..Line::inst(high) });
                match cond {
                    Cond::Lt => isa::Cond::Lt,
                    Cond::Le => isa::Cond::Ge,
                    Cond::LtU => isa::Cond::Cc,
                    _ => isa::Cond::Cs,
                }
            }
        }
    }

    /// A comparison as a word, 0 or 1.
    pub(super) fn truth(&mut self, inst: &native::Inst) {
        let (zero, one) = (self.number(0), self.number(1));
        let cond = self.flags(inst);
        let d = self.result(inst.results[0]);
        self.push(Line { was: vec![(Field::D, zero)], ..What::Choose { d, then: one, cond }.into() });
    }

    /// One of two values.
    pub(super) fn choose(&mut self, cond: Cond, inst: &native::Inst) {
        let (then, otherwise) = (self.read(inst.args[2]), self.read(inst.args[3]));
        let cond = self.compare(cond, inst.args[0], inst.args[1]);
        let d = self.result(inst.results[0]);
        self.push(Line { was: vec![(Field::D, otherwise)], ..What::Choose { d, then, cond }.into() });
    }
}

/// The condition for words compared in order.
fn condition(cond: Cond) -> isa::Cond {
    match cond {
        Cond::Eq => isa::Cond::Eq,
        Cond::Ne => isa::Cond::Ne,
        Cond::Lt => isa::Cond::Lt,
        Cond::Le => isa::Cond::Le,
        Cond::LtU => isa::Cond::Cc,
        Cond::LeU => isa::Cond::Ls,
    }
}

/// The condition with the sides of the comparison exchanged.
fn exchanged(cond: isa::Cond) -> isa::Cond {
    match cond {
        isa::Cond::Lt => isa::Cond::Gt,
        isa::Cond::Le => isa::Cond::Ge,
        isa::Cond::Cc => isa::Cond::Hi,
        isa::Cond::Ls => isa::Cond::Cs,
        same => same,
    }
}
