//! Time, cut to what matters: the sections are the steps in which the set of live blocks is not contained in
//! that of another step nearby. Every pair of blocks that are ever alive together meets in a section, so
//! the bound and the search need to look at no other step. Places nothing.

use super::Block;
use std::ops::Range;

/// The steps that matter, in order of time, without empty blocks.
pub(super) struct Sections {
    /// The blocks alive in each section, by index.
    pub alive: Vec<Vec<usize>>,
    /// The sections each block is alive in; empty for an empty block.
    pub span: Vec<Range<usize>>,
    /// A step that stands for each section.
    step: Vec<u32>,
    /// The section with the greatest load, the first of equals.
    peak: Option<usize>,
    /// Smallest alignment of all blocks in bytes: all offsets are its multiples.
    grain: u64,
}

impl Sections {
    pub(super) fn of(blocks: &[Block]) -> Sections {
        let solid = || blocks.iter().enumerate().filter(|(_, block)| block.size > 0);
        let grain = solid().map(|(_, block)| u64::from(block.align)).min().unwrap_or(1);
        let mut births: Vec<u32> = solid().map(|(_, block)| block.first).collect();
        births.sort_unstable();
        births.dedup();
        let mut deaths: Vec<u32> = solid().map(|(_, block)| block.last).collect();
        deaths.sort_unstable();
        // A step's live set is a maximal one exactly if somebody is born in it and somebody dies before the
        // next birth.
        let step: Vec<u32> = births
            .iter()
            .enumerate()
            .filter(|&(n, &birth)| {
                let next_death = deaths[deaths.partition_point(|&death| death < birth)];
                births.get(n + 1).is_none_or(|&next| next_death < next)
            })
            .map(|(_, &birth)| birth)
            .collect();
        let mut alive = vec![Vec::new(); step.len()];
        let mut span = vec![0..0; blocks.len()];
        for (b, block) in solid() {
            let from = step.partition_point(|&s| s < block.first);
            let to = step.partition_point(|&s| s <= block.last);
            debug_assert!(from < to, "a block is alive in some section");
            span[b] = from..to;
            for section in &mut alive[from..to] {
                section.push(b);
            }
        }
        let mut sections = Sections { alive, span, step, peak: None, grain };
        let loads: Vec<u64> = (0..sections.alive.len()).map(|s| sections.load(blocks, s)).collect();
        let most = loads.iter().copied().max();
        sections.peak = most.and_then(|most| loads.iter().position(|&load| load == most));
        sections
    }

    /// The step of the liveness bound.
    pub(super) fn peak_step(&self) -> u32 {
        self.peak.map_or(0, |section| self.step[section])
    }

    /// Bytes that every packing needs.
    pub(super) fn lower_bound(&self, blocks: &[Block]) -> u64 {
        let live = self.peak.map_or(0, |section| self.load(blocks, section));
        live.max(pinned_end(blocks))
    }

    /// Size of a block in bytes, rounded up to the grain.
    pub(super) fn padded(&self, block: &Block) -> u64 {
        u64::from(block.size).next_multiple_of(self.grain)
    }

    /// Bytes that section `s` needs: padded to the grain all but the topmost block, which is taken to be the
    /// one with the most padding.
    pub(super) fn load(&self, blocks: &[Block], s: usize) -> u64 {
        let padded = |b: usize| self.padded(&blocks[b]);
        let sum: u64 = self.alive[s].iter().map(|&b| padded(b)).sum();
        sum - self.alive[s].iter().map(|&b| padded(b) - u64::from(blocks[b].size)).max().unwrap_or(0)
    }
}

/// Where the highest pinned block ends, in bytes.
pub(super) fn pinned_end(blocks: &[Block]) -> u64 {
    let ends = blocks.iter().filter_map(|b| b.fixed.map(|at| u64::from(at) + u64::from(b.size)));
    ends.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_maximal_steps_are_kept() {
        let blocks = [
            Block::new("a", 4, 4, 0, 10),
            Block::new("b", 4, 4, 2, 5),
            Block::new("c", 4, 4, 3, 3),
            Block::new("d", 0, 4, 4, 9),
            Block::new("e", 6, 4, 6, 7),
        ];
        let sections = Sections::of(&blocks);
        assert_eq!(sections.step, [3, 6]);
        assert_eq!(sections.alive, [vec![0, 1, 2], vec![0, 4]]);
        assert_eq!(sections.span, [0..2, 0..1, 0..1, 0..0, 1..2]);
        assert_eq!((sections.peak_step(), sections.lower_bound(&blocks)), (3, 12));
        assert_eq!(sections.load(&blocks, 1), 10);
    }
}
