//! One question, answered exactly: do these blocks fit into this many bytes? A depth-first search over
//! canonical packings only. The strategy around it (which capacities, which budget) is `exact`'s.
//!
//! Push every block of a packing down until it rests on another one, on a pinned one or on the ground, and read
//! the blocks by rising offset: every packing has such a form that is no higher. So it suffices to place one
//! block after the other, each at the lowest place over the placed blocks it conflicts with, and never below the
//! block placed before. What else keeps the search small:
//!
//! - *No hole that fits a block.* If some block fits entirely below the place that another would take, then
//!   the canonical form of everything that follows is found elsewhere.
//! - *Sections.* In a step, blocks stand on top of each other: scheduling the unplaced ones by the earliest
//!   place of each gives a height that is needed at least.
//! - *Lifting.* A block that was not placed at its lowest place in time can only be lifted by a neighbour that
//!   comes before it; so it ends up at least over the lowest of those.
//! - *Components.* Unplaced blocks that are no longer connected through time are solved apart; if one part
//!   fails, no other arrangement of the others can help.
//! - *Twins.* Of unplaced blocks that differ in name only, the first goes first.
//!
//! The ideas are those of MiniMalloc (Moffitt, ASPLOS 2023).

use super::conflict::lowest_fit;
use super::sections::Sections;
use super::{Block, distance};
use std::ops::Range;

/// The answer to "does it fit".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes; the offsets are in [`Search::offset`].
    Fits,
    /// No packing within the capacity exists, and none below this many bytes.
    Needs(u64),
    /// The limit of nodes was reached first.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    Dead,
    Spent,
}

/// What has to be restored when a placement is taken back.
enum Undo {
    Placed(usize),
    Place { block: usize, base: u64, low: u64 },
    Early { block: usize, early: u64 },
    Bound { section: usize, bound: u64 },
}

pub(super) struct Search<'a> {
    blocks: &'a [Block],
    sections: &'a Sections,
    /// Unpinned blocks that conflict, for every unpinned block.
    neighbours: Vec<Vec<usize>>,
    /// Pinned blocks that conflict, by offset, for every unpinned block.
    pins: Vec<Vec<usize>>,
    /// Offset and padded size of the pinned blocks alive in each section.
    section_pins: Vec<Vec<(u64, u64)>>,
    /// Unpinned blocks alive in each section.
    section_free: Vec<Vec<usize>>,
    /// Bytes by which the load of a section may be overstated by padding.
    slack: Vec<u64>,
    /// Sizes in bytes, padded to the grain.
    padded: Vec<u64>,
    /// The last block before each that is equal in all but the name.
    twin: Vec<Option<usize>>,

    /// Preference among candidates for the same place; smaller is first. A permutation.
    rank: Vec<usize>,
    placed: Vec<bool>,
    /// Where each placed block lies, in bytes.
    pub offset: Vec<u64>,
    /// Where the highest of the placed conflicting blocks ends.
    base: Vec<u64>,
    /// Lowest place at or over `base` that no pinned block disturbs.
    low: Vec<u64>,
    /// No canonical continuation has the block below this; at least `low`.
    early: Vec<u64>,
    /// Padded bytes of the unplaced blocks in each section.
    rest: Vec<u64>,
    /// Height that each section needs at least, given `early` of its unplaced blocks.
    bound: Vec<u64>,
    trail: Vec<Undo>,
    /// Working memory of `section_bound`.
    jobs: Vec<(u64, u64)>,

    capacity: u64,
    /// Least height that a pruned branch would have needed.
    needed: u64,
    /// Nodes looked at, over all questions.
    pub nodes: u64,
    /// Value of `nodes` at which the search gives up.
    limit: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(blocks: &'a [Block], sections: &'a Sections) -> Search<'a> {
        let count = blocks.len();
        let free = |b: usize| blocks[b].fixed.is_none();
        let padded: Vec<u64> = blocks.iter().map(|b| sections.padded(b)).collect();
        let mut neighbours = vec![Vec::new(); count];
        let mut pins = vec![Vec::new(); count];
        let mut twin = vec![None; count];
        for b in (0..count).filter(|&b| free(b) && blocks[b].size > 0) {
            let mut met: Vec<usize> = sections.alive[sections.span[b].clone()].concat();
            met.sort_unstable();
            met.dedup();
            neighbours[b] = met.iter().copied().filter(|&o| o != b && free(o)).collect();
            pins[b] = met.iter().copied().filter(|&o| !free(o)).collect();
            pins[b].sort_by_key(|&o| blocks[o].fixed);
            let same = |o: usize| Block { name: String::new(), ..blocks[o].clone() };
            twin[b] = neighbours[b].iter().copied().rev().find(|&o| o < b && same(o) == same(b));
        }
        let section_free =
            sections.alive.iter().map(|s| s.iter().copied().filter(|&b| free(b)).collect()).collect();
        let section_pins = sections.alive.iter().map(|s| {
            s.iter().filter_map(|&b| blocks[b].fixed.map(|at| (u64::from(at), padded[b]))).collect()
        });
        let slack = sections
            .alive
            .iter()
            .map(|s| s.iter().map(|&b| padded[b] - u64::from(blocks[b].size)).max().unwrap_or(0));
        Search {
            section_pins: section_pins.collect(),
            section_free,
            slack: slack.collect(),
            rank: (0..count).collect(),
            placed: vec![false; count],
            offset: vec![0; count],
            base: vec![0; count],
            low: vec![0; count],
            early: vec![0; count],
            rest: vec![0; sections.alive.len()],
            bound: vec![0; sections.alive.len()],
            trail: Vec::new(),
            jobs: Vec::new(),
            capacity: 0,
            needed: 0,
            nodes: 0,
            limit: 0,
            blocks,
            sections,
            neighbours,
            pins,
            padded,
            twin,
        }
    }

    /// The unpinned blocks, apart where no time connects them; each part sorted by first section.
    pub(super) fn components(&self) -> Vec<Vec<usize>> {
        let solid = |&b: &usize| self.blocks[b].fixed.is_none() && self.blocks[b].size > 0;
        let mut free: Vec<usize> = (0..self.blocks.len()).filter(solid).collect();
        free.sort_by_key(|&b| (self.sections.span[b].start, b));
        self.split(&free)
    }

    /// Whether `part`, a component, fits into `capacity` bytes. Looks at `limit` nodes at most; `order` lists
    /// the blocks of `part`, the preferred first.
    pub(super) fn fits(&mut self, part: &[usize], capacity: u64, order: &[usize], limit: u64) -> Answer {
        for (rank, &b) in order.iter().enumerate() {
            self.rank[b] = rank;
        }
        self.trail.clear();
        self.capacity = capacity;
        self.needed = 0;
        self.limit = self.nodes + limit;
        let window = self.window(part);
        self.rest[window.clone()].fill(0);
        for &b in part {
            self.placed[b] = false;
            self.base[b] = 0;
            self.low[b] = self.lowest(b, 0);
            self.early[b] = self.low[b];
            for s in self.sections.span[b].clone() {
                self.rest[s] += self.padded[b];
            }
        }
        for s in window {
            self.bound[s] = self.section_bound(s);
            self.needed = self.needed.max(self.bound[s]);
        }
        if self.needed > capacity {
            return Answer::Needs(self.needed);
        }
        self.needed = u64::MAX;
        match self.extend(part, 0, 0) {
            Step::Done => Answer::Fits,
            Step::Dead => Answer::Needs(self.needed.max(capacity + 1)),
            Step::Spent => Answer::Unknown,
        }
    }

    /// Places all of `part`, none below `floor`; at `floor` only blocks of `rank` or later.
    fn extend(&mut self, part: &[usize], floor: u64, rank: usize) -> Step {
        let size = |b: usize| u64::from(self.blocks[b].size);
        let hole = part.iter().map(|&b| self.low[b] + size(b)).min().unwrap_or(0);
        let may_start = |b: usize| {
            let twin_first = self.twin[b].is_some_and(|twin| !self.placed[twin]);
            (self.low[b], self.rank[b]) >= (floor, rank)
                && self.low[b] < hole
                && self.early[b] == self.low[b]
                && !twin_first
        };
        let mut candidates: Vec<usize> = part.iter().copied().filter(|&b| may_start(b)).collect();
        candidates.sort_unstable_by_key(|&b| (self.low[b], self.rank[b]));
        // From a new floor upwards everything unplaced has to find room, in every section.
        let crowd = self.window(part).map(|s| self.rest[s].saturating_sub(self.slack[s])).max().unwrap_or(0);
        for b in candidates {
            let height = self.low[b] + crowd;
            if height > self.capacity {
                self.needed = self.needed.min(height);
                break;
            }
            // The bounds allow for padding that the topmost block does without; here it is known which one that is.
            let end = self.low[b] + u64::from(self.blocks[b].size);
            if end > self.capacity {
                self.needed = self.needed.min(end);
                continue;
            }
            if self.nodes >= self.limit {
                return Step::Spent;
            }
            self.nodes += 1;
            let mark = self.trail.len();
            let at = self.low[b];
            let mut step = Step::Dead;
            if self.put(b, part) {
                let others: Vec<usize> = part.iter().copied().filter(|&o| o != b).collect();
                let mut parts = self.split(&others);
                if parts.len() > 1 {
                    // The part that fails soonest first.
                    parts.sort_by_cached_key(|p| {
                        let height = self.bound[self.window(p)].iter().copied().max();
                        (std::cmp::Reverse(height), p[0])
                    });
                }
                step = Step::Done;
                for p in &parts {
                    step = self.extend(p, at, self.rank[b] + 1);
                    if step != Step::Done {
                        break;
                    }
                }
            }
            if step != Step::Dead {
                return step;
            }
            self.take_back(mark);
        }
        if part.is_empty() { Step::Done } else { Step::Dead }
    }

    /// Places `b` at its lowest place and raises its neighbours. Returns whether all sections can still hold
    /// what is unplaced in them.
    fn put(&mut self, b: usize, part: &[usize]) -> bool {
        let at = self.low[b];
        self.offset[b] = at;
        self.placed[b] = true;
        self.trail.push(Undo::Placed(b));
        let mut dirty = self.sections.span[b].clone();
        for s in dirty.clone() {
            self.rest[s] -= self.padded[b];
        }
        for n in 0..self.neighbours[b].len() {
            let o = self.neighbours[b][n];
            if self.placed[o] {
                continue;
            }
            let over = distance(&self.blocks[b], &self.blocks[o]).map_or(0, u64::from);
            let base = self.base[o].max(at + over);
            if base > self.base[o] {
                self.trail.push(Undo::Place { block: o, base: self.base[o], low: self.low[o] });
                self.base[o] = base;
                let low = self.lowest(o, base);
                if low > self.low[o] {
                    self.low[o] = low;
                    dirty = self.raise(o, low, dirty);
                }
            }
        }
        for &o in part {
            if self.placed[o] || (self.low[o], self.rank[o]) > (at, self.rank[b]) {
                continue;
            }
            // Too late for its lowest place: some neighbour has to come first and lift it.
            let lifted = |&n: &usize| {
                let over = distance(&self.blocks[n], &self.blocks[o]).map_or(0, u64::from);
                self.early[n].max(at) + over
            };
            let lifts = self.neighbours[o].iter().filter(|&&n| !self.placed[n]).map(lifted);
            let Some(early) = lifts.min() else { return false };
            dirty = self.raise(o, early, dirty);
        }
        for s in dirty {
            let bound = self.section_bound(s);
            if bound != self.bound[s] {
                self.trail.push(Undo::Bound { section: s, bound: self.bound[s] });
                self.bound[s] = bound;
            }
            if bound > self.capacity {
                self.needed = self.needed.min(bound);
                return false;
            }
        }
        true
    }

    /// Notes that `b` lies at `early` or higher; returns `dirty` widened to the sections this concerns.
    fn raise(&mut self, b: usize, early: u64, dirty: Range<usize>) -> Range<usize> {
        if early <= self.early[b] {
            return dirty;
        }
        self.trail.push(Undo::Early { block: b, early: self.early[b] });
        self.early[b] = early;
        let span = &self.sections.span[b];
        dirty.start.min(span.start)..dirty.end.max(span.end)
    }

    fn take_back(&mut self, mark: usize) {
        for undo in self.trail.drain(mark..).rev() {
            match undo {
                Undo::Placed(b) => {
                    self.placed[b] = false;
                    for s in self.sections.span[b].clone() {
                        self.rest[s] += self.padded[b];
                    }
                }
                Undo::Place { block, base, low } => {
                    self.base[block] = base;
                    self.low[block] = low;
                }
                Undo::Early { block, early } => self.early[block] = early,
                Undo::Bound { section, bound } => self.bound[section] = bound,
            }
        }
    }

    /// Height that the unplaced and pinned blocks of section `s` need: none lies below its earliest place, no two
    /// overlap, so stacking them by rising earliest place is the least. 0 if all are placed.
    fn section_bound(&mut self, s: usize) -> u64 {
        self.jobs.clear();
        for &b in &self.section_free[s] {
            if !self.placed[b] {
                self.jobs.push((self.early[b], self.padded[b]));
            }
        }
        if self.jobs.is_empty() {
            return 0;
        }
        self.jobs.extend_from_slice(&self.section_pins[s]);
        self.jobs.sort_unstable();
        let top = self.jobs.iter().fold(0, |top: u64, &(low, bytes)| top.max(low) + bytes);
        top.saturating_sub(self.slack[s])
    }

    fn lowest(&self, b: usize, base: u64) -> u64 {
        let pins = self.pins[b].iter();
        let pins = pins.map(|&o| (self.blocks[o].fixed.map_or(0, u64::from), &self.blocks[o]));
        lowest_fit(&self.blocks[b], base, pins)
    }

    /// The sections that `part`, sorted by first section, spans.
    fn window(&self, part: &[usize]) -> Range<usize> {
        let end = part.iter().map(|&b| self.sections.span[b].end).max().unwrap_or(0);
        part.first().map_or(end, |&b| self.sections.span[b].start)..end
    }

    /// `part`, sorted by first section, cut where no block crosses.
    fn split(&self, part: &[usize]) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut end = 0;
        for &b in part {
            let span = &self.sections.span[b];
            match parts.last_mut() {
                Some(open) if span.start < end => open.push(b),
                _ => parts.push(vec![b]),
            }
            end = end.max(span.end);
        }
        parts
    }
}
