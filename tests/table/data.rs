//! Which networks are measured, and their labelled data in the form that each wants.

use crate::support::models::{self, Model};
use crate::support::vectors::{Vectors, cut};
use std::path::Path;
use tinyc_ir::{Data, TensorType};

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

/// Labelled samples in a file.
pub(crate) struct Labelled {
    vectors: Vectors,
    network: &'static str,
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

/// Frames of a clip, spectral bands of a frame, and frames that the autoencoder sees at once.
const CLIP: (usize, usize, usize) = (100, 128, 5);

/// The classes of Arm's networks of keywords in the order of those of MLPerf Tiny, which the data have: Down, Go, Left, No, Off, On, Right,
/// Stop, Up, Yes, Silence, Unknown.
const ARM_WORDS: [usize; 12] = [5, 11, 6, 3, 9, 8, 7, 10, 4, 2, 0, 1];

impl Labelled {
    /// The samples of a file, in the form that a network wants.
    pub(crate) fn of(file: &Path, network: &'static str) -> Self {
        Self { vectors: Vectors::read(file), network }
    }

    /// All samples as the network's input of a type wants them, with the class of each (of AD: the clip).
    pub(crate) fn samples(&self, input: &TensorType) -> Vec<(Data, usize)> {
        let integer = input.quant.is_some();
        let all = match (self.network, integer) {
            ("kws_dscnn", false) => self.scaled("x_int8"),
            ("kws_dscnn" | "sww_1dcnn" | "digits", true) => self.array("x_int8").clone(),
            ("sww_1dcnn" | "digits", false) => self.array("x_f32").clone(),
            ("vww_mobilenet", false) => Data::F32(self.integers("x_u8").map(|x| x as f32 / 255.0).collect()),
            ("ic_resnet8", false) => Data::F32(self.integers("x_u8").map(|x| x as f32).collect()),
            ("keypoint_classifier", false) => self.array("x_f32").clone(),
            ("mnist8", false) => Data::F32(self.integers("x_u8").map(|x| x as f32).collect()),
            ("mnist14_atmega", false) => self.halved("x_u8"),
            ("armkws_lstm", false) => self.scaled("x_int8"),
            ("vww_mobilenet" | "ic_resnet8", true) => {
                Data::I8(self.integers("x_u8").map(|x| (x - 128) as i8).collect())
            }
            ("ad_autoencoder", _) => return self.windows(input),
            (network, _) => panic!("no data for {network}"),
        };
        let labels = self.integers("labels").map(|label| match self.network {
            "armkws_lstm" => ARM_WORDS[label as usize],
            _ => label as usize,
        });
        labels.enumerate().map(|(i, label)| (cut(&all, i, input.shape.elements()), label)).collect()
    }

    /// Each clip's windows of five frames, a frame apart.
    fn windows(&self, input: &TensorType) -> Vec<(Data, usize)> {
        let (frames, bands, window) = CLIP;
        let all = self.array("log_mel");
        let mut samples = Vec::new();
        for clip in 0..all.len() / (frames * bands) {
            for first in 0..=frames - window {
                let start = (clip * frames + first) * bands;
                let x = all.gather(&(start..start + window * bands).collect::<Vec<_>>());
                samples.push((quantized(&x, input), clip));
            }
        }
        samples
    }

    /// The reals that an AD network should reproduce, in the order of [`samples`](Self::samples).
    pub(crate) fn targets(&self) -> Vec<Vec<f32>> {
        let floats = TensorType::f32([1]);
        self.windows(&floats)
            .into_iter()
            .map(|(x, _)| x.as_f32().expect("spectra are floats").to_vec())
            .collect()
    }

    fn scaled(&self, name: &str) -> Data {
        let scale = self.array("scale").as_f32().expect("a scale is a float")[0];
        let zero = self.array("zero_point").int(0);
        Data::F32(self.integers(name).map(|x| (x - zero) as f32 * scale).collect())
    }

    /// Pictures of bytes as those of half their height and width, in 0 to 1.
    fn halved(&self, name: &str) -> Data {
        const SIDE: usize = 28;
        let pixels: Vec<i64> = self.integers(name).collect();
        let pictures = pixels.chunks(SIDE * SIDE).flat_map(|picture| {
            (0..SIDE / 2 * (SIDE / 2)).map(|at| {
                let (y, x) = (at / (SIDE / 2) * 2, at % (SIDE / 2) * 2);
                let row = |y: usize| picture[y * SIDE + x] + picture[y * SIDE + x + 1];
                (row(y) + row(y + 1)) as f32 / 4.0 / 255.0
            })
        });
        Data::F32(pictures.collect())
    }

    fn integers(&self, name: &str) -> impl Iterator<Item = i64> {
        self.array(name).to_ints().expect("it holds integers").into_iter()
    }

    fn array(&self, name: &str) -> &Data {
        self.vectors.get(name).unwrap_or_else(|| panic!("{}: no array {name}", self.network))
    }
}

/// Floats as an input of this type stores them.
fn quantized(x: &Data, ty: &TensorType) -> Data {
    let Some((scale, zero)) = ty.quant.as_ref().and_then(|q| q.tensor_wide()) else { return x.clone() };
    let stored = |&x: &f32| ((x / scale).round_ties_even() as i64 + i64::from(zero)).clamp(-128, 127);
    Data::from_ints(ty.dtype, x.as_f32().expect("floats are quantised").iter().map(stored))
}
