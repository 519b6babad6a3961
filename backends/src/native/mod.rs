//! What native backends share between loop IR and machine instructions: functions of 32-bit words in SSA form, made from
//! kernels with strength-reduced addresses, and the routines that small cores lack in hardware. No machine is named here.

mod addresses;
mod builder;
mod cleanup;
mod counts;
pub mod execute;
mod expressions;
mod floats;
mod function;
pub mod interpret;
mod kernel;
mod missing;
mod module;
mod packed;
pub mod routines;
mod run;
mod scope;
mod size;
mod statements;
mod text;
mod unroll;
mod verify;
mod wide;

pub use crate::data::{Data, Label};
pub use builder::{Builder, Definition};
pub use function::*;
pub use module::{Module, build};
pub use verify::{Error, verify};
