//! `--lock`: what a calibration decides is kept in a file, and comes from there the next time.

use super::calibrate::line;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tinyc::lock::Lock;
use tinyc::pipeline::Model;
use tinyc::quantize::{Metric, QuantReport, budget};
use tinyc::wording::counted;
use tinyc_ir::Diagnostic;

/// What a model is made for.
pub(crate) struct On<'a> {
    /// The model's file.
    pub(crate) path: &'a Path,
    /// What it is compiled with, if a target is named.
    pub(crate) options: budget::On<'a>,
    /// RAM that the user names.
    pub(crate) ram: Option<u64>,
    /// Flash that the user names.
    pub(crate) flash: Option<u64>,
}

/// A model on integers, or as it was.
pub(crate) struct Calibrated {
    pub(crate) model: Model,
    /// What was measured, if it was calibrated now.
    pub(crate) report: Option<QuantReport>,
    pub(crate) lock: Kept,
}

/// What becomes of the lock.
pub(crate) enum Kept {
    /// None is asked for.
    No,
    /// The model was made of it.
    Replayed(PathBuf, Box<Lock>),
    /// It is to be written, once all else went well.
    New(PathBuf, Box<Lock>),
}

impl Kept {
    /// Whether the model was made of it.
    pub(crate) fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed(..))
    }

    /// The file of a new one.
    pub(crate) fn file(&self) -> Option<(PathBuf, Vec<u8>)> {
        match self {
            Self::New(path, lock) => Some((path.clone(), lock.text().into_bytes())),
            _ => None,
        }
    }

    /// Says where the model comes from, or that it is kept.
    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::No => Ok(()),
            Self::New(path, _) => {
                line(
                    out,
                    "Lock",
                    &format!("{} is written: with it, samples are not needed", path.display()),
                )?;
                writeln!(out)
            }
            Self::Replayed(path, lock) => {
                let (metric, float, integer, samples) = lock.measured();
                let spelled = |x: f64| {
                    metric.parse().map_or_else(|_| x.to_string(), |metric: Metric| metric.spelled(x))
                };
                let float = float.map_or(String::new(), |x| format!("float {}, ", spelled(x)));
                let then = format!(
                    "{metric} {float}integer {}, on {} when it was made",
                    spelled(integer),
                    counted(samples as usize, "sample")
                );
                line(out, "Lock", &format!("the model is that of {}: {then}", path.display()))?;
                writeln!(out)
            }
        }
    }
}

/// There is neither a lock nor a sample.
pub(super) fn missing(path: &Path) -> Diagnostic {
    let message = format!("{} is not there", path.display());
    Diagnostic::error(tinyc::lock::code::UNREADABLE, message)
        .note("it is written when samples are given, and replayed when it is there")
        .help("give the samples once: --calibrate samples.npz")
}
