//! Labelled samples in the form that each network wants.

use crate::support::vectors::{Vectors, cut};
use std::path::Path;
use tinyc::quantize::Labels;
use tinyc_ir::{Data, Graph, Tensor, TensorType};

/// Labelled samples in a file.
pub(crate) struct Labelled {
    vectors: Vectors,
    network: &'static str,
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

    /// All samples for a network with one input, and their classes, or what should come out.
    pub(crate) fn calibration(&self, graph: &Graph) -> (Vec<Vec<Tensor>>, Labels) {
        let ty = graph.ty(graph.inputs[0]);
        let (data, classes): (Vec<_>, Vec<_>) = self.samples(ty).into_iter().unzip();
        let inputs = data.into_iter().map(|x| vec![Tensor::new(ty.shape.clone(), x)]).collect();
        let labels = match self.network {
            "ad_autoencoder" => Labels::Targets(self.targets()),
            _ => Labels::Classes(classes.into_iter().map(|class| class as i64).collect()),
        };
        (inputs, labels)
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
