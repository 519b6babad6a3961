//! `--report`: what a quantisation has come to, as a page for a browser.

use super::locking::Calibrated;
use super::{Failure, files};
use std::path::{Path, PathBuf};
use tinyc::quantize::QuantReport;
use tinyc::report::Report;
use tinyc::report::quantization::Quantization;

/// Where the page goes.
#[derive(clap::Args)]
pub(crate) struct PageArgs {
    /// Write a page about the quantisation: accuracy, layers, ranges as pictures. One HTML file, without script or other files
    #[arg(long, value_name = "FILE.html", requires = "calibrate", help_heading = "Quantisation")]
    report: Option<PathBuf>,
}

impl PageArgs {
    /// Refuses a page in the place of something that is read.
    pub(crate) fn check_place(&self, inputs: &[&Path]) -> Result<(), Failure> {
        self.report.iter().try_for_each(|path| files::not_read(path, inputs))?;
        Ok(())
    }

    /// Refuses a page of a calibration that is not made.
    pub(crate) fn check(&self, calibrated: &Calibrated) -> Result<(), Failure> {
        match (&self.report, &calibrated.report) {
            (Some(_), None) if calibrated.lock.is_replayed() => Err(Failure::Usage(
                "`--report` shows a calibration, and the model of a lock has none: delete the lock to make it anew",
            )),
            (Some(_), None) => {
                Err(Failure::Usage("`--report` shows a calibration, and the model is quantised already"))
            }
            _ => Ok(()),
        }
    }

    /// The page, if it is asked for; with cycles and memory of what was compiled.
    pub(crate) fn file(
        &self,
        model: &str,
        measured: Option<&QuantReport>,
        compiled: Option<&Report>,
    ) -> Option<(PathBuf, Vec<u8>)> {
        let (path, measured) = (self.report.as_ref()?, measured?);
        let mut page = Quantization::measured(model, measured);
        if let Some(compiled) = compiled {
            page.add_compiled(compiled);
        }
        Some((path.clone(), page.html().into_bytes()))
    }
}
