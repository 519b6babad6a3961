//! From greedy to proven: which capacities the search is asked for, in which orders, and on which budget.

use super::search::{Answer, Search};
use super::sections::{self, Sections};
use super::{Block, Effort, greedy};
use std::cmp::Reverse;

/// What [`solve`] found, in bytes.
pub(super) struct Outcome {
    /// Size of the arena.
    pub bytes: u64,
    /// No packing is smaller.
    pub at_least: u64,
    /// Search nodes looked at.
    pub nodes: u64,
}

/// Parts with more blocks are left to the greedy orders: the search recurses once per block.
const MOST_BLOCKS: usize = 1000;

/// Nodes of the first try of each order; every round has four times the nodes of the one before.
const FIRST_TRY: u64 = 500;

/// Packs every connected part on its own, the highest first, and lowers each no further than the others
/// demand anyway.
pub(super) fn solve(blocks: &[Block], sections: &Sections, effort: Effort) -> (Vec<u64>, Outcome) {
    let mut search = Search::new(blocks, sections);
    let mut offsets: Vec<u64> = blocks.iter().map(|b| b.fixed.map_or(0, u64::from)).collect();
    let pinned: Vec<usize> = (0..blocks.len()).filter(|&b| blocks[b].fixed.is_some()).collect();

    let mut parts: Vec<Part> = Vec::new();
    for members in search.components() {
        let which = [pinned.as_slice(), members.as_slice()].concat();
        let (found, _) = greedy::best(blocks, &which);
        let found = found[pinned.len()..].to_vec();
        parts.push(Part { top: top(blocks, &members, &found), members, offsets: found });
    }
    parts.sort_by_key(|part| (Reverse(part.top), part.members[0]));

    let mut at_least = sections.lower_bound(blocks);
    let mut bytes = sections::pinned_end(blocks);
    for part in &mut parts {
        let goal = bytes.max(at_least).max(effort.enough.into());
        if part.top > goal && part.members.len() <= MOST_BLOCKS {
            let proven = part.lower(blocks, sections, &mut search, goal, effort.nodes);
            at_least = at_least.max(proven);
        }
        bytes = bytes.max(part.top);
        for (&b, &at) in part.members.iter().zip(&part.offsets) {
            offsets[b] = at;
        }
    }
    (offsets, Outcome { bytes, at_least, nodes: search.nodes })
}

/// Blocks that time connects, with the best packing so far.
struct Part {
    members: Vec<usize>,
    /// In the order of `members`, in bytes.
    offsets: Vec<u64>,
    /// Where the highest member ends.
    top: u64,
}

impl Part {
    /// Lowers `top` towards `goal`, below which nothing is won. Returns a height that the part is proven to
    /// need, or 0 if nothing was proven.
    fn lower(
        &mut self,
        blocks: &[Block],
        sections: &Sections,
        search: &mut Search<'_>,
        goal: u64,
        budget: u64,
    ) -> u64 {
        let orders = orders(blocks, sections, &self.members);
        let mut proven = 0;
        let mut goal = goal;
        // Half of the budget for the goal itself: orders take turns, so that one bad start costs little. Every
        // goal that is refuted tells the next that could be possible.
        let half = search.nodes + budget.saturating_sub(search.nodes) / 2;
        let mut turn = 0;
        while goal < self.top && search.nodes < half {
            let limit = (FIRST_TRY << (2 * (turn / orders.len()).min(20))).min(half - search.nodes);
            match search.fits(&self.members, goal, &orders[turn % orders.len()], limit) {
                Answer::Fits => self.adopt(blocks, search),
                Answer::Needs(more) => {
                    proven = more;
                    goal = more;
                }
                Answer::Unknown => turn += 1,
            }
        }
        // The rest to come closer: halve what lies between the goal and the best packing.
        let mut hope = goal;
        while hope < self.top && search.nodes < budget {
            let middle = hope + (self.top - 1 - hope) / 2;
            let slice = ((budget - search.nodes) / 4).max(FIRST_TRY).min(budget - search.nodes);
            let mut answer = Answer::Unknown;
            for order in &orders {
                let share = slice.div_ceil(orders.len() as u64).min(budget - search.nodes);
                answer = search.fits(&self.members, middle, order, share);
                if answer != Answer::Unknown {
                    break;
                }
            }
            match answer {
                Answer::Fits => self.adopt(blocks, search),
                Answer::Needs(more) => {
                    proven = more;
                    hope = more;
                }
                Answer::Unknown => hope = middle + 1,
            }
        }
        proven
    }

    fn adopt(&mut self, blocks: &[Block], search: &Search<'_>) {
        self.offsets = self.members.iter().map(|&b| search.offset[b]).collect();
        self.top = top(blocks, &self.members, &self.offsets);
    }
}

fn top(blocks: &[Block], members: &[usize], offsets: &[u64]) -> u64 {
    members.iter().zip(offsets).map(|(&b, at)| at + u64::from(blocks[b].size)).max().unwrap_or(0)
}

/// The orders of preference among blocks that could take the same place: by how crowded the steps of a block
/// are, how long it lives and how much room and time it takes, in different precedence.
fn orders(blocks: &[Block], sections: &Sections, members: &[usize]) -> Vec<Vec<usize>> {
    let crowd = |b: usize| sections.span[b].clone().map(|s| sections.load(blocks, s)).max().unwrap_or(0);
    let life = |b: usize| u64::from(blocks[b].last - blocks[b].first) + 1;
    let area = |b: usize| life(b) * u64::from(blocks[b].size);
    let by = |key: &dyn Fn(usize) -> [u64; 3]| {
        let mut order = members.to_vec();
        order.sort_by_cached_key(|&b| (Reverse(key(b)), b));
        order
    };
    vec![
        by(&|b| [crowd(b), life(b), area(b)]),
        by(&|b| [life(b), area(b), crowd(b)]),
        by(&|b| [crowd(b), area(b), life(b)]),
        by(&|b| [area(b), life(b), crowd(b)]),
    ]
}
