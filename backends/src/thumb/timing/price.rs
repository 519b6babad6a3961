//! Prices of a function's instructions at their addresses: the static count.

use super::{Cost, Model};
use crate::thumb::isa::{Inst, Op, Reg};

/// An instruction at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Where it begins; even. Only addresses modulo 4 matter for timing, so offsets in an aligned section serve too.
    pub address: u32,
    /// Bytes of its encoding: 2 or 4.
    pub bytes: u32,
    /// What it is.
    pub inst: Inst<Reg>,
}

impl Placed {
    /// The address behind it.
    pub const fn end(&self) -> u32 {
        self.address.wrapping_add(self.bytes)
    }

    /// Whether it is a 32-bit instruction across a word boundary: a branch that leads to it fetches once more.
    pub const fn straddles(&self) -> bool {
        self.bytes == 4 && self.address & 2 != 0
    }

    /// Where a direct branch or call leads; `None` for other instructions, and for a `Bl` that a relocation completes its
    /// own address + 4 + `imm` all the same.
    pub fn target(&self) -> Option<u32> {
        matches!(self.inst.op, Op::B | Op::Bcond | Op::Bl | Op::Cbz | Op::Cbnz)
            .then(|| self.address.wrapping_add(4).wrapping_add_signed(self.inst.imm))
    }
}

/// What one instruction costs, by the way that leads to it. A taken branch costs [`Model::refill`] besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Price {
    /// After the instruction before it in the code.
    pub after: Cost,
    /// After a taken branch, call or return.
    pub entered: Cost,
}

impl Model {
    /// Prices of one function's instructions, in the order of their addresses. A gap between them (a table, literals)
    /// separates neighbours. Same indices as `code`.
    pub fn prices(&self, code: &[Placed]) -> Vec<Price> {
        let mut leaders: Vec<u32> = code.iter().filter_map(Placed::target).collect();
        leaders.sort_unstable();
        let mut pipeline = self.pipeline();
        let mut before: Option<&Placed> = None;
        let mut prices = Vec::with_capacity(code.len());
        for placed in code {
            let follows = before.is_some_and(|before| before.end() == placed.address);
            if !follows {
                pipeline.enter();
            }
            let entered = self.pipeline().issue(&placed.inst, placed.bytes);
            let leads =
                before.is_some_and(|before| before.jumps()) || leaders.binary_search(&placed.address).is_ok();
            // Pairs across the way into a block depend on what led there, so the count of pairs begins anew.
            if leads && self.pairs() {
                pipeline.enter();
            }
            prices.push(Price { after: pipeline.issue(&placed.inst, placed.bytes), entered });
            before = Some(placed);
        }
        prices
    }
}

impl Placed {
    fn jumps(&self) -> bool {
        super::class::Facts::of(&self.inst).jumps
    }
}

/// The cost of a basic block, given its prices: `entered` by a branch, or by running on from the block before it. A branch
/// that ends it costs [`Model::refill`] besides if it is taken.
pub fn block(prices: &[Price], entered: bool) -> Cost {
    let Some((first, rest)) = prices.split_first() else {
        return Cost::default();
    };
    let first = if entered { first.entered } else { first.after };
    first + rest.iter().map(|price| price.after).sum()
}
