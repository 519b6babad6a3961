//! What emitted code and the compiler share: float math with a stated error, in Rust and as C text, and packed operations in Rust.
//!
//! `no_std`, no dependencies. Not here: tensors, kernels, anything that knows about models.
#![no_std]

pub mod c_twin;
pub mod math;
pub mod packed;
pub mod source;
