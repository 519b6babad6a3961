//! A build script's talk with cargo.

use std::ffi::OsString;
use std::path::PathBuf;
use tinyc_ir::{Diagnostic, Diagnostics};

/// The code of messages about what the build script asks for.
const BUILD_SCRIPT: u16 = 504;

/// What cargo tells a build script, and what the script tells cargo.
pub(super) struct Script {
    pub(super) out_dir: PathBuf,
    /// The target's triple.
    pub(super) triple: String,
    pub(super) said: String,
}

impl Script {
    pub(super) fn from_cargo() -> Result<Self, Diagnostics> {
        let variable = |name: &str| -> Result<OsString, Diagnostics> {
            std::env::var_os(name).ok_or_else(|| {
                fault(format!("{name} is not set"), "`emit` is for build scripts, which cargo runs")
            })
        };
        Ok(Self {
            out_dir: variable("OUT_DIR")?.into(),
            triple: variable("TARGET")?.to_string_lossy().into_owned(),
            said: String::new(),
        })
    }
}

/// What is wrong with what the script asks for.
pub(super) fn fault(message: String, help: &str) -> Diagnostics {
    Diagnostic::error(BUILD_SCRIPT, message).help(help.to_owned()).into()
}

/// Tells cargo, or tells the user and ends the script.
pub(super) fn finish(result: Result<String, Diagnostics>) {
    match result {
        Ok(said) => print!("{said}"),
        Err(diagnostics) => {
            eprintln!("{diagnostics}");
            std::process::exit(1);
        }
    }
}
