//! A number and where it comes from. No figure of a target exists without its source.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a figure comes from.
///
/// In TOML, `source = "unsourced"` or the name of an entry of the file's `[sources]` table, which holds the
/// citation; the loader refuses a name that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Source {
    /// Nobody has shown where the figure comes from: check it against the data sheet before relying on it.
    Unsourced,
    /// A key of the file's `sources`.
    Cited(String),
}

impl Source {
    /// Whether the figure is general knowledge without a document behind it.
    pub fn is_unsourced(&self) -> bool {
        matches!(self, Source::Unsourced)
    }
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        if text == "unsourced" { Source::Unsourced } else { Source::Cited(text) }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Unsourced => f.write_str("unsourced"),
            Source::Cited(key) => f.write_str(key),
        }
    }
}

/// A value with its source. The unit is stated on the field that holds the figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The value, in the unit of the field.
    pub value: T,
    /// Where the value comes from.
    pub source: Source,
}

/// Cycles that an instruction takes, or adds, with zero-wait-state memory.
///
/// In TOML, `{ cycles = 7, worst = 12, source = "trm" }`; `worst` may be left out where it equals `cycles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycles {
    /// What a cost model should take, in cycles.
    pub cycles: u32,
    /// The most it can take, in cycles, where that differs. Read it through [`Cycles::worst`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worst: Option<u32>,
    /// Where the figure comes from.
    pub source: Source,
}

impl Cycles {
    /// The most it can take, in cycles; never below `cycles`.
    pub fn worst(&self) -> u32 {
        self.worst.unwrap_or(self.cycles).max(self.cycles)
    }

    /// Whether time depends on the operands, on alignment or on the implementation of the core.
    pub fn varies(&self) -> bool {
        self.worst() != self.cycles
    }

    /// The `worst` of the file, for the check that it is not below `cycles`.
    pub(crate) fn stated_worst(&self) -> Option<u32> {
        self.worst
    }
}
