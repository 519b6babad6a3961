//! The packer on random blocks: every packing is valid and between its bounds, and what is called optimal is as
//! low as the lowest of all packings, enumerated without any of the packer's code.

use proptest::prelude::*;
use tinyc_passes::plan::{Block, Effort, PackError, Proof, check, pack, pack_with, render};

/// Blocks with at most `steps` steps and mixed alignments, a few of them pinned where nothing else is pinned.
fn blocks(count: std::ops::RangeInclusive<usize>, steps: u32) -> impl Strategy<Value = Vec<Block>> {
    let block = (0u32..40, 0u32..3, 0..steps, 0..steps / 2 + 1, prop::option::weighted(0.1, 0u32..16));
    prop::collection::vec(block, count).prop_map(|rows| {
        let mut blocks: Vec<Block> = Vec::new();
        for (n, (size, align, first, life, pin)) in rows.into_iter().enumerate() {
            let mut block = Block::new(format!("b{n}"), size, 1 << align, first, first + life);
            block.fixed = pin.map(|at| at * 4);
            let pinned: Vec<Block> = blocks.iter().filter(|b| b.fixed.is_some()).cloned().collect();
            let alone = [pinned, vec![block.clone()]].concat();
            if pack_with(&alone, budget(0)).is_err() {
                block.fixed = None;
            }
            blocks.push(block);
        }
        blocks
    })
}

fn budget(nodes: u64) -> Effort {
    Effort { nodes, enough: 0 }
}

fn together(a: &Block, b: &Block) -> bool {
    a.first <= b.last && b.first <= a.last && a.size > 0 && b.size > 0
}

/// Height of the lowest packing: some order in which every block goes to the lowest free place yields it.
fn brute_force(blocks: &[Block]) -> u32 {
    let pinned: Vec<(usize, u32)> = (0..blocks.len()).filter_map(|b| Some((b, blocks[b].fixed?))).collect();
    let free: Vec<usize> = (0..blocks.len()).filter(|&b| blocks[b].fixed.is_none()).collect();
    lowest_of_all(blocks, &mut pinned.clone(), &free)
}

fn lowest_of_all(blocks: &[Block], placed: &mut Vec<(usize, u32)>, free: &[usize]) -> u32 {
    if free.is_empty() {
        return placed.iter().map(|&(b, at)| at + blocks[b].size).max().unwrap_or(0);
    }
    let mut least = u32::MAX;
    for &b in free {
        let clear = |at: u32| {
            placed.iter().all(|&(o, start)| {
                !together(&blocks[o], &blocks[b])
                    || start + blocks[o].size <= at
                    || at + blocks[b].size <= start
            })
        };
        let at = (0..).step_by(blocks[b].align as usize).find(|&at| clear(at)).expect("some place is free");
        placed.push((b, at));
        let rest: Vec<usize> = free.iter().copied().filter(|&o| o != b).collect();
        least = least.min(lowest_of_all(blocks, placed, &rest));
        placed.pop();
    }
    least
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn small_packings_are_the_lowest_there_is(blocks in blocks(0..=6, 8)) {
        let packing = pack(&blocks).unwrap();
        prop_assert_eq!(check(&blocks, &packing), Ok(()));
        prop_assert!(packing.proof.is_optimal());
        prop_assert_eq!(packing.bytes, brute_force(&blocks), "{}", render(&blocks, &packing));
    }

    #[test]
    fn bounds_hold(blocks in blocks(0..=40, 24)) {
        let padded = |b: &Block| b.size.next_multiple_of(b.align);
        let pins: u32 = blocks.iter().filter_map(|b| b.fixed).max().unwrap_or(0);
        let sum = blocks.iter().map(|b| padded(b) + 3).sum::<u32>() + 2 * pins;
        let greedy = pack_with(&blocks, budget(0)).unwrap();
        let packing = pack_with(&blocks, budget(500)).unwrap();
        for found in [&greedy, &packing] {
            prop_assert_eq!(check(&blocks, found), Ok(()));
            prop_assert!(found.lower_bound <= found.bytes && found.bytes <= sum);
            let live = |step: u32| {
                blocks.iter().filter(|b| b.first <= step && step <= b.last).map(|b| b.size).sum::<u32>()
            };
            prop_assert!((0..40).all(|step| live(step) <= found.lower_bound));
            prop_assert_eq!(found.alive_at_peak.iter().map(|&b| blocks[b].size).sum::<u32>(), live(found.peak_step));
            if let Proof::BestFound { at_least, .. } = found.proof {
                prop_assert!(found.lower_bound <= at_least && at_least < found.bytes);
            }
        }
        prop_assert!(packing.bytes <= greedy.bytes);
        prop_assert_eq!(&packing, &pack_with(&blocks, budget(500)).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn crowded_packings_are_the_lowest_there_is(mut blocks in blocks(7..=7, 5)) {
        for block in &mut blocks {
            block.size += 1;
        }
        prop_assume!(pack_with(&blocks, budget(0)).is_ok());
        // The default effort leaves about one in ten thousand of these without a proof.
        let packing = pack_with(&blocks, budget(1_000_000)).unwrap();
        prop_assert!(packing.proof.is_optimal());
        prop_assert_eq!(packing.bytes, brute_force(&blocks), "{}", render(&blocks, &packing));
    }
}

#[test]
fn contradictions_are_errors() {
    let good = Block::new("a", 8, 4, 0, 1);
    let pinned = |at| Block { fixed: Some(at), ..good.clone() };
    let of = |blocks: &[Block]| pack(blocks).unwrap_err();
    assert_eq!(of(&[good.clone(), Block { align: 3, ..good.clone() }]), PackError::Alignment(1));
    assert_eq!(of(&[Block { align: 0, ..good.clone() }]), PackError::Alignment(0));
    assert_eq!(of(&[Block { first: 2, ..good.clone() }]), PackError::Lifetime(0));
    assert_eq!(of(&[pinned(2)]), PackError::Misaligned(0));
    assert_eq!(of(&[pinned(0), good.clone(), pinned(4)]), PackError::Pinned(0, 2));
    let huge = Block { size: u32::MAX - 3, ..good.clone() };
    assert_eq!(of(&[huge.clone(), huge]), PackError::TooLarge(2 * (u64::from(u32::MAX) - 3)));
}

#[test]
fn the_liveness_bound_can_be_out_of_reach_and_that_is_proven() {
    // Two pinned blocks leave two holes of 4 bytes in step 1, where one block of 8 lives.
    let pin = |name: &str, at| Block { fixed: Some(at), ..Block::new(name, 4, 4, 1, 1) };
    let blocks = [pin("low", 4), pin("high", 12), Block::new("wide", 8, 4, 1, 1)];
    let packing = pack(&blocks).unwrap();
    assert_eq!((packing.bytes, packing.lower_bound), (24, 16));
    assert!(packing.proof.is_optimal());
}

/// Size, first and last step of blocks that all greedy orders pack into 60 bytes, where 52 suffice.
const HARD: [(u32, u32, u32); 6] = [(20, 2, 5), (12, 0, 1), (8, 5, 6), (16, 0, 3), (24, 4, 5), (24, 1, 1)];

#[test]
fn enough_is_enough() {
    let blocks: Vec<Block> = HARD
        .iter()
        .enumerate()
        .map(|(n, &(size, first, last))| Block::new(n.to_string(), size, 1, first, last))
        .collect();
    let greedy = pack_with(&blocks, budget(0)).unwrap();
    let lowest = pack(&blocks).unwrap();
    assert_eq!((greedy.bytes, lowest.bytes), (60, 52));
    assert!(lowest.proof.is_optimal());
    let content = pack_with(&blocks, Effort { enough: greedy.bytes, ..Effort::default() }).unwrap();
    assert_eq!(content, greedy);
}

#[test]
fn union_is_one_block_for_two_that_share_memory() {
    let a = Block::new("conv", 64, 4, 1, 2);
    let b = Block { fixed: Some(8), ..Block::new("relu", 60, 8, 2, 5) };
    let both = a.union(&b);
    assert_eq!(both, Block { fixed: Some(8), ..Block::new("conv", 64, 8, 1, 5) });
}
