//! How good the integer models are that tinyc makes of float ones, beside those of others on the same samples.

use crate::data::{self, Labelled, Subject};
use crate::support::models;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use tinyc::quantize::{self, Labels, Limits, Metric, Native, Options, QuantReport, WeightBytes};
use tinyc_ir::{Graph, Tensor};

/// One network, quantised twice.
pub(crate) struct QuantRow {
    title: String,
    /// Samples for calibration and for evaluation.
    samples: (usize, usize),
    /// All weights in 8 bits.
    int8: QuantReport,
    /// Weights of half the bytes; `None` where no choice of layers comes to that.
    half: Option<QuantReport>,
    /// What others reach, by name: `tflite`, `ort`.
    peers: BTreeMap<String, f64>,
}

/// What the columns are.
const LEGEND: &str = "Right answers of so many (*top-1*), or the mean square error of reconstruction (AD), on samples that had no part in calibration: half \
    of each file, by the shuffle that `tinyc quantize` makes. *TFLite* is the 8-bit model of MLPerf Tiny, calibrated with the training's own data; \
    *ONNX Runtime* its static quantisation (QDQ, per channel, the same calibration samples, the best of six settings by the error on a quarter of them; \
    `tests/peers/quantize.py`). *int8* and *half* are ours: 8-bit weights, and 8 and 4-bit weights in half the bytes. dB: signal over noise of the \
    outputs. *Seconds* for *int8*, on the machine that made this table.";

/// Quantises all networks whose samples are here; says on standard error what it is doing.
pub(crate) fn rows() -> Vec<QuantRow> {
    let peers = include_str!("../peers/quantize.tsv");
    subjects().into_iter().map(|subject| row(subject, peers)).collect()
}

/// Title, file and labelled samples of float networks.
pub(crate) fn subjects() -> Vec<(String, PathBuf, Labelled)> {
    let floats = |all: Vec<Subject>| {
        let floats = all.into_iter().filter(|subject| subject.form == "float32");
        floats.map(|subject| (subject.title, subject.model.file, subject.labelled))
    };
    let others = [
        ("gestures", "keypoint_classifier", "models/keypoint_classifier"),
        ("MNIST 28", "mnist8", "models/mnist8"),
        ("MNIST 14", "mnist14_atmega", "models/mnist8"),
        ("KWS LSTM", "armkws_lstm", "mlperf_tiny/kws_dscnn"),
    ];
    let shared = models::shared_folder();
    let others = others.into_iter().filter_map(|(title, network, data)| {
        let models = shared.as_ref()?.join("models");
        let labelled = Labelled::of(&models.join(data).join("data.npz"), network);
        Some((title.to_owned(), models.join("models").join(network).join("model.onnx"), labelled))
    });
    floats(data::mlperf()).chain(others).chain(floats(data::digits())).collect()
}

fn row((title, file, labelled): (String, PathBuf, Labelled), peers: &str) -> QuantRow {
    eprintln!("{title}: quantised");
    let model = tinyc::pipeline::load(&file, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let graph = &model.reference;
    let (inputs, labels) = samples(graph, &labelled, title == "AD");
    let metric = if title == "AD" { Metric::Mse } else { Metric::Top1 };
    let sets = quantize::split(inputs, Some(labels), None);
    let quantised = |weights| {
        let (options, limits) = (Options::default(), Limits { weights, ..Limits::default() });
        quantize::quantise_within(&model, &sets, &options, (&limits, None), Some(metric), &Native)
            .map(|(_, report)| report.expect("the model is one of floats"))
    };
    let int8 = quantised(None).unwrap_or_else(|e| panic!("{title}: {e}"));
    let half = quantised(Some(WeightBytes::Percent(50.0))).inspect_err(|e| eprintln!("{title}: {e}")).ok();
    let peer = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let own = cells[0] == title && cells[1] != "float";
        let number = if cells[6].is_empty() { cells[5] } else { cells[6] };
        own.then(|| (cells[1].to_owned(), number.parse().expect("a figure of a peer is a number")))
    };
    let peers = peers.lines().filter_map(peer).collect();
    let samples = (sets.split.fit + sets.split.select, sets.split.evaluate);
    QuantRow { title, samples, int8, half, peers }
}

/// All samples of a network with one input, and their classes, or what should come out.
pub(crate) fn samples(graph: &Graph, labelled: &Labelled, reconstructs: bool) -> (Vec<Vec<Tensor>>, Labels) {
    let ty = graph.ty(graph.inputs[0]);
    let (data, classes): (Vec<_>, Vec<_>) = labelled.samples(ty).into_iter().unzip();
    let inputs = data.into_iter().map(|x| vec![Tensor::new(ty.shape.clone(), x)]).collect();
    let labels = match reconstructs {
        true => Labels::Targets(labelled.targets()),
        false => Labels::Classes(classes.into_iter().map(|class| class as i64).collect()),
    };
    (inputs, labels)
}

/// Of the float model and of the integer one: right answers, or the error.
fn figures(report: &QuantReport) -> (f64, f64) {
    let scores = &report.scores;
    match scores.correct {
        Some((float, integer)) => (float as f64, integer as f64),
        None => (scores.float.unwrap_or(f64::NAN), scores.integer),
    }
}

impl QuantRow {
    /// By how much the int8 model is worse than promised: one sample (or 0.3 points) below float, or anything below a peer.
    pub(crate) fn missed(&self) -> Option<String> {
        let (float, ours) = figures(&self.int8);
        let counts = self.int8.scores.correct.is_some();
        let worse = |other: f64| if counts { other - ours } else { ours - other };
        let allowed = if counts { (self.samples.1 as f64 * 0.003).max(1.0) } else { float * 0.003 };
        let float = (worse(float) > allowed).then(|| format!("float has {float}"));
        let peers = self.peers.iter().filter(|(_, figure)| worse(**figure) > 0.0);
        let better: Vec<String> =
            float.into_iter().chain(peers.map(|(name, figure)| format!("{name} has {figure}"))).collect();
        (!better.is_empty()).then(|| format!("{}: int8 has {ours}, {}", self.title, better.join(", ")))
    }
}

/// The table.
pub(crate) fn markdown(rows: &[QuantRow]) -> String {
    let mut out = String::from(
        "| network | calibrated on | measured on | float | TFLite | ONNX Runtime | int8 | dB | half | dB | weights: int8, half | seconds |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let counts = row.int8.scores.correct.is_some();
        let figure = |x: f64| if counts { format!("{x:.0}") } else { format!("{x:.3}") };
        let peer = |name: &str| row.peers.get(name).map_or("-".into(), |&x| figure(x));
        let decibels =
            |report: &QuantReport| report.scores.sqnr_db.map_or("no noise".into(), |db| format!("{db:.1}"));
        let (float, int8) = figures(&row.int8);
        let half = row.half.as_ref();
        let bytes = half.map_or("-".into(), |half| half.weight_bytes.to_string());
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {}, {bytes} | {:.1} |",
            row.title,
            row.samples.0,
            row.samples.1,
            figure(float),
            peer("tflite"),
            peer("ort"),
            figure(int8),
            decibels(&row.int8),
            half.map_or("-".into(), |half| figure(figures(half).1)),
            half.map_or("-".into(), decibels),
            row.int8.weight_bytes,
            row.int8.seconds,
        )
        .expect("strings take what is written");
    }
    out + "\n" + LEGEND + "\n"
}
