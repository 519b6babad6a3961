//! Which samples a command works on: those of a file, or random ones from a seed.

use super::Failure;
use std::path::{Path, PathBuf};
use tinyc::pipeline::Model;
use tinyc::{npz, samples};
use tinyc_ir::Tensor;

/// Random samples, if the user does not say how many.
const RANDOM_SAMPLES: u32 = 4;

/// Arguments about samples, shared by `verify` and the firmware of `compile`.
#[derive(clap::Args)]
pub(super) struct SampleArgs {
    /// The inputs, an .npz file as for `tinyc run`; without it, samples are random
    #[arg(long, value_name = "FILE", help_heading = "Samples")]
    inputs: Option<PathBuf>,

    /// Take only the first N samples of the file, or N random ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Samples")]
    samples: Option<u32>,

    /// The seed of random samples
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 0,
        conflicts_with = "inputs",
        help_heading = "Samples"
    )]
    seed: u64,

    /// Take floats for quantised inputs, and quantise them as the model's inputs say
    #[arg(long, requires = "inputs", help_heading = "Samples")]
    quantize_inputs: bool,
}

impl SampleArgs {
    /// The samples, one tensor per input that the user supplies each; at most `limit`, if the user says nothing else.
    pub(super) fn load(&self, model: &Model, limit: Option<usize>) -> Result<Vec<Vec<Tensor>>, Failure> {
        let wanted = self.samples.map(|n| n as usize).or(limit);
        match &self.inputs {
            Some(path) => Ok(samples::select(&npz::read(path)?, model, wanted, self.quantize_inputs)?.inputs),
            None => Ok(samples::random(model, self.seed, wanted.unwrap_or(RANDOM_SAMPLES as usize))),
        }
    }

    /// The file that they are from.
    pub(super) fn file(&self) -> Option<&Path> {
        self.inputs.as_deref()
    }

    /// Where the samples are from, for a person.
    pub(super) fn origin(&self) -> String {
        match &self.inputs {
            Some(path) => format!("samples from {}", path.display()),
            None => format!("random samples of seed {}", self.seed),
        }
    }

    /// Whether the user said something about samples.
    pub(super) fn given(&self) -> bool {
        self.inputs.is_some() || self.samples.is_some() || self.seed != 0
    }
}
