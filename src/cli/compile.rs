//! `tinyc compile`: from a model file to files for firmware, with a summary of what they need.

use super::args::{ModelArgs, TargetArgs};
use super::progress::Progress;
use super::{Console, Failure, files, size, summary};
use std::path::PathBuf;
use tinyc::budget::Budget;
use tinyc::pipeline::{self, Options};
use tinyc::report::Report;

/// Compiles a model into C for a microcontroller
///
/// Writes NAME.c, NAME.h and NAME.report.json, all of them or none. Options --ram and --flash, or the chip's own memories,
/// are limits: a model that exceeds them is refused.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    target: TargetArgs,

    /// The folder for the emitted files; created if it is not there
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,

    #[command(flatten)]
    compiler: CompilerArgs,

    /// Print the report as JSON, as in NAME.report.json: {"status", "tinyc", "model", "target", "inputs", "outputs", "layers",
    /// "macs", "flash", "ram", "prototype", "files", "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments that change what is compiled, shared with `verify`.
#[derive(clap::Args)]
pub(super) struct CompilerArgs {
    /// The network's name in the emitted code; by default made from the model's file name
    #[arg(long, value_name = "NAME", value_parser = identifier)]
    name: Option<String>,

    /// RAM for the arena, inputs and outputs, as 65536, 64K or 1M; by default the chip's largest
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Limits")]
    ram: Option<u64>,

    /// Flash for weights and code; by default the chip's own
    #[arg(long, value_name = "SIZE", value_parser = size::parse, help_heading = "Limits")]
    flash: Option<u64>,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m4
  tinyc compile examples/models/digits/digits_f32.onnx --target nucleo-l4r5zi --name digits
  tinyc compile examples/models/twins/dyn_dims.onnx --target cortex-m7 --shape input=1,3,9,7
  tinyc compile examples/models/digits/digits_int8_io.onnx --target cortex-m0 \\
      --ram 4K --flash 16K";

/// What both `compile` and `verify` hand to the pipeline.
pub(super) fn options(
    model: &ModelArgs,
    target: &TargetArgs,
    compiler: &CompilerArgs,
) -> Result<Options, Failure> {
    let target = target.load()?;
    let own = Budget::of(&target);
    Ok(Options {
        budget: Budget { ram: compiler.ram.or(own.ram), flash: compiler.flash.or(own.flash) },
        name: compiler.name.clone(),
        shapes: model.shapes.by_input(),
        target,
    })
}

/// Compiles, writes, sums up.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    let options = options(&args.model, &args.target, &args.compiler)?;
    let progress = Progress::spinner("compiling");
    let compiled = pipeline::compile(&args.model.model, &options);
    drop(progress);
    let compiled = compiled?;
    console.warn(&compiled.model.warnings)?;
    let mut report = Report::new(&compiled, &args.model.file_name(), &options.target, &options.budget);
    let report_name = format!("{}.report.json", report.model.name);
    report.files.push(report_name.clone());
    let mut set: Vec<(String, Vec<u8>)> =
        compiled.files.into_iter().map(|file| (file.name, file.text.into_bytes())).collect();
    set.push((report_name, super::json_text(&report)?.into_bytes()));
    files::write_all(&args.out, &set)?;
    if console.json {
        return Ok(console.json(&report)?);
    }
    Ok(summary::print(&report, &args.out, console.out)?)
}

fn identifier(text: &str) -> Result<String, String> {
    let first = |c: char| c.is_ascii_alphabetic();
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.starts_with(first) && text.chars().all(rest) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits and _, a letter first: it becomes part of names in C".into()),
    }
}
