//! Programs as native code in this process: the fast way to run a network on the machine that compiles it.
//!
//! [`Host::compile`] gives a program to Cranelift, a [`Session`] runs it in memory of its own, so one `Host` serves many
//! threads. The results are the loop interpreter's, bit for bit (a NaN may have other bits). Not here: how loops become code
//! (`tinyc_backends::cranelift`), and what a graph means.
//!
//! The code reads and writes memory through plain addresses. That it stays inside of it rests on the verifier of the
//! loop IR, which [`Host::compile`] runs, and on clamps of the data-dependent indices, which the verifier does not prove.

mod code;
mod math;
mod session;

pub use session::{Failure, Session};

use code::Code;
use std::sync::Arc;
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, VerifyError, verify};

/// Why there is no native code for a program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program breaks a rule of the loop IR; the first that it breaks.
    #[error("the program is not well formed: {0}")]
    Program(VerifyError),
    /// Cranelift does not know this machine.
    #[error("there is no native code for this machine: {0}")]
    Machine(String),
    /// Cranelift made no code.
    #[error(transparent)]
    Code(#[from] tinyc_backends::cranelift::Error),
}

/// A program that this machine executes.
#[derive(Clone, Debug)]
pub struct Host {
    program: Arc<Program>,
    code: Arc<Code>,
}

impl Host {
    /// Makes machine code of a program.
    ///
    /// # Errors
    /// A program that the verifier refuses; a machine that Cranelift has no code for.
    pub fn compile(program: &Program) -> Result<Self, Error> {
        verify(program).map_err(|mut errors| Error::Program(errors.swap_remove(0)))?;
        Ok(Self { program: Arc::new(program.clone()), code: Arc::new(Code::of(program)?) })
    }

    /// Memory for runs one after the other, with the state at its beginning.
    pub fn session(&self) -> Session {
        Session::new(self.program.clone(), self.code.clone())
    }

    /// Runs the program once, with the state at its beginning.
    ///
    /// # Errors
    /// See [`Session::run`].
    pub fn run(&self, inputs: &[Data]) -> Result<Vec<Data>, Failure> {
        self.session().run(inputs)
    }
}
