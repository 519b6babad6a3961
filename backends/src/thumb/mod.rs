//! Loop IR into machine code for Arm Cortex-M: ELF objects, listings, exact cycle counts, and the simulator that executes
//! what was emitted.

mod advance;
mod architecture;
mod code;
mod count;
mod flavor;
mod frame;
mod generate;
pub mod isa;
mod layout;
mod listing;
mod object;
mod piece;
mod select;
pub mod sim;
pub mod timing;

pub use architecture::Architecture;
pub use object::{compile, compile_functions, machine};
