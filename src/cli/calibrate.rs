//! `--calibrate` and what goes with it: the arguments of every command that makes an integer model of a float one, and what is
//! printed about it.

use super::args::{ModelArgs, ShapeArgs};
use super::locking::{Calibrated, Kept, On};
use super::progress::Progress;
use super::style::{self, GOOD, TITLE, paint};
use super::{Console, Failure, choices, locking};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tinyc::lock::{Lock, Made};
use tinyc::pipeline::{self, Model};
use tinyc::quantize::{
    self, Inspection, Joules, Latency, Limits, Method, Metric, Native, Options, Precision,
};
use tinyc::quantize::{QuantReport, Runner, WeightBytes};
use tinyc::wording::counted;
use tinyc_ir::Diagnostic;
use tinyc_passes::quantize::calibrate::code::NOTHING;
use tinyc_passes::quantize::runner::Run;

/// Layers that measured ranges in each run have known ones.
const MADE_STATIC: u16 = 429;

/// How a float model becomes one of integers.
#[derive(clap::Args)]
pub(crate) struct CalibrateArgs {
    /// Make an integer model of a float one, with ranges from these samples: .npz, .npy, a folder of .npy files, or .csv
    #[arg(long, value_name = "FILE", help_heading = "Quantisation")]
    calibrate: Option<PathBuf>,

    /// Samples on which the result is measured; without it, half of the samples are kept for that
    #[arg(long, value_name = "FILE", requires = "calibrate", help_heading = "Quantisation")]
    evaluate: Option<PathBuf>,

    /// Classes or wanted outputs of the samples that are measured; else the array `labels` beside them
    #[arg(long, value_name = "FILE", requires = "calibrate", help_heading = "Quantisation")]
    labels: Option<PathBuf>,

    /// What is measured: top1, mse, mae or sqnr; by default what the labels are good for
    #[arg(long, value_name = "METRIC", requires = "calibrate", help_heading = "Quantisation")]
    metric: Option<Metric>,

    /// How ranges are chosen: minmax, mse, entropy, percentile or percentile-99.9; several with commas. By default, all are
    /// tried, and what is best for the outputs is taken
    #[arg(
        long,
        value_name = "METHOD",
        value_delimiter = ',',
        requires = "calibrate",
        help_heading = "Quantisation"
    )]
    range_method: Vec<Method>,

    /// Let zero points of activations be 0
    #[arg(long, requires = "calibrate", help_heading = "Quantisation")]
    symmetric: bool,

    /// The precision of layers: int8, int16 (activations; weights stay int8), int4 (weights) or float32; for one layer
    /// LAYER=int4; may be repeated
    #[arg(long, value_name = "PRECISION", requires = "calibrate", value_parser = precision, help_heading = "Quantisation")]
    precision: Vec<(Option<String>, Precision)>,

    /// The most that all weights may take, in bytes (64K) or of what they take with eight bits (50%): layers that lose least get
    /// four bits
    #[arg(long, value_name = "SIZE", requires = "calibrate", value_parser = weight_bytes, help_heading = "Limits")]
    weight_budget: Option<WeightBytes>,

    /// The most time that a run may take on the target, as 20ms or 5.2Mcycles: layers get the precisions that lose least
    /// within all limits
    #[arg(long, value_name = "TIME", requires = "calibrate", help_heading = "Limits")]
    latency: Option<Latency>,

    /// The most energy that a run may take on the target's chip, as 3mJ
    #[arg(long, value_name = "ENERGY", requires = "calibrate", help_heading = "Limits")]
    energy: Option<Joules>,

    /// The most accuracy that may be lost; layers get the fastest precisions that lose no more. Points of top1 (0.5%), or how
    /// much mse or mae grow; without labels, noise over signal of the outputs
    #[arg(long, value_name = "PERCENT", requires = "calibrate", value_parser = percent, help_heading = "Limits")]
    max_accuracy_drop: Option<f64>,

    /// Keep in this file what is decided. If it is there, the same model is made of it again, without samples; refused if the model,
    /// the samples or options are others
    #[arg(long, value_name = "FILE", help_heading = "Quantisation")]
    lock: Option<PathBuf>,

    /// Keep inputs and outputs as floats, and convert inside
    #[arg(long, requires = "calibrate", help_heading = "Quantisation")]
    float_io: bool,
}

fn precision(text: &str) -> Result<(Option<String>, Precision), String> {
    let (layer, name) = match text.rsplit_once('=') {
        Some((layer, name)) => (Some(layer.to_owned()), name),
        None => (None, text),
    };
    let found = name.parse();
    let found = found.map_err(|_| "write int8, int16, int4 or float32, or LAYER=int4 for one layer")?;
    Ok((layer, found))
}

fn weight_bytes(text: &str) -> Result<WeightBytes, String> {
    match text.strip_suffix('%') {
        Some(_) => Ok(WeightBytes::Percent(percent(text)? * 100.0)),
        None => Ok(WeightBytes::Bytes(super::size::parse(text)?)),
    }
}

/// A share of 0% to 100%.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let part = number.filter(|percent| (0.0..=100.0).contains(percent));
    part.map(|percent| percent / 100.0).ok_or_else(|| "write 0% to 100%".into())
}

impl CalibrateArgs {
    /// What the user forces.
    fn options(&self) -> Options {
        let mut options =
            Options { symmetric: self.symmetric, integer_face: !self.float_io, ..Options::default() };
        if !self.range_method.is_empty() {
            options.methods.clone_from(&self.range_method);
        }
        for (layer, precision) in &self.precision {
            match layer {
                Some(layer) => _ = options.precisions.insert(layer.clone(), *precision),
                None => options.precision = Some(*precision),
            }
        }
        options
    }

    /// What the user forces and allows, as on the command line.
    fn said(&self, on: &On<'_>) -> Vec<String> {
        let mut said = Vec::new();
        let mut add = |option: &str, value: Option<String>| {
            said.extend(value.map(|value| format!("{option} {value}")));
        };
        let methods: Vec<String> = self.range_method.iter().map(Method::to_string).collect();
        add("--range-method", (!methods.is_empty()).then(|| methods.join(",")));
        for (layer, precision) in &self.precision {
            let layer = layer.as_ref().map_or(String::new(), |layer| format!("{layer}="));
            add("--precision", Some(format!("{layer}{precision}")));
        }
        add("--metric", self.metric.map(|metric| metric.to_string()));
        add("--latency", self.latency.map(|latency| latency.to_string()));
        add("--energy", self.energy.map(|energy| energy.to_string()));
        add("--weight-budget", self.weight_budget.map(|bytes| bytes.to_string()));
        add("--max-accuracy-drop", self.max_accuracy_drop.map(|drop| format!("{}%", drop * 100.0)));
        add("--ram", on.ram.map(|bytes| bytes.to_string()));
        add("--flash", on.flash.map(|bytes| bytes.to_string()));
        let flags = [("--symmetric", self.symmetric), ("--float-io", self.float_io)];
        said.extend(flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned()));
        said
    }

    /// What the user allows; with it, what the target has.
    fn limits(&self, on: &On<'_>) -> Limits {
        let mut limits = Limits {
            latency: self.latency,
            energy: self.energy,
            weights: self.weight_budget,
            drop: self.max_accuracy_drop,
            ..Limits::default()
        };
        let memory = on.ram.or(on.flash).is_some();
        if let Some(options) = on.options.filter(|_| memory || limits.any()) {
            (limits.ram, limits.flash) = (options.budget.ram, options.budget.flash);
        }
        limits
    }

    /// The files with samples and labels.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.data().map(|(_, path)| path)
    }

    /// Whether there are samples, or a lock in their place.
    pub(crate) fn is_given(&self) -> bool {
        self.calibrate.is_some() || self.lock.is_some()
    }

    /// Reads the model. Where its ranges are to be chosen, layers that measure theirs in each run are float ones.
    pub(crate) fn load(&self, model: &ModelArgs) -> Result<Model, Failure> {
        self.load_file(&model.model, &model.shapes)
    }

    /// The same of a path.
    pub(crate) fn load_file(&self, path: &Path, shapes: &ShapeArgs) -> Result<Model, Failure> {
        let shapes = shapes.by_input();
        if !self.is_given() {
            return Ok(pipeline::load(path, &shapes)?);
        }
        let mut model = pipeline::load_fixed(path, &shapes)?;
        if model.dynamic_layers > 0 {
            let layers = counted(model.dynamic_layers, "layer");
            let message = format!("ranges that {layers} measured in each run are known now");
            let note = Diagnostic::warning(MADE_STATIC, message)
                .note("float layers with the weights that their integers mean were calibrated, as if the model were a float one");
            model.warnings.push(note.help("the model before it was quantised loses less, if you have it"));
        }
        Ok(model)
    }

    /// What would become of the model, without making anything of it.
    pub(crate) fn inspect(&self, model: &Model, path: &Path) -> Result<Inspection, Failure> {
        if let Some(note) = quantize::already(model) {
            let problem = Diagnostic::error(NOTHING, note.message).help("inspect the float model");
            return Err(problem.at(super::args::file_name(path)).into());
        }
        let Some(samples) = &self.calibrate else {
            return Err(Failure::Usage(
                "the quantiser's choices are inspected with --calibrate, not with a lock",
            ));
        };
        let sets = quantize::load(model, samples, self.evaluate.as_deref(), self.labels.as_deref())?;
        let progress = Progress::spinner("calibrating");
        let runner = Watched { progress: &progress, runner: &Native };
        Ok(quantize::inspected(model, &sets, &self.options(), self.metric, &runner)?)
    }

    /// The model on integers, if that is asked for.
    pub(crate) fn apply(&self, mut model: Model, on: &On<'_>) -> Result<Calibrated, Failure> {
        if !self.is_given() {
            return Ok(Calibrated { model, report: None, lock: Kept::No });
        }
        if let Some(note) = quantize::already(&model) {
            model.warnings.push(note);
            return Ok(Calibrated { model, report: None, lock: Kept::No });
        }
        if let Some(path) = self.lock.as_ref().filter(|path| path.exists()) {
            return self.replayed(path, &model, on);
        }
        let samples = match (&self.calibrate, &self.lock) {
            (Some(samples), _) => samples,
            (None, lock) => return Err(locking::missing(lock.as_deref().unwrap_or(Path::new(""))).into()),
        };
        let sets = quantize::load(&model, samples, self.evaluate.as_deref(), self.labels.as_deref())?;
        let progress = Progress::spinner("calibrating");
        let runner = Watched { progress: &progress, runner: &Native };
        let limits = self.limits(on);
        let (integer, report) = quantize::quantise_within(
            &model,
            &sets,
            &self.options(),
            (&limits, on.options),
            self.metric,
            &runner,
        )?;
        let lock = match (&self.lock, &report) {
            (Some(path), Some(report)) => {
                let scores = &report.scores;
                let made = Made {
                    options: self.said(on),
                    target: on.options.filter(|_| limits.any()).map(|o| o.target.name().to_owned()),
                    float_io: self.float_io,
                    data: self.data().map(|(used, path)| (used, path.to_path_buf())).collect(),
                    measured: (
                        scores.metric.to_string(),
                        scores.float,
                        scores.integer,
                        scores.samples as u64,
                    ),
                };
                Kept::New(path.clone(), Box::new(Lock::new(on.path, &model, &report.decided, &made)?))
            }
            _ => Kept::No,
        };
        Ok(Calibrated { model: integer, report, lock })
    }

    /// The files of samples and labels, by their use.
    fn data(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [("calibrate", &self.calibrate), ("evaluate", &self.evaluate), ("labels", &self.labels)];
        all.into_iter().filter_map(|(used, path)| Some((used, path.as_deref()?)))
    }

    /// The model that a lock stands for.
    fn replayed(&self, path: &Path, model: &Model, on: &On<'_>) -> Result<Calibrated, Failure> {
        let lock = Lock::read(path)?;
        lock.check_options(&self.said(on), on.options.map(|options| options.target.name()))?;
        for (used, path) in self.data() {
            lock.check_data(used, path)?;
        }
        let model = lock.replay(on.path, model)?;
        Ok(Calibrated { model, report: None, lock: Kept::Replayed(path.to_path_buf(), Box::new(lock)) })
    }
}

/// A runner that shows how many samples were run.
struct Watched<'a> {
    progress: &'a Progress,
    runner: &'a dyn Runner,
}

impl Runner for Watched<'_> {
    fn prepare<'r>(&self, graph: &'r tinyc_ir::Graph) -> Run<'r> {
        self.runner.prepare(graph)
    }

    fn threads(&self) -> usize {
        self.runner.threads()
    }

    fn step(&self, samples: usize) {
        self.progress.count(samples as u64);
    }

    fn stage(&self, what: &str) {
        self.progress.stage(what);
    }
}

/// Layers that are named because they are the worst.
const WORST: usize = 3;

/// Prints what a calibration has come to.
pub(crate) fn print(report: &QuantReport, console: &mut Console<'_>) -> Result<(), Failure> {
    Ok(lines(report, console.out)?)
}

fn lines(report: &QuantReport, out: &mut dyn Write) -> io::Result<()> {
    let scores = &report.scores;
    let number = |x: f64| scores.metric.spelled(x);
    writeln!(out, "{}", paint(TITLE, "Quantised"))?;
    let count = |n: usize| counted(n, "sample");
    let of = count(scores.samples);
    match (scores.float, scores.correct) {
        (Some(float), Some((a, b))) if scores.metric == Metric::Top1 => {
            let integer = number(scores.integer);
            let integer = if b + 1 >= a { paint(GOOD, integer).to_string() } else { integer };
            line(
                out,
                "top1",
                &format!("float {} ({a} right), integer {integer} ({b}), of {of}", number(float)),
            )?;
        }
        (Some(float), _) => {
            let name = scores.metric.name();
            line(
                out,
                name,
                &format!("float {}, integer {}, over {of}", number(float), number(scores.integer)),
            )?;
        }
        (None, _) => {}
    }
    let noise = scores
        .sqnr_db
        .map_or("equal to the float model's".into(), |db| format!("{db:.1} dB signal over noise"));
    let same = scores.same_top1.map_or(String::new(), |same| format!(", the same class for {same} of {of}"));
    line(out, "Outputs", &format!("{noise}{same}"))?;
    let split = &report.split;
    let where_from = match (split.shared, split.one_file) {
        (true, _) => "the same ones, as there are so few",
        (false, true) => "others of the same file, by a fixed shuffle",
        (false, false) => "others",
    };
    line(
        out,
        "Samples",
        &format!(
            "{} for ranges, {} for choices; measured on {} ({where_from})",
            split.fit, split.select, split.evaluate
        ),
    )?;
    let stages: Vec<String> = report
        .stages
        .iter()
        .map(|(name, loss)| format!("{name} ({:.1} dB)", -10.0 * loss.max(1e-30).log10()))
        .collect();
    line(out, "Chosen", &stages.join(", then "))?;
    let mut worst: Vec<_> = report.layers.iter().filter(|l| l.sqnr_db.is_some()).collect();
    worst.sort_by(|a, b| a.sqnr_db.unwrap_or_default().total_cmp(&b.sqnr_db.unwrap_or_default()));
    let worst: Vec<String> = worst
        .iter()
        .take(WORST)
        .map(|l| format!("{} {:.1} dB", style::harmless(&l.name), l.sqnr_db.unwrap_or_default()))
        .collect();
    if !worst.is_empty() {
        line(out, "Worst", &worst.join(", "))?;
    }
    if !report.float_operators.is_empty() {
        let shown: Vec<String> =
            report.float_operators.iter().take(WORST).map(|n| style::harmless(n).to_string()).collect();
        let more = report.float_operators.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        line(out, "Floats", &format!("{}{more}", shown.join(", ")))?;
    }
    if let Some(budgeted) = &report.budget {
        choices::print(budgeted, out)?;
    }
    if report.seconds > 0.0 {
        line(out, "Took", &format!("{:.1} s", report.seconds))?;
    }
    writeln!(out)
}

pub(super) fn line(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {}  {text}", paint(TITLE, format!("{name:<7}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_read() {
        assert_eq!(precision("int4"), Ok((None, Precision::Int4)));
        assert_eq!(precision("a=b=float32"), Ok((Some("a=b".into()), Precision::Float)));
        assert!(precision("int7").is_err() && precision("=").is_err());
        assert_eq!(percent("0.5%"), Ok(0.005));
        assert_eq!(weight_bytes("60%"), Ok(WeightBytes::Percent(60.0)));
        assert!(percent("5").is_err() && percent("101%").is_err() && percent("-1%").is_err());
    }
}
