//! The stack frame: which registers are saved, where spilled values lie, and the instructions that the pseudo lines of
//! [`code`](super::code) become. Spills go to idle registers first: float registers where there is an FPU, r8 and up on
//! Armv6-M; a move there costs less than memory.

use super::code::{Code, End, Line, Location, What};
use super::flavor::Flavor;
use super::isa::{Inst, Op, Reg, Shift};
use super::piece::{Body, Piece, Symbol};
use std::collections::BTreeMap;

/// How far from the stack pointer all loads and stores reach.
const NEAR: u32 = 1020;

/// A function of machine instructions, and the bytes of stack that it takes itself.
pub(super) struct Framed {
    /// Its blocks; returns are instructions now.
    pub body: Body,
    /// Bytes of stack without those of callees.
    pub stack: u32,
}

/// Lays the frame out. `link` forces the return address to be saved, so that long jumps may destroy it.
pub(super) fn frame(code: &Code<Reg>, flavor: Flavor, link: bool) -> Framed {
    let frame = Frame::new(code, flavor, link);
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
        body.blocks.push(super::piece::Block {
            pieces,
            end: block.end.clone(),
            count: block.count,
            comment: block.comment.clone(),
        });
    }
    // Stores far from the stack pointer push a register for the address.
    let far = if frame.bytes() > NEAR { 4 } else { 0 };
    Framed { body, stack: frame.bytes() + frame.pushed_bytes() + far }
}

struct Frame {
    flavor: Flavor,
    /// Core registers that are pushed, in order.
    saved: Vec<Reg>,
    /// How many of s16 and up are pushed.
    saved_floats: u8,
    /// Words of arguments to others at the bottom.
    outgoing: u32,
    /// Where each spill slot lies.
    slots: BTreeMap<u32, Home>,
    /// Spill slots in memory.
    words: u32,
}

/// Where a spilled value lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Reg(Reg),
    /// A word of the frame above the outgoing arguments.
    Word(u32),
}

impl Frame {
    fn new(code: &Code<Reg>, flavor: Flavor, link: bool) -> Self {
        let mut used = vec![false; 48];
        let mut weights: BTreeMap<u32, u64> = BTreeMap::new();
        let (mut outgoing, mut calls) = (0, false);
        let at = |reg: Reg| usize::from(reg.number()) + if reg.is_float() { 16 } else { 0 };
        for block in &code.blocks {
            for line in &block.lines {
                each_register(line, &mut |reg| used[at(reg)] = true);
                match &line.what {
                    What::Call { .. } => calls = true,
                    What::Outgoing { index, .. } => outgoing = outgoing.max(index + 1),
                    What::Move { from, to } => {
                        for place in [from, to] {
                            if let Location::Slot(slot) = place {
                                *weights.entry(*slot).or_default() += block.count.times.max(1);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        let link = link || calls || used[14];
        let mut idle = idle_registers(flavor, calls, &used);
        // The busiest slots get the registers.
        let mut order: Vec<(u64, u32)> = weights.into_iter().map(|(slot, weight)| (weight, slot)).collect();
        order.sort_by_key(|&(weight, slot)| (std::cmp::Reverse(weight), slot));
        let (mut slots, mut words) = (BTreeMap::new(), 0);
        for (_, slot) in order {
            let home = match idle.next() {
                Some(reg) => {
                    used[at(reg)] = true;
                    Home::Reg(reg)
                }
                None => {
                    words += 1;
                    Home::Word(words - 1)
                }
            };
            slots.insert(slot, home);
        }
        let mut saved: Vec<Reg> = (4..12).filter(|&n| used[usize::from(n)]).map(Reg::r).collect();
        if link {
            saved.push(Reg::LR);
        }
        let saved_floats = (16..32).rev().find(|&n| used[16 + n]).map_or(0, |n| n as u8 - 15);
        let mut frame = Self { flavor, saved, saved_floats, outgoing, slots, words };
        // The stack stays aligned to 8 bytes where others are called.
        if calls && !(frame.bytes() + frame.pushed_bytes()).is_multiple_of(8) {
            frame.words += 1;
        }
        frame
    }

    /// Bytes below the saved registers.
    fn bytes(&self) -> u32 {
        4 * (self.outgoing + self.words)
    }

    fn saved_bytes(&self) -> u32 {
        4 * (self.saved.len() as u32 + u32::from(self.saved_floats))
    }

    fn enter(&self, pieces: &mut Vec<Piece>) {
        let high: Vec<Reg> = self.saved.iter().copied().filter(|r| !r.is_low() && *r != Reg::LR).collect();
        if self.flavor.thumb2 || high.is_empty() {
            self.push(&self.saved, Op::Push, pieces);
        } else {
            // Armv6-M pushes low registers only: r8 and up go through those that are saved already.
            let low: Vec<Reg> = self.low_saved();
            self.push(&low, Op::Push, pieces);
            for high in high.chunks(4).rev() {
                let through: Vec<Reg> = (4..8).rev().take(high.len()).map(Reg::r).collect::<Vec<_>>();
                for (&to, &from) in through.iter().rev().zip(high) {
                    pieces.push(copy(to, from));
                }
                self.push(&sorted(&through), Op::Push, pieces);
            }
        }
        if self.saved_floats > 0 {
            pieces.push(Piece::Inst(Inst {
                d: Some(Reg::s(16)),
                imm: i32::from(self.saved_floats),
                ..Inst::new(Op::Vpush)
            }));
        }
        self.adjust(Op::SubImm, pieces);
    }

    /// What Armv6-M pushes first: r4 to r7 (all four, if r8 and up go through them) and the return address.
    fn low_saved(&self) -> Vec<Reg> {
        let mut low: Vec<Reg> = (4..8).map(Reg::r).collect();
        low.push(Reg::LR);
        low
    }

    fn leave(&self, pieces: &mut Vec<Piece>) {
        self.adjust(Op::AddImm, pieces);
        if self.saved_floats > 0 {
            pieces.push(Piece::Inst(Inst {
                d: Some(Reg::s(16)),
                imm: i32::from(self.saved_floats),
                ..Inst::new(Op::Vpop)
            }));
        }
        let high: Vec<Reg> = self.saved.iter().copied().filter(|r| !r.is_low() && *r != Reg::LR).collect();
        let mut saved = self.saved.clone();
        if !self.flavor.thumb2 && !high.is_empty() {
            for high in high.chunks(4) {
                let through: Vec<Reg> = (4..8).rev().take(high.len()).map(Reg::r).collect::<Vec<_>>();
                self.push(&sorted(&through), Op::Pop, pieces);
                for (&from, &to) in through.iter().rev().zip(high) {
                    pieces.push(copy(to, from));
                }
            }
            saved = self.low_saved();
        }
        if saved.last() == Some(&Reg::LR) {
            *saved.last_mut().expect("just looked") = Reg::PC;
            self.push(&saved, Op::Pop, pieces);
        } else {
            self.push(&saved, Op::Pop, pieces);
            pieces.push(Piece::Inst(Inst { m: Some(Reg::LR), ..Inst::new(Op::Bx) }));
        }
    }

    fn push(&self, regs: &[Reg], op: Op, pieces: &mut Vec<Piece>) {
        if !regs.is_empty() {
            let mask = regs.iter().fold(0, |mask, reg| mask | 1 << reg.number());
            pieces.push(Piece::Inst(Inst { imm: mask, ..Inst::new(op) }));
        }
    }

    /// Moves the stack pointer by the frame's size.
    fn adjust(&self, op: Op, pieces: &mut Vec<Piece>) {
        let mut left = self.bytes();
        while left > 0 {
            let step = left.min(508);
            let (d, n) = (Some(Reg::SP), Some(Reg::SP));
            pieces.push(Piece::Inst(Inst { d, n, imm: step as i32, ..Inst::new(op) }));
            left -= step;
        }
    }

    fn line(&self, line: &Line<Reg>, pieces: &mut Vec<Piece>) {
        match &line.what {
            What::Inst(inst) => {
                // Copies that allocation made void.
                let void = matches!(inst.op, Op::Mov | Op::Vmov)
                    && inst.d == inst.m
                    && inst.shift == Shift::NONE
                    && !inst.s;
                if !void {
                    pieces.push(Piece::Inst(*inst));
                }
            }
            What::Constant { d, value, quiet: true } if !self.flavor.thumb2 => {
                // Moves of numbers write the flags there.
                pieces.push(Piece::Literal { d: *d, word: Symbol::Number(*value) });
            }
            What::Constant { d, value, .. } => constant(*d, *value, self.flavor, pieces),
            What::DataAddress { d, offset } if self.flavor.thumb2 => {
                pieces.push(Piece::DataHalf { d: *d, offset: *offset, high: false });
                pieces.push(Piece::DataHalf { d: *d, offset: *offset, high: true });
            }
            What::DataAddress { d, offset } => {
                pieces.push(Piece::Literal { d: *d, word: Symbol::Data(*offset) })
            }
            What::Choose { d, then, cond } if d != then => {
                pieces.push(Piece::Choose { d: *d, then: *then, cond: *cond });
            }
            What::Choose { .. } => {}
            What::Call { callee, .. } => pieces.push(Piece::Call(callee.clone())),
            What::Incoming { d, index } => {
                let offset = self.bytes() + self.pushed_bytes() + 4 * index;
                self.access(*d, offset, true, pieces);
            }
            What::Outgoing { value, index } => self.access(*value, 4 * index, false, pieces),
            What::Move { from, to } => self.shuffle(*from, *to, pieces),
            What::Spill { .. } | What::Reload { .. } => unreachable!("allocation makes them moves"),
        }
    }

    /// Bytes that the entry pushes; Armv6-M pushes r4 to r7 whole where higher ones are saved.
    fn pushed_bytes(&self) -> u32 {
        let high = self.saved.iter().filter(|r| !r.is_low() && **r != Reg::LR).count() as u32;
        if self.flavor.thumb2 || high == 0 { self.saved_bytes() } else { 4 * (5 + high) }
    }

    /// Loads or stores a register at an offset from the stack pointer. Flags and other registers stay.
    fn access(&self, reg: Reg, offset: u32, load: bool, pieces: &mut Vec<Piece>) {
        let op = match (reg.is_float(), load) {
            (true, true) => Op::Vldr,
            (true, false) => Op::Vstr,
            (false, true) => Op::LdrImm,
            (false, false) => Op::StrImm,
        };
        let at = |n: Reg, offset: u32| {
            Piece::Inst(Inst { d: Some(reg), n: Some(n), imm: offset as i32, ..Inst::new(op) })
        };
        let reach = if self.flavor.thumb2 && !reg.is_float() { 4095 } else { NEAR };
        if offset <= reach {
            return pieces.push(at(Reg::SP, offset));
        }
        // The address goes through the register itself, or one that is pushed meanwhile.
        let own = load && !reg.is_float();
        let through = match (own, reg == Reg::r(0)) {
            (true, _) => reg,
            (false, true) => Reg::r(1),
            (false, false) => Reg::r(0),
        };
        let offset = if own { offset } else { offset + 4 } as i32;
        if !own {
            self.push(&[through], Op::Push, pieces);
        }
        if self.flavor.thumb2 {
            constant(through, offset, self.flavor, pieces);
        } else {
            pieces.push(Piece::Literal { d: through, word: Symbol::Number(offset) });
        }
        let (d, m) = (Some(through), Some(Reg::SP));
        pieces.push(Piece::Inst(Inst { d, n: d, m, ..Inst::new(Op::Add) }));
        pieces.push(at(through, 0));
        if !own {
            self.push(&[through], Op::Pop, pieces);
        }
    }

    fn shuffle(&self, from: Location, to: Location, pieces: &mut Vec<Piece>) {
        let home = |place: Location| match place {
            Location::Reg(reg) => Home::Reg(reg),
            Location::Slot(slot) => self.slots[&slot],
        };
        let offset = |word: u32| 4 * (self.outgoing + word);
        match (home(from), home(to)) {
            (Home::Reg(from), Home::Reg(to)) if from != to => pieces.push(copy(to, from)),
            (Home::Reg(_), Home::Reg(_)) => {}
            (Home::Reg(from), Home::Word(word)) => self.access(from, offset(word), false, pieces),
            (Home::Word(word), Home::Reg(to)) => self.access(to, offset(word), true, pieces),
            (Home::Word(_), Home::Word(_)) => unreachable!("the allocator moves through registers"),
        }
    }
}

/// Registers that no instruction names and that may hold spilled words, those that need no saving first.
fn idle_registers(flavor: Flavor, calls: bool, used: &[bool]) -> impl Iterator<Item = Reg> + use<> {
    let candidates: Vec<Reg> = match (flavor.thumb2, flavor.float) {
        (false, _) => (if calls { 8..12 } else { 8..13 }).rev().map(Reg::r).collect(),
        (true, true) => (if calls { 16..32 } else { 0..32 }).map(Reg::s).collect(),
        (true, false) => Vec::new(),
    };
    let used = used.to_vec();
    candidates
        .into_iter()
        .filter(move |reg| !used[usize::from(reg.number()) + if reg.is_float() { 16 } else { 0 }])
}

/// A copy between any two registers.
fn copy(to: Reg, from: Reg) -> Piece {
    Piece::Inst(match (to.is_float(), from.is_float()) {
        (false, false) => Inst { d: Some(to), m: Some(from), ..Inst::new(Op::Mov) },
        (true, true) => Inst { d: Some(to), m: Some(from), ..Inst::new(Op::Vmov) },
        (true, false) => Inst { d: Some(to), n: Some(from), ..Inst::new(Op::VmovToFloat) },
        (false, true) => Inst { d: Some(to), n: Some(from), ..Inst::new(Op::VmovFromFloat) },
    })
}

/// Sets a register to a number, in one instruction if possible.
fn constant(d: Reg, value: i32, flavor: Flavor, pieces: &mut Vec<Piece>) {
    let reg = d;
    let d = Some(d);
    let mut emit = |op: Op, imm: i32| pieces.push(Piece::Inst(Inst { d, imm, ..Inst::new(op) }));
    if flavor.thumb2 {
        if super::isa::modified_immediate(value as u32).is_some() || (0..=0xffff).contains(&value) {
            emit(Op::MovImm, value);
        } else if super::isa::modified_immediate(!value as u32).is_some() {
            emit(Op::MvnImm, !value);
        } else {
            emit(Op::MovImm, value & 0xffff);
            emit(Op::Movt, value >> 16 & 0xffff);
        }
        return;
    }
    let mut small = |op: Op, m: Option<Reg>, n: Option<Reg>, imm: i32| {
        pieces.push(Piece::Inst(Inst { d, n, m, imm, s: true, ..Inst::new(op) }));
    };
    let zeros = value.trailing_zeros() as i32;
    match value {
        0..=255 => small(Op::MovImm, None, None, value),
        -256..=-1 => {
            small(Op::MovImm, None, None, !value);
            small(Op::Mvn, d, None, 0);
        }
        _ if value as u32 >> zeros <= 255 => {
            small(Op::MovImm, None, None, (value as u32 >> zeros) as i32);
            small(Op::LslImm, None, d, zeros);
        }
        256..=510 => {
            small(Op::MovImm, None, None, 255);
            small(Op::AddImm, None, d, value - 255);
        }
        _ => pieces.push(Piece::Literal { d: reg, word: Symbol::Number(value) }),
    }
}

fn sorted(regs: &[Reg]) -> Vec<Reg> {
    let mut regs = regs.to_vec();
    regs.sort();
    regs
}

/// Every register that a line names.
fn each_register(line: &Line<Reg>, found: &mut dyn FnMut(Reg)) {
    match &line.what {
        What::Inst(inst) => {
            // Pairs of floats name the first only; selection makes none.
            [inst.d, inst.n, inst.m, inst.a].into_iter().flatten().for_each(found);
        }
        What::Constant { d, .. }
        | What::DataAddress { d, .. }
        | What::Incoming { d, .. }
        | What::Reload { d, .. } => found(*d),
        What::Choose { d, then, .. } => [*d, *then].into_iter().for_each(found),
        What::Call { args, results, .. } => args.iter().chain(results).copied().for_each(found),
        What::Outgoing { value, .. } | What::Spill { value, .. } => found(*value),
        What::Move { from, to } => {
            for place in [from, to] {
                if let Location::Reg(reg) = place {
                    found(*reg);
                }
            }
        }
    }
}
