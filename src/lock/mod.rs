//! A calibration that is kept: what was decided, and from which files. With a lock, the same model gives the same bytes again,
//! without samples and without deciding anything.

mod file;
mod hash;
mod rounding;

use crate::pipeline::Model;
use file::{Data, FORMAT, File, Measured};
use std::path::{Path, PathBuf};
use tinyc_ir::wording::words;
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_passes::quantize::replay::{self, Decided};

/// The numbers of the messages about lock files.
pub mod code {
    /// A lock file cannot be read, or is none.
    pub const UNREADABLE: u16 = 433;
    /// What is compiled is not what the lock was made of.
    pub const OTHER: u16 = 434;
    /// The lock is of another version of the compiler.
    pub const VERSION: u16 = 435;
}

/// What a lock was made with, beside the model.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// As on the command line.
    pub options: Vec<String>,
    /// If anything was limited: the core, chip or board.
    pub target: Option<String>,
    /// Whether inputs and outputs stay floats.
    pub float_io: bool,
    /// Files of samples and labels, by their use.
    pub data: Vec<(&'static str, PathBuf)>,
    /// How good the model is: name of the metric, of the float model, of the integer model, samples.
    pub measured: (String, Option<f64>, f64, u64),
}

/// A lock file.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    file: File,
    /// Its name, for messages.
    name: String,
}

impl Lock {
    /// Of a calibration of the float model at `path`.
    ///
    /// # Errors
    /// A file cannot be read again.
    pub fn new(path: &Path, model: &Model, decided: &Decided, made: &Made) -> Result<Self, Diagnostic> {
        let broken =
            |message: String| Diagnostic::error(code::UNREADABLE, format!("no lock can be made: {message}"));
        let data = made.data.iter().map(|(used, path)| {
            let sha256 = hash::of(std::slice::from_ref(path)).map_err(|e| unreadable(path, &e))?;
            Ok(Data { used: (*used).into(), file: name_of(path), sha256 })
        });
        let (metric, float, integer, samples) = made.measured.clone();
        let (channels, tensors, layers) = file::parts(&model.reference, decided).map_err(broken)?;
        let made_of = of_model(path, model)?;
        let file = File {
            format: FORMAT,
            tinyc: env!("CARGO_PKG_VERSION").into(),
            options: made.options.clone(),
            target: made.target.clone(),
            float_io: made.float_io,
            state_bits: file::state_bits(&made_of, decided),
            model: made_of,
            data: data.collect::<Result<_, Diagnostic>>()?,
            // TOML has infinity, and JSON's readers need not know it.
            measured: Measured { metric, float, integer: integer.min(f64::MAX), samples },
            sha256: file::hash(decided),
            channels,
            tensors,
            layers,
        };
        Ok(Self { file, name: "tinyc.lock".into() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no lock.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
        let name = name_of(path);
        let refuse = |message: String| {
            let problem = Diagnostic::error(code::UNREADABLE, message).at(name.clone());
            problem.help("delete it, and give the samples with --calibrate to make it anew")
        };
        let file: File =
            toml::from_str(&text).map_err(|e| refuse(format!("this is no lock file: {}", e.message())))?;
        if file.format != FORMAT {
            return Err(refuse(format!(
                "the file has format {}, and this tinyc reads format {FORMAT}",
                file.format
            )));
        }
        Ok(Self { file, name })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let body = toml::to_string(&self.file).expect("strings, numbers and lists are TOML");
        format!(
            "# What `tinyc --lock` has decided of a float model, so that it comes out with the same bytes without its samples.\n\
             # Keep it with the model; delete it to decide anew.\n{body}"
        )
    }

    /// What was asked for when it was made, as on the command line.
    pub fn options(&self) -> &[String] {
        &self.file.options
    }

    /// Refuses other options, or another target where precisions were chosen for one. Nothing asked is what was asked then.
    ///
    /// # Errors
    /// What differs.
    pub fn check_options(&self, asked: &[String], target: Option<&str>) -> Result<(), Diagnostic> {
        let spelled = |options: &[String]| match options {
            [] => "none".to_owned(),
            options => options.join(" "),
        };
        if !asked.is_empty() && asked != self.file.options {
            return Err(self
                .other("the lock was made with other options")
                .note(format!("then: {}", spelled(&self.file.options)))
                .note(format!("now: {}", spelled(asked))));
        }
        match (&self.file.target, target) {
            (Some(then), Some(now)) if then != now => {
                Err(self.other(format!("the lock's precisions were chosen for {then}, not for {now}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses samples or labels that are not those it was made of; `used` is `calibrate`, `evaluate` or `labels`.
    ///
    /// # Errors
    /// What differs.
    pub fn check_data(&self, used: &str, path: &Path) -> Result<(), Diagnostic> {
        let Some(then) = self.file.data.iter().find(|data| data.used == used) else {
            return Err(self.other(format!("the lock was made without --{used}")));
        };
        let now = hash::of(&[path.to_path_buf()]).map_err(|e| unreadable(path, &e))?;
        if now == then.sha256 {
            return Ok(());
        }
        let message = format!("{} is not the {} that the lock was made of", name_of(path), then.file);
        Err(self
            .other(message)
            .note(format!("sha256 then: {}", then.sha256))
            .note(format!("sha256 now: {now}")))
    }

    /// The integer model of a float model that was read from `path`.
    ///
    /// # Errors
    /// The model is not the one that the lock was made of, or the lock was changed by hand.
    pub fn replay(&self, path: &Path, model: &Model) -> Result<Model, Diagnostics> {
        let (then, now) = (&self.file.model, of_model(path, model)?);
        if then.sha256 != now.sha256 {
            let message = format!("{} is not the model that the lock was made of", now.file);
            return Err(self
                .other(message)
                .note(format!("sha256 then: {} ({})", then.sha256, then.file))
                .note(format!("sha256 now: {}", now.sha256))
                .into());
        }
        if then.inputs != now.inputs {
            return Err(self
                .other("the model's inputs have other shapes than when the lock was made")
                .note(format!("then: {}", then.inputs.join(", ")))
                .note(format!("now: {}", now.inputs.join(", ")))
                .into());
        }
        if then.states != now.states {
            let spelled = |states: &[String]| match states {
                [] => "none".to_owned(),
                states => states.join(", "),
            };
            return Err(self
                .other("the model keeps other states than when the lock was made")
                .note(format!("then: {}", spelled(&then.states)))
                .note(format!("now: {}", spelled(&now.states)))
                .help("say the same pairs with --state, or `.state(…)` in a build script")
                .into());
        }
        let (float, face) = (&model.reference, !self.file.float_io);
        let built = file::decided(float, &self.file)
            .and_then(|decided| replay::rebuild(float, &decided, model.states.kept(), face));
        let built = built.map_err(|why| self.other("the lock does not fit the model").note(why))?;
        let mut result = model.clone();
        result.reference = built.graph;
        result.reference.name.clone_from(&model.reference.name);
        result.warnings.0.extend(built.diagnostics.0);
        let version = env!("CARGO_PKG_VERSION");
        if self.file.tinyc != version {
            let message = format!("the lock is of tinyc {}, and this is {version}", self.file.tinyc);
            let warning = Diagnostic::warning(code::VERSION, message).at(self.name.clone());
            result.warnings.push(
                warning
                    .note("the integer model is the same; the code that is made of it may be other code")
                    .help("delete the lock and give the samples to decide anew with this version"),
            );
        }
        Ok(result)
    }

    /// How good the model was when the lock was made: name of the metric, of the float model, of the integer model, samples.
    pub fn measured(&self) -> (&str, Option<f64>, f64, u64) {
        let Measured { metric, float, integer, samples } = &self.file.measured;
        (metric, *float, *integer, *samples)
    }

    fn other(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code::OTHER, message)
            .at(self.name.clone())
            .help("delete the lock and give the samples with --calibrate to make it anew")
    }
}

fn of_model(path: &Path, model: &Model) -> Result<file::Model, Diagnostic> {
    let others = model.data_files.iter().map(|file| path.with_file_name(file));
    let files: Vec<PathBuf> = [path.to_path_buf()].into_iter().chain(others).collect();
    let graph = &model.reference;
    let inputs = graph.inputs.iter().map(|&v| {
        let data = &graph.values[v];
        format!("{} {}{}", data.name, data.ty.dtype, data.ty.shape)
    });
    let states = model.states.kept().iter().map(|kept| {
        // As the file has them, and the user.
        let file = &model.imported;
        let name = |v: tinyc_ir::Value| file.values[v].name.as_str();
        format!("{}={}", name(file.inputs[kept.input]), name(file.outputs[kept.output]))
    });
    Ok(file::Model {
        file: name_of(path),
        sha256: hash::of(&files).map_err(|e| unreadable(path, &e))?,
        inputs: inputs.collect(),
        states: states.collect(),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(code::UNREADABLE, format!("{} cannot be read: {}", path.display(), words(error)))
}

/// The name without the folder.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
