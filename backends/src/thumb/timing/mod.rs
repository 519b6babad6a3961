//! What instructions cost, from the figures of `targets/cores`, with memory that never waits.
//!
//! The same prices serve the static count of a function and the simulator, so both give one number. Flash that waits is not
//! here: it belongs to the chip. Registers are physical: a count before register allocation would be a guess.
//!
//! The rules, on cores that start one instruction at a time:
//!
//! * A load right after a load costs `load_next`, if neither writes its base back and the first does not make the address
//!   of the second. A store with a register offset gains in the same way.
//! * An address made by the instruction right before costs `address_stall` more.
//! * A float result used by the next instruction costs `float_use_stall` more, except as the addend of a
//!   multiply-accumulate. Loaded values and products likewise where a core has such stalls.
//! * IT right after a 16-bit instruction that is no branch is folded into it.
//! * An instruction that a false condition skips costs the same as one that runs.
//! * A taken branch pays the refill of the pipeline, more if the target is a 32-bit instruction across a word boundary.
//! * The instruction behind a taken branch (a return too) has no predecessor.
//!
//! So the cost of an instruction depends on its predecessor in the code and on whether a branch led to it: [`Price`] holds both.
//! On cores that start two instructions at a time (`dual`) it depends on the pairs before it, and the count begins
//! anew at every address to which a branch leads and behind every branch.

mod class;
mod dual;
mod model;
mod price;

pub use model::{Model, Pipeline};
pub use price::{Placed, Price, block};

/// Cycles of one instruction or of several.
pub use crate::codegen::Cycles as Cost;

#[cfg(test)]
mod tests;
