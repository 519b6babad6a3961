//! From blocks to addresses: the order of blocks, the size of branches, and aligned hot loops.

use super::code::Test;
use super::flavor::Flavor;
use super::frame::copy;
use super::isa::{Class, Extension, Inst, Op, Reg};
use super::piece::{Block, Body, Piece};
use super::timing::{Placed, is_final};
use crate::codegen::{Span, joints, order};
use crate::native::{Callee, Count};

/// A function at offsets from its own beginning, which is aligned to 4 bytes.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The instructions in order. Calls have no displacement and data addresses no immediate yet.
    pub code: Vec<Placed>,
    /// What the linker or the final assembly fills in: the instruction, and what it refers to.
    pub fixups: Vec<(usize, Fixup)>,
    /// The blocks that have instructions, in order.
    pub spans: Vec<Span>,
    /// All bytes.
    pub bytes: u32,
}

/// What an instruction refers to beyond the function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fixup {
    /// The function that a JAL calls.
    Call(Callee),
    /// The upper (AUIPC) or lower part (JALR) of the distance to a function that is called.
    FarCall {
        /// The function.
        callee: Callee,
        /// The upper part.
        upper: bool,
    },
    /// The upper (LUI) or lower part (ADDI) of the address of a byte of the constant data.
    Data {
        /// The byte.
        offset: u32,
        /// The upper part.
        upper: bool,
    },
}

/// An instruction before it has an address.
#[derive(Clone, Debug)]
struct Item {
    inst: Inst<Reg>,
    kind: Kind,
    bytes: u32,
    /// How often it branches, for branches.
    taken: u64,
}

#[derive(Clone, PartialEq, Debug)]
enum Kind {
    Plain,
    /// A branch to a block, by its place in the order.
    To(usize),
    /// A branch over the next instruction: around a far jump, or to keep what a register holds.
    Over,
    Fixup(Fixup),
}

struct Group {
    items: Vec<Item>,
    count: Count,
    comment: String,
    /// How often a taken branch leads here.
    entered: u64,
}

/// Lays a function out.
pub(super) fn layout(body: &Body, flavor: Flavor) -> Layout {
    let order = order(&body.blocks);
    let mut groups = groups(&body.blocks, &order, flavor);
    let mut layouter = Layouter { flavor, starts: Vec::new(), end: 0 };
    layouter.place(&groups);
    while layouter.relax(&mut groups) || layouter.align(&mut groups) {
        layouter.place(&groups);
    }
    layouter.finish(groups)
}

/// The items of each block with its branches, blocks named by their place in the order.
fn groups(blocks: &[Block], order: &[usize], flavor: Flavor) -> Vec<Group> {
    let joints = joints(blocks, order);
    let groups = order.iter().zip(joints).map(|(&at, joints)| {
        let block = &blocks[at];
        let mut items = Vec::new();
        block.pieces.iter().for_each(|piece| expand(piece, block.count, flavor, &mut items));
        items.extend(joints.branches.iter().map(|branch| {
            let inst = branch.test.map_or(Inst::new(Op::Jal), conditional);
            Item { inst, kind: Kind::To(branch.to), bytes: flavor.bytes(&inst), taken: branch.taken }
        }));
        Group { items, count: block.count, comment: block.comment.clone(), entered: joints.entered }
    });
    groups.collect()
}

fn conditional(test: Test<Reg>) -> Inst<Reg> {
    Inst { n: test.n, m: test.m, ..Inst::new(test.op) }
}

fn expand(piece: &Piece, count: Count, flavor: Flavor, items: &mut Vec<Item>) {
    let mut push = |inst: Inst<Reg>, kind: Kind, bytes: u32| items.push(Item { inst, kind, bytes, taken: 0 });
    match piece {
        Piece::Inst(inst) => push(*inst, Kind::Plain, flavor.bytes(inst)),
        Piece::Call(callee) if flavor.far_calls => {
            let ra = Some(Reg::RA);
            let call = |upper| Kind::Fixup(Fixup::FarCall { callee: callee.clone(), upper });
            push(Inst { d: ra, wide: true, ..Inst::new(Op::Auipc) }, call(true), 4);
            push(Inst { d: ra, n: ra, wide: true, ..Inst::new(Op::Jalr) }, call(false), 4);
        }
        Piece::Call(callee) => {
            let inst = Inst { d: Some(Reg::RA), wide: true, ..Inst::new(Op::Jal) };
            push(inst, Kind::Fixup(Fixup::Call(callee.clone())), 4);
        }
        &Piece::DataAddress { d, offset } => {
            let d = Some(d);
            let upper = Inst { d, wide: true, ..Inst::new(Op::Lui) };
            push(upper, Kind::Fixup(Fixup::Data { offset, upper: true }), 4);
            let lower = Inst { d, n: d, wide: true, ..Inst::new(Op::Addi) };
            push(lower, Kind::Fixup(Fixup::Data { offset, upper: false }), 4);
        }
        &Piece::Choose { d, then, cond } => {
            let over = conditional(cond.inverse());
            let bytes = flavor.bytes(&over);
            items.push(Item { inst: over, kind: Kind::Over, bytes, taken: count.times });
            let inst = copy(d, then);
            items.push(Item { inst, kind: Kind::Plain, bytes: flavor.bytes(&inst), taken: 0 });
        }
    }
}

struct Layouter {
    flavor: Flavor,
    /// Where each group begins.
    starts: Vec<u32>,
    end: u32,
}

impl Layouter {
    fn place(&mut self, groups: &[Group]) {
        self.starts.clear();
        self.end = 0;
        for group in groups {
            self.starts.push(self.end);
            self.end += group.items.iter().map(|item| item.bytes).sum::<u32>();
        }
    }

    /// Lengthens branches that do not reach. Whether something changed.
    fn relax(&mut self, groups: &mut [Group]) -> bool {
        let mut changed = false;
        for (at, group) in groups.iter_mut().enumerate() {
            let mut address = self.starts[at];
            let mut number = 0;
            while number < group.items.len() {
                let item = &group.items[number];
                let (bytes, kind) = (item.bytes, item.kind.clone());
                let Kind::To(to) = kind else {
                    address += bytes;
                    number += 1;
                    continue;
                };
                let distance = i64::from(self.starts[to]) - i64::from(address);
                address += bytes;
                number += 1;
                if reaches(&item.inst, bytes, distance) {
                    continue;
                }
                changed = true;
                if bytes == 2 {
                    let item = &mut group.items[number - 1];
                    item.inst.wide = true;
                    item.bytes = 4;
                    continue;
                }
                // Around an unconditional jump, which reaches farther.
                let item = group.items[number - 1].clone();
                let around = Inst { op: item.inst.op.inverse(), wide: true, ..item.inst };
                let taken = group.count.times.saturating_sub(item.taken);
                let jump = Inst { wide: true, ..Inst::new(Op::Jal) };
                group.items[number - 1] = Item { inst: around, kind: Kind::Over, bytes: 4, taken };
                group.items.insert(number, Item { inst: jump, bytes: 4, ..item });
                number += 1;
            }
        }
        changed
    }

    /// Aligns the heads of hot loops that begin with a 32-bit instruction, by lengthening an instruction before them.
    /// Whether something changed.
    fn align(&mut self, groups: &mut [Group]) -> bool {
        if !self.flavor.has(Extension::C) {
            return false;
        }
        for at in 1..groups.len() {
            let hot = groups[at].entered > groups[at].count.times.saturating_sub(groups[at].entered);
            let straddles = groups[at].items.first().is_some_and(|item| item.bytes == 4);
            if !hot || !straddles || self.starts[at].is_multiple_of(4) {
                continue;
            }
            let before = &mut groups[at - 1].items;
            let widened = before.iter_mut().rev().find_map(|item| {
                (item.bytes == 2 && item.kind == Kind::Plain).then(|| {
                    item.inst.wide = true;
                    item.bytes = 4;
                })
            });
            if widened.is_none() {
                let end = before
                    .last()
                    .is_some_and(|item| matches!(item.kind, Kind::To(_)) || is_final(&item.inst));
                // Never between a branch and what it jumps over.
                let behind = before.len() - usize::from(end);
                let place = match behind.checked_sub(1).map(|last| &before[last].kind) {
                    Some(Kind::Over) => behind - 1,
                    _ => behind,
                };
                let nop = Inst::new(Op::Addi);
                before.insert(place, Item { inst: nop, kind: Kind::Plain, bytes: 2, taken: 0 });
            }
            return true;
        }
        false
    }

    /// Fills in the displacements.
    fn finish(self, groups: Vec<Group>) -> Layout {
        let mut layout = Layout { code: Vec::new(), fixups: Vec::new(), spans: Vec::new(), bytes: self.end };
        let mut firsts = Vec::new();
        let mut index = 0;
        for group in &groups {
            firsts.push(index);
            index += group.items.len();
        }
        for (at, group) in groups.into_iter().enumerate() {
            let first = layout.code.len();
            let mut taken = Vec::new();
            let mut address = self.starts[at];
            let sizes: Vec<u32> = group.items.iter().map(|item| item.bytes).collect();
            for (number, item) in group.items.into_iter().enumerate() {
                let here = layout.code.len();
                let mut inst = item.inst;
                match item.kind {
                    Kind::Plain => {}
                    Kind::To(to) => {
                        inst.imm = self.starts[to] as i32 - address as i32;
                        taken.push((here, item.taken, firsts[to]));
                    }
                    Kind::Over => {
                        inst.imm = (item.bytes + sizes[number + 1]) as i32;
                        taken.push((here, item.taken, here + 2));
                    }
                    Kind::Fixup(fixup) => layout.fixups.push((here, fixup)),
                }
                layout.code.push(Placed { address, bytes: item.bytes, inst });
                address += item.bytes;
            }
            layout.spans.push(Span {
                range: first..layout.code.len(),
                count: group.count,
                entered: group.entered,
                taken,
                comment: group.comment,
            });
        }
        layout
    }
}

/// Whether a branch of this many bytes reaches so far.
fn reaches(inst: &Inst<Reg>, bytes: u32, distance: i64) -> bool {
    let reach = match (inst.op.info().class, bytes) {
        (Class::Branch, 2) => 1 << 8,
        (Class::Branch, _) => 1 << 12,
        (_, 2) => 1 << 11,
        // More than all code of a function.
        _ => return true,
    };
    (-reach..reach).contains(&distance)
}
