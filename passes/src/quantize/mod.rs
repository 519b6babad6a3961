//! From floats to integers: what a quantised model already says is recognised ([`integer::recognize_qdq`]); a float model is calibrated
//! on samples.
//!
//! The way of a float model: a [`plan`] says which tensors become integers, [`range`] what the samples show of them and which scales
//! that offers, [`integer`] makes the graph from such numbers, and [`calibrate`] measures and chooses, with all that makes it better: channels
//! equalised ([`equalize`]), weights rounded adaptively (`adaptive`).

mod adaptive;
pub mod calibrate;
pub mod equalize;
mod fixed;
pub mod integer;
pub mod loss;
pub mod plan;
pub mod range;
pub mod replay;
pub mod runner;
mod search;
pub mod units;
