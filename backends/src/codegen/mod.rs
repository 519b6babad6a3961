//! What native backends share between selected instructions and an object: control flow, the order of instructions, spilling,
//! register allocation, counts, the ELF file, and the frame of a simulator with watched memory. No machine is named here:
//! [`Isa`] and [`sim::Processor`] are what a backend answers.

mod allocate;
mod body;
mod code;
pub mod elf;
mod flow;
mod hoist;
mod isa;
pub(crate) mod listing;
mod object;
mod operands;
pub(crate) mod pattern;
mod rename;
mod schedule;
mod select;
pub mod sim;
mod spill;
mod total;

pub(crate) use allocate::{allocate, allocator_spilled, split_critical_edges};
pub(crate) use body::{Body, Part, Span, joints, order};
#[cfg(test)]
pub(crate) use code::{Block, Edge};
pub(crate) use code::{Code, End, Line, Location, Memory, What};
pub(crate) use flow::Flow;
pub(crate) use hoist::hoist;
pub(crate) use isa::{Convention, Isa, Name};
pub use isa::{Field, Role};
#[cfg(test)]
pub(crate) use operands::writes_of;
pub(crate) use operands::{reads, reads_of};
pub(crate) use schedule::schedule;
pub(crate) use select::{Select, Selector, select};
pub(crate) use spill::{Room, spill};
pub use total::Cycles;
pub(crate) use total::{Call, Costs, Functions, Generated, Total};
