//! The Thumb backend from outside: what it writes goes through the linkers, disassemblers and machines that a user has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod elf;
mod tools;
