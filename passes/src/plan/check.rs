//! The independent checker: looks at a finished packing pair by pair and byte by byte, and shares no state and
//! no shortcut with the planners.

use super::{Block, Packing, distance};

/// What is wrong with a packing. Positions are indices into the blocks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Overlap {
    /// There is not one offset for every block.
    #[error("{0} offsets for {1} blocks")]
    Count(usize, usize),
    /// Two blocks share bytes in a step in which both are alive.
    #[error("blocks {0} and {1} share bytes while both are alive")]
    Blocks(usize, usize),
    /// A block ends above the arena.
    #[error("block {0} reaches out of the arena")]
    Outside(usize),
    /// An offset is not a multiple of the alignment.
    #[error("block {0} is not aligned")]
    Unaligned(usize),
    /// A pinned block lies elsewhere.
    #[error("block {0} is not where it is pinned")]
    Moved(usize),
}

/// Whether `packing` is one that `blocks` can live in.
///
/// # Errors
/// The first fault found, see [`Overlap`].
pub fn check(blocks: &[Block], packing: &Packing) -> Result<(), Overlap> {
    if packing.offsets.len() != blocks.len() {
        return Err(Overlap::Count(packing.offsets.len(), blocks.len()));
    }
    for (a, block) in blocks.iter().enumerate() {
        let at = packing.offsets[a];
        if !at.is_multiple_of(block.align) {
            return Err(Overlap::Unaligned(a));
        }
        if block.fixed.is_some_and(|fixed| fixed != at) {
            return Err(Overlap::Moved(a));
        }
        if u64::from(at) + u64::from(block.size) > u64::from(packing.bytes) {
            return Err(Overlap::Outside(a));
        }
        for b in 0..a {
            if collide(blocks, (b, packing.offsets[b].into()), (a, at.into())) {
                return Err(Overlap::Blocks(b, a));
            }
        }
    }
    Ok(())
}

/// Whether two placed blocks, each with its offset, violate their distance.
pub(super) fn collide(blocks: &[Block], (a, at_a): (usize, u64), (b, at_b): (usize, u64)) -> bool {
    let ((below, low), (above, high)) =
        if at_a <= at_b { ((a, at_a), (b, at_b)) } else { ((b, at_b), (a, at_a)) };
    distance(&blocks[below], &blocks[above]).is_some_and(|apart| high < low + u64::from(apart))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Proof, pack};

    fn placed(offsets: &[u32], bytes: u32) -> Packing {
        let proof = Proof::Optimal { nodes: 0 };
        Packing {
            offsets: offsets.to_vec(),
            bytes,
            lower_bound: 0,
            proof,
            peak_step: 0,
            alive_at_peak: vec![],
        }
    }

    #[test]
    fn every_fault_is_named() {
        let mut blocks = vec![Block::new("a", 8, 4, 0, 1), Block::new("b", 8, 4, 1, 2)];
        assert_eq!(check(&blocks, &placed(&[0, 8], 16)), Ok(()));
        assert_eq!(check(&blocks, &placed(&[0], 16)), Err(Overlap::Count(1, 2)));
        assert_eq!(check(&blocks, &placed(&[0, 4], 16)), Err(Overlap::Blocks(0, 1)));
        assert_eq!(check(&blocks, &placed(&[4, 0], 16)), Err(Overlap::Blocks(0, 1)));
        assert_eq!(check(&blocks, &placed(&[0, 8], 15)), Err(Overlap::Outside(1)));
        assert_eq!(check(&blocks, &placed(&[0, 9], 32)), Err(Overlap::Unaligned(1)));
        blocks[1].fixed = Some(12);
        assert_eq!(check(&blocks, &placed(&[0, 8], 16)), Err(Overlap::Moved(1)));
    }

    #[test]
    fn blocks_that_never_meet_share_bytes() {
        let blocks = vec![Block::new("a", 8, 4, 0, 1), Block::new("b", 8, 4, 2, 3)];
        assert_eq!(pack(&blocks).unwrap().bytes, 8);
    }
}
