//! Registers and flags of a core, and how instructions read and write them. No memory, no order of execution.

use super::step::Step;
use crate::thumb::isa::Cond;

/// The state of a core.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cpu {
    /// r0 to r15. The program counter is kept elsewhere; r15 holds what an instruction reads or writes.
    pub r: [u32; 16],
    /// s0 to s31, as bits.
    pub s: [u32; 32],
    /// Negative is the top bit of this, ...
    pub(super) sign: u32,
    /// ... zero is whether this is 0, ...
    pub(super) nonzero: u32,
    /// ... carry (0 or 1), ...
    pub(super) carry: u32,
    /// ... overflow is the top bit of this.
    pub(super) over: u32,
    /// Saturation happened: never cleared but by MSR.
    pub(super) saturated: bool,
    /// The four GE flags.
    pub(super) ge: u32,
    /// N, Z, C, V of the last comparison of floats, in bits 3 to 0.
    pub(super) float_flags: u32,
}

/// Shifts of a second operand, as numbers in a [`Step`].
pub(super) const LSL: u8 = 0;
pub(super) const LSR: u8 = 1;
pub(super) const ASR: u8 = 2;
pub(super) const ROR: u8 = 3;

/// A word shifted by 0 to 32, and the last bit that fell out (for 0: not changed, so `carry`).
#[inline(always)]
pub(super) fn shift(value: u32, kind: u8, amount: u32, carry: u32) -> (u32, u32) {
    if amount == 0 {
        return (value, carry);
    }
    match kind {
        LSL if amount < 32 => (value << amount, value >> (32 - amount) & 1),
        LSL => (0, if amount == 32 { value & 1 } else { 0 }),
        LSR if amount < 32 => (value >> amount, value >> (amount - 1) & 1),
        LSR => (0, if amount == 32 { value >> 31 } else { 0 }),
        ASR if amount < 32 => (((value as i32) >> amount) as u32, value >> (amount - 1) & 1),
        ASR => (((value as i32) >> 31) as u32, value >> 31),
        _ => {
            let result = value.rotate_right(amount & 31);
            (result, result >> 31)
        }
    }
}

impl Cpu {
    /// The flags as the APSR has them: N, Z, C, V, Q in bits 31 to 27, GE in bits 19 to 16.
    pub fn apsr(&self) -> u32 {
        self.sign & 1 << 31
            | u32::from(self.nonzero == 0) << 30
            | self.carry << 29
            | self.over >> 31 << 28
            | u32::from(self.saturated) << 27
            | self.ge << 16
    }

    /// Sets N, Z, C, V, Q and GE as an APSR has them.
    pub fn set_apsr(&mut self, apsr: u32) {
        self.set_nzcv(apsr >> 28);
        self.saturated = apsr >> 27 & 1 == 1;
        self.ge = apsr >> 16 & 15;
    }

    /// Sets N, Z, C, V from bits 3 to 0.
    pub(super) fn set_nzcv(&mut self, nzcv: u32) {
        self.sign = nzcv << 28;
        self.nonzero = !nzcv >> 2 & 1;
        self.carry = nzcv >> 1 & 1;
        self.over = nzcv << 31;
    }

    #[inline(always)]
    pub(super) fn holds(&self, cond: Cond) -> bool {
        let negative = self.sign >> 31 == 1;
        let over = self.over >> 31 == 1;
        let zero = self.nonzero == 0;
        match cond {
            Cond::Eq => zero,
            Cond::Ne => !zero,
            Cond::Cs => self.carry == 1,
            Cond::Cc => self.carry == 0,
            Cond::Mi => negative,
            Cond::Pl => !negative,
            Cond::Vs => over,
            Cond::Vc => !over,
            Cond::Hi => self.carry == 1 && !zero,
            Cond::Ls => self.carry == 0 || zero,
            Cond::Ge => negative == over,
            Cond::Lt => negative != over,
            Cond::Gt => !zero && negative == over,
            Cond::Le => zero || negative != over,
            Cond::Al => true,
        }
    }

    #[inline(always)]
    pub(super) fn d(&self, step: &Step) -> u32 {
        self.r[usize::from(step.d & 15)]
    }

    #[inline(always)]
    pub(super) fn n(&self, step: &Step) -> u32 {
        self.r[usize::from(step.n & 15)]
    }

    #[inline(always)]
    pub(super) fn m(&self, step: &Step) -> u32 {
        self.r[usize::from(step.m & 15)]
    }

    #[inline(always)]
    pub(super) fn a(&self, step: &Step) -> u32 {
        self.r[usize::from(step.a & 15)]
    }

    #[inline(always)]
    pub(super) fn set_d(&mut self, step: &Step, value: u32) {
        self.r[usize::from(step.d & 15)] = value;
    }

    #[inline(always)]
    pub(super) fn set_n(&mut self, step: &Step, value: u32) {
        self.r[usize::from(step.n & 15)] = value;
    }

    #[inline(always)]
    pub(super) fn set_a(&mut self, step: &Step, value: u32) {
        self.r[usize::from(step.a & 15)] = value;
    }

    /// Low word to d, high word to a.
    #[inline(always)]
    pub(super) fn set_long(&mut self, step: &Step, value: u64) {
        self.set_d(step, value as u32);
        self.set_a(step, (value >> 32) as u32);
    }

    /// The word in a (high) and d (low).
    #[inline(always)]
    pub(super) fn long(&self, step: &Step) -> u64 {
        u64::from(self.a(step)) << 32 | u64::from(self.d(step))
    }

    /// m with its shift.
    #[inline(always)]
    pub(super) fn shifted(&self, step: &Step) -> u32 {
        let value = self.m(step);
        if step.amount == 0 { value } else { shift(value, step.shift, u32::from(step.amount), 0).0 }
    }

    /// m rotated, for extensions.
    #[inline(always)]
    pub(super) fn rotated(&self, step: &Step) -> u32 {
        self.m(step).rotate_right(u32::from(step.amount))
    }

    #[inline(always)]
    fn set_nz(&mut self, result: u32) {
        self.sign = result;
        self.nonzero = result;
    }

    /// `x + y + carry` into d, and the flags if asked.
    #[inline(always)]
    pub(super) fn add(&mut self, step: &Step, x: u32, y: u32, carry: u32) {
        let result = if step.s { self.compare(x, y, carry) } else { x.wrapping_add(y).wrapping_add(carry) };
        self.set_d(step, result);
    }

    /// The flags of `x + y + carry`, which is returned.
    #[inline(always)]
    pub(super) fn compare(&mut self, x: u32, y: u32, carry: u32) -> u32 {
        let wide = u64::from(x) + u64::from(y) + u64::from(carry);
        let result = wide as u32;
        self.set_nz(result);
        self.carry = (wide >> 32) as u32;
        self.over = (x ^ result) & (y ^ result);
        result
    }

    /// A result of logic whose second operand is m with its shift.
    #[inline(always)]
    pub(super) fn logic(&mut self, step: &Step, result: u32) {
        if step.s {
            self.test(step, result);
        }
        self.set_d(step, result);
    }

    /// The flags of such a result.
    #[inline(always)]
    pub(super) fn test(&mut self, step: &Step, result: u32) {
        self.set_nz(result);
        if step.amount != 0 {
            self.carry = shift(self.m(step), step.shift, u32::from(step.amount), 0).1;
        }
    }

    /// A result of logic whose second operand is an immediate.
    #[inline(always)]
    pub(super) fn logic_imm(&mut self, step: &Step, result: u32) {
        if step.s {
            self.test_imm(step, result);
        }
        self.set_d(step, result);
    }

    #[inline(always)]
    pub(super) fn test_imm(&mut self, step: &Step, result: u32) {
        self.set_nz(result);
        // Immediates that the encoding rotates change the carry.
        if step.amount != 0 {
            self.carry = step.imm >> 31;
        }
    }

    /// A shift as an instruction of its own.
    #[inline(always)]
    pub(super) fn shift(&mut self, step: &Step, kind: u8, amount: u32) {
        let (result, carry) = shift(self.n(step), kind, amount, self.carry);
        if step.s {
            self.set_nz(result);
            self.carry = carry;
        }
        self.set_d(step, result);
    }

    /// A product, whose flags are N and Z only.
    #[inline(always)]
    pub(super) fn product(&mut self, step: &Step, result: u32) {
        if step.s {
            self.set_nz(result);
        }
        self.set_d(step, result);
    }

    /// A sum that wraps and says so in Q.
    #[inline(always)]
    pub(super) fn sticky(&mut self, step: &Step, sum: i64) {
        self.saturated |= i64::from(sum as i32) != sum;
        self.set_d(step, sum as u32);
    }

    /// A sum that saturates and says so in Q.
    pub(super) fn saturate(&mut self, sum: i64) -> i32 {
        let result = sum.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        self.saturated |= result != sum;
        result as i32
    }

    #[inline(always)]
    pub(super) fn fd(&self, step: &Step) -> u32 {
        self.s[usize::from(step.d & 31)]
    }

    #[inline(always)]
    pub(super) fn fn_(&self, step: &Step) -> u32 {
        self.s[usize::from(step.n & 31)]
    }

    #[inline(always)]
    pub(super) fn fm(&self, step: &Step) -> u32 {
        self.s[usize::from(step.m & 31)]
    }

    #[inline(always)]
    pub(super) fn set_fd(&mut self, step: &Step, value: u32) {
        self.s[usize::from(step.d & 31)] = value;
    }
}
