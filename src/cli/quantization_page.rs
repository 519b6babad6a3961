//! `--report`: what a quantisation has come to, as a page for a browser.

use super::locking::Kept;
use super::{Failure, files};
use std::path::PathBuf;
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
    /// Refuses a page of a calibration that is not made.
    pub(crate) fn check(&self, lock: &Kept) -> Result<(), Failure> {
        match self.report.is_some() && lock.is_replayed() {
            true => Err(Failure::Usage(
                "`--report` shows a calibration, and the model of a lock has none: delete the lock to make it anew",
            )),
            false => Ok(()),
        }
    }

    /// Writes the page, if it is asked for; with cycles and memory of what was compiled.
    pub(crate) fn write(
        &self,
        model: &str,
        measured: &QuantReport,
        compiled: Option<&Report>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.report else { return Ok(()) };
        let mut page = Quantization::measured(model, measured);
        if let Some(compiled) = compiled {
            page.add_compiled(compiled);
        }
        Ok(files::write(path, page.html().into_bytes())?)
    }
}
