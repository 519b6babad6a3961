//! Loop IR into machine code for 32-bit RISC-V: ELF objects, listings, cycle counts, and the simulator that executes what was
//! emitted. RV32I and RV32E, with M, C, F, Zba and Zbb where the core has them.

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

#[cfg(feature = "native64")]
pub(crate) use architecture::attributes;
pub use object::{compile, compile_functions, machine};
