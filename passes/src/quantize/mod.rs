//! From floats to integers: what a quantised model already says is recognised here. Calibrating a float model will be
//! a neighbour.

pub(crate) mod bias;
pub mod recognize_qdq;
