//! The control flow of a function: predecessors, an order, loops, and which values are alive where.

use super::code::Code;
use super::isa::Isa;
use super::operands::{reads_of, writes_of};
use regalloc2::{RegClass, VReg};
use std::collections::{BTreeMap, BTreeSet};

/// Added to the distance of a use that lies behind the end of a loop.
const BEHIND_LOOP: u32 = 1 << 20;

/// Facts about a function. Values are general registers only.
pub(crate) struct Flow {
    /// The blocks that lead to each block.
    pub before: Vec<Vec<usize>>,
    /// The blocks in reverse postorder: but for the ends of loops, every block after those that lead to it.
    pub order: Vec<usize>,
    /// The loops, each by its first block: all blocks in it.
    pub loops: BTreeMap<usize, BTreeSet<usize>>,
    /// At the start of each block: what is alive, and how many lines on it is used. Parameters of the block too.
    pub next_use: Vec<BTreeMap<VReg, u32>>,
    /// The same at the end of each block, before the values that its edges carry.
    pub next_use_out: Vec<BTreeMap<VReg, u32>>,
}

impl Flow {
    /// Analyses a function.
    pub(crate) fn new<I: Isa>(code: &Code<I, VReg>) -> Self {
        let count = code.blocks.len();
        let mut before = vec![Vec::new(); count];
        for (at, block) in code.blocks.iter().enumerate() {
            block.end.edges().iter().for_each(|edge| before[edge.to].push(at));
        }
        let mut flow = Self {
            before,
            order: order(code),
            loops: BTreeMap::new(),
            next_use: vec![BTreeMap::new(); count],
            next_use_out: vec![BTreeMap::new(); count],
        };
        flow.find_loops(code);
        while flow.find_uses(code) {}
        flow
    }

    fn find_loops<I: Isa>(&mut self, code: &Code<I, VReg>) {
        let mut place = vec![0; code.blocks.len()];
        self.order.iter().enumerate().for_each(|(at, &block)| place[block] = at);
        for &from in &self.order {
            for edge in code.blocks[from].end.edges() {
                if place[edge.to] > place[from] {
                    continue;
                }
                // Everything that leads to the jump back without passing the first block.
                let body = self.loops.entry(edge.to).or_default();
                body.insert(edge.to);
                let mut open = vec![from];
                while let Some(at) = open.pop() {
                    if body.insert(at) {
                        open.extend(&self.before[at]);
                    }
                }
            }
        }
    }

    /// Whether an edge leaves a loop.
    fn leaves(&self, from: usize, to: usize) -> bool {
        self.loops.values().any(|body| body.contains(&from) && !body.contains(&to))
    }

    /// One round of the backward analysis; whether something changed.
    fn find_uses<I: Isa>(&mut self, code: &Code<I, VReg>) -> bool {
        let mut changed = false;
        for &at in self.order.iter().rev() {
            let block = &code.blocks[at];
            let mut out: BTreeMap<VReg, u32> = BTreeMap::new();
            for edge in block.end.edges() {
                let extra = if self.leaves(at, edge.to) { BEHIND_LOOP } else { 0 };
                for (&value, &distance) in &self.next_use[edge.to] {
                    if code.blocks[edge.to].params.contains(&value) {
                        continue;
                    }
                    let distance = distance.saturating_add(extra);
                    out.entry(value).and_modify(|d| *d = distance.min(*d)).or_insert(distance);
                }
            }
            let length = block.lines.len() as u32;
            let mut alive: BTreeMap<VReg, u32> =
                out.iter().map(|(&value, distance)| (value, distance.saturating_add(length))).collect();
            for value in block.end.reads().into_iter().filter(is_word) {
                alive.insert(value, length);
            }
            for (line_at, line) in block.lines.iter().enumerate().rev() {
                for value in writes_of(line) {
                    alive.remove(&value);
                }
                for value in reads_of(line).into_iter().filter(is_word) {
                    alive.insert(value, line_at as u32);
                }
            }
            changed |= self.next_use[at] != alive || self.next_use_out[at] != out;
            self.next_use[at] = alive;
            self.next_use_out[at] = out;
        }
        changed
    }
}

/// Whether a value lies in a general register.
pub(crate) fn is_word(value: &VReg) -> bool {
    value.class() == RegClass::Int
}

fn order<I: Isa>(code: &Code<I, VReg>) -> Vec<usize> {
    let mut seen = vec![false; code.blocks.len()];
    let mut order = Vec::new();
    // Blocks whose successors are looked at, with how many of them have been.
    let mut open = vec![(0, 0)];
    seen[0] = true;
    while let Some((block, next)) = open.pop() {
        let edges = code.blocks[block].end.edges();
        // The exit of a loop first, so that the loop's body comes right behind its head.
        match edges.iter().rev().nth(next) {
            Some(edge) => {
                open.push((block, next + 1));
                if !seen[edge.to] {
                    seen[edge.to] = true;
                    open.push((edge.to, 0));
                }
            }
            None => order.push(block),
        }
    }
    order.reverse();
    order
}
