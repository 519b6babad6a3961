//! Reads one target file: TOML to types, and every fault to its line. What the checks are is in `check`.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::catalog;
use crate::check::{self, Finding};
use crate::chip::Chip;
use crate::cpu::Core;
use crate::error::{FileProblem, TargetFileError};
use crate::target::Target;

/// A user's file: a core if it has `isa`, else a chip.
pub(crate) fn target(text: &str) -> Result<Target, TargetFileError> {
    let table = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
    let has = |key: &str| table.get_ref().contains_key(key);
    if has("isa") {
        return Ok(Target { core: core(text)?, chip: None, board: None });
    }
    if !has("core") {
        return Err(single(
            None,
            "a target file is a chip (`core = \"cortex-m4\"`) or a core (`isa = \"arm\"`)".into(),
        ));
    }
    let chip = chip(text)?;
    let core = catalog::core(&chip.core).cloned().ok_or_else(|| {
        // `check::chip` has refused the file by now; this arm keeps the function total.
        single(None, format!("there is no core \"{}\"", chip.core))
    })?;
    Ok(Target { core, chip: Some(chip), board: None })
}

/// Reads and checks a core file.
pub(crate) fn core(text: &str) -> Result<Core, TargetFileError> {
    let core: Core = parse(text)?;
    placed(text, check::core(&core)).map(|()| core)
}

/// Reads and checks a chip file.
pub(crate) fn chip(text: &str) -> Result<Chip, TargetFileError> {
    let chip: Chip = parse(text)?;
    placed(text, check::chip(&chip)).map(|()| chip)
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, TargetFileError> {
    toml::from_str(text).map_err(|error| syntax(text, &error))
}

fn syntax(text: &str, error: &toml::de::Error) -> TargetFileError {
    single(error.span().map(|span| line_at(text, span.start)), error.message().to_owned())
}

fn single(line: Option<usize>, message: String) -> TargetFileError {
    TargetFileError { problems: vec![FileProblem { line, message }] }
}

/// Findings with their lines, in the order of the file.
fn placed(text: &str, findings: Vec<Finding>) -> Result<(), TargetFileError> {
    if findings.is_empty() {
        return Ok(());
    }
    let table = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
    let mut problems: Vec<FileProblem> = findings
        .into_iter()
        .map(|finding| FileProblem {
            line: offset_of(table.get_ref(), &finding.path).map(|offset| line_at(text, offset)),
            message: format!("{}: {}", finding.path, finding.message),
        })
        .collect();
    problems.sort_by_key(|problem| problem.line);
    Err(TargetFileError { problems })
}

/// The line, counted from 1, of a byte offset.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Where the value at a path like `memory.0.bytes` stands, or the nearest table around it.
fn offset_of(root: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut steps = path.split('.');
    let mut here: &Spanned<DeValue<'_>> = root.get(steps.next()?)?;
    for step in steps {
        let inner = match here.get_ref() {
            DeValue::Table(table) => table.get(step),
            DeValue::Array(array) => step.parse().ok().and_then(|index: usize| array.get(index)),
            _ => None,
        };
        match inner {
            Some(inner) => here = inner,
            None => break,
        }
    }
    Some(here.span().start)
}
