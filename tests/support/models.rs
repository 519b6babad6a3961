//! Which networks the tests run: those in `examples/models`, and those of a folder beside the repository that is not part
//! of it (`TINYC_SHARED`, else `../shared`).

use std::path::{Path, PathBuf};
use tinyc::pipeline::Options;

/// A model file with its stored samples.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Unique, and the name of the emitted code.
    pub(crate) name: String,
    /// The ONNX file.
    pub(crate) file: PathBuf,
    /// Samples.
    pub(crate) vectors: PathBuf,
    /// Whether they hold this model's outputs by ONNX Runtime, or are another model's and only good as inputs.
    pub(crate) answered: bool,
}

/// What was found by evaluating each layer of these networks exactly on ONNX Runtime's own arguments.
const TIES: &str = "average pools: the mean of 8-bit integers often lies exactly between two steps, where the exact rule takes the \
     even one and a float32 sum of scaled values falls to either side; convolutions: about one value in 100,000 lies \
     within a millionth of a step of such a border";

/// What was found by comparing each of the hundred quantised tensors.
const SPREAD: &str = "the first thirteen convolutions agree in every value; one of 18,432 values of the next lies so near a rounding \
     border that a float32 sum falls to the other side, and two of 55,296 a few layers on; 48 convolutions spread these three";

/// Where a quantised network may differ from the stored outputs of ONNX Runtime, which evaluates QDQ graphs in
/// float32: (name, largest difference in steps of the output, scale of the output, reason). All others may not.
#[rustfmt::skip]
pub(crate) const ALLOWANCES: &[(&str, f64, f64, &str)] = &[
    ("ic_resnet8_int8_qdq_b1", 1.0, 1.0, TIES),
    ("ic_resnet8_ort_qdq_s8s8_perchan", 1.0, 1.0 / 255.0, TIES),
    ("mcunet_vww_int8", 1.0, 0.146_878_47, TIES),
    ("micro_kws_m_static_qdq", 2.0, 1.0 / 255.0, TIES),
    ("yolo_fastest_face_int8", 4.0, 1.0, SPREAD),
];

impl Model {
    fn new(name: impl Into<String>, file: PathBuf, vectors: PathBuf) -> Self {
        Self { name: name.into(), file, vectors, answered: true }
    }

    /// Compiler options for a Cortex-M4, with the shapes that the file leaves open.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(tinyc_targets::find("cortex-m4").expect("the core is known"));
        options.name = Some(self.name.clone());
        match self.name.as_str() {
            "dyn_dims" => drop(options.shapes.insert("input".into(), vec![1, 3, 9, 7])),
            "tract_qtdnn" => drop(options.shapes.insert("input".into(), vec![8, 10])),
            _ => {}
        }
        options
    }
}

/// The committed models.
pub(crate) fn own() -> Vec<Model> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models");
    let digits = ["f32", "f16", "int8_qdq", "int8_qop", "int8_io", "int4_qdq"].into_iter().map(|form| {
        let file = |name: String| folder.join("digits").join(name);
        let vectors = file(format!("digits_vectors_{form}.npz"));
        Model::new(format!("digits_{form}"), file(format!("digits_{form}.onnx")), vectors)
    });
    let beside = |(place, name): (&str, &str)| {
        let file = |end: &str| folder.join(place).join(format!("{name}.{end}"));
        Model::new(name, file("onnx"), file("npz"))
    };
    let twins = [
        "attention_mix",
        "boxes",
        "conv1d",
        "dw_stack_qdq",
        "dyn_dims",
        "float_mix",
        "matmul_chain_qdq",
        "old_style",
        "qop_mix",
        "residual_qdq",
        "runtime_attention",
        "sampling",
        "selection",
        "spectrum",
        "stream",
        "stream_qdq",
        "two_inputs",
        "u8u8_qdq",
    ];
    let trees = [
        "boosting_iris",
        "forest_diabetes",
        "forest_digits",
        "lightgbm_cancer",
        "logistic_iris",
        "mix",
        "svm_iris",
        "svr_diabetes",
        "xgboost_wine",
    ];
    let strange = ["external_ok", "unsorted_ok"];
    let pairs = twins.map(|name| ("twins", name)).into_iter().chain(trees.map(|name| ("trees", name)));
    let pairs = pairs.chain(strange.map(|name| ("bad", name)));
    digits.chain(pairs.map(beside)).collect()
}

/// The folder of shared models; says so loudly if there is none.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TINYC_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if folder.join("models").is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: shared models not found in {} (set TINYC_SHARED)", folder.display());
    None
}

/// The forms of one MLPerf Tiny network; none if the shared models are not there.
pub(crate) fn mlperf(network: &str, forms: &[&str]) -> Vec<Model> {
    let Some(shared) = shared_folder() else { return Vec::new() };
    let folder = shared.join("models/mlperf_tiny").join(network);
    let vectors = |form: &str| folder.join("vectors").join(format!("{network}_{form}.npz"));
    forms
        .iter()
        .map(|&form| {
            let name = format!("{network}_{form}");
            let model = Model::new(&name, folder.join(format!("{name}.onnx")), vectors(form));
            match form {
                // The same network with a symbolic batch.
                "f32_dyn" => Model { vectors: vectors("f32_b1"), ..model },
                _ if model.vectors.exists() => model,
                _ => Model { vectors: vectors("f32_b1"), answered: false, ..model },
            }
        })
        .collect()
}

/// Other shared models; none if they are not there.
pub(crate) fn small(names: &[&str]) -> Vec<Model> {
    let Some(shared) = shared_folder() else { return Vec::new() };
    let folder = |name: &str| shared.join("models/models").join(name);
    let model =
        |&name: &&str| Model::new(name, folder(name).join("model.onnx"), folder(name).join("vectors.npz"));
    names.iter().map(model).collect()
}

/// Every shared model; none if they are not there.
pub(crate) fn all_shared() -> Vec<Model> {
    let Some(shared) = shared_folder() else { return Vec::new() };
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let networks = shared.join("models/mlperf_tiny");
    let mut all = Vec::new();
    for network in names(&networks).iter().filter(|network| networks.join(network).is_dir()) {
        let files = names(&networks.join(network));
        let forms = files
            .iter()
            .filter_map(|file| file.strip_suffix(".onnx")?.strip_prefix(network)?.strip_prefix('_'));
        all.extend(mlperf(network, &forms.collect::<Vec<_>>()));
    }
    let others = names(&shared.join("models/models"));
    all.extend(small(&others.iter().map(String::as_str).collect::<Vec<_>>()));
    all
}
