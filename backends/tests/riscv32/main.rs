//! The RISC-V backend from outside: what it writes goes through the assemblers, linkers and machines that a user has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod functions;
mod isa;
mod tools;

#[path = "../functions/prove.rs"]
mod prove;
#[path = "../functions/random.rs"]
mod random;
