//! `tinyc extract`: a small model out of a large one, for a report.

use super::args::{ModelArgs, file_name};
use super::style::{self, TITLE, paint};
use super::{Console, Failure, files};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use tinyc::report::Message;
use tinyc::wording::{counted, grouped};
use tinyc_frontend::onnx::{self, Extracted, Selection};

/// Cuts a small model out of another, to be sent in a report
///
/// Kept are the chosen nodes with their constants, bodies and functions, and the operator sets. Other tensors that they read become
/// inputs of the types that they have there. Works on models that cannot be compiled; that is what it is for.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    /// A node to keep, by its name or the name of a tensor that it makes; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "to"], required_unless_present_any = ["from", "to"], help_heading = "What is kept")]
    node: Vec<String>,

    /// Keep the nodes behind this tensor, which becomes an input; may be repeated
    #[arg(long, value_name = "TENSOR", help_heading = "What is kept")]
    from: Vec<String>,

    /// Keep the nodes that lead to this tensor, which becomes an output; may be repeated
    #[arg(long, value_name = "TENSOR", help_heading = "What is kept")]
    to: Vec<String>,

    /// Replace weights by pseudo-random numbers of the same type, shape and range; 64-bit integers and tensors of up to 8 elements
    /// (scales, shapes) stay
    #[arg(long, help_heading = "What is kept")]
    strip_weights: bool,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,

    /// Print JSON: {"status", "file", "bytes", "nodes", "of", "inputs", "outputs", "stripped", "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc extract examples/models/digits/digits_int8_qdq.onnx --node /fc/Gemm -o small.onnx
  tinyc extract examples/models/bad/unsupported.onnx --strip-weights \\
      --node /noise/RandomNormalLike -o small.onnx
  tinyc extract examples/models/digits/digits_f32.onnx \\
      --from /conv1/Relu_output_0 --to /pool/MaxPool_output_0 -o small.onnx";

/// What was written, for `--json`.
#[derive(Serialize)]
struct Outcome<'a> {
    status: &'static str,
    file: String,
    bytes: usize,
    nodes: usize,
    of: usize,
    inputs: Vec<Tensor<'a>>,
    outputs: Vec<Tensor<'a>>,
    stripped: usize,
    diagnostics: Vec<Message>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'a str,
}

/// Cuts, writes, says what is in it.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    files::not_read(&args.out, &[&args.model.model])?;
    let options = onnx::Options { shapes: args.model.shapes.by_input(), ..onnx::Options::default() };
    let selection = Selection {
        nodes: args.node.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        strip_weights: args.strip_weights,
    };
    let small = onnx::extract_file(&args.model.model, &options, &selection)?;
    files::write(&args.out, small.bytes.clone())?;
    console.warn(&small.warnings)?;
    if !console.json {
        return Ok(print(&small, args, console.out)?);
    }
    Ok(console.json(&Outcome {
        status: "done",
        file: args.out.display().to_string(),
        bytes: small.bytes.len(),
        nodes: small.nodes,
        of: small.of,
        inputs: named(&small.inputs),
        outputs: named(&small.outputs),
        stripped: small.stripped,
        diagnostics: small.warnings.0.iter().map(Message::from).collect(),
    })?)
}

fn named(tensors: &[(String, String)]) -> Vec<Tensor<'_>> {
    tensors.iter().map(|(name, ty)| Tensor { name, ty }).collect()
}

fn print(small: &Extracted, args: &Args, out: &mut dyn Write) -> io::Result<()> {
    let name = style::harmless(&file_name(&args.out));
    writeln!(
        out,
        "{}: {} of {} nodes, {} B\n",
        paint(TITLE, name),
        small.nodes,
        small.of,
        grouped(small.bytes.len() as u64)
    )?;
    for (what, tensors) in [("input", &small.inputs), ("output", &small.outputs)] {
        for (name, ty) in tensors {
            writeln!(out, "  {what:6}  {} {ty}", style::harmless(name))?;
        }
    }
    match small.stripped {
        0 => Ok(()),
        n => writeln!(out, "\n  the data of {} were replaced", counted(n, "tensor")),
    }
}
