//! From floats to integers: what a quantised model already says is recognised ([`recognize_qdq`]); a float model is calibrated
//! on samples.
//!
//! The way of a float model: a [`plan`] says which tensors become integers, [`statistics`] of the samples what they hold,
//! [`range`] and [`weights`] offer numbers for them, [`build`] makes the graph, and [`calibrate`] measures and chooses.

mod adaptive;
pub mod apart;
pub(crate) mod bias;
pub mod build;
pub mod calibrate;
pub mod equalize;
mod fixed;
pub mod histogram;
pub mod loss;
pub mod observe;
pub mod plan;
pub mod range;
pub mod reason;
pub mod recognize_qdq;
pub mod replay;
pub mod runner;
mod search;
pub mod statistics;
mod steps;
mod table;
pub mod units;
pub mod weights;
