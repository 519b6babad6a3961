//! Loop IR into machine code for Arm Cortex-M: ELF objects, listings, exact cycle counts, and the simulator that executes
//! what was emitted.

pub mod isa;
