//! tinyc compiles a trained neural network (ONNX) ahead of time into code for a microcontroller.
//!
//! [`pipeline::compile`] is the whole way. The command line is a feature (`cli`, on by default); build scripts use
//! the library without it.

pub mod budget;
pub mod pipeline;
