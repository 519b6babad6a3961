//! What the user is told: errors and warnings with a place, facts and a way out, and the one renderer for all.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Work goes on.
    Warning,
    /// The model, the budget or the input is refused.
    Error,
}

/// One message to the user.
///
/// Codes: `01xx` reading files, `02xx` unsupported operators, attributes and types, `03xx` shapes, `04xx` quantisation,
/// `05xx` targets and budgets, `06xx` the text form, `07xx` input data. An error prints `E0204`, a warning `W0501`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The number behind `E` or `W`.
    pub code: u16,
    /// One sentence without a final full stop.
    pub message: String,
    /// `detector.onnx, node 41 "neck/up2/Resize" (Resize, opset 13)` or `x.tir:3:14`; empty if there is none.
    pub place: String,
    /// Facts that help to understand it, a line each.
    pub notes: Vec<String>,
    /// What the user can do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: u16, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: String::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning.
    pub fn warning(code: u16, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Says where.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, letter) = match self.severity {
            Severity::Error => ("error", 'E'),
            Severity::Warning => ("warning", 'W'),
        };
        write!(f, "{word}[{letter}{:04}]: {}", self.code, self.message)?;
        if !self.place.is_empty() {
            write!(f, "\n  --> {}", self.place)?;
        }
        for note in &self.notes {
            write!(f, "\n   = {note}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = help: {help}")?;
        }
        Ok(())
    }
}

/// Messages in the order they were found: a run collects all problems before it gives up.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether a message refuses the work.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Diagnostic::to_string).collect();
        f.write_str(&texts.join("\n\n"))
    }
}

impl std::error::Error for Diagnostics {}
