//! `tinyc run`: inputs from files, what is compared with, what is written.

use crate::program::{folder, tinyc};
use crate::{DIGITS, SAMPLES, VECTORS, json};
use std::path::Path;

#[test]
fn run_evaluates_and_compares() {
    let ran = tinyc(&["run", DIGITS, "--inputs", SAMPLES, "--samples", "12"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    insta::assert_snapshot!("run_labels", ran.out);
    let ran = tinyc(&["run", DIGITS, "--inputs", VECTORS, "--json"]);
    let outcome = json(&ran.out);
    assert_eq!(outcome["samples"], 32);
    let expected = &outcome["outputs"][0]["expected"];
    assert_eq!(expected["elements"], 320);
    // ONNX Runtime computes softmax through floats, so single steps may differ.
    assert!(expected["max_abs_difference"].as_f64().unwrap() <= 1.0, "{expected}");
    assert_eq!(outcome["outputs"][0]["values"][0].as_array().unwrap().len(), 10);
}

#[test]
fn native_code_and_the_definition_print_the_same() {
    let stream = ["examples/models/twins/stream.onnx", "examples/models/twins/stream_sequence.npz"];
    let states =
        ["--state", "past=past_next", "--state", "hidden=hidden_next", "--state", "older=older_next"];
    for (model, inputs, states) in [(DIGITS, VECTORS, &[][..]), (stream[0], stream[1], &states)] {
        let args = [&["run", model, "--json", "--inputs", inputs], states].concat();
        let native = tinyc(&args);
        let reference = tinyc(&[&args[..], &["--reference"]].concat());
        assert_eq!((native.code, &native.out), (0, &reference.out), "{}", native.err);
    }
}

#[test]
fn run_writes_what_it_reads_back() {
    let place = folder("run_outputs");
    let (first, second) = (place.join("y.npz"), place.join("z.npz"));
    let args = ["run", DIGITS, "--inputs", SAMPLES, "--samples", "3", "--outputs"];
    for path in [&first, &second] {
        let ran = tinyc(&[&args[..], &[path.to_str().unwrap()]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    assert!(std::fs::read(&first).unwrap() == std::fs::read(&second).unwrap());
    let npz = tinyc::npz::read(&first).unwrap();
    assert_eq!(npz.get("out_0").unwrap().shape, [3, 1, 10]);
    let ran =
        tinyc(&[&args[..], &[place.join("no/such/\0").to_string_lossy().trim_end_matches('\0')]].concat());
    assert!(ran.code <= 1 && !ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn floats_are_quantised_only_on_request() {
    let place = folder("quantize");
    let floats = tinyc::npz::read(Path::new(SAMPLES)).unwrap();
    let only = vec![("image".to_owned(), floats.get("x_f32").unwrap().clone())];
    let path = place.join("floats.npz");
    std::fs::write(&path, tinyc::npz::to_bytes(&only).unwrap()).unwrap();
    let args = ["run", DIGITS, "--samples", "5", "--json", "--inputs"];
    let ran = tinyc(&[&args[..], &[path.to_str().unwrap()]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0706]") && ran.err.contains("--quantize-inputs"), "{}", ran.err);
    let on_request = tinyc(&[&args[..], &[path.to_str().unwrap(), "--quantize-inputs"]].concat());
    let as_stored = tinyc(&[&args[..], &[SAMPLES]].concat());
    assert_eq!(on_request.code, 0, "{}", on_request.err);
    assert_eq!(json(&on_request.out)["outputs"], json(&as_stored.out)["outputs"]);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    use tinyc::npz::{Array, to_bytes};
    use tinyc_ir::Data;
    let place = folder("bad_inputs");
    let array =
        |name: &str, shape: &[usize], data: Data| (name.to_owned(), Array { shape: shape.to_vec(), data });
    let whole = std::fs::read(SAMPLES).unwrap();
    let cases = [
        ("shape", to_bytes(&[array("image", &[1, 8, 8, 2], Data::I8(vec![0; 128]))]).unwrap(), "E0705"),
        ("type", to_bytes(&[array("in_0", &[1, 1, 8, 8], Data::I64(vec![0; 64]))]).unwrap(), "E0706"),
        ("missing", to_bytes(&[array("other", &[3], Data::I8(vec![0; 3]))]).unwrap(), "E0704"),
        (
            "labels",
            to_bytes(&[
                array("image", &[2, 1, 8, 8], Data::I8(vec![0; 128])),
                array("labels", &[1], Data::I64(vec![0])),
            ])
            .unwrap(),
            "E0707",
        ),
        ("truncated", whole[..whole.len() / 2].to_vec(), "E0702"),
        ("text", b"no archive at all".to_vec(), "E0702"),
        ("empty", Vec::new(), "E0702"),
    ];
    let mut texts = String::new();
    for (name, bytes, code) in cases {
        let path = place.join(format!("{name}.npz"));
        std::fs::write(&path, bytes).unwrap();
        let ran = tinyc(&["run", DIGITS, "--inputs", path.to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.out);
        assert!(ran.err.contains(code), "{name}: {}", ran.err);
        texts.push_str(&ran.err);
    }
    let ran = tinyc(&["run", DIGITS, "--inputs", place.join("absent.npz").to_str().unwrap()]);
    assert!(ran.code == 1 && ran.err.contains("E0701"), "{}", ran.err);
    insta::assert_snapshot!("bad_inputs", texts);
}
