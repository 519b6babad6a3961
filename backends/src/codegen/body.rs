//! A function whose registers are chosen, before its instructions have addresses, and the order of its blocks. What a
//! block is made of (`P`) is the backend's: instructions, and what becomes some once addresses are known.

use super::code::{Edge, End};
use super::isa::Isa;
use crate::native::Count;

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Body<I: Isa, P> {
    /// In the order of the code; the first is the entry.
    pub(crate) blocks: Vec<Part<I, P>>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub(crate) struct Part<I: Isa, P> {
    /// What it does. Where the block returns, the last one does.
    pub(crate) pieces: Vec<P>,
    /// How it ends.
    pub(crate) end: End<I, I::Reg>,
    /// How often it runs in one call.
    pub(crate) count: Count,
    /// What it does, in a few words for the listing; may be empty.
    pub(crate) comment: String,
}

/// Instructions that run one after the other, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// Positions in the function's code.
    pub(crate) range: std::ops::Range<usize>,
    /// How often it runs in one call.
    pub(crate) count: Count,
    /// How often a taken branch leads to it.
    pub(crate) entered: u64,
    /// Its branches: position of the instruction, how often it is taken, position of the target.
    pub(crate) taken: Vec<(usize, u64, usize)>,
    /// What it does, in a few words; may be empty.
    pub(crate) comment: String,
}

/// Whether nothing is left of a block but a jump.
fn is_empty<I: Isa, P>(block: &Part<I, P>) -> bool {
    block.pieces.is_empty() && matches!(block.end, End::Jump(_))
}

/// Where an edge really leads: through empty blocks.
pub(crate) fn thread<I: Isa, P>(blocks: &[Part<I, P>], mut to: usize) -> usize {
    // An empty endless loop would lead nowhere; kernels have none, but the bound costs nothing.
    for _ in 0..blocks.len() {
        match &blocks[to].end {
            End::Jump(edge) if blocks[to].pieces.is_empty() => to = edge.to,
            _ => break,
        }
    }
    to
}

/// A branch at the end of a block.
#[derive(Clone, Debug)]
pub(crate) struct Branch<T> {
    /// What it tests; `None` if it is always taken.
    pub(crate) test: Option<T>,
    /// The block that it leads to, by its place in the order.
    pub(crate) to: usize,
    /// How often it is taken in one call.
    pub(crate) taken: u64,
}

/// What joins a block to others.
#[derive(Clone, Debug)]
pub(crate) struct Joints<T> {
    /// The branches at its end; what stands behind it is reached without one.
    pub(crate) branches: Vec<Branch<T>>,
    /// How often a taken branch leads to it in one call.
    pub(crate) entered: u64,
}

/// What joins each block in this order to others.
pub(crate) fn joints<I: Isa, P>(blocks: &[Part<I, P>], order: &[usize]) -> Vec<Joints<I::Test<I::Reg>>> {
    let mut place = vec![usize::MAX; blocks.len()];
    order.iter().enumerate().for_each(|(place_of, &at)| place[at] = place_of);
    let to = |edge: &Edge<I::Reg>| place[thread(blocks, edge.to)];
    let mut entered = vec![0; order.len()];
    let mut joints = Vec::with_capacity(order.len());
    for (here, &at) in order.iter().enumerate() {
        let next = here + 1;
        let mut branches = match &blocks[at].end {
            End::Return(_) => Vec::new(),
            End::Jump(edge) => vec![Branch { test: None, to: to(edge), taken: edge.count.times }],
            End::Branch { cond, then, otherwise } => {
                let (yes, no) = (to(then), to(otherwise));
                let (if_yes, if_no) = (then.count.times, otherwise.count.times);
                if yes == no {
                    vec![Branch { test: None, to: yes, taken: if_yes + if_no }]
                } else if yes == next {
                    vec![Branch { test: Some(I::inverse(cond)), to: no, taken: if_no }]
                } else {
                    let first = Branch { test: Some(cond.clone()), to: yes, taken: if_yes };
                    vec![first, Branch { test: None, to: no, taken: if_no }]
                }
            }
        };
        branches.retain(|branch| branch.test.is_some() || branch.to != next);
        branches.iter().for_each(|branch| entered[branch.to] += branch.taken);
        joints.push(Joints { branches, entered: 0 });
    }
    joints.iter_mut().zip(entered).for_each(|(joints, entered)| joints.entered = entered);
    joints
}

/// The order of the blocks that are left: as given, but those that only hold the moves of one edge stand behind the block
/// that the edge leaves.
pub(crate) fn order<I: Isa, P>(blocks: &[Part<I, P>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let single = |at: usize| {
        let mut from = (0..blocks.len()).filter(|&b| blocks[b].end.edges().iter().any(|edge| edge.to == at));
        let first = from.next();
        first.filter(|_| from.next().is_none())
    };
    let splits: Vec<Option<usize>> = (0..blocks.len())
        .map(|at| {
            let made = at > 0 && blocks[at].end.edges().len() == 1;
            made.then(|| single(at).filter(|&from| from < at && blocks[from].end.edges().len() == 2))
                .flatten()
        })
        .collect();
    // Only blocks that stand out of line, at the end, are moved.
    let first_split =
        (0..blocks.len()).rev().take_while(|&at| splits[at].is_some()).last().unwrap_or(blocks.len());
    for at in 0..first_split {
        if at > 0 && is_empty(&blocks[at]) {
            continue;
        }
        order.push(at);
        for split in first_split..blocks.len() {
            if splits[split] == Some(at) && !is_empty(&blocks[split]) {
                order.push(split);
            }
        }
    }
    order
}
