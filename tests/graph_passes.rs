//! The graph passes on real networks: what is left of each, that integer models come out as integers, that exact
//! passes change no bit, and that half of VWW goes.
//!
//! The models live beside the repository (`TINYC_SHARED`, else `../shared`) and are not part of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tinyc_frontend::onnx::{self, Options};
use tinyc_ir::{DType, Data, Diagnostics, Graph, Tensor, TensorType, eval::eval};
use tinyc_passes::graph::{constant_channels, macs, optimise, to_reference};

fn model(path: &str) -> Option<Graph> {
    let root = std::env::var_os("TINYC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let file = root.join("models").join(path);
    if !file.exists() {
        println!("SKIPPED: {} not found", file.display());
        return None;
    }
    let mut options = Options::default();
    if path.contains("tract_qtdnn") {
        options.shapes.insert("input".into(), vec![24, 10]);
    }
    Some(onnx::import_file(&file, &options).unwrap_or_else(|e| panic!("{path}:\n{e}")).graph)
}

/// Operators and how many there are, as `conv2d=9 dense=1`.
fn summary(graph: &Graph) -> String {
    let mut counts = BTreeMap::new();
    graph.nodes.values().for_each(|n| *counts.entry(n.op.name()).or_insert(0) += 1);
    counts.iter().map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
}

/// The reference graph and the optimised one.
fn compiled(path: &str) -> Option<(Graph, Graph)> {
    let graph = model(path)?;
    let mut diagnostics = Diagnostics::default();
    let reference = to_reference(&graph, &mut diagnostics);
    assert!(diagnostics.0.is_empty(), "{path}:\n{diagnostics}");
    Some((reference.clone(), optimise(&reference)))
}

#[test]
fn nothing_is_left_that_need_not_run() {
    let expected = [
        ("mlperf_tiny/ad_autoencoder/ad_autoencoder_f32_b1.onnx", "dense=10"),
        ("mlperf_tiny/ad_autoencoder/ad_autoencoder_int8_qdq_b1.onnx", "dense=10"),
        (
            "mlperf_tiny/ic_resnet8/ic_resnet8_f32_dyn.onnx",
            "add=3 avg_pool2d=1 conv2d=9 dense=1 reshape=1 softmax=1",
        ),
        (
            "mlperf_tiny/ic_resnet8/ic_resnet8_int8_qdq_b1.onnx",
            "add=3 avg_pool2d=1 conv2d=9 dense=1 reshape=1 softmax=1",
        ),
        (
            "mlperf_tiny/ic_resnet8/ic_resnet8_ort_qdq_s8s8_perchan.onnx",
            "add=3 avg_pool2d=1 conv2d=9 dense=1 dequantize=1 quantize=1 reshape=1 softmax=1",
        ),
        ("mlperf_tiny/kws_dscnn/kws_dscnn_f32_b1.onnx", "avg_pool2d=1 conv2d=9 dense=1 reshape=1 softmax=1"),
        (
            "mlperf_tiny/kws_dscnn/kws_dscnn_int8_qdq_b1.onnx",
            "avg_pool2d=1 conv2d=9 dense=1 reshape=1 softmax=1",
        ),
        (
            "mlperf_tiny/kws_dscnn/kws_dscnn_ort_qdq_u8u8.onnx",
            "avg_pool2d=1 conv2d=9 dense=1 dequantize=1 quantize=1 reshape=1 softmax=1",
        ),
        ("mlperf_tiny/sww_1dcnn/sww_1dcnn_f32_b1.onnx", "conv2d=8 dense=1 reshape=1 softmax=1"),
        ("mlperf_tiny/sww_1dcnn/sww_1dcnn_int8_qdq_b1.onnx", "conv2d=8 dense=1 reshape=1 softmax=1"),
        (
            "mlperf_tiny/vww_mobilenet/vww_mobilenet_f32_b1.onnx",
            "avg_pool2d=1 conv2d=27 dense=1 reshape=1 softmax=1",
        ),
        (
            "mlperf_tiny/vww_mobilenet/vww_mobilenet_int8_qdq_b1.onnx",
            "avg_pool2d=1 conv2d=27 dense=1 reshape=1 softmax=1",
        ),
        (
            "models/mcunet_vww_int8/model.onnx",
            "add=8 avg_pool2d=2 conv2d=45 dense=1 dequantize=1 quantize=1 reshape=2",
        ),
        ("models/mnist8/model.onnx", "conv2d=2 dense=1 max_pool2d=2 reshape=2"),
        ("models/tract_qtdnn/model.onnx", "conv2d=1 dequantize=1 quantize=1 reshape=2"),
    ];
    for (path, ops) in expected {
        if let Some((_, last)) = compiled(path) {
            assert_eq!(summary(&last), ops, "{path}");
        }
    }
}

#[test]
fn half_of_vww_is_constant_or_dead() {
    let Some((reference, _)) = compiled("mlperf_tiny/vww_mobilenet/vww_mobilenet_int8_qdq_b1.onnx") else {
        return;
    };
    let (_, report) = constant_channels::run_with_report(&reference);
    assert_eq!((report.macs_before, report.macs_after), (7_489_664, 3_727_313));
    // Pointwise and depthwise layers in turn, then the pool and its flattened form.
    let live: Vec<usize> = report.narrowed.iter().map(|n| n.kept.len()).collect();
    let expected = [60, 60, 106, 106, 57, 57, 30, 30, 19, 19, 15, 15, 25, 25, 31, 31, 22, 22, 22];
    assert_eq!(live, expected);
}

#[test]
fn optimised_networks_compute_the_bits_of_the_reference_graph() {
    let paths = [
        "mlperf_tiny/vww_mobilenet/vww_mobilenet_int8_qdq_b1.onnx",
        "mlperf_tiny/ad_autoencoder/ad_autoencoder_int8_qdq_b1.onnx",
        "mlperf_tiny/kws_dscnn/kws_dscnn_ort_qdq_u8u8.onnx",
        "models/mcunet_vww_int8/model.onnx",
        "models/mnist8/model.onnx",
    ];
    for path in paths {
        let Some((reference, last)) = compiled(path) else { continue };
        assert!(macs(&last) <= macs(&reference));
        let inputs: Vec<Tensor> = reference.inputs.iter().map(|&v| noise(reference.ty(v))).collect();
        let (expected, got) =
            (eval(&reference, &inputs).outputs(&reference), eval(&last, &inputs).outputs(&last));
        assert!(expected.iter().zip(&got).all(|(a, b)| a.same_bits(b)), "{path}");
    }
}

/// A fixed pattern over the type's range, or over -1 to 1.
fn noise(ty: &TensorType) -> Tensor {
    let step = |i: usize| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let count = ty.shape.elements();
    if ty.dtype == DType::F32 {
        return Tensor::f32(
            ty.shape.clone(),
            (0..count).map(|i| (step(i) % 2001) as f32 / 1000.0 - 1.0).collect(),
        );
    }
    Tensor::new(ty.shape.clone(), Data::from_ints(ty.dtype, (0..count).map(|i| step(i) as i64 % 256 - 128)))
}
