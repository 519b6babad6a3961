//! `tinyc verify --log`: what a board printed against the reference.

use super::Failure;
use super::args::file_name;
use super::sampling::SampleArgs;
use std::collections::BTreeSet;
use std::path::Path;
use tinyc::board::{self, BoardReport, Log};
use tinyc::pipeline::{Compiled, Emit};
use tinyc_ir::Diagnostic;
use tinyc_ir::wording::words;
use tinyc_targets::Target;

/// The code of a log file that cannot be read.
const CANNOT_READ: u16 = 532;

/// Reads a log, or says why it is none.
pub(super) fn read(path: &Path) -> Result<Log, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Diagnostic::error(CANNOT_READ, format!("the log cannot be read: {}", words(&error)))
            .at(path.display().to_string())
    })?;
    board::read(&bytes).map_err(|problem| problem.at(file_name(path)).into())
}

/// What was emitted for the firmware that wrote the log.
pub(super) fn emitted(log: &Log) -> Result<BTreeSet<Emit>, Failure> {
    log.identity.emitted().ok_or_else(|| {
        let what =
            format!("the log is of a form of code that this version does not emit: {}", log.identity.emit);
        Diagnostic::error(CANNOT_READ, what).help("use the version of tinyc that made the firmware").into()
    })
}

/// Compares a log with the reference on the samples that it is about.
pub(super) fn compare(
    compiled: &Compiled,
    target: &Target,
    samples: &SampleArgs,
    log: &Log,
) -> Result<BoardReport, Failure> {
    let samples = samples.load(&compiled.model, Some(log.samples.len()))?;
    Ok(board::compare(compiled, target, &samples, log)?)
}
