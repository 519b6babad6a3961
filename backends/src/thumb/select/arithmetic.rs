//! Sums, logic, shifts and products of words.

use super::modified;
use super::{Field, Inst, Line, Machine, Op, Selector, Shift, VReg, Value};
use crate::native::{self, Width};

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
        if self.flavor.thumb2 && self.with_product(op, a, b, d) {
            return;
        }
        if *op == Op::Sub && self.constant(a) == Some(0) {
            let n = Some(self.read(b));
            return self.emit(Inst {
                d: Some(self.result(d)),
                n,
                s: !self.flavor.thumb2,
                ..Inst::new(Machine::RsbImm)
            });
        }
        if self.flavor.thumb2
            && *op == Op::Sub
            && let Some(number) = self.constant(a)
            && modified(number)
        {
            let n = Some(self.read(b));
            return self.emit(Inst { d: Some(self.result(d)), n, imm: number, ..Inst::new(Machine::RsbImm) });
        }
        let machine = match op {
            Op::Add => Machine::Add,
            Op::Sub => Machine::Sub,
            Op::And => Machine::And,
            Op::Or => Machine::Orr,
            _ => Machine::Eor,
        };
        // The operand that a shift can join goes to the right.
        let swap = commutes && self.is_shift(a) && !self.is_shift(b);
        let (a, b) = if swap { (b, a) } else { (a, b) };
        let (m, shift) = self.shifted(b);
        let n = Some(self.read(a));
        let inst = Inst {
            d: Some(self.result(d)),
            n,
            m: Some(m),
            shift,
            s: !self.flavor.thumb2,
            ..Inst::new(machine)
        };
        let two_address = !self.flavor.thumb2 && !matches!(op, Op::Add | Op::Sub);
        self.push(Line { two_address, ..Line::inst(inst) });
    }

    fn is_shift(&self, value: Value) -> bool {
        self.absorbable(value).is_some_and(|inst| {
            matches!(inst.op, Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned)
                && self.constant(inst.args[1]).is_some()
        })
    }

    /// `a op number` in one instruction; `false` if there is none.
    fn with_immediate(&mut self, op: &Op, a: Value, number: i32, d: Value) -> bool {
        let (d, negative) = (self.result(d), number.wrapping_neg());
        if !self.flavor.thumb2 {
            return self.with_short_immediate(op, a, number, d);
        }
        let fits = |number: i32| modified(number) || (0..4096).contains(&number);
        let (machine, imm) = match op {
            Op::Add if fits(number) => (Machine::AddImm, number),
            Op::Add if fits(negative) => (Machine::SubImm, negative),
            Op::Sub if fits(number) => (Machine::SubImm, number),
            Op::Sub if fits(negative) => (Machine::AddImm, negative),
            Op::And if number == 0xff || number == 0xffff => {
                let machine = if number == 0xff { Machine::Uxtb } else { Machine::Uxth };
                let m = Some(self.read(a));
                self.emit(Inst { d: Some(d), m, ..Inst::new(machine) });
                return true;
            }
            Op::And if modified(number) => (Machine::AndImm, number),
            Op::And if modified(!number) => (Machine::BicImm, !number),
            Op::And if number > 0 && (number & (number + 1)) == 0 => {
                // Low bits: a bit field from 0, or from where a shift to the right begins.
                let (source, lsb) = self.shifted_right(a, number.trailing_ones());
                let imm = lsb as i32 | (number.trailing_ones() as i32) << 8;
                self.emit(Inst { d: Some(d), n: Some(source), imm, ..Inst::new(Machine::Ubfx) });
                return true;
            }
            Op::Or if modified(number) => (Machine::OrrImm, number),
            Op::Or if modified(!number) => (Machine::OrnImm, !number),
            Op::Xor if number == -1 => {
                let (m, shift) = self.shifted(a);
                self.emit(Inst { d: Some(d), m: Some(m), shift, ..Inst::new(Machine::Mvn) });
                return true;
            }
            Op::Xor if modified(number) => (Machine::EorImm, number),
            _ => return false,
        };
        let n = Some(self.read(a));
        self.emit(Inst { d: Some(d), n, imm, ..Inst::new(machine) });
        true
    }

    /// The value and the bit from which `width` bits of it are wanted.
    fn shifted_right(&mut self, value: Value, width: u32) -> (VReg, u32) {
        if let Some(inst) = self.absorbable(value)
            && matches!(inst.op, Op::ShiftRight | Op::ShiftRightSigned)
            && let Some(amount) = self.constant(inst.args[1])
            && amount >= 0
            && amount as u32 + width <= 32
        {
            return (self.read(inst.args[0]), amount as u32);
        }
        (self.read(value), 0)
    }

    /// The forms of Armv6-M.
    fn with_short_immediate(&mut self, op: &Op, a: Value, number: i32, d: VReg) -> bool {
        let number = match op {
            Op::Add => number,
            Op::Sub => number.wrapping_neg(),
            Op::And if number == 0xff || number == 0xffff => {
                let machine = if number == 0xff { Machine::Uxtb } else { Machine::Uxth };
                let m = Some(self.read(a));
                self.emit(Inst { d: Some(d), m, ..Inst::new(machine) });
                return true;
            }
            Op::Xor if number == -1 => {
                let m = Some(self.read(a));
                self.emit(Inst { d: Some(d), m, s: true, ..Inst::new(Machine::Mvn) });
                return true;
            }
            _ => return false,
        };
        let (machine, imm) =
            if number < 0 { (Machine::SubImm, number.wrapping_neg()) } else { (Machine::AddImm, number) };
        if !(0..256).contains(&imm) {
            return false;
        }
        let n = Some(self.read(a));
        let inst = Inst { d: Some(d), n, imm, s: true, ..Inst::new(machine) };
        self.push(Line { two_address: imm > 7, ..Line::inst(inst) });
        true
    }

    /// A sum or difference whose one side is a product that nobody else needs.
    fn with_product(&mut self, op: &Op, a: Value, b: Value, d: Value) -> bool {
        let product = |this: &Self, value: Value| {
            this.absorbable(value).filter(|inst| {
                inst.op == Op::Mul && inst.args.iter().all(|&v| this.constant(v).is_none())
                    || inst.op == Op::MulHighSigned && *op == Op::Add && this.flavor.dsp
            })
        };
        let (addend, inst) = match op {
            Op::Add | Op::Sub if let Some(inst) = product(self, b) => (a, inst),
            Op::Add if let Some(inst) = product(self, a) => (b, inst),
            _ => return false,
        };
        let machine = match (&inst.op, op) {
            (Op::Mul, Op::Add) => Machine::Mla,
            (Op::Mul, _) => Machine::Mls,
            _ => Machine::Smmla,
        };
        self.plain(machine, d, &[(Field::N, inst.args[0]), (Field::M, inst.args[1]), (Field::A, addend)]);
        true
    }

    /// `a · b`.
    pub(super) fn multiply(&mut self, a: Value, b: Value, d: Value) {
        let (n, m) = (self.read(a), self.read(b));
        let narrow = !self.flavor.thumb2;
        let inst =
            Inst { d: Some(self.result(d)), n: Some(n), m: Some(m), s: narrow, ..Inst::new(Machine::Mul) };
        self.push(Line { two_address: narrow, ..Line::inst(inst) });
    }

    /// Shifts, by numbers or registers.
    pub(super) fn shift(&mut self, op: &Op, a: Value, b: Value, d: Value) {
        let d = self.result(d);
        let s = !self.flavor.thumb2;
        if let Some(amount) = self.constant(b) {
            let n = Some(self.read(a));
            if amount == 0 {
                return self.emit(Inst { d: Some(d), m: n, ..Inst::new(Machine::Mov) });
            }
            let machine = match op {
                Op::ShiftLeft => Machine::LslImm,
                Op::ShiftRight => Machine::LsrImm,
                _ => Machine::AsrImm,
            };
            return self.emit(Inst { d: Some(d), n, imm: amount & 31, s, ..Inst::new(machine) });
        }
        let machine = match op {
            Op::ShiftLeft => Machine::Lsl,
            Op::ShiftRight => Machine::Lsr,
            _ => Machine::Asr,
        };
        let (n, m) = (Some(self.read(a)), Some(self.read(b)));
        let inst = Inst { d: Some(d), n, m, s, ..Inst::new(machine) };
        self.push(Line { two_address: s, ..Line::inst(inst) });
    }

    /// The low byte or halfword, extended; a shift to the right by whole bytes comes for free.
    pub(super) fn extend(&mut self, width: Width, a: Value, d: Value) {
        let d = self.result(d);
        let machine = match width {
            Width::S8 => Machine::Sxtb,
            Width::U8 => Machine::Uxtb,
            Width::S16 => Machine::Sxth,
            Width::U16 => Machine::Uxth,
            Width::Word | Width::Float => {
                let m = Some(self.read(a));
                return self.emit(Inst { d: Some(d), m, ..Inst::new(Machine::Mov) });
            }
        };
        let (m, shift) = match self.shifted_amount(a) {
            Some((value, amount @ (8 | 16 | 24))) if amount + width.bytes() * 8 <= 32 => {
                (self.read(value), Shift::Ror(amount as u8))
            }
            _ => (self.read(a), Shift::NONE),
        };
        self.emit(Inst { d: Some(d), m: Some(m), shift, ..Inst::new(machine) });
    }

    /// What a value is shifted to the right from and by how much, if nobody else needs the shift.
    fn shifted_amount(&self, value: Value) -> Option<(Value, u32)> {
        let inst = self.flavor.thumb2.then(|| self.absorbable(value)).flatten()?;
        let right = matches!(inst.op, Op::ShiftRight | Op::ShiftRightSigned);
        right.then(|| Some((inst.args[0], self.constant(inst.args[1])? as u32))).flatten()
    }

    /// Products of 64 bits, or the high half of one.
    pub(super) fn multiply_long(&mut self, inst: &native::Inst) {
        let machine = if matches!(inst.op, Op::MulLongSigned | Op::MulHighSigned) {
            Machine::Smull
        } else {
            Machine::Umull
        };
        let (n, m) = (self.read(inst.args[0]), self.read(inst.args[1]));
        let (low, high) = match inst.results[..] {
            [high] => (self.temporary(), self.result(high)),
            _ => (self.result(inst.results[0]), self.result(inst.results[1])),
        };
        self.emit(Inst { d: Some(low), a: Some(high), n: Some(n), m: Some(m), ..Inst::new(machine) });
    }

    /// A sum of 64 bits plus a product of 64 bits.
    pub(super) fn multiply_add_long(&mut self, inst: &native::Inst) {
        let machine = if inst.op == Op::MulAddLongSigned { Machine::Smlal } else { Machine::Umlal };
        self.accumulate_wide(machine, inst);
    }

    /// `(low, high, a, b) → (low, high)` by an instruction that changes its pair.
    pub(super) fn accumulate_wide(&mut self, machine: Machine, inst: &native::Inst) {
        let [mut low, mut high, n, m] = [0, 1, 2, 3].map(|i| self.read(inst.args[i]));
        // The allocator takes the register of a value that is changed and read besides as free too early: a copy is changed.
        if [high, n, m].contains(&low) {
            low = self.copy(low);
        }
        if [n, m].contains(&high) {
            high = self.copy(high);
        }
        let (d, a) = (self.result(inst.results[0]), self.result(inst.results[1]));
        let line = Line::inst(Inst { d: Some(d), a: Some(a), n: Some(n), m: Some(m), ..Inst::new(machine) });
        self.push(Line { was: vec![(Field::D, low), (Field::A, high)], ..line });
    }

    /// The same number in a register of its own.
    fn copy(&mut self, value: VReg) -> VReg {
        let d = self.temporary();
        self.emit(Inst { d: Some(d), m: Some(value), ..Inst::new(Machine::Mov) });
        d
    }

    /// Sums and differences of 64 bits, by the carry.
    pub(super) fn wide(&mut self, inst: &native::Inst) {
        let (first, second) =
            if inst.op == Op::AddWide { (Machine::Add, Machine::Adc) } else { (Machine::Sub, Machine::Sbc) };
        let [al, ah, bl, bh] = [0, 1, 2, 3].map(|i| self.read(inst.args[i]));
        let (d, a) = (self.result(inst.results[0]), self.result(inst.results[1]));
        self.emit(Inst { d: Some(d), n: Some(al), m: Some(bl), s: true, ..Inst::new(first) });
        let narrow = !self.flavor.thumb2;
        let high = Inst { d: Some(a), n: Some(ah), m: Some(bh), s: narrow, ..Inst::new(second) };
        self.push(Line { two_address: narrow, ..Line::inst(high) });
    }
}
