//! `--state`: a network that keeps outputs for its next run, on the host, on simulated machines and in firmware.

use crate::json;
use crate::program::{folder, tinyc};
use std::path::Path;

const STREAM: &str = "examples/models/twins/stream.onnx";
const PAIRS: [&str; 6] =
    ["--state", "past=past_next", "--state", "hidden=hidden_next", "--state", "older=older_next"];
const INTEGERS: &str = "examples/models/twins/stream_qdq.onnx";
const INTEGER_PAIRS: [&str; 4] = ["--state", "past=past_next", "--state", "level=level_next"];

/// A model with its pairs and the sequence that ONNX Runtime computed.
fn models() -> [(&'static str, &'static [&'static str], String); 2] {
    let sequence = |model: &str| model.replace(".onnx", "_sequence.npz");
    [(STREAM, &PAIRS, sequence(STREAM)), (INTEGERS, &INTEGER_PAIRS, sequence(INTEGERS))]
}

#[test]
fn a_sequence_is_what_onnx_runtime_computes_step_by_step() {
    for (model, pairs, sequence) in models() {
        let ran = tinyc(&[&["run", model, "--json", "--inputs", &sequence], pairs].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let outcome = json(&ran.out);
        assert_eq!(outcome["samples"], 16);
        for output in outcome["outputs"].as_array().unwrap() {
            let difference = output["expected"]["max_abs_difference"].as_f64().unwrap();
            let most = if model == INTEGERS { 0.0 } else { 1e-6 };
            assert!(difference <= most, "{model}, {}: {difference}", output["name"]);
        }
    }
}

#[test]
fn a_sequence_is_proven_in_the_simulator() {
    for (model, pairs, sequence) in models() {
        for target in ["cortex-m0", "cortex-m4"] {
            let args = ["verify", model, "--target", target, "--json", "--inputs", &sequence];
            let ran = tinyc(&[&args[..], pairs].concat());
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
            assert_eq!(json(&ran.out)["verification"]["samples_equal"], 16, "{}", ran.out);
        }
    }
}

#[test]
fn c_keeps_the_same_state_under_qemu() {
    for (model, pairs, sequence) in models() {
        let args = ["verify", model, "--target", "cortex-m3", "--emit", "c", "--inputs", &sequence];
        let ran = tinyc(&[&args[..], pairs].concat());
        assert!(ran.code == 0 && ran.out.contains("16 of 16 samples"), "{}{}", ran.out, ran.err);
    }
}

/// The header has a struct with the tensors' names; what can be updated in place is not copied.
#[test]
fn the_state_is_a_struct() {
    let place = folder("state_struct");
    let out = place.to_str().unwrap();
    for (model, pairs, name) in [(STREAM, &PAIRS[..], "stream"), (INTEGERS, &INTEGER_PAIRS, "stream_qdq")] {
        let args = ["compile", model, "--target", "cortex-m4", "--out", out, "--package", "bench"];
        let ran = tinyc(&[&args[..], pairs].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let header = std::fs::read_to_string(place.join(format!("{name}.h"))).unwrap();
        insta::assert_snapshot!(format!("state_{name}"), header);
        let bench = std::fs::read_to_string(place.join("bench_main.c")).unwrap();
        assert_eq!(bench.matches(&format!("{name}_init(&state);")).count(), 1, "one sequence");
    }
    let report =
        |name: &str| json(&std::fs::read_to_string(place.join(format!("{name}.report.json"))).unwrap());
    let copies = |report: &serde_json::Value| {
        let is_update = |layer: &&serde_json::Value| {
            layer["onnx"].is_null() && layer["kernel"].as_str().unwrap().starts_with("copy")
        };
        report["layers"].as_array().unwrap().iter().filter(is_update).count()
    };
    assert_eq!(copies(&report("stream_qdq")), 0, "everything is written in place");
    let report = report("stream");
    assert_eq!(copies(&report), 2, "one state becomes another, so both are copied: {report}");
    assert_eq!(report["ram"]["state_bytes"], 4 * (12 + 5 + 5));
    assert_eq!(report["inputs"].as_array().unwrap().len(), 1);
}

#[test]
fn pairs_that_do_not_fit_are_refused() {
    let mut texts = String::new();
    for pairs in [
        &["--state", "past=hidden_next"][..],
        &["--state", "passed=past_next"],
        &["--state", "past=nothing"],
        &["--state", "hidden=hidden_next", "--state", "older=hidden_next"],
    ] {
        let ran =
            tinyc(&[&["compile", STREAM, "--target", "cortex-m4", "--out", "/nowhere"], pairs].concat());
        assert_eq!(ran.code, 1, "{pairs:?}: {}", ran.err);
        texts.push_str(&ran.err);
    }
    insta::assert_snapshot!("state_refused", texts);
    assert!(!Path::new("/nowhere").exists());
    let ran = tinyc(&["compile", STREAM, "--target", "cortex-m4", "--state", "past"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}
