//! From blocks to addresses: the order of blocks, the size of branches, literal pools. Hot loops are aligned in [`align`].

mod align;
#[cfg(test)]
mod tests;

use super::code::End;
use super::flavor::Flavor;
use super::isa::{Cond, Flags, Inst, Op, Reg, Sets, Shift};
use super::piece::{Block, Body, Piece, Symbol};
use super::timing::Placed;
use crate::codegen::{Span, joints, order};
use crate::native::{Callee, Count};

/// A function at offsets from its own beginning, which is aligned to 4 bytes.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The instructions in order. Calls have no displacement and data addresses no immediate yet.
    pub code: Vec<Placed>,
    /// What the linker or the final assembly fills in: the instruction, and what it refers to.
    pub fixups: Vec<(usize, Fixup)>,
    /// Words among the code: the offset, and what the word is.
    pub literals: Vec<(u32, Symbol)>,
    /// The blocks that have instructions, in order.
    pub spans: Vec<Span>,
    /// All bytes.
    pub bytes: u32,
}

/// What an instruction refers to beyond the function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fixup {
    /// The function that a BL calls.
    Call(Callee),
    /// The low or high half of the address of a byte of the constant data.
    Data {
        /// The byte.
        offset: u32,
        /// The high half.
        high: bool,
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
    /// A branch over the pool behind it.
    Over,
    /// A branch over the far branch behind it.
    Around,
    Literal(Symbol),
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
    let mut layouter =
        Layouter { flavor, starts: Vec::new(), addresses: Vec::new(), pools: Vec::new(), end: 0 };
    while layouter.place(&groups)
        && (layouter.island(&mut groups)
            || layouter.relax(&mut groups)
            || layouter.align_heads(&mut groups)
            || layouter.align_insides(&mut groups))
    {}
    layouter.finish(groups)
}

/// The items of each block with its branches, blocks named by their place in the order.
fn groups(blocks: &[Block], order: &[usize], flavor: Flavor) -> Vec<Group> {
    let joints = joints(blocks, order);
    let groups = order.iter().zip(joints).map(|(&at, joints)| {
        let block = &blocks[at];
        let mut items = Vec::new();
        block.pieces.iter().for_each(|piece| expand(piece, flavor, &mut items));
        shrink(&mut items, matches!(block.end, End::Branch { .. }), flavor);
        items.extend(joints.branches.iter().map(|branch| {
            let inst = match branch.test {
                Some(cond) => Inst { cond, ..Inst::new(Op::Bcond) },
                None => Inst::new(Op::B),
            };
            Item { inst, kind: Kind::To(branch.to), bytes: 2, taken: branch.taken }
        }));
        Group { items, count: block.count, comment: block.comment.clone(), entered: joints.entered }
    });
    groups.collect()
}

fn expand(piece: &Piece, flavor: Flavor, items: &mut Vec<Item>) {
    let mut push = |inst: Inst<Reg>, kind: Kind, bytes: u32| items.push(Item { inst, kind, bytes, taken: 0 });
    match piece {
        Piece::Inst(inst) => push(*inst, Kind::Plain, flavor.bytes(inst)),
        Piece::Call(callee) => {
            push(Inst { wide: true, ..Inst::new(Op::Bl) }, Kind::Fixup(Fixup::Call(callee.clone())), 4);
        }
        Piece::DataHalf { d, offset, high } => {
            let op = if *high { Op::Movt } else { Op::MovImm };
            let inst = Inst { d: Some(*d), wide: true, ..Inst::new(op) };
            push(inst, Kind::Fixup(Fixup::Data { offset: *offset, high: *high }), 4);
        }
        Piece::Literal { d, word } => {
            push(Inst { d: Some(*d), ..Inst::new(Op::LdrLit) }, Kind::Literal(*word), 2);
        }
        Piece::Choose { d, then, cond } if flavor.thumb2 => {
            // One instruction under the condition: the mask 8 ends the block there.
            push(Inst { cond: *cond, imm: 8, ..Inst::new(Op::It) }, Kind::Plain, 2);
            let op = if d.is_float() { Op::Vmov } else { Op::Mov };
            let inst = Inst { d: Some(*d), m: Some(*then), cond: *cond, ..Inst::new(op) };
            push(inst, Kind::Plain, flavor.bytes(&inst));
        }
        Piece::Choose { d, then, cond } => {
            // A branch over one halfword: to its own address + 4.
            push(Inst { cond: cond.inverse(), ..Inst::new(Op::Bcond) }, Kind::Plain, 2);
            push(Inst { d: Some(*d), m: Some(*then), ..Inst::new(Op::Mov) }, Kind::Plain, 2);
        }
    }
}

/// Takes the 16-bit forms that write the flags where nobody reads these.
fn shrink(items: &mut [Item], branches: bool, flavor: Flavor) {
    if !flavor.thumb2 {
        return;
    }
    let mut live = branches;
    for item in items.iter_mut().rev() {
        let conditional = item.inst.cond != Cond::Al;
        if item.kind == Kind::Plain && !conditional && !live {
            let mut candidates = vec![Inst { s: true, ..item.inst }];
            if matches!(item.inst.op, Op::Add | Op::And | Op::Orr | Op::Eor | Op::Mul)
                && item.inst.shift == Shift::NONE
            {
                candidates.push(Inst { n: item.inst.m, m: item.inst.n, s: true, ..item.inst });
            }
            let small = candidates.into_iter().find(|inst| {
                item.inst.op.info().sets == Sets::IfS && !item.inst.s && flavor.fits(inst) == Some(2)
            });
            if let Some(inst) = small.filter(|_| item.bytes == 4) {
                item.inst = inst;
                item.bytes = 2;
            }
        }
        let sets = item.inst.flags_written().intersects(Flags::NZCV);
        let reads = item.inst.flags_read().intersects(Flags::NZCV);
        live = reads || (live && !sets);
    }
}

struct Layouter {
    flavor: Flavor,
    /// Where each group begins.
    starts: Vec<u32>,
    /// Where each item of each group begins.
    addresses: Vec<Vec<u32>>,
    /// Pools: behind which item of which group, where it begins, its words.
    pools: Vec<(usize, usize, u32, Vec<Symbol>)>,
    end: u32,
}

impl Layouter {
    /// Gives addresses to all items and pools. Always succeeds.
    fn place(&mut self, groups: &[Group]) -> bool {
        (self.starts, self.addresses, self.pools) = (Vec::new(), Vec::new(), Vec::new());
        let mut address = 0;
        let mut waiting: Vec<Symbol> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            self.starts.push(address);
            let mut addresses = Vec::new();
            for (number, item) in group.items.iter().enumerate() {
                addresses.push(address);
                address += item.bytes;
                if let Kind::Literal(word) = item.kind
                    && !waiting.contains(&word)
                {
                    waiting.push(word);
                }
                let last = number + 1 == group.items.len();
                let passed = number > 0 && group.items[number - 1].kind == Kind::Around;
                let stops = item.kind == Kind::Over || (last && is_final(&item.inst) && !passed);
                if stops && !waiting.is_empty() {
                    address = address.next_multiple_of(4);
                    let words = std::mem::take(&mut waiting);
                    let bytes = 4 * words.len() as u32;
                    self.pools.push((at, number, address, words));
                    address += bytes;
                }
            }
            self.addresses.push(addresses);
        }
        debug_assert!(waiting.is_empty(), "a function ends in a return");
        self.end = address;
        true
    }

    /// Puts a pool, and a branch over it, where a literal would be out of reach. Whether something changed.
    fn island(&mut self, groups: &mut [Group]) -> bool {
        const REACH: u32 = 1000;
        let mut first: Option<u32> = None;
        // The words that a pool here would hold.
        let mut waiting: Vec<Symbol> = Vec::new();
        for (at, group) in groups.iter_mut().enumerate() {
            for number in 0..group.items.len() {
                let address = self.addresses[at][number];
                if let Kind::Literal(word) = group.items[number].kind {
                    first = first.or(Some(address));
                    if !waiting.contains(&word) {
                        waiting.push(word);
                    }
                }
                if self.pools.iter().any(|pool| (pool.0, pool.1) == (at, number)) {
                    first = None;
                    waiting.clear();
                }
                let ahead = self.pools.iter().find(|pool| (pool.0, pool.1) >= (at, number));
                let last = ahead.map_or(0, |pool| pool.2 + 4 * pool.3.len() as u32);
                let next = group.items.get(number + 1);
                let flags = next.is_some_and(|next| next.inst.op == Op::Bcond)
                    || matches!(group.items[number].inst.op, Op::Bcond);
                let end = address + 4 * waiting.len() as u32;
                if first.is_some_and(|first| last > first + REACH && end + 64 > first + REACH - 200) && !flags
                {
                    let inst = Inst::new(Op::B);
                    let over = Item { inst, kind: Kind::Over, bytes: 2, taken: group.count.times };
                    group.items.insert(number + 1, over);
                    return true;
                }
            }
        }
        false
    }

    /// Lengthens branches that do not reach. Whether something changed.
    fn relax(&mut self, groups: &mut [Group]) -> bool {
        for (at, group) in groups.iter_mut().enumerate() {
            for number in 0..group.items.len() {
                let item = &group.items[number];
                if let Kind::To(to) = item.kind
                    && item.bytes == 2
                {
                    let distance = i64::from(self.starts[to]) - i64::from(self.addresses[at][number]) - 4;
                    let reach = if item.inst.op == Op::Bcond { -256..255 } else { -2048..2047 };
                    if !reach.contains(&distance) {
                        let item = item.clone();
                        if self.flavor.thumb2 {
                            group.items[number].inst.wide = true;
                            group.items[number].bytes = 4;
                        } else if item.inst.op == Op::Bcond {
                            // Around an unconditional branch, which reaches farther.
                            let around = Inst { cond: item.inst.cond.inverse(), ..item.inst };
                            let taken = group.count.times.saturating_sub(item.taken);
                            let far = Item { inst: Inst::new(Op::B), ..item };
                            group.items[number] = Item { inst: around, kind: Kind::Around, bytes: 2, taken };
                            group.items.insert(number + 1, far);
                        } else {
                            // The frame saves the return address in functions of this length.
                            group.items[number].inst = Inst { wide: true, ..Inst::new(Op::Bl) };
                            group.items[number].bytes = 4;
                        }
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Fills in the displacements.
    fn finish(self, groups: Vec<Group>) -> Layout {
        let mut layout = Layout {
            code: Vec::new(),
            fixups: Vec::new(),
            literals: Vec::new(),
            spans: Vec::new(),
            bytes: self.end,
        };
        for (_, _, address, words) in &self.pools {
            for (number, word) in words.iter().enumerate() {
                layout.literals.push((address + 4 * number as u32, *word));
            }
        }
        let mut firsts = Vec::new();
        let mut index = 0;
        for group in &groups {
            firsts.push(index);
            index += group.items.len();
        }
        for (at, group) in groups.into_iter().enumerate() {
            let first = layout.code.len();
            let mut taken = Vec::new();
            let far_bytes: Vec<u32> = group.items.iter().skip(1).map(|item| item.bytes).collect();
            for (number, item) in group.items.into_iter().enumerate() {
                let address = self.addresses[at][number];
                let mut inst = item.inst;
                match item.kind {
                    Kind::Plain => {}
                    Kind::To(to) => {
                        inst.imm = self.starts[to] as i32 - address as i32 - 4;
                        taken.push((layout.code.len(), item.taken, firsts[to]));
                    }
                    Kind::Over => {
                        let pool = self.pools.iter().find(|p| (p.0, p.1) == (at, number));
                        let behind = pool.map_or(address + 2, |p| p.2 + 4 * p.3.len() as u32);
                        inst.imm = behind as i32 - address as i32 - 4;
                        taken.push((layout.code.len(), item.taken, layout.code.len() + 1));
                    }
                    Kind::Around => {
                        // The far branch has 2 or 4 bytes.
                        let behind =
                            self.addresses[at][number + 1] + 2 * u32::from(far_bytes[number] == 4) + 2;
                        inst.imm = behind as i32 - address as i32 - 4;
                        taken.push((layout.code.len(), item.taken, layout.code.len() + 2));
                    }
                    Kind::Literal(word) => {
                        let here = (address + 4) & !3;
                        let pool = layout.literals.iter().find(|l| l.1 == word && l.0 >= here);
                        inst.imm = pool.map_or(0, |l| l.0 as i32 - here as i32);
                    }
                    Kind::Fixup(fixup) => layout.fixups.push((layout.code.len(), fixup)),
                }
                layout.code.push(Placed { address, bytes: item.bytes, inst });
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

/// Whether control never goes on behind the instruction.
fn is_final(inst: &Inst<Reg>) -> bool {
    match inst.op {
        Op::B | Op::Bx => true,
        Op::Pop => inst.imm & 1 << Reg::PC.number() != 0,
        _ => false,
    }
}
