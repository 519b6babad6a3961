//! The types of registers and buffer elements in the loop IR.

use crate::DType;

/// The type of an expression, a variable or a buffer's element: the storage types of tensors, no quantisation.
///
/// Arithmetic is on `i32`, `u32`, `i64`, `u64`, `f32`, `f64`; narrower types are only loaded, stored and converted. Types
/// whose elements share bytes do not occur: their buffers are of `u8`.
pub type Scalar = DType;
