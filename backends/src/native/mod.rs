//! What native backends share between loop IR and machine instructions: functions of 32-bit words in SSA form, made from
//! kernels with strength-reduced addresses, and the routines that small cores lack in hardware. No machine is named here.

mod builder;
mod function;
pub mod interpret;
pub mod routines;

pub use builder::Builder;
pub use function::*;
