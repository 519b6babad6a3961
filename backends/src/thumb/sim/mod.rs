//! Executes emitted machine code in process, and checks what it does: the object file that is shipped, byte for byte.
//!
//! Every access must lie in one buffer, be aligned, and read only what was written; stores go to writable memory only; a
//! function gives back the registers and the stack pointer that its caller relies on; nothing undefined runs. Cycles are those
//! of [`timing`](super::timing), counted when the code is loaded and added up as it runs; they assume memory that never waits.
//! With a [`FlashModel`] there is a second figure.
//!
//! Not modelled: interrupts, exceptions, peripherals, the system's registers, flags of float exceptions, and rounding modes
//! other than to nearest.

mod cpu;
mod execute;
mod float;
mod image;
mod packed;
mod processor;
mod run;
mod step;

pub use crate::codegen::sim::{
    Fault, FlashModel, Layout, MARK, OnChip, Outcome, RED_ZONE, Region, STACK_BYTES, Trace, Trap, Visit,
    Watch,
};
pub use cpu::Cpu;

/// A core with code, memory and everything that is checked.
pub type Machine = crate::codegen::sim::Machine<Cpu>;

#[cfg(test)]
mod tests;
