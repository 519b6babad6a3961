//! tinyc compiles a trained neural network (ONNX) ahead of time into code for a microcontroller.
//!
//! [`pipeline::compile`] is the whole way. The command line is a feature (`cli`, on by default); build scripts use
//! the library without it.

#[cfg(feature = "cli")]
pub mod agreement;
mod archive;
#[cfg(feature = "verify")]
pub mod board;
pub mod budget;
pub mod build;
#[cfg(feature = "host")]
pub mod host;
#[cfg(feature = "lock")]
pub mod lock;
#[cfg(feature = "cli")]
pub mod npz;
#[cfg(feature = "cli")]
pub mod package;
pub mod pipeline;
#[cfg(feature = "cli")]
pub mod quantize;
pub mod report;
#[cfg(feature = "verify")]
pub mod samples;
pub mod state;
#[cfg(feature = "verify")]
pub mod verify;
pub mod wording;

pub use build::build;
