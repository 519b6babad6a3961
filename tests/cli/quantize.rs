//! `tinyc quantize`: an integer model as an ONNX file, and a page about it.

use crate::program::{folder, tinyc};
use crate::{SAMPLES, json};
use std::collections::BTreeMap;
use std::path::Path;
use tinyc::pipeline;
use tinyc_ir::{Tensor, eval::eval};

const FLOAT: &str = "examples/models/digits/digits_f32.onnx";
const OPERATORS: &str = "examples/models/digits/digits_int8_qop.onnx";

fn reference(path: &Path) -> tinyc_ir::Graph {
    pipeline::load(path, &BTreeMap::new()).unwrap().reference
}

#[test]
fn a_float_model_becomes_a_file_and_a_page() {
    let place = folder("quantize");
    let (file, page) = (place.join("digits.int8.onnx"), place.join("digits.html"));
    let (out, report) = (file.to_str().unwrap(), page.to_str().unwrap());
    let arguments = ["quantize", FLOAT, "--calibrate", SAMPLES, "-o", out, "--report", report, "--json"];
    let ran = tinyc(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = json(&ran.out);
    let first = std::fs::read(&file).unwrap();
    assert_eq!(told["bytes"], first.len());
    assert!(
        told["nodes"].as_u64().unwrap() > 20
            && told["quantization"]["scores"]["correct"][1].as_u64() > Some(170)
    );
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("digits_f32.onnx on integers") && text.contains("/pw2/Conv"), "{text}");
    // The same samples, the same bytes.
    assert_eq!(tinyc(&arguments).out, ran.out);
    assert_eq!((first, text), (std::fs::read(&file).unwrap(), std::fs::read_to_string(&page).unwrap()));
    // All that computes is integers again.
    let graph = reference(&file);
    assert!(graph.values.values().all(|value| !value.ty.dtype.is_float()));
    assert_eq!(graph.values[graph.inputs[0]].ty.dtype, tinyc_ir::DType::I8);
}

#[test]
fn a_quantised_model_keeps_its_integers() {
    let file = folder("quantize_again").join("qdq.onnx");
    let ran = tinyc(&["quantize", OPERATORS, "-o", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("W0425") && ran.out.contains("nodes"), "{}{}", ran.err, ran.out);
    let (before, after) = (reference(Path::new(OPERATORS)), reference(&file));
    for seed in 0..3 {
        let inputs: Vec<Tensor> = tinyc_ir::testing::random_inputs(&before, seed);
        assert_eq!(eval(&before, &inputs).outputs(&before), eval(&after, &inputs).outputs(&after));
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let file = folder("quantize_nothing").join("none.onnx");
    let out = file.to_str().unwrap();
    let ran = tinyc(&["quantize", FLOAT, "-o", out]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("E0430") && ran.err.contains("--calibrate samples.npz"), "{}", ran.err);
    assert_eq!(tinyc(&["quantize", FLOAT, "-o", FLOAT]).code, 1);
    assert_eq!(tinyc(&["quantize", FLOAT, "-o", out, "--report", "x.html"]).code, 2);
    assert!(!file.exists());
}
