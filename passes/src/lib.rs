//! Graph passes, lowering to loops and the memory plan.

pub mod graph;
pub mod lower;
pub mod plan;
pub mod quantize;
