//! 64-bit machine code by Cranelift: loop IR becomes Cranelift's intermediate representation, one function per kernel.
//!
//! Where the code goes is the [`Module`](cranelift_module::Module)'s matter; so far it goes into the compiler's own process. Not here: schedules (they are made in lowering) and instructions (Cranelift selects them).
//!
//! The meaning is the interpreter's, to the bit. Cranelift's own operations differ from it where amounts of shifts leave the
//! width, where divisors are zero and where results have less than 32 bits; [`arithmetic`] and [`convert`] say what is done then.

mod address;
mod arithmetic;
mod convert;
mod expressions;
mod kernel;
mod lanes;
mod packed;
mod pairs;
mod program;
mod superword;
mod types;

pub use kernel::Checks;
pub use program::{Defined, Definition, Entry, MATH};

use cranelift_module::ModuleError;

/// Why Cranelift made no code of a program. None is the user's fault.
#[derive(Debug, thiserror::Error)]
#[error("Cranelift: {0}")]
pub struct Error(Box<ModuleError>);

impl From<ModuleError> for Error {
    fn from(error: ModuleError) -> Self {
        Self(Box::new(error))
    }
}
