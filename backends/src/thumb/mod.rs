//! Loop IR into machine code for Arm Cortex-M: ELF objects, listings, exact cycle counts, and the simulator that executes
//! what was emitted.

mod architecture;
pub mod elf;
pub mod isa;
pub mod sim;
pub mod timing;

pub use architecture::Architecture;
