//! The stack frame: which registers are saved, where spilled values lie, and the instructions that the pseudo lines of
//! [`code`](super::code) become. From the stack pointer up: arguments to others, spilled words, saved registers.

use super::code::{Code, End, Line, Location, What};
use super::flavor::Flavor;
use super::isa::{Inst, Op, Reg};
use super::piece::{Block, Body, Piece};
use crate::codegen::Field;
use std::collections::BTreeMap;

/// How far from the stack pointer all loads and stores reach.
const NEAR: u32 = 2047;

/// A function of machine instructions, and the bytes of stack that it takes itself.
pub(super) struct Framed {
    /// Its blocks; returns are instructions now.
    pub body: Body,
    /// Bytes of stack without those of callees.
    pub stack: u32,
}

/// Lays the frame out.
pub(super) fn frame(code: &Code<Reg>, flavor: Flavor) -> Framed {
    let frame = Frame::new(code, flavor);
    let mut body = Body { blocks: Vec::new() };
    for (at, block) in code.blocks.iter().enumerate() {
        let mut pieces = Vec::new();
        if at == 0 {
            frame.enter(&mut pieces);
        }
        block.lines.iter().for_each(|line| frame.line(line, &mut pieces));
        if matches!(block.end, End::Return(_)) {
            frame.leave(&mut pieces);
        }
        body.blocks.push(Block {
            pieces,
            end: block.end.clone(),
            count: block.count,
            comment: block.comment.clone(),
        });
    }
    // Stores far from the stack pointer save a register for the address.
    let far = if frame.bytes > NEAR { frame.align } else { 0 };
    Framed { body, stack: frame.bytes + far }
}

struct Frame {
    /// Registers that are saved, in order.
    saved: Vec<Reg>,
    /// Words of arguments to others at the bottom.
    outgoing: u32,
    /// Where each spill slot lies, in words above these.
    slots: BTreeMap<u32, u32>,
    /// All bytes.
    bytes: u32,
    /// To what the stack pointer stays aligned.
    align: u32,
}

impl Frame {
    fn new(code: &Code<Reg>, flavor: Flavor) -> Self {
        let mut used = [false; 64];
        let mut slots: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut outgoing, mut calls) = (0, false);
        for line in code.blocks.iter().flat_map(|block| &block.lines) {
            each_written(line, &mut |reg| used[reg.index()] = true);
            match &line.what {
                What::Call { .. } => calls = true,
                What::Outgoing { index, .. } => outgoing = outgoing.max(index + 1),
                What::Move { from, to } => {
                    for place in [from, to] {
                        if let Location::Slot(slot) = place {
                            let next = slots.len() as u32;
                            slots.entry(*slot).or_insert(next);
                        }
                    }
                }
                _ => {}
            }
        }
        used[Reg::RA.index()] |= calls;
        let all = (0..32).map(Reg::x).chain((0..32).map(Reg::f));
        let saved: Vec<Reg> =
            all.filter(|&reg| used[reg.index()] && (reg.is_kept() || reg == Reg::RA)).collect();
        let align = flavor.stack_align();
        let words = outgoing + slots.len() as u32 + saved.len() as u32;
        Self { saved, outgoing, slots, bytes: (4 * words).next_multiple_of(align), align }
    }

    /// Bytes of the first step of the stack pointer, after which all saved registers are near.
    fn first_step(&self) -> u32 {
        match self.bytes {
            0..=2032 => self.bytes,
            _ => (4 * self.saved.len() as u32).next_multiple_of(self.align),
        }
    }

    fn enter(&self, pieces: &mut Vec<Piece>) {
        let first = self.first_step();
        adjust(-(first as i32), pieces);
        self.each_saved(first, |reg, offset| access(reg, Reg::SP, offset, false), pieces);
        adjust(-((self.bytes - first) as i32), pieces);
    }

    fn leave(&self, pieces: &mut Vec<Piece>) {
        let first = self.first_step();
        adjust((self.bytes - first) as i32, pieces);
        self.each_saved(first, |reg, offset| access(reg, Reg::SP, offset, true), pieces);
        adjust(first as i32, pieces);
        pieces.push(Piece::Inst(Inst { n: Some(Reg::RA), ..Inst::new(Op::Jalr) }));
    }

    fn each_saved(&self, top: u32, make: impl Fn(Reg, i32) -> Inst<Reg>, pieces: &mut Vec<Piece>) {
        for (at, &reg) in self.saved.iter().enumerate() {
            let offset = top - 4 * (at as u32 + 1);
            pieces.push(Piece::Inst(make(reg, offset as i32)));
        }
    }

    fn line(&self, line: &Line<Reg>, pieces: &mut Vec<Piece>) {
        match &line.what {
            What::Inst(inst) => {
                // Copies that allocation made void.
                let void = inst.op == Op::Add && inst.n.is_none() && inst.d == inst.m;
                if !void {
                    pieces.push(Piece::Inst(*inst));
                }
            }
            What::Constant { d, value, .. } => constant(*d, *value, pieces),
            What::DataAddress { d, offset } => pieces.push(Piece::DataAddress { d: *d, offset: *offset }),
            What::Choose { d, then, cond } if d != then => {
                pieces.push(Piece::Choose { d: *d, then: *then, cond: *cond });
            }
            What::Choose { .. } => {}
            What::Call { callee, .. } => pieces.push(Piece::Call(callee.clone())),
            What::Incoming { d, index } => self.access(*d, self.bytes + 4 * index, true, pieces),
            What::Outgoing { value, index } => self.access(*value, 4 * index, false, pieces),
            What::Move { from, to } => match (*from, *to) {
                (Location::Reg(from), Location::Reg(to)) if from != to => {
                    pieces.push(Piece::Inst(copy(to, from)))
                }
                (Location::Reg(_), Location::Reg(_)) => {}
                (Location::Reg(from), Location::Slot(slot)) => {
                    self.access(from, self.slot(slot), false, pieces);
                }
                (Location::Slot(slot), Location::Reg(to)) => self.access(to, self.slot(slot), true, pieces),
                (Location::Slot(_), Location::Slot(_)) => {
                    unreachable!("the allocator moves through registers")
                }
            },
            What::Spill { .. } | What::Reload { .. } => unreachable!("allocation makes them moves"),
        }
    }

    fn slot(&self, slot: u32) -> u32 {
        4 * (self.outgoing + self.slots[&slot])
    }

    /// Loads or stores a register at an offset from the stack pointer. Other registers stay.
    fn access(&self, reg: Reg, offset: u32, load: bool, pieces: &mut Vec<Piece>) {
        if offset <= NEAR {
            return pieces.push(Piece::Inst(access(reg, Reg::SP, offset as i32, load)));
        }
        // The address goes through the register itself, or one that is saved meanwhile.
        let own = load && !reg.is_float();
        let through = match own {
            true => reg,
            false if reg == Reg::x(5) => Reg::x(6),
            false => Reg::x(5),
        };
        let moved = if own { 0 } else { self.align };
        if !own {
            adjust(-(moved as i32), pieces);
            pieces.push(Piece::Inst(access(through, Reg::SP, 0, false)));
        }
        constant(through, (offset + moved) as i32, pieces);
        let (d, m) = (Some(through), Some(Reg::SP));
        pieces.push(Piece::Inst(Inst { d, n: d, m, ..Inst::new(Op::Add) }));
        pieces.push(Piece::Inst(access(reg, through, 0, load)));
        if !own {
            pieces.push(Piece::Inst(access(through, Reg::SP, 0, true)));
            adjust(moved as i32, pieces);
        }
    }
}

/// Moves the stack pointer; t0 is free where it is a long way.
fn adjust(bytes: i32, pieces: &mut Vec<Piece>) {
    let sp = Some(Reg::SP);
    if bytes == 0 {
        return;
    }
    if (-2048..2048).contains(&bytes) {
        return pieces.push(Piece::Inst(Inst { d: sp, n: sp, imm: bytes, ..Inst::new(Op::Addi) }));
    }
    let t0 = Reg::x(5);
    constant(t0, bytes, pieces);
    pieces.push(Piece::Inst(Inst { d: sp, n: sp, m: Some(t0), ..Inst::new(Op::Add) }));
}

fn access(reg: Reg, base: Reg, imm: i32, load: bool) -> Inst<Reg> {
    let (n, reg_field) = (Some(base), Some(reg));
    match (reg.is_float(), load) {
        (true, true) => Inst { d: reg_field, n, imm, ..Inst::new(Op::Flw) },
        (true, false) => Inst { m: reg_field, n, imm, ..Inst::new(Op::Fsw) },
        (false, true) => Inst { d: reg_field, n, imm, ..Inst::new(Op::Lw) },
        (false, false) => Inst { m: reg_field, n, imm, ..Inst::new(Op::Sw) },
    }
}

/// A copy between registers of one kind. The sum with x0 has a 16-bit form.
pub(super) fn copy(to: Reg, from: Reg) -> Inst<Reg> {
    let (d, from) = (Some(to), Some(from));
    match to.is_float() {
        true => Inst { d, n: from, m: from, ..Inst::new(Op::Fsgnj) },
        false => Inst { d, m: from, ..Inst::new(Op::Add) },
    }
}

/// Sets a register to a number, in one instruction if possible.
fn constant(d: Reg, value: i32, pieces: &mut Vec<Piece>) {
    let d = Some(d);
    if (-2048..2048).contains(&value) {
        return pieces.push(Piece::Inst(Inst { d, imm: value, ..Inst::new(Op::Addi) }));
    }
    let (upper, lower) = halves(value);
    pieces.push(Piece::Inst(Inst { d, imm: upper, ..Inst::new(Op::Lui) }));
    if lower != 0 {
        pieces.push(Piece::Inst(Inst { d, n: d, imm: lower, ..Inst::new(Op::Addi) }));
    }
}

/// What LUI and the ADDI behind it contribute to a number.
pub(super) fn halves(value: i32) -> (i32, i32) {
    let lower = value << 20 >> 20;
    (value.wrapping_sub(lower), lower)
}

/// Every register that a line writes.
fn each_written(line: &Line<Reg>, found: &mut dyn FnMut(Reg)) {
    match &line.what {
        What::Inst(inst) => inst.register(Field::D).into_iter().for_each(|&reg| found(reg)),
        What::Constant { d, .. }
        | What::DataAddress { d, .. }
        | What::Incoming { d, .. }
        | What::Reload { d, .. }
        | What::Choose { d, .. } => found(*d),
        What::Call { results, .. } => results.iter().copied().for_each(found),
        What::Move { to: Location::Reg(reg), .. } => found(*reg),
        What::Outgoing { .. } | What::Spill { .. } | What::Move { .. } => {}
    }
}
