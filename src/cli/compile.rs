//! `tinyc compile`: from a model file to files for firmware, with a summary of what they need.

use super::args::{ModelArgs, StateArgs, TargetArgs};
use super::calibrate::{self, CalibrateArgs};
use super::locking::On;
use super::packaging::{self, Packaging};
use super::progress::Progress;
use super::quantization_page::PageArgs;
use super::sampling::SampleArgs;
use super::{Console, Failure, emission, files, size, summary};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tinyc::board;
use tinyc::budget::Budget;
use tinyc::package;
use tinyc::pipeline::{self, Compiled, Emit, Options};
use tinyc::report::Report;
use tinyc::verify::on_chip;
use tinyc_targets::Target;

/// Compiles a model into C or machine code for a microcontroller
///
/// Writes NAME.c (or what --emit says), NAME.h and NAME.report.json, all of them or none. Options --ram and --flash, or the chip's own memories,
/// are limits: a model that exceeds them is refused.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    target: TargetArgs,

    /// The folder for the emitted files; created if it is not there
    #[arg(short, long, value_name = "DIR", default_value = "out")]
    out: PathBuf,

    /// What to emit beside NAME.h; several with commas. For cargo it is Rust
    #[arg(long, value_name = "FORM", value_delimiter = ',', default_value = "c", default_value_if("package", "cargo", "rust"), value_parser = emission::parser(&Emit::ALL))]
    emit: Vec<Emit>,

    /// Write what a build system wants around the code: DIR is then a folder that it takes as it is
    #[arg(long, value_name = "WHAT", value_parser = packaging::parser())]
    package: Option<Packaging>,

    #[command(flatten)]
    samples: SampleArgs,

    #[command(flatten)]
    compiler: CompilerArgs,

    #[command(flatten)]
    calibrate: CalibrateArgs,

    #[command(flatten)]
    page: PageArgs,

    /// Print the report as JSON, as in NAME.report.json: {"status", "tinyc", "model", "target", "inputs", "outputs", "states", "layers",
    /// "macs", "time", "flash", "ram", "quantization", "prototype", "files", "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments that change what is compiled, shared with `verify`.
#[derive(clap::Args)]
pub(super) struct CompilerArgs {
    /// The network's name in the emitted code; by default made from the model's file name
    #[arg(long, value_name = "NAME", value_parser = identifier)]
    name: Option<String>,

    #[command(flatten)]
    states: StateArgs,

    /// RAM for the arena, inputs, outputs and state, as 65536, 64K or 1M; by default the chip's largest. With --calibrate, layers get
    /// precisions that fit
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Limits")]
    ram: Option<u64>,

    /// Flash for weights and code; by default the chip's own. With --calibrate, layers get precisions that fit
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Limits")]
    flash: Option<u64>,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc compile examples/models/digits/digits_f32.onnx --target nucleo-l4r5zi --name digits
  tinyc compile examples/models/digits/digits_f32.onnx --target cortex-m4 \\
      --calibrate examples/models/digits/digits_samples.npz
  tinyc compile examples/models/digits/digits_f32.onnx --target nucleo-l4r5zi \\
      --calibrate examples/models/digits/digits_samples.npz --latency 2ms --flash 10K --emit obj
  tinyc compile examples/models/digits/digits_f32.onnx --target cortex-m4 \\
      --calibrate examples/models/digits/digits_samples.npz --max-accuracy-drop 1% --lock tinyc.lock
  tinyc compile examples/models/twins/dyn_dims.onnx --target cortex-m7 --shape input=1,3,9,7
  tinyc compile examples/models/twins/stream.onnx --target cortex-m4 \\
      --state past=past_next --state hidden=hidden_next --state older=older_next
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m0 \\
      --ram 4K --flash 16K
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m4 --emit obj,asm \\
      --package bench --inputs examples/models/digits/digits_samples.npz --samples 4
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m4 --emit c,obj \\
      --package cmake";

impl CompilerArgs {
    /// What a model is calibrated for.
    pub(super) fn on<'a>(&self, model: &'a ModelArgs, options: &'a Options) -> On<'a> {
        On { path: &model.model, options: Some(options), ram: self.ram, flash: self.flash }
    }
}

/// What both `compile` and `verify` hand to the pipeline.
pub(super) fn options(
    model: &ModelArgs,
    target: Target,
    compiler: &CompilerArgs,
    emit: BTreeSet<Emit>,
) -> Options {
    let own = Budget::of(&target);
    Options {
        budget: Budget { ram: compiler.ram.or(own.ram), flash: compiler.flash.or(own.flash) },
        name: compiler.name.clone(),
        shapes: model.shapes.by_input(),
        states: compiler.states.pairs(),
        emit,
        ..Options::new(target)
    }
}

/// Samples that a firmware has, if the user does not say how many: they take flash.
const PACKED_SAMPLES: usize = 4;

/// Compiles, writes, sums up.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    if args.package.is_none() && args.samples.given() {
        return Err(Failure::Usage(
            "samples go into the program of a `--package`, which is not asked for: `--package bench`, say",
        ));
    }
    let emit = args.emit.iter().copied().collect();
    args.package.iter().try_for_each(|package| package.check(&emit))?;
    let mut inputs: Vec<&Path> = args.calibrate.inputs().chain(args.samples.file()).collect();
    inputs.push(&args.model.model);
    args.page.check_place(&inputs)?;
    let options = options(&args.model, args.target.load()?, &args.compiler, emit);
    let model = args.calibrate.load(&args.model)?.keeping(&options.states)?;
    let calibrated = args.calibrate.apply(model, &args.compiler.on(&args.model, &options))?;
    args.page.check(&calibrated)?;
    let progress = Progress::spinner("compiling");
    let compiled = pipeline::compile_model(calibrated.model, &options);
    drop(progress);
    let compiled = compiled?;
    console.warn(&compiled.model.warnings)?;
    let mut report = Report::new(&compiled, &args.model.file_name(), &options.target, &options.budget);
    report.quantization = calibrated.report;
    add_chip(&mut report, &compiled, &options.target);
    let report_name = format!("{}.report.json", report.model.name);
    let mut set = compiled.artefacts();
    let mut place = report_name;
    match args.package {
        None => {}
        Some(Packaging::Bench) => {
            let samples = args.samples.load(&compiled.model, Some(PACKED_SAMPLES))?;
            let source = board::package(&compiled, &options.target, &samples);
            set.push((source.name, source.text.into_bytes()));
        }
        Some(Packaging::System(system)) => {
            let samples = args.samples.load(&compiled.model, Some(1))?;
            set = package::files(system, &compiled, &options.target, &samples[0])?;
            place = system.report(&report.model.name);
        }
    }
    report.files = set.iter().map(|(path, _)| path.clone()).chain([place.clone()]).collect();
    set.push((place, super::json_text(&report)?.into_bytes()));
    let page = args.page.file(&args.model.file_name(), report.quantization.as_ref(), Some(&report));
    let set = set.into_iter().map(|(name, text)| (args.out.join(name), text));
    files::write_all(&set.chain(page).chain(calibrated.lock.file()).collect::<Vec<_>>())?;
    if console.json {
        return Ok(console.json(&report)?);
    }
    if let Some(quantised) = &report.quantization {
        calibrate::print(quantised, console)?;
    }
    calibrated.lock.print(console.out)?;
    Ok(summary::print(&report, &args.out, console.out)?)
}

/// Adds what a run takes with the flash of the chip, if that is known.
fn add_chip(report: &mut Report, compiled: &Compiled, target: &Target) {
    let Some(time) = report.time.as_mut() else { return };
    let _progress = Progress::spinner("simulating the chip's flash");
    if let Some(cycles) = on_chip(compiled, target) {
        time.add_chip(cycles, target);
    }
}

fn identifier(text: &str) -> Result<String, String> {
    let first = |c: char| c.is_ascii_alphabetic();
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.starts_with(first) && text.chars().all(rest) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits and _, a letter first: it becomes part of names in C".into()),
    }
}
