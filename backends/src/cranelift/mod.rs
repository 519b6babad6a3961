//! 64-bit machine code by Cranelift: loop IR becomes Cranelift's intermediate representation, one function per kernel.
//!
//! Where the code goes is the [`Module`](cranelift_module::Module)'s matter: into the compiler's own process, or into [an object](object)
//! for another machine. Not here: schedules (they are made in lowering) and instructions (Cranelift selects them).
//!
//! The meaning is the interpreter's, to the bit. Cranelift's own operations differ from it where amounts of shifts leave the
//! width, where divisors are zero and where results have less than 32 bits; [`arithmetic`] and [`convert`] say what is done then.

mod address;
mod arithmetic;
mod convert;
mod expressions;
mod kernel;
mod lanes;
#[cfg(feature = "native64")]
pub mod object;
mod packed;
mod pairs;
mod program;
mod superword;
mod types;

pub use kernel::Checks;
pub use program::{Defined, Definition, Entry, MATH};

use cranelift_codegen::settings::{self, Configurable};
use cranelift_module::ModuleError;

/// Why Cranelift made no code of a program. None is the user's fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It refuses the translation.
    #[error("Cranelift: {0}")]
    Module(Box<ModuleError>),
    /// Its code needs something that is not in the program.
    #[error("Cranelift's code needs {0}")]
    Foreign(String),
}

impl From<ModuleError> for Error {
    fn from(error: ModuleError) -> Self {
        Self::Module(Box::new(error))
    }
}

/// How all code is made: fast, without what it does not need (it is near its data, and its stack is small).
pub fn flags() -> settings::Flags {
    let mut flags = settings::builder();
    let checked = if cfg!(debug_assertions) { "true" } else { "false" };
    let all = [
        ("opt_level", "speed"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("enable_probestack", "false"),
        ("enable_verifier", checked),
    ];
    for (name, value) in all {
        flags.set(name, value).expect("Cranelift has these settings");
    }
    settings::Flags::new(flags)
}
