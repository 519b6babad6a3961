//! The emitted Rust on this computer: the same source that goes into firmware, compiled by the host's rustc. It says nothing of time and
//! memory on a core.

use super::qemu::Folder;
use super::run::Run;
use super::rust;
use super::{Options, code};
use crate::pipeline::Compiled;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};

/// A program that is compiled and can run.
pub(super) struct Host<'a> {
    folder: Folder,
    options: &'a Options,
}

/// The program's file.
const PROGRAM: &str = "network";

impl<'a> Host<'a> {
    /// Compiles the emitted module.
    pub(super) fn new(compiled: &Compiled, options: &'a Options) -> Result<Self, Diagnostics> {
        let folder = Folder::new(options.keep.as_deref())?;
        for (name, bytes) in compiled.artefacts() {
            folder.write(&name, &bytes)?;
        }
        folder.write("main.rs", rust::program(&compiled.program).as_bytes())?;
        options.rust.compile(folder.path(), None, &["main.rs", "-o", PROGRAM], options)?;
        Ok(Self { folder, options })
    }

    /// Runs all samples, one after another.
    pub(super) fn run(&self, samples: &[Vec<Tensor>]) -> Result<Run, Diagnostics> {
        let bytes: Vec<u8> = samples.iter().flatten().flat_map(|tensor| tensor.data.to_le_bytes()).collect();
        let path = self.folder.write("samples.bin", &bytes)?;
        let output = rust::execute(self.folder.path(), PROGRAM, &path, self.options)?;
        if output.status.success() {
            return Ok(Run { outputs: output.stdout, ..Run::default() });
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let problem = Diagnostic::error(code::STOPPED, format!("the network ended with {}", output.status));
        let problem = said.lines().take(6).fold(problem, |problem, line| problem.note(line));
        Err(problem
            .note("a number from 1 on is the module's `Error`: the input selects data that does not exist")
            .into())
    }
}
