//! The integer graph: its numbers, and how it is made of the float one.

pub(crate) mod bias;
pub mod build;
pub mod parameters;
pub mod recognize_qdq;
mod table;
pub mod weights;
