//! `tinyc compile --package`: each folder is used as its system uses it, on this machine and on a Cortex-M4 under QEMU. CMake is
//! the real one; Zephyr and Arduino are stand-ins (see the files beside this one) that do what their documentation says.
//!
//! Every program compares what the network computes with the reference.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod arduino;
mod cmake;
#[path = "../program/mod.rs"]
mod program;
#[path = "../support/shell.rs"]
mod shell;
mod zephyr;

use program::tinyc;
use std::path::{Path, PathBuf};

/// Networks of several kinds, with what `compile` must be told: quantised, with floats, with a state, with two inputs.
const MODELS: [(&str, &str, &[&str]); 4] = [
    ("digits", "digits/digits_int8_io.onnx", &[]),
    ("floats", "digits/digits_f32.onnx", &[]),
    ("kept", "twins/stream_qdq.onnx", &["--state", "past=past_next", "--state", "level=level_next"]),
    ("two_inputs", "twins/two_inputs.onnx", &[]),
];

const DIGITS: &str = "examples/models/digits/digits_int8_io.onnx";

/// The folder of the example with start-up code for the simulated board.
fn board() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cortex-m4-c")
}

/// A network's package, in a folder of this name.
fn package(system: &str, folder: &str, (name, model, more): (&str, &str, &[&str]), emit: &str) -> PathBuf {
    let out = program::folder(&format!("package-{system}-{folder}-{name}")).join(name);
    let model = format!("examples/models/{model}");
    let args = ["compile", &model, "--name", name, "--target", "cortex-m4", "--package", system];
    let ran = tinyc(&[&args[..], &["--emit", emit, "--out", out.to_str().unwrap()], more].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    out
}

#[test]
fn what_a_package_cannot_hold_is_refused_before_anything_is_written() {
    let place = program::folder("package-refused");
    let out = place.join("out");
    let long = "n".repeat(60);
    for (system, more, code) in [
        ("cmake", &["--target", "cortex-m4", "--emit", "rust"][..], "E0505"),
        ("zephyr", &["--target", "cortex-m4", "--emit", "c,asm"], "E0505"),
        ("arduino", &["--target", "rv32imc", "--emit", "obj"], "E0506"),
        ("arduino", &["--target", "cortex-m4", "--name", &long], "E0506"),
        ("cmake", &["--target", "cortex-m4", "--name", "test"], "E0505"),
        ("arduino", &["--target", "cortex-m4", "--name", "stream"], "E0505"),
        ("cargo", &["--target", "cortex-m4", "--emit", "rust", "--name", "std"], "E0505"),
        ("bench", &["--target", "cortex-m4", "--emit", "rust"], "E0505"),
    ] {
        let args = ["compile", DIGITS, "--package", system, "--out", out.to_str().unwrap()];
        let ran = tinyc(&[&args[..], more].concat());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{system} {more:?}");
        assert!(ran.err.contains(code) && ran.err.contains("help: "), "{}", ran.err);
        assert!(!out.exists(), "{system} {more:?}");
    }
}

#[test]
fn a_package_that_cannot_be_written_whole_is_not_there() {
    let place = program::folder("package-whole");
    std::fs::create_dir_all(place.join("src/digits_int8_io.c/taken")).unwrap();
    let args = ["compile", DIGITS, "--target", "cortex-m4", "--package", "cmake"];
    let ran = tinyc(&[&args[..], &["--out", place.to_str().unwrap()]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("E0120"), "{}", ran.err);
    let left: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["src"]);
}

#[test]
fn reports_list_the_files_that_are_there() {
    for (system, report) in [
        ("cmake", "digits.report.json"),
        ("zephyr", "digits.report.json"),
        ("arduino", "extras/digits.report.json"),
    ] {
        let out = package(system, "report", MODELS[0], "c,obj");
        let text = std::fs::read_to_string(out.join(report)).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let listed: Vec<&str> =
            report["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        assert!(listed.len() > 6 && listed.iter().all(|file| out.join(file).is_file()), "{listed:?}");
        assert_eq!(shell::files(&out).len(), listed.len(), "{listed:?}");
    }
}
