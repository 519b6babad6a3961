//! `tinyc inspect`: a model's graph or loops as text, at any point of the way.

use super::args::{ShapeArgs, StateArgs, file_name};
use super::calibrate::CalibrateArgs;
use super::inspection;
use super::table::{Align, Table};
use super::{Console, Failure};
use clap::builder::PossibleValuesParser;
use std::path::{Path, PathBuf};
use tinyc::budget::Budget;
use tinyc::pipeline::{self, Options};
use tinyc::report::Message;
use tinyc_ir::text::{PrintOptions, print_graph_with, print_program_with};
use tinyc_passes::graph;
use tinyc_targets::Target;

/// Prints a model as the compiler sees it
///
/// Without --after, the graph is printed as it was read. The text form (.tir) is described in ir/src/text/mod.rs. Large
/// constants are shortened to `...` unless --constants is given; then the text is whole and parses back. With --calibrate, tables
/// say what the quantiser would do: what each layer costs, the ranges, and what stays on floats and why.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The network, an ONNX file
    #[arg(value_name = "MODEL", required_unless_present = "passes")]
    model: Option<PathBuf>,

    #[command(flatten)]
    shapes: ShapeArgs,

    /// Print the graph after this pass; --passes lists them
    #[arg(long, value_name = "PASS", hide_possible_values = true, value_parser = names(), conflicts_with = "loops")]
    after: Option<String>,

    /// Print the lowered program: loops, buffers, the memory plan
    #[arg(long)]
    loops: bool,

    /// The core that --loops lowers for
    #[arg(long, value_name = "NAME", value_parser = super::args::target, default_value = "cortex-m4")]
    target: Target,

    /// Print constants whole
    #[arg(long)]
    constants: bool,

    /// List the passes in the order in which they run
    #[arg(long, conflicts_with_all = ["model", "after", "loops"])]
    passes: bool,

    #[command(flatten)]
    calibrate: CalibrateArgs,

    #[command(flatten)]
    states: StateArgs,

    /// Print JSON: {"status", "name", "stage", "text", "diagnostics"}, {"passes": [{"name", "exact", "summary"}]}, or with --calibrate
    /// {"status", "name", "quantization", "alone", "floats", "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc inspect examples/models/digits/digits_int8_qdq.onnx
  tinyc inspect examples/models/digits/digits_int8_qdq.onnx --after recognize-qdq
  tinyc inspect examples/models/digits/digits_int8_io.onnx --loops --target cortex-m0
  tinyc inspect examples/models/digits/digits_f32.onnx \\
      --calibrate examples/models/digits/digits_samples.npz
  tinyc inspect --passes";

/// Constants of more elements are shortened.
const MOST_ELEMENTS: usize = 8;

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(graph::passes().map(|pass| pass.name))
}

/// Prints the text or the list of passes.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(model) = &args.model else { return passes(console) };
    if args.calibrate.is_given() {
        if args.loops || args.after.is_some() || args.constants {
            return Err(Failure::Usage(
                "--calibrate describes the quantiser's choices; --after, --loops and --constants print a graph",
            ));
        }
        let loaded = args.calibrate.load_file(model, &args.shapes)?.keeping(&args.states.pairs())?;
        let mut found = args.calibrate.inspect(&loaded, model)?;
        found.notes.splice(0..0, loaded.warnings.0);
        return inspection::print(&found, model, console);
    }
    let shown = PrintOptions { most_elements: if args.constants { usize::MAX } else { MOST_ELEMENTS } };
    let (stage, text, warnings) = if args.loops {
        let mut options = Options::new(args.target.clone());
        (options.shapes, options.budget) = (args.shapes.by_input(), Budget::default());
        let compiled = pipeline::compile(model, &options)?;
        ("loops", print_program_with(&compiled.program, &shown), compiled.model.warnings)
    } else {
        let loaded = pipeline::load(model, &args.shapes.by_input())?;
        let Some(after) = &args.after else {
            return print(
                "imported",
                print_graph_with(&loaded.imported, &shown),
                &loaded.warnings,
                model,
                console,
            );
        };
        // The passes run again here; what they say was said by the load.
        let graph = graph::run_until(&loaded.imported, after, &mut Default::default());
        let graph = graph.expect("clap takes only names of passes");
        (after.as_str(), print_graph_with(&graph, &shown), loaded.warnings)
    };
    print(stage, text, &warnings, model, console)
}

fn print(
    stage: &str,
    text: String,
    warnings: &tinyc_ir::Diagnostics,
    model: &Path,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    console.warn(warnings)?;
    if console.json {
        let messages: Vec<Message> = warnings.0.iter().map(Message::from).collect();
        let name = file_name(model);
        return Ok(console.json(&serde_json::json!({
            "status": "done", "name": name, "stage": stage, "text": text, "diagnostics": messages,
        }))?);
    }
    Ok(write!(console.out, "{text}")?)
}

fn passes(console: &mut Console<'_>) -> Result<(), Failure> {
    if console.json {
        let one = |pass: &graph::Pass| serde_json::json!({ "name": pass.name, "exact": pass.exact, "summary": pass.summary });
        let passes: Vec<_> = graph::passes().map(one).collect();
        return Ok(console.json(&serde_json::json!({ "passes": passes }))?);
    }
    let mut table =
        Table::new(&[("pass", Align::Left), ("bits", Align::Left), ("what it does", Align::Left)]);
    for pass in graph::passes() {
        let bits = if pass.exact { "kept" } else { "may change" };
        table.row(vec![pass.name.into(), bits.into(), pass.summary.into()]);
    }
    table.print(console.out)?;
    let frozen = graph::TO_REFERENCE.last().map_or("", |pass| pass.name);
    Ok(writeln!(
        console.out,
        "\n  What `{frozen}` leaves is the reference graph: all code computes its bytes, and later passes keep them."
    )?)
}
