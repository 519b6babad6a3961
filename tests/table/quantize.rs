//! How good the integer models are that tinyc makes of float ones, beside those of others on the same samples.

use crate::labelled::Labelled;
use crate::subject;
use crate::turns::Turns;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tinyc::pipeline::Model;
use tinyc::quantize::{self, Labels, Limits, Metric, Native, Options, Scores, WeightBytes};
use tinyc_ir::{Diagnostics, Graph, Tensor};
use tinyc_passes::quantize::loss::{reals, stored_inputs};
use tinyc_passes::quantize::runner::outputs;

/// One network, quantised twice in each turn.
pub(crate) struct QuantRow {
    pub(crate) title: String,
    /// Samples that calibrate in each turn.
    pub(crate) calibrating: [usize; 2],
    /// Samples that are evaluated in both together: all.
    pub(crate) evaluated: usize,
    /// Right answers of the float model, or its mean square error.
    pub(crate) float: f64,
    /// Whether figures are counts of right answers, of which many are good.
    pub(crate) counts: bool,
    /// All weights in 8 bits.
    pub(crate) int8: Ours,
    /// Weights of half the bytes; `None` where no choice of layers comes to that.
    pub(crate) half: Option<Ours>,
    /// What others reach, by name: `tflite`, `ort`.
    pub(crate) peers: BTreeMap<String, Quality>,
}

/// How good integer models are, over both turns.
#[derive(Clone, Copy)]
pub(crate) struct Quality {
    /// Right answers, or the mean square error.
    pub(crate) figure: f64,
    /// Samples whose first class is another than the float model's, where outputs are classes.
    pub(crate) changed: Option<usize>,
    /// Signal over noise of the outputs, infinite without noise; `None` where it was not measured.
    pub(crate) decibels: Option<f64>,
}

/// The models of both turns.
pub(crate) struct Ours {
    pub(crate) quality: Quality,
    /// Bytes of the weights; those of the larger model.
    pub(crate) weight_bytes: u64,
    /// Seconds that a turn took in the mean.
    pub(crate) seconds: f64,
}

/// Of each sample, the real numbers of each output.
type Outputs = Vec<Vec<Vec<f32>>>;

/// Quantises all networks whose samples are here; says on standard error what it is doing.
pub(crate) fn rows() -> Vec<QuantRow> {
    subject::floats().into_iter().map(row).collect()
}

fn row((title, file, labelled): (String, PathBuf, Labelled)) -> QuantRow {
    eprintln!("{title}: quantised");
    let model = tinyc::pipeline::load(&file, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let (inputs, labels) = labelled.calibration(&model.reference);
    let turns = Turns::of(&inputs, &labels);
    let counts = matches!(labels, Labels::Classes(_));
    let float = turns.sets.iter().flat_map(|sets| real_outputs(&model.reference, &sets.evaluate)).collect();
    let int8 = quantised(&model, &turns, &float, None).unwrap_or_else(|e| panic!("{title}: {e}"));
    let half = quantised(&model, &turns, &float, Some(WeightBytes::Percent(50.0)));
    let row = QuantRow {
        calibrating: turns.sets.each_ref().map(|sets| sets.split.fit + sets.split.select),
        evaluated: float.len(),
        float: figure(&Scores::of(metric(&turns.labels), &float, &float, Some(&turns.labels))),
        counts,
        int8,
        half: half.inspect_err(|e| eprintln!("{title}: {e}")).ok(),
        peers: peers(&title, float.len()),
        title,
    };
    let text = |ours: &Ours| format!("{} {:?}", ours.quality.figure, ours.quality.changed);
    eprintln!("float {}, int8 {}, half {:?}", row.float, text(&row.int8), row.half.as_ref().map(text));
    row
}

/// Quantises in each turn, and measures the models together.
fn quantised(
    model: &Model,
    turns: &Turns,
    float: &Outputs,
    weights: Option<WeightBytes>,
) -> Result<Ours, Diagnostics> {
    let (options, limits) = (Options::default(), Limits { weights, ..Limits::default() });
    let metric = metric(&turns.labels);
    let (mut integer, mut weight_bytes, mut seconds) = (Outputs::new(), 0, Vec::new());
    for sets in &turns.sets {
        let (quantised, report) =
            quantize::quantise_within(model, sets, &options, (&limits, None), Some(metric), &Native)?;
        let report = report.expect("the model is one of floats");
        let stored = stored_inputs(&model.reference, &quantised.reference, &sets.evaluate);
        integer.extend(real_outputs(&quantised.reference, &stored));
        weight_bytes = report.weight_bytes.max(weight_bytes);
        seconds.push(report.seconds);
    }
    let scores = Scores::of(metric, float, &integer, Some(&turns.labels));
    let same = scores.same_top1.filter(|_| metric == Metric::Top1);
    let quality = Quality {
        figure: figure(&scores),
        changed: same.map(|same| scores.samples - same),
        decibels: Some(scores.sqnr_db.unwrap_or(f64::INFINITY)),
    };
    Ok(Ours { quality, weight_bytes, seconds: seconds.iter().sum::<f64>() / seconds.len() as f64 })
}

fn real_outputs(graph: &Graph, samples: &[Vec<Tensor>]) -> Outputs {
    let types: Vec<_> = graph.outputs.iter().map(|&value| graph.ty(value).clone()).collect();
    let keep = |tensors: Vec<Tensor>| tensors.iter().zip(&types).map(|(t, ty)| reals(t, ty)).collect();
    outputs(&Native, graph, samples, keep)
}

fn metric(labels: &Labels) -> Metric {
    Metric::of(Some(labels))
}

/// Right answers, or the error.
fn figure(scores: &Scores) -> f64 {
    scores.correct.map_or(scores.integer, |(_, right)| right as f64)
}

/// What `tests/peers/quantize.py` has found of a network, on the same samples.
fn peers(title: &str, evaluated: usize) -> BTreeMap<String, Quality> {
    let mut lines = include_str!("../peers/quantize.tsv").lines();
    let names: Vec<&str> = lines.next().expect("the file has a head").split('\t').collect();
    let rows = lines.map(|line| names.iter().copied().zip(line.split('\t')).collect::<BTreeMap<_, _>>());
    let own = rows.filter(|row| row["network"] == title && row["model"] != "float");
    let peer = |row: BTreeMap<&str, &str>| {
        let number = |name: &str| {
            let cell = Some(row[name]).filter(|cell| !cell.is_empty())?;
            Some(cell.parse::<f64>().unwrap_or_else(|e| panic!("{name} of {title}: {e}")))
        };
        assert_eq!(number("evaluated"), Some(evaluated as f64), "{title}: peers have other samples");
        let quality = Quality {
            figure: number("right").or(number("value")).expect("a peer has a figure"),
            changed: number("changed").map(|count| count as usize),
            decibels: number("db"),
        };
        (row["model"].to_owned(), quality)
    };
    own.map(peer).collect()
}

impl QuantRow {
    /// By how much a figure is worse than another: samples, or error.
    fn worse(&self, ours: f64, other: f64) -> f64 {
        if self.counts { other - ours } else { ours - other }
    }

    /// Whether a figure is further below float than is allowed: by more than one sample or 0.3 points, whichever is larger.
    fn far(&self, ours: f64) -> bool {
        let share = 0.003;
        let allowed = if self.counts { (self.evaluated as f64 * share).max(1.0) } else { self.float * share };
        self.worse(ours, self.float) > allowed
    }

    /// A figure as it is printed.
    pub(crate) fn spelled(&self, figure: f64) -> String {
        if self.counts { format!("{figure:.0}") } else { format!("{figure:.3}") }
    }

    /// By how much the int8 models are worse than promised: further from float than allowed, or anything below a peer.
    pub(crate) fn missed(&self) -> Option<String> {
        let ours = self.int8.quality.figure;
        let named = |name: &str| match name {
            "ort" => "ONNX Runtime",
            "tflite" => "TFLite",
            other => panic!("{other} is no peer"),
        };
        let peers = self.peers.iter().filter(|(_, peer)| self.worse(ours, peer.figure) > 0.0);
        let peers = peers.map(|(name, peer)| format!("{} {}", named(name), self.spelled(peer.figure)));
        let float = self.far(ours).then(|| format!("float {}", self.spelled(self.float)));
        let better: Vec<String> = float.into_iter().chain(peers).collect();
        let ours = self.spelled(ours);
        (!better.is_empty()).then(|| format!("{} (int8 {ours}, {})", self.title, better.join(", ")))
    }

    /// By how much the models of half the bytes are further below float than is promised of int8.
    pub(crate) fn half_is_far(&self) -> Option<String> {
        let half = self.half.as_ref()?.quality.figure;
        let (own, float) = (self.spelled(half), self.spelled(self.float));
        self.far(half).then(|| format!("{} (half {own}, float {float})", self.title))
    }
}
