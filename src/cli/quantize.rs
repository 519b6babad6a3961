//! `tinyc quantize`: from a float model to one of integers that other tools run, too.

use super::args::{CostTargetArgs, ModelArgs, StateArgs, file_name};
use super::calibrate::{self, CalibrateArgs};
use super::locking::{Calibrated, On};
use super::quantization_page::PageArgs;
use super::style::{TITLE, paint};
use super::{Console, Failure, files, size};
use serde::Serialize;
use std::path::{Path, PathBuf};
use tinyc::pipeline::{Model, Options};
use tinyc::quantize::{self, QuantReport};
use tinyc::report::Message;
use tinyc::wording::{counted, grouped};
use tinyc_frontend::onnx;
use tinyc_ir::Diagnostic;

/// There are no samples from which ranges could come.
const NO_SAMPLES: u16 = 430;

/// Makes an integer model of a float one, as an ONNX file that other tools run, too
///
/// The file has QuantizeLinear and DequantizeLinear around its operators (QDQ), as those of other quantisers. Compiled, it is the same
/// integers as with `tinyc compile --calibrate`. A model that is quantised already needs no samples: it is written with the
/// integers that it has, whichever operators it had them in.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// The ONNX file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    calibrate: CalibrateArgs,

    #[command(flatten)]
    states: StateArgs,

    #[command(flatten)]
    target: CostTargetArgs,

    /// RAM for the arena, inputs, outputs and state on the target, as 65536, 64K or 1M
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "calibrate", help_heading = "Limits")]
    ram: Option<u64>,

    /// Flash for weights and code on the target
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "calibrate", help_heading = "Limits")]
    flash: Option<u64>,

    #[command(flatten)]
    page: PageArgs,

    /// Print JSON: {"status", "file", "bytes", "nodes", "quantization", "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc quantize examples/models/digits/digits_f32.onnx \\
      --calibrate examples/models/digits/digits_samples.npz -o digits_int8.onnx
  tinyc quantize examples/models/digits/digits_f32.onnx \\
      --calibrate examples/models/digits/digits_samples.npz --report digits.html -o digits_int8.onnx
  tinyc quantize examples/models/digits/digits_f32.onnx -o digits_small.onnx \\
      --calibrate examples/models/digits/digits_samples.npz --weight-budget 60%
  tinyc quantize examples/models/digits/digits_f32.onnx -o digits_fast.onnx \\
      --calibrate examples/models/digits/digits_samples.npz --target cortex-m4 --latency 90kcycles
  tinyc quantize examples/models/digits/digits_int8_qop.onnx -o digits_qdq.onnx";

/// What was written, for `--json`.
#[derive(Serialize)]
struct Outcome {
    status: &'static str,
    file: String,
    bytes: usize,
    nodes: usize,
    quantization: Option<QuantReport>,
    diagnostics: Vec<Message>,
}

/// Quantises, writes, sums up.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut inputs: Vec<&Path> = args.calibrate.inputs().collect();
    inputs.push(&args.model.model);
    files::not_read(&args.out, &inputs)?;
    args.page.check_place(&inputs)?;
    let model = args.calibrate.load(&args.model)?.keeping(&args.states.pairs())?;
    if !args.calibrate.is_given() && quantize::already(&model).is_none() {
        return Err(without_samples(&model).at(args.model.file_name()).into());
    }
    let options = args.target.load()?.map(|target| {
        let mut options = Options::new(target);
        options.budget.ram = args.ram.or(options.budget.ram);
        options.budget.flash = args.flash.or(options.budget.flash);
        options
    });
    if options.is_none() && args.ram.or(args.flash).is_some() {
        return Err(Failure::Usage("memory is that of a `--target`, which is not named"));
    }
    let on = On { path: &args.model.model, options: options.as_ref(), ram: args.ram, flash: args.flash };
    let calibrated = args.calibrate.apply(model, &on)?;
    args.page.check(&calibrated)?;
    let Calibrated { mut model, report, lock } = calibrated;
    if report.is_none() && !args.calibrate.is_given() {
        model.warnings.0.extend(quantize::already(&model));
    }
    let onnx::Exported { bytes, nodes } = onnx::export(&model.reference)?;
    let size = bytes.len();
    let page = args.page.file(&args.model.file_name(), report.as_ref(), None);
    let set = [(args.out.clone(), bytes)].into_iter().chain(page).chain(lock.file());
    files::write_all(&set.collect::<Vec<_>>())?;
    console.warn(&model.warnings)?;
    if console.json {
        return Ok(console.json(&Outcome {
            status: "done",
            file: args.out.display().to_string(),
            bytes: size,
            nodes,
            quantization: report,
            diagnostics: model.warnings.0.iter().map(Message::from).collect(),
        })?);
    }
    if let Some(report) = &report {
        calibrate::print(report, console)?;
    }
    lock.print(console.out)?;
    let name = super::style::harmless(&file_name(&args.out)).to_string();
    let size = grouped(size as u64);
    writeln!(console.out, "{}: {}, {size} B", paint(TITLE, name), counted(nodes, "node"))?;
    Ok(())
}

/// Why a float model is not quantised without samples.
fn without_samples(model: &Model) -> Diagnostic {
    let message = "ranges come from samples, and there are none";
    let samples = "give some hundred inputs like those in the field: --calibrate samples.npz";
    if model.dynamic_layers > 0 {
        return Diagnostic::error(NO_SAMPLES, message)
            .note("this model measures ranges anew in each run (DynamicQuantizeLinear); known beforehand, they cost nothing then")
            .help(samples);
    }
    Diagnostic::error(NO_SAMPLES, message).help(samples)
}
