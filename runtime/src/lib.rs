//! What emitted code and the compiler share: float math with a stated error. `no_std`, no dependencies.
#![no_std]
pub mod math;
