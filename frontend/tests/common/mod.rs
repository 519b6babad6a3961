//! Where the test models are, and how their stored inputs and outputs are read.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test takes what it needs, and may fail"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tinyc_frontend::onnx::{self, Imported, Options};
use tinyc_ir::{DType, Data, Tensor};

/// The folder of models that are not part of the repository, if it is there.
pub fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("TINYC_SHARED").map_or(root.join("../shared"), PathBuf::from);
    if shared.is_dir() {
        return Some(shared);
    }
    eprintln!("SKIPPED: {} not found (set TINYC_SHARED)", shared.display());
    None
}

/// The models of the repository itself: good ones, each with its vectors.
pub fn own_models() -> Vec<(PathBuf, PathBuf)> {
    let examples = examples();
    let mut found = Vec::new();
    collect(&examples.join("digits"), &mut found);
    collect(&examples.join("twins"), &mut found);
    collect(&examples.join("trees"), &mut found);
    found.extend(
        ["external_ok", "unsorted_ok"].map(|name| examples.join("bad").join(name).with_extension("onnx")),
    );
    let vectors = |model: &PathBuf| match model.file_stem().unwrap().to_str().unwrap().strip_prefix("digits_")
    {
        Some(rest) => model.with_file_name(format!("digits_vectors_{rest}.npz")),
        None => model.with_extension("npz"),
    };
    found.into_iter().map(|model| (model.clone(), vectors(&model))).collect()
}

/// The folder of the repository's own models.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models")
}

/// Every model under the shared folder that the compiler promises to take.
pub fn shared_models(shared: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&shared.join("models/mlperf_tiny"), &mut found);
    found.retain(|p| !p.to_string_lossy().contains("dynquant"));
    let small = [
        "mnist8",
        "hello_world_float",
        "hello_world_int8",
        "keypoint_classifier",
        "micro_kws_m_qoperator_add_shape",
        "micro_kws_m_static_fp32",
        "micro_kws_m_static_qdq",
        "micro_speech_int8",
        "kws_micronet_m_int8",
        "mcunet_vww_int8",
        "tract_qtdnn",
    ];
    found.extend(small.map(|name| shared.join("models/models").join(name).join("model.onnx")));
    found
}

/// Every ONNX file below a folder, in a fixed order.
pub fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "onnx") {
            found.push(path);
        }
    }
}

/// Imports a model that must be taken; two of them leave sizes open, which their vectors fix.
pub fn import(path: &Path) -> Imported {
    let mut options = Options::default();
    let open = [("tract_qtdnn", vec![8, 10]), ("dyn_dims", vec![1, 3, 9, 7])];
    for (name, shape) in open {
        if path.to_string_lossy().contains(name) {
            options.shapes.insert("input".into(), shape);
        }
    }
    let imported = onnx::import_file(path, &options).unwrap_or_else(|e| panic!("{}:\n{e}", path.display()));
    tinyc_ir::verify::verify(&imported.graph).unwrap_or_else(|e| panic!("{}:\n{e}", path.display()));
    imported
}

/// The vectors that belong to a shared model.
pub fn vectors(model: &Path) -> PathBuf {
    let stem = model.file_stem().unwrap().to_string_lossy().replace("_f32_dyn", "_f32_b1");
    let folder = model.parent().unwrap();
    if stem == "model" {
        folder.join("vectors.npz")
    } else {
        folder.join("vectors").join(format!("{stem}.npz"))
    }
}

/// The numeric arrays of an npz file.
pub fn read_npz(path: &Path) -> BTreeMap<String, Tensor> {
    let mut npz = npyz::npz::NpzArchive::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names: Vec<String> = npz.array_names().map(str::to_string).collect();
    let mut arrays = BTreeMap::new();
    for name in names {
        let array = npz.by_name(&name).unwrap().unwrap();
        let shape: Vec<usize> = array.shape().iter().map(|&d| d as usize).collect();
        let npyz::DType::Plain(ty) = array.dtype() else { continue };
        let dtype = match ty.to_string().trim_start_matches(['<', '|', '>']) {
            "f2" => DType::F16,
            "f4" => DType::F32,
            "i1" => DType::I8,
            "i8" => DType::I64,
            "u1" => DType::U8,
            "i4" => DType::I32,
            _ => continue,
        };
        let data = match dtype {
            DType::F16 => Data::F16(
                array.into_vec::<half::f16>().unwrap().into_iter().map(half::f16::to_bits).collect(),
            ),
            DType::F32 => Data::F32(array.into_vec().unwrap()),
            DType::I8 => Data::I8(array.into_vec().unwrap()),
            DType::I32 => Data::I32(array.into_vec().unwrap()),
            DType::I64 => Data::I64(array.into_vec().unwrap()),
            _ => Data::U8(array.into_vec().unwrap()),
        };
        arrays.insert(name, Tensor::new(shape, data));
    }
    arrays
}

/// Sample `index` of a stack of samples, in the given shape.
pub fn sample(stack: &Tensor, index: usize, shape: &tinyc_ir::Shape) -> Tensor {
    let count = shape.elements();
    let positions: Vec<usize> = (index * count..(index + 1) * count).collect();
    Tensor::new(shape.clone(), stack.data.gather(&positions))
}
