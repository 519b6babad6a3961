//! Hot loops on word borders: where they begin, and their 32-bit instructions. Fetched across a border, these can wait.
//! Instructions of 16 bits before them take their 32-bit forms, which run as fast.

use super::{Group, Item, Kind, Layouter, is_final};
use crate::thumb::isa::{Cond, Inst, Op};

/// A block is hot if it runs at least this part as often as the most frequent one of its function.
const HOT: u64 = 8;

impl Layouter {
    /// Aligns the heads of hot loops that begin with a 32-bit instruction, by lengthening an instruction before them.
    /// Whether something changed.
    pub(super) fn align_heads(&mut self, groups: &mut [Group]) -> bool {
        if !self.flavor.thumb2 {
            return false;
        }
        for at in 1..groups.len() {
            let hot = groups[at].entered > groups[at].count.times.saturating_sub(groups[at].entered);
            let straddles = groups[at].items.first().is_some_and(|item| item.bytes == 4);
            if !hot || !straddles || self.starts[at].is_multiple_of(4) {
                continue;
            }
            let before = &mut groups[at - 1].items;
            if !(0..before.len()).rev().any(|number| self.widen(&mut before[number])) {
                let end = before
                    .last()
                    .is_some_and(|item| matches!(item.kind, Kind::To(_)) || is_final(&item.inst));
                let place = if end { before.len() - 1 } else { before.len() };
                before
                    .insert(place, Item { inst: Inst::new(Op::Nop), kind: Kind::Plain, bytes: 2, taken: 0 });
            }
            return true;
        }
        false
    }

    /// Aligns the 32-bit instructions inside hot blocks, where an instruction before them in the block can be lengthened.
    /// Whether something changed.
    pub(super) fn align_insides(&mut self, groups: &mut [Group]) -> bool {
        let most = groups.iter().map(|group| group.count.times).max().unwrap_or(0);
        if !self.flavor.fetches_words || most < HOT {
            return false;
        }
        let mut changed = false;
        for (at, group) in groups.iter_mut().enumerate().filter(|(_, group)| group.count.times >= most / HOT)
        {
            let mut address = self.starts[at];
            // Lengthening anything before this moves instructions that are aligned.
            let mut first = 0;
            for number in 0..group.items.len() {
                if group.items[number].bytes == 4 {
                    // Branches behind the padding of a head would ask for more of it without end.
                    let plain = group.items[number].kind == Kind::Plain;
                    let mut widen = |before: usize| {
                        group.items[before].inst.op != Op::Nop && self.widen(&mut group.items[before])
                    };
                    if plain && !address.is_multiple_of(4) && (first..number).rev().any(&mut widen) {
                        changed = true;
                        address += 2;
                    }
                    first = number + 1;
                }
                address += group.items[number].bytes;
            }
        }
        changed
    }

    /// Gives an instruction its 32-bit form; whether it has one and did not have it yet.
    fn widen(&self, item: &mut Item) -> bool {
        let wide = Inst { wide: true, ..item.inst };
        let can = item.bytes == 2 && item.kind == Kind::Plain && item.inst.cond == Cond::Al;
        if !can || item.inst.op == Op::It || self.flavor.fits(&wide) != Some(4) {
            return false;
        }
        (item.inst, item.bytes) = (wide, 4);
        true
    }
}
