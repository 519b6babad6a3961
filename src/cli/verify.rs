//! `tinyc verify`: the emitted code on a simulated machine, byte for byte against the reference.

use super::args::{ModelArgs, TargetArgs};
use super::calibrate::CalibrateArgs;
use super::compile::{CompilerArgs, options};
use super::progress::Progress;
use super::sampling::SampleArgs;
use super::style::{self, DIM, GOOD, paint};
use super::{Console, Failure, board, emission, files};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use tinyc::board::{BoardReport, Log};
use tinyc::pipeline::{self, Compiled, Emit, Options};
use tinyc::report::Message;
use tinyc::verify::{self, Method, RustCompiler, Verification};
use tinyc_targets::Target;

/// Proves that the emitted code computes the bytes of the reference, on a simulated machine or on a board
///
/// Runs the object that `tinyc compile --emit obj` writes, byte for byte, in the built-in simulator, and compares the outputs
/// of every sample and every surviving tensor of the first with the reference evaluation. Shows cycles, instructions, stack
/// and flash. Without --inputs, the samples are random, from a seed. Exits with 1 if a byte differs.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    compiler: CompilerArgs,

    #[command(flatten)]
    samples: SampleArgs,

    #[command(flatten)]
    calibrate: CalibrateArgs,

    /// What is proven; by default the object
    #[arg(long, value_name = "FORM", value_parser = emission::parser(&[Emit::C, Emit::Obj, Emit::Rust]))]
    emit: Option<Emit>,

    /// The machine; by default the built-in simulator for objects (QEMU for 64-bit cores), QEMU for C, this computer for Rust
    #[arg(long, value_name = "MACHINE", value_enum)]
    with: Option<With>,

    /// Compare what a board printed: the log of a firmware that `tinyc compile --package bench` wrote
    #[arg(long, value_name = "FILE", conflicts_with_all = ["emit", "with", "keep"])]
    log: Option<PathBuf>,

    /// Keep the sources, objects and logs of the firmware or the program in this folder; with QEMU or the host
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Print JSON: {"status", "verification", "diagnostics"}, with --log "board" for "verification"; "status" is "done" or
    /// "different"
    #[arg(long)]
    pub(super) json: bool,
}

/// A machine.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum With {
    /// The built-in simulator, which needs nothing else and checks every access to memory; for objects of 32-bit cores
    Sim,
    /// QEMU, with a firmware that GCC builds, Clang for AArch64: the independent check
    Qemu,
    /// This computer, with a program that rustc builds; for Rust
    Host,
}

const AFTER_HELP: &str = "\
QEMU needs the compiler for the core beside it; a message says how to install what is missing.
Rust is compiled by RUSTC with RUSTFLAGS, if they are set; for QEMU it must have the core's target.

Examples:
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m3 --with qemu \\
      --samples 20 --inputs examples/models/digits/digits_samples.npz
  tinyc verify examples/models/digits/digits_int8_io.onnx --target cortex-m4 --emit rust

On a board: `tinyc compile --package bench` writes the source of a firmware; what it prints goes into --log.";

/// What came out of a simulation, for `--json`.
#[derive(Serialize)]
struct Outcome<'a> {
    status: &'static str,
    verification: &'a Verification,
    diagnostics: Vec<Message>,
}

/// What came out of a log, for `--json`.
#[derive(Serialize)]
struct BoardOutcome<'a> {
    status: &'static str,
    board: &'a BoardReport,
    diagnostics: Vec<Message>,
}

/// Compiles, simulates (or reads what a board printed), compares.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    match &args.log {
        Some(path) => on_a_board(args, &board::read(path)?, console),
        None => simulated(args, console),
    }
}

/// The compiled model, quantised before if that is asked for.
fn compile(args: &Args, options: &Options) -> Result<Compiled, Failure> {
    let model = args.calibrate.load(&args.model)?.keeping(&options.states)?;
    let calibrated = args.calibrate.apply(model, &args.compiler.on(&args.model, options))?;
    let _progress = Progress::spinner("compiling");
    let compiled = pipeline::compile_model(calibrated.model, options)?;
    if let Some((path, text)) = calibrated.lock.file() {
        files::write(&path, text)?;
    }
    Ok(compiled)
}

fn simulated(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    let target = args.target.load()?;
    let method = method(args, &target)?;
    let options = options(&args.model, target, &args.compiler, [method.emit()].into());
    let compiled = compile(args, &options)?;
    let progress = Progress::spinner("simulating");
    let samples = args.samples.load(&compiled.model, None)?;
    let settings = verify::Options {
        method,
        keep: args.keep.clone(),
        rust: RustCompiler::from_environment(),
        ..verify::Options::default()
    };
    let mut say = |what: &str| progress.say(what);
    let verification = verify::verify(&compiled, &options.target, &samples, &settings, &mut say)?;
    drop(progress);
    let outcome = Outcome {
        status: status(verification.is_proof()),
        verification: &verification,
        diagnostics: messages(&compiled),
    };
    tell(&outcome, &verification, verification.is_proof(), &compiled, args, console)
}

fn on_a_board(args: &Args, log: &Log, console: &mut Console<'_>) -> Result<(), Failure> {
    let emit = board::emitted(log)?;
    let options = options(&args.model, args.target.load()?, &args.compiler, emit);
    let compiled = compile(args, &options)?;
    let progress = Progress::spinner("simulating");
    let report = board::compare(&compiled, &options.target, &args.samples, log)?;
    drop(progress);
    let outcome =
        BoardOutcome { status: status(report.is_proof()), board: &report, diagnostics: messages(&compiled) };
    tell(&outcome, &report, report.is_proof(), &compiled, args, console)
}

/// What runs where, from what the user says and what there is.
fn method(args: &Args, target: &Target) -> Result<Method, Failure> {
    let form = match (args.emit, args.with) {
        (Some(form), _) => form,
        (None, Some(With::Host)) => Emit::Rust,
        (None, _) => Emit::Obj,
    };
    match (form, args.with) {
        (Emit::C, Some(With::Sim)) => {
            Err(Failure::Usage("the built-in simulator runs objects; C is verified with `--with qemu`"))
        }
        (Emit::Rust, Some(With::Sim)) => Err(Failure::Usage(
            "the built-in simulator runs objects; Rust is verified with `--with host` or `--with qemu`",
        )),
        (Emit::C | Emit::Obj, Some(With::Host)) => Err(Failure::Usage(
            "this computer runs `--emit rust`; C and objects are verified with `--with qemu`",
        )),
        (Emit::Rust, Some(With::Qemu)) => Ok(Method::QemuRust),
        (Emit::Rust, _) => Ok(Method::HostRust),
        (Emit::C, _) => Ok(Method::QemuC),
        (_, Some(With::Qemu)) => Ok(Method::QemuObject),
        (_, None) if !verify::has_simulator(target.core.isa) => Ok(Method::QemuObject),
        _ if args.keep.is_some() => {
            Err(Failure::Usage("`--keep` keeps what is built, and the built-in simulator builds nothing"))
        }
        _ => Ok(Method::Simulator),
    }
}

fn status(proof: bool) -> &'static str {
    if proof { "done" } else { "different" }
}

fn messages(compiled: &Compiled) -> Vec<Message> {
    compiled.model.warnings.0.iter().map(Message::from).collect()
}

/// Prints the result, as JSON or as text.
fn tell(
    outcome: &impl Serialize,
    text: &impl Display,
    proof: bool,
    compiled: &Compiled,
    args: &Args,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    console.warn(&compiled.model.warnings)?;
    match console.json {
        true => console.json(outcome)?,
        false => print(&text.to_string(), &args.samples, console.out)?,
    }
    if proof { Ok(()) } else { Err(Failure::Told) }
}

/// The result's own text; only the verdict is coloured.
fn print(text: &str, samples: &SampleArgs, out: &mut dyn Write) -> std::io::Result<()> {
    for (index, line) in text.trim_end().lines().enumerate() {
        let line = style::harmless(line);
        match line.strip_prefix("verified") {
            Some(rest) if index == 0 => writeln!(out, "{}{rest}", paint(GOOD, "verified"))?,
            _ => writeln!(out, "{line}")?,
        }
    }
    writeln!(out, "{}", paint(DIM, format!("  {}", style::harmless(&samples.origin()))))
}
