//! Which blocks may not share bytes, and how far apart they must lie. The one place that says so: the greedy
//! orders, the search and the checker all ask here.
//!
//! Today blocks alive in the same step are disjoint. An output that may trail its input through the same
//! memory would have a distance smaller than the size; then the liveness bound in `sections`, which adds
//! sizes, has to learn of it too.

use super::Block;

/// How many bytes the start of `above` must lie over the start of `below` when it lies higher, or `None` if
/// both may lie anywhere because they are never alive together.
pub fn distance(below: &Block, above: &Block) -> Option<u32> {
    let together = below.first <= above.last && above.first <= below.last;
    (together && below.size > 0 && above.size > 0).then_some(below.size)
}

/// Lowest offset from `from` upwards at which `block` hits none of `taken`: pairs of an offset and the block
/// lying there, sorted by offset.
pub(super) fn lowest_fit<'a>(block: &Block, from: u64, taken: impl Iterator<Item = (u64, &'a Block)>) -> u64 {
    let align = u64::from(block.align);
    let mut at = from.next_multiple_of(align);
    for (start, other) in taken {
        let Some(over) = distance(other, block) else { continue };
        let under = distance(block, other).map_or(0, u64::from);
        if at + under <= start {
            break;
        }
        at = at.max((start + u64::from(over)).next_multiple_of(align));
    }
    at
}
