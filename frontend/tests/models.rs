//! Every model that the compiler promises to take is imported, and evaluates to what ONNX Runtime stored.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{import, own_models, read_npz, sample, shared, shared_models, vectors};
use std::path::Path;
use tinyc_ir::{Data, eval};

/// How far one model's outputs are from the stored ones.
struct Agreement {
    /// Greatest difference of floats, as a share of max(1, largest output).
    float: f32,
    /// Share of equal integers, and the greatest difference.
    equal: f64,
    step: i64,
}

fn compare(model: &Path, vectors: &Path, samples: usize) -> Agreement {
    let imported = import(model);
    let stored = read_npz(vectors);
    let graph = &imported.graph;
    let (mut float, mut equal, mut total, mut step) = (0f32, 0usize, 0usize, 0i64);
    for index in 0..samples {
        let inputs: Vec<_> = (graph.inputs.iter().enumerate())
            .map(|(i, &v)| sample(&stored[&format!("in_{i}")], index, &graph.ty(v).shape))
            .collect();
        assert_eq!(graph.inputs.len(), stored.keys().filter(|k| k.starts_with("in_")).count());
        for (i, output) in eval::eval(graph, &inputs).outputs(graph).iter().enumerate() {
            let expected = sample(&stored[&format!("out_{i}")], index, &output.shape);
            assert_eq!(output.dtype(), expected.dtype());
            if output.dtype().is_float() || matches!(output.data, Data::F16(_)) {
                let reals = |data: &Data| data.to_reals().into_iter().map(|v| v as f32).collect::<Vec<_>>();
                let (a, b) = (reals(&output.data), reals(&expected.data));
                let largest = b.iter().fold(1f32, |m, v| m.max(v.abs()));
                let far = a.iter().zip(&b).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                float = float.max(far / largest);
            } else {
                let (a, b) = (output.data.to_ints().unwrap(), expected.data.to_ints().unwrap());
                equal += a.iter().zip(&b).filter(|(a, b)| a == b).count();
                total += a.len();
                step = step.max(a.iter().zip(&b).map(|(a, b)| (a - b).abs()).max().unwrap_or(0));
            }
        }
    }
    Agreement { float, equal: if total == 0 { 1.0 } else { equal as f64 / total as f64 }, step }
}

#[test]
fn all_models_import() {
    let Some(shared) = shared() else { return };
    for path in shared_models(&shared) {
        let imported = import(&path);
        assert!(imported.warnings.0.is_empty(), "{}: {}", path.display(), imported.warnings);
        assert_eq!(imported.graph.outputs.len(), 1, "{}", path.display());
        assert!(imported.nodes > 0 && imported.opset >= 8);
    }
}

/// Float models agree within 1e-5. `float` bounds the difference of models with quantised parts and float results, where
/// one step of the quantisation shows; `equal` and `step` are for integer results.
fn agree(model: &Path, vectors: &Path, samples: usize, (float, equal, step): (f32, f64, i64)) {
    let name = model.display();
    let found = compare(model, vectors, samples);
    println!("{name}: float {:e}, equal {:.4}, step {}", found.float, found.equal, found.step);
    assert!(found.float <= float, "{name}: floats differ by {:e}", found.float);
    assert!(
        found.equal >= equal && found.step <= step,
        "{name}: {:.4} equal, step {}",
        found.equal,
        found.step
    );
}

const FLOAT: (f32, f64, i64) = (1e-5, 1.0, 0);

#[test]
fn own_models_agree() {
    let models = own_models();
    assert!(models.len() >= 14);
    for (model, vectors) in models {
        agree(&model, &vectors, 4, FLOAT);
    }
}

fn shared_agree(name: &str, samples: usize, bounds: (f32, f64, i64)) {
    let Some(shared) = shared() else { return };
    let path = shared.join("models").join(name);
    agree(&path, &vectors(&path), samples, bounds);
}

#[test]
fn shared_float_models_agree() {
    shared_agree("models/mnist8/model.onnx", 2, FLOAT);
    shared_agree("models/hello_world_float/model.onnx", 4, FLOAT);
    shared_agree("models/keypoint_classifier/model.onnx", 4, FLOAT);
    shared_agree("models/micro_kws_m_static_fp32/model.onnx", 1, FLOAT);
    shared_agree("mlperf_tiny/kws_dscnn/kws_dscnn_f32_b1.onnx", 1, FLOAT);
    shared_agree("mlperf_tiny/kws_dscnn/kws_dscnn_f32_dyn.onnx", 1, FLOAT);
    shared_agree("mlperf_tiny/ad_autoencoder/ad_autoencoder_f32_b1.onnx", 1, FLOAT);
    shared_agree("mlperf_tiny/sww_1dcnn/sww_1dcnn_f32_b1.onnx", 1, FLOAT);
}

#[test]
fn shared_quantised_models_agree() {
    shared_agree("models/hello_world_int8/model.onnx", 4, FLOAT);
    shared_agree("models/tract_qtdnn/model.onnx", 4, FLOAT);
    shared_agree("models/micro_speech_int8/model.onnx", 2, FLOAT);
    shared_agree("models/micro_kws_m_qoperator_add_shape/model.onnx", 1, FLOAT);
    // ONNX Runtime differs from itself by as much here, with and without optimisation: three steps of 1/255.
    shared_agree("models/micro_kws_m_static_qdq/model.onnx", 1, (0.012, 1.0, 0));
    shared_agree("mlperf_tiny/ad_autoencoder/ad_autoencoder_int8_qdq_b1.onnx", 1, FLOAT);
    shared_agree("mlperf_tiny/sww_1dcnn/sww_1dcnn_int8_qdq_b1.onnx", 1, FLOAT);
    for name in [
        "int8_qdq_b1",
        "ort_qdq_s8s8_perchan",
        "ort_qdq_u8u8",
        "ort_qop_std_u8s8",
        "ort_qop_u8s8",
        "ort_qop_s8s8_perchan",
    ] {
        shared_agree(&format!("mlperf_tiny/kws_dscnn/kws_dscnn_{name}.onnx"), 1, FLOAT);
    }
}

#[test]
fn large_shared_models_agree() {
    for name in ["f32_b1", "f32_dyn", "ort_qdq_s8s8_perchan", "ort_qop_u8s8", "ort_qop_s8s8_perchan"] {
        shared_agree(&format!("mlperf_tiny/ic_resnet8/ic_resnet8_{name}.onnx"), 1, FLOAT);
    }
    // Residual sums in floats tie now and then; one of twenty bytes is off by one.
    shared_agree("mlperf_tiny/ic_resnet8/ic_resnet8_int8_qdq_b1.onnx", 2, (0.0, 0.95, 1));
    for name in ["f32_b1", "int8_qdq_b1"] {
        shared_agree(&format!("mlperf_tiny/vww_mobilenet/vww_mobilenet_{name}.onnx"), 1, FLOAT);
    }
    shared_agree("models/kws_micronet_m_int8/model.onnx", 1, FLOAT);
    // One step of the last quantisation, 0.147 of 2.2: as much as between ONNX Runtime with and without optimisation.
    shared_agree("models/mcunet_vww_int8/model.onnx", 1, (0.07, 1.0, 0));
}
