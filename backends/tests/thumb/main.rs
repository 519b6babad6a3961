//! The Thumb backend from outside: what it writes goes through the assemblers, linkers, disassemblers and machines that a
//! user has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod assembler;
mod board;
mod compiled;
mod elf;
mod functions;
mod instances;
mod isa;
mod sim;
mod steps;
mod tools;

#[path = "../functions/prove.rs"]
mod prove;
#[path = "../functions/random.rs"]
mod random;
