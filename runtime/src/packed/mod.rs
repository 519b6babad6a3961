//! Packed operations of the loop IR as safe functions: single instructions where the core has them, else plain Rust. Which core it
//! is, the build script finds out. What they compute is defined in `tinyc_ir::loops::packed`.

#[cfg(tinyc_dsp)]
mod arm;
pub mod portable;

#[cfg(tinyc_dsp)]
pub use arm::{
    add_bytes, dot2, dot2_wide, max_bytes_signed, max_bytes_unsigned, mul_half, mul_high_acc, unpack_signed,
    unpack_unsigned,
};
pub use portable::*;
