//! `tinyc run`: a model evaluated on the host, compared with what the input file knows of the answers.

use super::args::{ModelArgs, StateArgs};
use super::progress::Progress;
use super::style::{self, TITLE, paint};
use super::table::{Align, Table};
use super::{Console, Failure, files};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use tinyc::agreement::Agreement;
use tinyc::host::Network;
use tinyc::npz::{self, Array, stand_in};
use tinyc::pipeline::Model;
use tinyc::report::Message;
use tinyc::samples::{self, Samples};
use tinyc::state::Sequence;
use tinyc_ir::{DType, Data, Graph, Tensor, TensorType};

/// Evaluates a model on the host, with the bits that all emitted code has, too
///
/// The model becomes native code of this machine, and all its cores run samples; --reference uses the slow evaluator that
/// defines these bits. With --state, samples are a sequence and run one after the other.
///
/// The inputs are arrays of an .npz file (or one .npy array), named like the model's inputs or in_0, in_1, ...; a model with
/// one input takes the first array that fits. Several samples are stacked in front. Arrays `labels` (class numbers)
/// and `out_0`, `out_1`, ... (expected outputs) are compared with, if they are there.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    states: StateArgs,

    /// The inputs, an .npz file
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,

    /// Write the outputs to this .npz file, as out_0, out_1, ..., stacked
    #[arg(long, value_name = "FILE")]
    outputs: Option<PathBuf>,

    /// Evaluate only the first N samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    samples: Option<u64>,

    /// Evaluate with the definition instead of native code: the same outputs, slower
    #[arg(long)]
    reference: bool,

    /// Take floats for quantised inputs, and quantise them as the model's inputs say
    #[arg(long)]
    quantize_inputs: bool,

    /// Print JSON: {"status", "samples", "top1", "outputs": [{"name", "type", "values", "expected"}], "diagnostics"}
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc run examples/models/digits/digits_f32.onnx \\
      --inputs examples/models/digits/digits_samples.npz
  tinyc run examples/models/digits/digits_int8_io.onnx \\
      --inputs examples/models/digits/digits_vectors_int8_io.npz
  tinyc run examples/models/digits/digits_int8_io.onnx --quantize-inputs --samples 3 \\
      --inputs examples/models/digits/digits_samples.npz --outputs y.npz
  tinyc run examples/models/twins/stream.onnx --inputs examples/models/twins/stream_sequence.npz \\
      --state past=past_next --state hidden=hidden_next --state older=older_next";

/// The most samples whose outputs are printed for a person.
const SHOWN_SAMPLES: usize = 8;

/// The most values of one output that are printed for a person.
const SHOWN_VALUES: usize = 3;

/// What came out, for `--json`.
#[derive(Serialize)]
struct Outcome {
    status: &'static str,
    samples: usize,
    top1: Option<Top1>,
    outputs: Vec<Output>,
    diagnostics: Vec<Message>,
}

/// Agreement of the largest output with the labels.
#[derive(Serialize)]
struct Top1 {
    correct: usize,
    of: usize,
}

/// One output of the model over all samples.
#[derive(Serialize)]
struct Output {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    /// For each sample, the elements as stored, row-major.
    values: Vec<Vec<serde_json::Value>>,
    /// How far the stored answers are away, if there are any.
    expected: Option<Agreement>,
}

/// Evaluates and prints.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    if let Some(path) = &args.outputs {
        files::not_read(path, &[&args.model.model, &args.inputs])?;
    }
    let model = tinyc::pipeline::load(&args.model.model, &args.model.shapes.by_input())?;
    let model = model.keeping(&args.states.pairs())?;
    console.warn(&model.warnings)?;
    let graph = &model.reference;
    let npz = npz::read(&args.inputs)?;
    let limit = args.samples.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let samples = samples::select(&npz, &model, limit, args.quantize_inputs)?;
    let progress = Progress::bar("evaluating", samples.inputs.len() as u64);
    let outputs = evaluate(args, &model, &samples, &progress, &npz.name)?;
    drop(progress);
    if let Some(path) = &args.outputs {
        let arrays: Vec<(String, Array)> =
            outputs.iter().enumerate().map(|(i, all)| (format!("out_{i}"), stacked(all))).collect();
        files::write(path, npz::to_bytes(&arrays)?)?;
    }
    let top1 = top1(graph, &outputs, &samples);
    let agreements: Vec<Option<Agreement>> = (samples.expected.iter().zip(&outputs))
        .map(|(expected, got)| expected.as_ref().map(|expected| Agreement::of(got, expected)))
        .collect();
    if !console.json {
        return Ok(print(graph, &outputs, &samples, top1.as_ref(), &agreements, console.out)?);
    }
    let one = |((&value, all), expected): ((&tinyc_ir::Value, &Vec<Tensor>), Option<Agreement>)| Output {
        name: graph.values[value].name.clone(),
        ty: graph.ty(value).to_string(),
        values: all.iter().map(|tensor| elements(&tensor.data)).collect(),
        expected,
    };
    let outcome = Outcome {
        status: "done",
        samples: samples.inputs.len(),
        top1,
        outputs: graph.outputs.iter().zip(&outputs).zip(agreements).map(one).collect(),
        diagnostics: model.warnings.0.iter().map(Message::from).collect(),
    };
    Ok(console.json(&outcome)?)
}

/// For each output, the tensors of all samples.
fn evaluate(
    args: &Args,
    model: &Model,
    samples: &Samples,
    progress: &Progress,
    file: &str,
) -> Result<Vec<Vec<Tensor>>, Failure> {
    let graph = &model.reference;
    // What has no native code is evaluated all the same.
    let network = if args.reference { None } else { Network::compile(graph).ok() };
    let sequence = Sequence::new(graph, &model.states);
    let Some(network) = network else { return by_definition(sequence, model, samples, progress, file) };
    let step = || progress.step();
    let runs = match model.states.is_empty() {
        true => network.run_all(&samples.inputs, step),
        false => network.run_sequence(sequence, &samples.inputs, step),
    };
    if let Some(failed) = runs.iter().position(Result::is_err) {
        return Err(reason(model, samples, failed, file));
    }
    let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); graph.outputs.len()];
    for tensors in runs.into_iter().flatten() {
        outputs.iter_mut().zip(tensors).for_each(|(all, tensor)| all.push(tensor));
    }
    Ok(outputs)
}

/// The same by the evaluator.
fn by_definition(
    mut sequence: Sequence<'_>,
    model: &Model,
    samples: &Samples,
    progress: &Progress,
    file: &str,
) -> Result<Vec<Vec<Tensor>>, Failure> {
    let graph = &model.reference;
    let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); graph.outputs.len()];
    for (sample, inputs) in samples.inputs.iter().enumerate() {
        let run = sequence.next(inputs);
        if let Some(failure) = samples::failure(graph, &run, sample) {
            return Err(Failure::from(failure.at(file)));
        }
        outputs.iter_mut().zip(run.outputs(graph)).for_each(|(all, tensor)| all.push(tensor));
        progress.step();
    }
    Ok(outputs)
}

/// What native code does not say of a sample that failed: the node, and the number that selects nothing.
fn reason(model: &Model, samples: &Samples, failed: usize, file: &str) -> Failure {
    let graph = &model.reference;
    let mut sequence = Sequence::new(graph, &model.states);
    // Without a state, each run begins as the first does.
    let first = if model.states.is_empty() { failed } else { 0 };
    for sample in first..=failed {
        let run = sequence.next(&samples.inputs[sample]);
        if let Some(failure) = samples::failure(graph, &run, sample) {
            return Failure::from(failure.at(file));
        }
    }
    unreachable!("the evaluator fails where native code does")
}

/// All samples of an output in one array.
fn stacked(all: &[Tensor]) -> Array {
    let first = all.first().expect("there is at least one sample");
    let mut shape = vec![all.len()];
    shape.extend(first.shape.iter());
    let stored: Vec<Data> = all.iter().map(|tensor| stand_in(&tensor.data)).collect();
    let bytes: Vec<u8> = stored.iter().flat_map(Data::to_le_bytes).collect();
    let count = all.len() * first.data.len();
    let data = Data::from_le_bytes(stored[0].dtype(), count, &bytes).expect("whole elements");
    Array { shape, data }
}

fn elements(data: &Data) -> Vec<serde_json::Value> {
    match data {
        Data::F32(values) => values.iter().map(|&v| v.into()).collect(),
        Data::F64(values) => values.iter().map(|&v| v.into()).collect(),
        Data::F16(_) | Data::BF16(_) => elements(&data.widened()),
        Data::U64(values) => values.iter().map(|&v| v.into()).collect(),
        Data::Bool(values) => values.iter().map(|&v| v.into()).collect(),
        ints => ints.to_ints().unwrap_or_default().into_iter().map(Into::into).collect(),
    }
}

/// A classifier's own label: a single integer that stands for no other number.
fn own_label(tensor: &Tensor, ty: &TensorType) -> Option<i64> {
    let label = tensor.data.to_ints().filter(|_| !ty.is_quantized() && ty.dtype == DType::I64)?;
    <[i64; 1]>::try_from(label).ok().map(|[label]| label)
}

/// How often the first output is the label, or its largest element's position; `None` without labels.
fn top1(graph: &Graph, outputs: &[Vec<Tensor>], samples: &Samples) -> Option<Top1> {
    let (labels, output) = (samples.labels.as_ref()?, outputs.first()?);
    let ty = graph.ty(graph.outputs[0]);
    let right = |(tensor, &label): (&Tensor, &i64)| {
        let first = || ranked(tensor, ty).first().map(|&(i, _)| i as i64);
        own_label(tensor, ty).or_else(first) == Some(label)
    };
    Some(Top1 { correct: output.iter().zip(labels).filter(|&pair| right(pair)).count(), of: labels.len() })
}

/// Positions and real values, the largest first, of equals the first; NaN last.
fn ranked(tensor: &Tensor, ty: &TensorType) -> Vec<(usize, f64)> {
    let mut values: Vec<(usize, f64)> = samples::reals(tensor, ty).into_iter().enumerate().collect();
    let key = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
    values.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)).then(a.0.cmp(&b.0)));
    values
}

fn print(
    graph: &Graph,
    outputs: &[Vec<Tensor>],
    samples: &Samples,
    top1: Option<&Top1>,
    agreements: &[Option<Agreement>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let count = samples.inputs.len();
    for &value in &graph.outputs {
        let name = style::harmless(&graph.values[value].name);
        writeln!(out, "{} {}", paint(TITLE, name), graph.ty(value))?;
    }
    writeln!(out)?;
    let several = graph.outputs.len() > 1;
    let mut columns = vec![("sample", Align::Right)];
    columns.extend(several.then_some(("output", Align::Left)));
    columns.push(("largest values", Align::Left));
    columns.extend(samples.labels.as_ref().map(|_| ("label", Align::Right)));
    let mut table = Table::new(&columns);
    for sample in 0..count.min(SHOWN_SAMPLES) {
        for (&value, all) in graph.outputs.iter().zip(outputs) {
            let mut row = vec![sample.to_string()];
            row.extend(several.then(|| style::harmless(&graph.values[value].name)));
            row.push(shown(&all[sample], graph.ty(value)));
            row.extend(samples.labels.as_ref().map(|labels| labels[sample].to_string()));
            table.row(row);
        }
    }
    table.print(out)?;
    if count > SHOWN_SAMPLES {
        let rest = count - SHOWN_SAMPLES;
        writeln!(out, "  and {rest} more; --outputs FILE or --json gives all")?;
    }
    writeln!(out, "\n{count} {}", if count == 1 { "sample" } else { "samples" })?;
    if let Some(Top1 { correct, of }) = top1 {
        let percent = *correct as f64 * 100.0 / (*of).max(1) as f64;
        writeln!(out, "top-1 accuracy: {correct} of {of} labels, {percent:.2} %")?;
    }
    for (&value, agreement) in graph.outputs.iter().zip(agreements) {
        let Some(agreement) = agreement else { continue };
        let name = style::harmless(&graph.values[value].name);
        let share = agreement.equal as f64 * 100.0 / agreement.elements.max(1) as f64;
        writeln!(
            out,
            "{name} against the file: largest difference {}, {share:.2} % of the elements equal",
            agreement.max_abs_difference
        )?;
    }
    Ok(())
}

/// The largest values with their positions; all of them where there are few.
fn shown(tensor: &Tensor, ty: &TensorType) -> String {
    if let Some(label) = own_label(tensor, ty) {
        return label.to_string();
    }
    let ranked = ranked(tensor, ty);
    let stored = |index: usize| match (&ty.quant, tensor.data.to_ints()) {
        (Some(_), Some(ints)) => format!(" {} =", ints[index]),
        _ => String::new(),
    };
    let one = |&(index, value): &(usize, f64)| format!("[{index}]{} {}", stored(index), short(value));
    let texts: Vec<String> = ranked.iter().take(SHOWN_VALUES).map(one).collect();
    let rest = if ranked.len() > SHOWN_VALUES { ", …" } else { "" };
    format!("{}{rest}", texts.join(", "))
}

/// Four digits behind the point where that says something.
fn short(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || (1e-3..1e4).contains(&v) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}
