//! Loop IR into machine code for Arm Cortex-M: ELF objects, listings, exact cycle counts, and the simulator that executes
//! what was emitted.

mod advance;
mod allocate;
mod architecture;
mod code;
mod count;
pub mod elf;
mod flavor;
mod flow;
mod frame;
mod generate;
mod hoist;
pub mod isa;
mod layout;
mod listing;
mod object;
mod operands;
mod piece;
mod rename;
mod schedule;
mod select;
pub mod sim;
mod spill;
pub mod timing;

pub use architecture::Architecture;
pub use object::{Cost, Layer, Object, compile, compile_functions, machine};
