//! Graph passes, lowering to loops and the memory plan.

pub mod lower;
pub mod plan;
