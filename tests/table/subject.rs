//! Which networks are measured, and what ONNX Runtime reaches with each.

use crate::labelled::Labelled;
use crate::support::models::{self, Model};
use std::path::{Path, PathBuf};

/// A network to measure.
pub(crate) struct Subject {
    /// What the table calls it.
    pub(crate) title: String,
    /// `float32` or `int8`.
    pub(crate) form: &'static str,
    /// The file and its stored outputs.
    pub(crate) model: Model,
    /// Where the labelled samples are, and how to read them.
    pub(crate) labelled: Labelled,
    /// What ONNX Runtime reaches on them.
    pub(crate) theirs: Score,
}

/// How good a network is on labelled data.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Score {
    /// How many samples of how many have the right class first.
    Top1 { right: usize, of: usize },
    /// The mean error of reconstruction, of the normal clip and of the anomaly.
    Error { normal: f64, anomaly: f64 },
}

/// The five networks of MLPerf Tiny in two forms each; none without the shared models.
pub(crate) fn mlperf() -> Vec<Subject> {
    let Some(shared) = models::shared_folder() else { return Vec::new() };
    let page =
        std::fs::read_to_string(shared.join("models/README.md")).expect("the shared models are described");
    let networks = [
        ("KWS", "kws_dscnn"),
        ("VWW", "vww_mobilenet"),
        ("IC", "ic_resnet8"),
        ("AD", "ad_autoencoder"),
        ("SWW", "sww_1dcnn"),
    ];
    let mut all = Vec::new();
    for (title, network) in networks {
        for (form, suffix) in [("float32", "f32_b1"), ("int8", "int8_qdq_b1")] {
            let [model] = models::mlperf(network, &[suffix]).try_into().expect("one was asked for");
            let file = shared.join("models/mlperf_tiny").join(network).join("data.npz");
            let theirs = published(&page, &model.name);
            let labelled = Labelled::of(&file, network);
            all.push(Subject { title: title.into(), form, model, labelled, theirs });
        }
    }
    all
}

/// The committed digits in two forms.
pub(crate) fn digits() -> Vec<Subject> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models");
    let page = std::fs::read_to_string(folder.join("README.md")).expect("the models are described");
    let wanted = [("float32", "digits_f32"), ("int8", "digits_int8_io")];
    let subject = |(form, name): (&'static str, &str)| {
        let model = models::own().into_iter().find(|model| model.name == name).expect("it is committed");
        // `| … | 352/360 = 97.78 % |`
        let row =
            page.lines().find(|line| line.contains(&format!("`digits/{name}.onnx`"))).expect("it has a row");
        let (right, of) = row
            .split_whitespace()
            .find_map(|word| word.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))))
            .expect("the row has a score");
        let labelled = Labelled::of(&folder.join("digits/digits_samples.npz"), "digits");
        Subject { title: "digits".into(), form, model, labelled, theirs: Score::Top1 { right, of } }
    };
    wanted.into_iter().map(subject).collect()
}

/// ONNX Runtime's score, from the table that describes the data:
/// `| kws_dscnn_f32_b1 | 500 | top1 noopt 0.9120 … |` or `| … | 192 | score normal 9.4176 anomaly 9.5452 | … |`.
fn published(page: &str, model: &str) -> Score {
    let start = format!("| {model} | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&start)).expect("the model has a row");
    let (of, metric) = row.split_once(" | ").expect("the row has a count and a metric");
    let after = |word: &str| -> Option<f64> {
        let mut words = metric.split_whitespace().skip_while(|w| *w != word);
        words.nth(1)?.parse().ok()
    };
    match (after("noopt"), after("normal"), after("anomaly")) {
        (Some(share), _, _) => {
            let of: usize = of.parse().expect("a count");
            Score::Top1 { right: (share * of as f64).round() as usize, of }
        }
        (None, Some(normal), Some(anomaly)) => Score::Error { normal, anomaly },
        _ => panic!("{model}: unknown metric {metric}"),
    }
}

/// Title, file and labelled samples of the float networks: those above, and others of which no table of objects is made.
pub(crate) fn floats() -> Vec<(String, PathBuf, Labelled)> {
    let own = |all: Vec<Subject>| {
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
    own(mlperf()).chain(others).chain(own(digits())).collect()
}
