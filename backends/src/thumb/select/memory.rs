//! Loads and stores.

use super::{Inst, Machine, Op, Selector, Shift, VReg, Value};
use crate::native::{self, Width};

impl Selector<'_> {
    pub(super) fn memory(&mut self, inst: &native::Inst) {
        match inst.op {
            Op::Load { width, offset, region } => {
                let d = self.result(inst.results[0]);
                self.load(width, offset, inst.args[0], d, region);
            }
            Op::Store { width, offset, region } => {
                let value = self.stored(width, inst.args[1]);
                self.store(width, offset, inst.args[0], value, region);
            }
            _ => unreachable!("only loads and stores"),
        }
    }

    /// The register to store: an extension that the store's width makes void is left out.
    fn stored(&mut self, width: Width, value: Value) -> VReg {
        if let Some(inst) = self.absorbable(value)
            && let Op::Extend(extended) = inst.op
            && extended.bytes() >= width.bytes()
            && width != Width::Float
        {
            return self.read(inst.args[0]);
        }
        self.read(value)
    }

    fn load(&mut self, width: Width, offset: i32, base: Value, d: VReg, region: native::Region) {
        if width == Width::Float {
            let n = Some(self.read(base));
            let inst = Inst { d: Some(d), n, imm: offset, ..Inst::new(Machine::Vldr) };
            return self.emit_access(inst, region, false);
        }
        let (immediate, register) = match width {
            Width::S8 => (Machine::LdrsbImm, Machine::Ldrsb),
            Width::U8 => (Machine::LdrbImm, Machine::Ldrb),
            Width::S16 => (Machine::LdrshImm, Machine::Ldrsh),
            Width::U16 => (Machine::LdrhImm, Machine::Ldrh),
            Width::Word | Width::Float => (Machine::LdrImm, Machine::Ldr),
        };
        if offset == 0
            && let Some((n, m, shift)) = self.sum(base)
        {
            let inst = Inst { d: Some(d), n: Some(n), m: Some(m), shift, ..Inst::new(register) };
            return self.emit_access(inst, region, false);
        }
        let n = Some(self.read(base));
        let extension = match width {
            Width::S8 if !self.flavor.thumb2 => Some((Machine::LdrbImm, Machine::Sxtb)),
            Width::S16 if !self.flavor.thumb2 => Some((Machine::LdrhImm, Machine::Sxth)),
            _ => None,
        };
        let Some((load, extend)) = extension else {
            let inst = Inst { d: Some(d), n, imm: offset, ..Inst::new(immediate) };
            return self.emit_access(inst, region, false);
        };
        let raw = self.temporary();
        let inst = Inst { d: Some(raw), n, imm: offset, ..Inst::new(load) };
        self.emit_access(inst, region, false);
        self.emit(Inst { d: Some(d), m: Some(raw), ..Inst::new(extend) });
    }

    fn store(&mut self, width: Width, offset: i32, base: Value, value: VReg, region: native::Region) {
        let (immediate, register) = match width {
            Width::S8 | Width::U8 => (Machine::StrbImm, Machine::Strb),
            Width::S16 | Width::U16 => (Machine::StrhImm, Machine::Strh),
            Width::Word => (Machine::StrImm, Machine::Str),
            Width::Float => (Machine::Vstr, Machine::Vstr),
        };
        if offset == 0
            && width != Width::Float
            && let Some((n, m, shift)) = self.sum(base)
        {
            let inst = Inst { d: Some(value), n: Some(n), m: Some(m), shift, ..Inst::new(register) };
            return self.emit_access(inst, region, true);
        }
        let n = Some(self.read(base));
        let inst = Inst { d: Some(value), n, imm: offset, ..Inst::new(immediate) };
        self.emit_access(inst, region, true);
    }

    /// An address that is a sum that nobody else needs: base, index and the index's shift.
    fn sum(&mut self, base: Value) -> Option<(VReg, VReg, Shift)> {
        let inst = self.absorbable(base)?;
        if inst.op != Op::Add || inst.args.iter().any(|&v| self.constant(v).is_some()) {
            return None;
        }
        let (a, b) = (inst.args[0], inst.args[1]);
        let small = |this: &Self, v: Value| {
            this.flavor.thumb2
                && this.absorbable(v).is_some_and(|inst| {
                    inst.op == Op::ShiftLeft && matches!(this.constant(inst.args[1]), Some(1..=3))
                })
        };
        let (a, b) = if small(self, a) && !small(self, b) { (b, a) } else { (a, b) };
        let (m, shift) = if small(self, b) { self.shifted(b) } else { (self.read(b), Shift::NONE) };
        Some((self.read(a), m, shift))
    }
}
