//! `tinyc verify`: the emitted code on a simulated machine, byte for byte against the reference.

use super::args::{ModelArgs, TargetArgs};
use super::compile::{CompilerArgs, options};
use super::progress::Progress;
use super::style::{self, DIM, GOOD, paint};
use super::{Console, Failure};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use tinyc::report::Message;
use tinyc::verify::{self, Verification};
use tinyc::{npz, pipeline, samples};
use tinyc_ir::seeded::Seeded;
use tinyc_ir::{Graph, Tensor};

/// Proves that the emitted code computes the bytes of the reference, on a simulated machine
///
/// Builds a small firmware around the emitted C, unchanged, with GCC for the target's core, runs it under QEMU, and compares
/// the outputs of every sample and every surviving tensor of the first with the reference evaluation. Shows
/// instructions, stack and flash. Without --inputs, the samples are random, from a seed. Exits with 1 if a byte differs.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    compiler: CompilerArgs,

    /// The inputs, an .npz file as for `tinyc run`
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,

    /// Verify only the first N samples of the file, or N random ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,

    /// The seed of random samples
    #[arg(long, value_name = "SEED", default_value_t = 0, conflicts_with = "inputs")]
    seed: u64,

    /// Take floats for quantised inputs, and quantise them as the model's inputs say
    #[arg(long, requires = "inputs")]
    quantize_inputs: bool,

    /// Keep the firmware's sources, objects and logs in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Print JSON: {"status", "verification", "diagnostics"}; "status" is "done" or "different"
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Needs GCC for the core and QEMU; a message says how to install what is missing.

Examples:
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m0 --samples 20 \\
      --inputs examples/models/digits/digits_samples.npz";

/// Random samples, if the user does not say how many.
const RANDOM_SAMPLES: u32 = 4;

/// What came out, for `--json`.
#[derive(Serialize)]
struct Outcome<'a> {
    status: &'static str,
    verification: &'a Verification,
    diagnostics: Vec<Message>,
}

/// Compiles, simulates, compares.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    let options = options(&args.model, &args.target, &args.compiler)?;
    let progress = Progress::spinner("compiling");
    let compiled = pipeline::compile(&args.model.model, &options)?;
    let graph = &compiled.model.reference;
    let samples = match &args.inputs {
        Some(path) => {
            let limit = args.samples.map(|n| n as usize);
            samples::select(&npz::read(path)?, graph, limit, args.quantize_inputs)?.inputs
        }
        None => random(graph, args.seed, args.samples.unwrap_or(RANDOM_SAMPLES)),
    };
    let settings = verify::Options { keep: args.keep.clone(), ..verify::Options::default() };
    let mut say = |what: &str| progress.say(what);
    let verification = verify::verify(&compiled, &options.target, &samples, &settings, &mut say)?;
    drop(progress);
    console.warn(&compiled.model.warnings)?;
    let proof = verification.is_proof();
    if console.json {
        console.json(&Outcome {
            status: if proof { "done" } else { "different" },
            verification: &verification,
            diagnostics: compiled.model.warnings.0.iter().map(Message::from).collect(),
        })?;
    } else {
        print(&verification, args, console.out)?;
    }
    if proof { Ok(()) } else { Err(Failure::Told) }
}

/// The verification's own text; only the verdict is coloured.
fn print(verification: &Verification, args: &Args, out: &mut dyn Write) -> std::io::Result<()> {
    let text = verification.to_string();
    for (index, line) in text.trim_end().lines().enumerate() {
        let line = style::harmless(line);
        match line.strip_prefix("verified") {
            Some(rest) if index == 0 => writeln!(out, "{}{rest}", paint(GOOD, "verified"))?,
            _ => writeln!(out, "{line}")?,
        }
    }
    let inputs = match &args.inputs {
        Some(path) => format!("samples from {}", path.display()),
        None => format!("random samples of seed {}", args.seed),
    };
    writeln!(out, "{}", paint(DIM, format!("  {}", style::harmless(&inputs))))
}

/// Inputs over the whole range of their types.
fn random(graph: &Graph, seed: u64, count: u32) -> Vec<Vec<Tensor>> {
    let mut stream = Seeded::new(seed);
    let mut sample = || {
        let types = graph.inputs.iter().map(|&value| graph.ty(value));
        types.map(|ty| stream.tensor(ty.dtype, ty.shape.clone())).collect()
    };
    (0..count).map(|_| sample()).collect()
}
