//! Arguments that several commands share: the model, its open shapes, and the target.

use super::Failure;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tinyc_ir::wording::words;
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_targets::Target;

/// The code of every message about a target file.
const TARGET_FILE: u16 = 502;

/// The model and what it leaves open.
#[derive(clap::Args)]
pub(crate) struct ModelArgs {
    /// The network, an ONNX file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    #[command(flatten)]
    pub(crate) shapes: ShapeArgs,
}

impl ModelArgs {
    /// The model's file name without its folder.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.model)
    }
}

/// A path without its folder.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Shapes that the model leaves open.
#[derive(clap::Args)]
pub(crate) struct ShapeArgs {
    /// The shape of an input whose dimensions the model leaves open; may be repeated
    #[arg(long, value_name = "INPUT=1,49,10,1", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
}

impl ShapeArgs {
    /// Shapes by input. Of two for one input, the last counts.
    pub(crate) fn by_input(&self) -> BTreeMap<String, Vec<usize>> {
        self.shape.iter().cloned().collect()
    }
}

fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    // Names may contain `=`, dimensions not.
    let parts = text.rsplit_once('=').filter(|(name, _)| !name.is_empty());
    let (name, dims) = parts.ok_or("write INPUT=1,49,10,1 with the input's name")?;
    let dims = dims.trim_matches(['[', ']', '(', ')']);
    let read = |dim: &str| match dim.trim().parse::<usize>() {
        Ok(dim) => Ok(dim),
        Err(_) => {
            Err(format!("\"{}\" is not a dimension; write whole numbers, as in {name}=1,49,10,1", dim.trim()))
        }
    };
    Ok((name.to_owned(), dims.split(',').map(read).collect::<Result<_, _>>()?))
}

/// What the model keeps between runs.
#[derive(clap::Args)]
pub(crate) struct StateArgs {
    /// An output that becomes this input of the next run: the network keeps it in a struct; may be repeated. Samples are then one
    /// sequence, in order
    #[arg(long, value_name = "INPUT=OUTPUT", value_parser = pair)]
    state: Vec<(String, String)>,
}

impl StateArgs {
    /// Names of inputs and of the outputs that become them.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.state.clone()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((input, output)) if !input.is_empty() && !output.is_empty() => Ok((input.into(), output.into())),
        _ => Err("write INPUT=OUTPUT with the names of an input and of the output that becomes it".into()),
    }
}

/// The core or chip to compile for.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TargetArgs {
    /// The core, chip or board to compile for; `tinyc targets` lists them
    #[arg(long, value_name = "NAME", value_parser = target, help_heading = "Target")]
    target: Option<Target>,

    /// A target of your own: a chip or core in the format of the files in targets/
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    target_file: Option<PathBuf>,
}

impl TargetArgs {
    /// The target, read from its file if it is the user's own.
    pub(crate) fn load(&self) -> Result<Target, Failure> {
        match (&self.target, &self.target_file) {
            (Some(target), _) => Ok(target.clone()),
            (None, Some(path)) => read_target(path),
            (None, None) => Err(Failure::Usage("`--target` or `--target-file` names what to compile for")),
        }
    }
}

/// The core or chip whose costs are limited, if any are.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct CostTargetArgs {
    /// The core, chip or board on which the model is to keep to limits; `tinyc targets` lists them
    #[arg(id = "cost_target", long = "target", value_name = "NAME", value_parser = target, help_heading = "Target")]
    target: Option<Target>,

    /// A target of your own: a chip or core in the format of the files in targets/
    #[arg(id = "cost_target_file", long = "target-file", value_name = "FILE", help_heading = "Target")]
    target_file: Option<PathBuf>,
}

impl CostTargetArgs {
    /// The target, if one is named.
    pub(crate) fn load(&self) -> Result<Option<Target>, Failure> {
        match (&self.target, &self.target_file) {
            (Some(target), _) => Ok(Some(target.clone())),
            (None, path) => path.as_deref().map(read_target).transpose(),
        }
    }
}

/// A target of the user's own.
fn read_target(path: &Path) -> Result<Target, Failure> {
    let name = file_name(path);
    let text = std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::error(TARGET_FILE, format!("the target file cannot be read: {}", words(&error)))
            .at(path.display().to_string())
    })?;
    Target::from_toml(&text).map_err(|error| {
        let problems = error.problems.into_iter().map(|problem| {
            let place = problem.line.map_or(name.clone(), |line| format!("{name}:{line}"));
            Diagnostic::error(TARGET_FILE, problem.message).at(place)
        });
        Failure::Refused(Diagnostics(problems.collect()))
    })
}

pub(super) fn target(name: &str) -> Result<Target, String> {
    tinyc_targets::find(name).map_err(|unknown| {
        let mut text = unknown.to_string();
        text.push_str("\n`tinyc targets` says more about each; --target-file takes one of your own");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn shapes_are_read() {
        assert_eq!(shape("x=1,49,10,1"), Ok(("x".into(), vec![1, 49, 10, 1])));
        assert_eq!(shape("a=b:0=[1, 3]"), Ok(("a=b:0".into(), vec![1, 3])));
        for text in ["", "x", "=1", "x=", "x=1,,2", "x=-1", "x=1.5", "x=99999999999999999999"] {
            assert!(shape(text).is_err(), "{text}");
        }
    }
}
