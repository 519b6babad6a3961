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
mod fault;
mod flash;
mod float;
mod image;
mod machine;
mod memory;
mod packed;
mod run;
mod step;
mod trace;

pub use cpu::Cpu;
pub use fault::{Fault, Trap};
pub use flash::FlashModel;
pub use machine::{Machine, OnChip, Outcome};
pub use memory::{Layout, RED_ZONE, Region, STACK_BYTES};
pub use run::{Visit, Watch};
pub use trace::{MARK, Trace};

#[cfg(test)]
mod tests;
