//! Products, sums and differences of 64 bits, as pairs of words.

use super::{Inst, Machine, Op, Selector};
use crate::native;

impl Selector<'_> {
    /// Products of 64 bits.
    pub(super) fn multiply_long(&mut self, inst: &native::Inst) {
        let op = if inst.op == Op::MulLongSigned { Machine::Mulh } else { Machine::Mulhu };
        let (n, m) = (self.operand(inst.args[0]), self.operand(inst.args[1]));
        let (low, high) = (Some(self.result(inst.results[0])), Some(self.result(inst.results[1])));
        self.emit(Inst { d: high, n, m, ..Inst::new(op) });
        self.emit(Inst { d: low, n, m, ..Inst::new(Machine::Mul) });
    }

    /// A sum of 64 bits plus a product of 64 bits.
    pub(super) fn multiply_add_long(&mut self, inst: &native::Inst) {
        let op = if inst.op == Op::MulAddLongSigned { Machine::Mulh } else { Machine::Mulhu };
        let [low, high, n, m] = [0, 1, 2, 3].map(|i| self.operand(inst.args[i]));
        let product_high = self.made(op, n, m);
        let product = self.made(Machine::Mul, n, m);
        let (d_low, d_high) = (Some(self.result(inst.results[0])), Some(self.result(inst.results[1])));
        self.emit(Inst { d: d_low, n: low, m: product, ..Inst::new(Machine::Add) });
        let sum = self.made(Machine::Add, high, product_high);
        let carry = self.made(Machine::Sltu, d_low, product);
        self.emit(Inst { d: d_high, n: sum, m: carry, ..Inst::new(Machine::Add) });
    }

    /// Sums and differences: a carry is where the low word came out less than what was added to it.
    pub(super) fn add_wide(&mut self, inst: &native::Inst) {
        let [al, ah, bl, bh] = [0, 1, 2, 3].map(|i| self.operand(inst.args[i]));
        let (low, high) = (Some(self.result(inst.results[0])), Some(self.result(inst.results[1])));
        if inst.op == Op::AddWide {
            self.emit(Inst { d: low, n: al, m: bl, ..Inst::new(Machine::Add) });
            let sum = match (ah, bh) {
                (high, None) | (None, high) => high,
                _ => self.made(Machine::Add, ah, bh),
            };
            let carry = self.made(Machine::Sltu, low, bl);
            return self.emit(Inst { d: high, n: sum, m: carry, ..Inst::new(Machine::Add) });
        }
        let borrow = self.made(Machine::Sltu, al, bl);
        let difference = if bh.is_some() { self.made(Machine::Sub, ah, bh) } else { ah };
        self.emit(Inst { d: low, n: al, m: bl, ..Inst::new(Machine::Sub) });
        self.emit(Inst { d: high, n: difference, m: borrow, ..Inst::new(Machine::Sub) });
    }
}
