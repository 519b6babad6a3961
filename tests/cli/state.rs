//! `--state`: a network that keeps outputs for its next run, on the host, on simulated machines and in firmware.

use crate::json;
use crate::program::{folder, tinyc};
use std::path::Path;
use tinyc::npz::{self, Array};
use tinyc_ir::Data;
use tinyc_ir::seeded::Seeded;

pub(crate) const STREAM: &str = "examples/models/twins/stream.onnx";
pub(crate) const PAIRS: [&str; 6] =
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

/// Frames of `sequences` sequences of `runs` runs each.
pub(crate) fn frames(path: &Path, sequences: usize, runs: usize, by_number: bool) {
    let count = sequences * runs;
    let mut stream = Seeded::new(9);
    let mut at = 0.0f64;
    let values: Vec<f64> = (0..count * 3)
        .map(|i| {
            at += 0.05;
            (at + i as f64 % 3.0 * 2.0).sin() + 0.2 * f64::from(stream.unit())
        })
        .collect();
    let shape = if by_number { vec![count] } else { vec![sequences, runs] };
    let frame = Array { shape: [shape, vec![1, 3, 1]].concat(), data: Data::F64(values) };
    let mut arrays = vec![("frame".to_owned(), frame)];
    if by_number {
        let numbers = Data::I64((0..count).map(|run| (run / runs) as i64).collect());
        arrays.push(("sequence".into(), Array { shape: vec![count], data: numbers }));
    }
    std::fs::write(path, npz::to_bytes(&arrays).unwrap()).unwrap();
}

/// Ranges come from whole sequences, what is kept has one type at both ends, and the machine computes the integer model's bytes.
#[test]
fn a_float_network_with_states_becomes_integers() {
    let place = folder("state_calibrated");
    let path = |name: &str| place.join(name).to_str().unwrap().to_owned();
    frames(&place.join("stacked.npz"), 6, 50, false);
    frames(&place.join("numbered.npz"), 6, 50, true);
    frames(&place.join("one.npz"), 1, 300, false);
    let quantised = |samples: &str, more: &[&str]| {
        let args = ["verify", STREAM, "--target", "cortex-m4", "--json", "--calibrate", samples];
        let ran = tinyc(&[&args[..], &PAIRS, more].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        json(&ran.out)
    };
    let report = quantised(&path("stacked.npz"), &[]);
    assert_eq!(report["verification"]["samples_equal"], 4);
    let numbered = quantised(&path("numbered.npz"), &[]);
    for part in ["cycles", "flash", "ram"] {
        assert_eq!(numbered["verification"][part], report["verification"][part], "both files say the same");
    }
    quantised(&path("one.npz"), &[]);
    let out = path("stream");
    let args = ["compile", STREAM, "--target", "cortex-m4", "--out", &out, "--json", "--calibrate"];
    for (more, face) in [(&[][..], "i8"), (&["--float-io"], "f32")] {
        let ran = tinyc(&[&args[..], &[&path("stacked.npz")], &PAIRS, more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let report = json(&ran.out);
        assert_eq!(
            (&report["inputs"][0]["dtype"], &report["outputs"][0]["dtype"]),
            (&face.into(), &face.into())
        );
        let scores = &report["quantization"]["scores"];
        assert!(scores["sqnr_db"].as_f64().unwrap() > 25.0, "{scores}");
        assert_eq!(scores["samples"], 150);
        // A window of inputs has their 8 bits; what adds up over time has 8 or 16.
        let bytes = report["ram"]["state_bytes"].as_u64().unwrap();
        assert!([12 + (5 + 5), 12 + 2 * (5 + 5)].contains(&bytes), "{}", report["states"]);
    }
    // The same as an ONNX file, whose state is integers at both ends.
    let file = path("stream.onnx");
    let args = ["quantize", STREAM, "-o", &file, "--calibrate", &path("stacked.npz")];
    let ran = tinyc(&[&args[..], &PAIRS].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    // The last output is an input, whose name the file has for it.
    let pairs = PAIRS.map(|text| if text == "older=older_next" { "older=hidden" } else { text });
    let ran = tinyc(&[&["verify", &file, "--target", "cortex-m0"][..], &pairs].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    // Numbers of more runs than there are.
    let (frame, numbers) = (Data::F32(vec![0.5; 30]), Data::I64((0..12).collect()));
    let arrays = [
        ("frame".to_owned(), Array { shape: vec![10, 1, 3, 1], data: frame }),
        ("sequence".to_owned(), Array { shape: vec![12], data: numbers }),
    ];
    std::fs::write(place.join("wrong.npz"), npz::to_bytes(&arrays).unwrap()).unwrap();
    let args = ["verify", STREAM, "--target", "cortex-m4", "--calibrate", &path("wrong.npz")];
    let ran = tinyc(&[&args[..], &PAIRS].concat());
    assert!(ran.code == 1 && ran.err.contains("E0427"), "{}{}", ran.out, ran.err);
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
