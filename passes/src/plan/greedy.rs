//! Greedy packing in several orders: fast, good for most networks, and the upper bound that the exact search
//! starts from. Proves nothing.

use super::conflict::lowest_fit;
use super::{Block, distance};
use std::cmp::Reverse;

/// How a greedy order ranks its blocks; the greatest is placed first.
#[derive(Clone, Copy)]
enum Order {
    Size,
    Lifetime,
    Area,
    /// Bytes of all blocks alive at the same time.
    Conflict,
    /// Earliest birth first, then size.
    Birth,
}

const ORDERS: [Order; 5] = [Order::Size, Order::Lifetime, Order::Area, Order::Conflict, Order::Birth];

/// Which of the gaps that are large enough is taken.
#[derive(Clone, Copy)]
enum Gap {
    /// The one that leaves least over; above everything only if there is no gap.
    Tightest,
    Lowest,
}

/// Packs the blocks `which` in every order and returns the offsets of the lowest result, in the order of
/// `which`, with the bytes it takes. Pinned blocks stay where they are.
pub(super) fn best(blocks: &[Block], which: &[usize]) -> (Vec<u64>, u64) {
    let mut best: Option<(Vec<u64>, u64)> = None;
    for order in ORDERS {
        let queue = ranked(blocks, which, order);
        for gap in [Gap::Tightest, Gap::Lowest] {
            let (offsets, bytes) = place(blocks, which, &queue, gap);
            if best.as_ref().is_none_or(|(_, least)| bytes < *least) {
                best = Some((offsets, bytes));
            }
        }
    }
    best.unwrap_or_default()
}

/// Positions in `which`, in the order of placing.
fn ranked(blocks: &[Block], which: &[usize], order: Order) -> Vec<usize> {
    let key = |n: usize| -> (u64, u64) {
        let block = &blocks[which[n]];
        let (size, life) = (u64::from(block.size), u64::from(block.last - block.first) + 1);
        match order {
            Order::Size => (size, life),
            Order::Lifetime => (life, size),
            Order::Area => (size * life, size),
            Order::Conflict => {
                (which.iter().filter_map(|&o| distance(&blocks[o], block)).map(u64::from).sum(), size)
            }
            Order::Birth => (u64::MAX - u64::from(block.first), size),
        }
    };
    let mut queue: Vec<usize> = (0..which.len()).collect();
    queue.sort_by_cached_key(|&n| (blocks[which[n]].fixed.is_none(), Reverse(key(n)), n));
    queue
}

fn place(blocks: &[Block], which: &[usize], queue: &[usize], gap: Gap) -> (Vec<u64>, u64) {
    let mut offsets = vec![0; which.len()];
    // Placed blocks sorted by offset.
    let mut placed: Vec<(u64, usize)> = Vec::with_capacity(which.len());
    let mut bytes = 0;
    for &n in queue {
        let block = &blocks[which[n]];
        let at = match (block.fixed, gap) {
            (Some(at), _) => u64::from(at),
            (None, Gap::Lowest) => lowest_fit(block, 0, placed.iter().map(|&(at, b)| (at, &blocks[b]))),
            (None, Gap::Tightest) => tightest(blocks, block, &placed),
        };
        offsets[n] = at;
        bytes = bytes.max(at + u64::from(block.size));
        let slot = placed.partition_point(|&other| other < (at, which[n]));
        placed.insert(slot, (at, which[n]));
    }
    (offsets, bytes)
}

fn tightest(blocks: &[Block], block: &Block, placed: &[(u64, usize)]) -> u64 {
    let align = u64::from(block.align);
    let mut at = 0;
    let mut least: Option<(u64, u64)> = None;
    for &(start, other) in placed {
        let Some(over) = distance(&blocks[other], block) else { continue };
        let under = distance(block, &blocks[other]).map_or(0, u64::from);
        if at + under <= start {
            let left = start - at - under;
            if least.is_none_or(|(best, _)| left < best) {
                least = Some((left, at));
            }
        }
        at = at.max((start + u64::from(over)).next_multiple_of(align));
    }
    least.map_or(at, |(_, at)| at)
}
