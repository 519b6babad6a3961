//! Executes emitted machine code in process, and checks what it does: the object file that is shipped, byte for byte. What
//! is checked of memory, calls and returns is shared with other backends; here are the instructions and registers.
//!
//! Cycles are those of [`timing`](super::timing), counted when the code is loaded and added up as it runs; they assume memory
//! that never waits. Not modelled: interrupts, exceptions, system registers, flags of float exceptions, and rounding modes
//! other than to nearest.

mod cpu;
mod execute;
mod float;
mod image;
mod processor;
mod run;
mod step;

pub use crate::codegen::sim::{Fault, FlashModel, Layout, OnChip, Outcome, Trap, Visit, Watch};
pub use cpu::Cpu;

/// A core with code, memory and everything that is checked.
pub type Machine = crate::codegen::sim::Machine<Cpu>;

#[cfg(test)]
mod tests;
