//! The memory packer: gives every block of an arena its offset, as low in total as can be found, and says
//! whether that is proven to be the best.
//!
//! A block is a size, an alignment and the steps in which its bytes matter; nothing here knows tensors, loops
//! or chips. Liveness, the order of steps and the choice of what may share memory are the caller's:
//!
//! - *In place.* Values that share bytes (an element-wise result over its operand, a reshaped view) are **one**
//!   block to the packer: merge them first with [`Block::union`].
//! - *Scratch* of one step is a block whose `first` and `last` are that step.
//! - *Pinned* blocks have [`Block::fixed`]; everything else is packed around them.
//!
//! [`pack`] first runs several greedy orders (`greedy`); when the best of them is above the liveness bound, an
//! exact search (`exact`, `search`) lowers it until it is proven minimal or a budget counted in search nodes
//! is spent. There is no clock and no chance in it: the same blocks give the same offsets everywhere.

mod check;
mod conflict;
mod exact;
mod greedy;
mod render;
mod search;
mod sections;

pub use check::{Overlap, check};
pub use conflict::distance;
pub use render::render;

use sections::Sections;

/// A piece of memory to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What a person calls it, for reports. Need not be unique.
    pub name: String,
    /// Size in bytes. A block of 0 bytes conflicts with nothing and is placed at 0.
    pub size: u32,
    /// The offset must be a multiple of this power of two, in bytes.
    pub align: u32,
    /// First step in which the block is alive.
    pub first: u32,
    /// Last step in which the block is alive, inclusive; not before `first`.
    pub last: u32,
    /// Where the block must lie, in bytes, if that is not free to choose.
    pub fixed: Option<u32>,
}

impl Block {
    /// A block that may lie anywhere.
    pub fn new(name: impl Into<String>, size: u32, align: u32, first: u32, last: u32) -> Block {
        Block { name: name.into(), size, align, first, last, fixed: None }
    }

    /// The one block that two blocks sharing their bytes amount to: both start at the same offset, it is as
    /// large as the larger, as aligned as the stricter, and alive from the earlier first to the later last
    /// step. A gap between both lives counts as alive. The name and, if it has one, the fixed offset are
    /// `self`'s, else `other`'s.
    #[must_use]
    pub fn union(&self, other: &Block) -> Block {
        Block {
            name: if self.name.is_empty() { other.name.clone() } else { self.name.clone() },
            size: self.size.max(other.size),
            align: self.align.max(other.align),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            fixed: self.fixed.or(other.fixed),
        }
    }

    /// Whether the block is alive in `step`.
    pub fn alive_in(&self, step: u32) -> bool {
        self.first <= step && step <= self.last
    }
}

/// Where every block lies, and how good that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// Offset of every block in bytes, in the order of the blocks given.
    pub offsets: Vec<u32>,
    /// Size of the arena in bytes: where the highest block ends.
    pub bytes: u32,
    /// No packing of these lives is smaller: the most bytes alive in any one step (see [`pack_with`] for how
    /// alignment counts), or the end of the highest pinned block if that is more.
    pub lower_bound: u32,
    /// What is known about `bytes`.
    pub proof: Proof,
    /// The step that gives the liveness bound, the first of equals; 0 without blocks.
    pub peak_step: u32,
    /// Indices of the blocks alive in `peak_step`, largest first, without empty ones.
    pub alive_at_peak: Vec<usize>,
}

/// What is known about the size of a packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// No packing is smaller.
    Optimal {
        /// Search nodes it took; 0 if a greedy order met the bound.
        nodes: u64,
    },
    /// The budget ended first.
    BestFound {
        /// Search nodes that were looked at.
        nodes: u64,
        /// No packing is smaller than this many bytes; at least [`Packing::lower_bound`].
        at_least: u32,
    },
}

impl Proof {
    /// Whether it is proven that no packing is smaller.
    pub fn is_optimal(self) -> bool {
        matches!(self, Proof::Optimal { .. })
    }
}

/// Why blocks cannot be packed at all. Positions are indices into the blocks given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The alignment is 0 or not a power of two.
    #[error("block {0} has an alignment that is not a power of two")]
    Alignment(usize),
    /// `last` is before `first`.
    #[error("block {0} dies before it is born")]
    Lifetime(usize),
    /// The fixed offset is not a multiple of the alignment.
    #[error("block {0} is pinned to an offset that its alignment forbids")]
    Misaligned(usize),
    /// Two pinned blocks share bytes while both are alive.
    #[error("blocks {0} and {1} are pinned onto each other")]
    Pinned(usize, usize),
    /// The arena would not be addressable with 32 bits.
    #[error("the blocks need {0} bytes, more than 32 bits address")]
    TooLarge(u64),
}

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Most search nodes to look at; with 0 the best greedy order is the result. In a release build a node of
    /// 200 blocks takes 2 to 25 microseconds, the more the longer the blocks live.
    pub nodes: u64,
    /// A packing into this many bytes is good enough and ends the search; 0 asks for the lowest.
    pub enough: u32,
}

impl Default for Effort {
    /// No search at all if a greedy order meets the bound. Else, in a release build, up to 0.2 seconds for
    /// 170 adversarial blocks and up to 1.3 seconds for 400.
    fn default() -> Effort {
        Effort { nodes: 20_000, enough: 0 }
    }
}

/// Packs `blocks` with the default [`Effort`]. See [`pack_with`].
///
/// # Errors
/// Blocks that contradict themselves or each other, see [`PackError`].
pub fn pack(blocks: &[Block]) -> Result<Packing, PackError> {
    pack_with(blocks, Effort::default())
}

/// Packs `blocks` into as few bytes as `effort` can find.
///
/// The lower bound counts every block rounded up to the smallest alignment among all blocks, because every
/// offset is a multiple of that; the highest block is counted without its padding.
///
/// # Errors
/// Blocks that contradict themselves or each other, see [`PackError`].
pub fn pack_with(blocks: &[Block], effort: Effort) -> Result<Packing, PackError> {
    validate(blocks)?;
    let sections = Sections::of(blocks);
    let (offsets, outcome) = exact::solve(blocks, &sections, effort);
    let narrow = |bytes: u64| u32::try_from(bytes).map_err(|_| PackError::TooLarge(bytes));
    let bytes = narrow(outcome.bytes)?;
    let proof = if outcome.bytes <= outcome.at_least {
        Proof::Optimal { nodes: outcome.nodes }
    } else {
        Proof::BestFound { nodes: outcome.nodes, at_least: narrow(outcome.at_least)? }
    };
    let peak_step = sections.peak_step();
    let mut alive_at_peak: Vec<usize> =
        (0..blocks.len()).filter(|&b| blocks[b].size > 0 && blocks[b].alive_in(peak_step)).collect();
    alive_at_peak.sort_by_key(|&b| (std::cmp::Reverse(blocks[b].size), b));
    let packing = Packing {
        offsets: offsets.into_iter().map(narrow).collect::<Result<_, _>>()?,
        bytes,
        lower_bound: narrow(sections.lower_bound(blocks))?,
        proof,
        peak_step,
        alive_at_peak,
    };
    debug_assert_eq!(check(blocks, &packing), Ok(()));
    Ok(packing)
}

fn validate(blocks: &[Block]) -> Result<(), PackError> {
    for (b, block) in blocks.iter().enumerate() {
        if !block.align.is_power_of_two() {
            return Err(PackError::Alignment(b));
        }
        if block.last < block.first {
            return Err(PackError::Lifetime(b));
        }
        if block.fixed.is_some_and(|at| !at.is_multiple_of(block.align)) {
            return Err(PackError::Misaligned(b));
        }
    }
    let pinned: Vec<(usize, u64)> =
        blocks.iter().enumerate().filter_map(|(b, x)| x.fixed.map(|at| (b, u64::from(at)))).collect();
    for (n, &(a, at_a)) in pinned.iter().enumerate() {
        for &(b, at_b) in &pinned[..n] {
            if check::collide(blocks, (b, at_b), (a, at_a)) {
                return Err(PackError::Pinned(b, a));
            }
        }
    }
    Ok(())
}
