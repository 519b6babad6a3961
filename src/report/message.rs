//! A diagnostic as plain data, for programs.

use serde::Serialize;
use tinyc_ir::Diagnostic;
use tinyc_ir::diagnostic::Severity;

/// One message. What people read is the diagnostic's own text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `"error"` or `"warning"`.
    pub severity: &'static str,
    /// `E0204`, `W0501`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Where; empty if there is no place.
    pub place: String,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// What the user can do.
    pub help: Option<String>,
}

impl From<&Diagnostic> for Message {
    fn from(diagnostic: &Diagnostic) -> Self {
        let (severity, letter) = match diagnostic.severity {
            Severity::Error => ("error", 'E'),
            Severity::Warning => ("warning", 'W'),
        };
        Self {
            severity,
            code: format!("{letter}{:04}", diagnostic.code),
            message: diagnostic.message.clone(),
            place: diagnostic.place.clone(),
            notes: diagnostic.notes.clone(),
            help: diagnostic.help.clone(),
        }
    }
}
