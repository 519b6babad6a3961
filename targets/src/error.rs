//! Faults of the user: a target that does not exist, a target file that is wrong. Not rendered in colour here.

use std::fmt;

/// A name that is no core, chip or board.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownTarget {
    /// The name as the user wrote it.
    pub name: String,
    /// Existing names that look like it, best first; at most three.
    pub suggestions: Vec<String>,
    /// The names of all cores.
    pub cores: Vec<String>,
    /// The names of all chips.
    pub chips: Vec<String>,
    /// The names of all boards.
    pub boards: Vec<String>,
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no target \"{}\"", self.name.escape_debug())?;
        if let Some((last, before)) = self.suggestions.split_last() {
            let before: String = before.iter().map(|name| format!("\"{name}\", ")).collect();
            let or = if before.is_empty() { "" } else { "or " };
            write!(f, "; did you mean {before}{or}\"{last}\"?")?;
        }
        for (title, names) in [("cores", &self.cores), ("chips", &self.chips), ("boards", &self.boards)] {
            write!(f, "\n{title}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a target file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The line, counted from 1, where it has a place.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything that is wrong with a target file: never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TargetFileError {
    /// The problems in the order of the file.
    pub problems: Vec<FileProblem>,
}

impl fmt::Display for TargetFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match problem.line {
                Some(line) => write!(f, "line {line}: {}", problem.message)?,
                None => write!(f, "{}", problem.message)?,
            }
        }
        Ok(())
    }
}
