//! Limits and a lock of a network that keeps states: precisions are chosen over whole sequences, and come out again without samples.

use crate::json;
use crate::lock::emitted;
use crate::program::{Ran, folder, tinyc};
use crate::state::{PAIRS, STREAM, frames};
use std::fs;
use std::path::Path;

const CORE: &str = "cortex-m4";

/// Compiles the stream, with its states and a lock.
fn compile(out: &Path, lock: &Path, more: &[&str]) -> Ran {
    let (out, lock) = (out.to_str().unwrap(), lock.to_str().unwrap());
    let args = ["compile", STREAM, "--target", CORE, "--emit", "c,obj,rust", "--out", out, "--lock", lock];
    tinyc(&[&args[..], &PAIRS, more].concat())
}

/// What the report says of the emitted network.
fn report(out: &Path) -> serde_json::Value {
    json(&fs::read_to_string(out.join("stream.report.json")).unwrap())
}

#[test]
fn limits_are_kept_and_a_lock_says_how() {
    let place = folder("state_limits");
    let samples = place.join("frames.npz");
    frames(&samples, 6, 50, false);
    let samples = samples.to_str().unwrap();
    let cases: [&[&str]; 5] = [
        &[],
        &["--float-io", "--weight-budget", "60%"],
        &["--max-accuracy-drop", "1%"],
        &["--latency", "3kcycles", "--ram", "1K"],
        &["--precision", "/Conv_6=int16", "--flash", "8K"],
    ];
    for (at, options) in cases.into_iter().enumerate() {
        let (first, again) = (place.join(format!("first{at}")), place.join(format!("again{at}")));
        let lock = place.join(format!("{at}.lock"));
        let made = compile(&first, &lock, &[&["--calibrate", samples], options].concat());
        assert_eq!(made.code, 0, "{options:?}: {}", made.err);
        let text = fs::read_to_string(&lock).unwrap();
        assert!(text.contains("older=older_next") && text.contains("state_bits = "), "{text}");
        let made = report(&first);
        let (cycles, weights) = (
            made["time"]["cycles"].as_u64().unwrap(),
            made["quantization"]["weight_bytes"].as_u64().unwrap(),
        );
        assert!(cycles <= 3000 && weights <= 85 * 4, "{cycles} {weights}");
        if options.contains(&"--weight-budget") {
            assert!(weights <= 51, "{weights}");
        }
        let noise = made["quantization"]["scores"]["sqnr_db"].as_f64().unwrap();
        assert!(noise > 20.0, "{options:?}: {noise}");
        let ran = compile(&again, &lock, &[]);
        assert!(ran.code == 0 && ran.out.contains("the model is that of"), "{}{}", ran.out, ran.err);
        assert_eq!(emitted(&again), emitted(&first), "{options:?}");
        assert_eq!(report(&again)["states"], made["states"]);
        // What the machine computes over a sequence is that model, byte for byte.
        let lock = lock.to_str().unwrap();
        let args = ["verify", STREAM, "--target", CORE, "--lock", lock, "--samples", "6"];
        let ran = tinyc(&[&args[..], &PAIRS].concat());
        assert!(ran.code == 0 && ran.out.starts_with("verified"), "{options:?}: {}{}", ran.out, ran.err);
    }
    // Time that is left goes to more bits, which leave less noise over whole sequences.
    let noise = |at: usize| {
        let made = report(&place.join(format!("first{at}")));
        made["quantization"]["scores"]["sqnr_db"].as_f64().unwrap()
    };
    assert!(noise(3) > noise(0) && noise(0) > noise(1), "{} {} {}", noise(3), noise(0), noise(1));
}

#[test]
fn both_files_of_a_lock_are_the_same() {
    let place = folder("state_lock_onnx");
    let path = |name: &str| place.join(name).to_str().unwrap().to_owned();
    frames(&place.join("frames.npz"), 4, 40, true);
    let quantize = |out: &str, more: &[&str]| {
        let args = ["quantize", STREAM, "--lock", &path("tinyc.lock"), "-o", out];
        let ran = tinyc(&[&args[..], &PAIRS, more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        fs::read(out).unwrap()
    };
    let made = quantize(&path("a.onnx"), &["--calibrate", &path("frames.npz"), "--weight-budget", "70%"]);
    assert_eq!(quantize(&path("b.onnx"), &[]), made);
    // Other states, or none, make another network.
    for pairs in [&[][..], &PAIRS[..4]] {
        let args = ["quantize", STREAM, "-o", &path("c.onnx"), "--lock", &path("tinyc.lock")];
        let ran = tinyc(&[&args[..], pairs].concat());
        assert!(ran.code == 1 && ran.err.contains("E0434") && ran.err.contains("--state"), "{}", ran.err);
    }
    // As wide as they are not.
    let text = fs::read_to_string(path("tinyc.lock")).unwrap();
    let (now, other) = match text.contains("state_bits = 16") {
        true => ("state_bits = 16", "state_bits = 8"),
        false => ("state_bits = 8", "state_bits = 16"),
    };
    fs::write(path("tinyc.lock"), text.replace(now, other)).unwrap();
    let args = ["quantize", STREAM, "-o", &path("c.onnx"), "--lock", &path("tinyc.lock")];
    let ran = tinyc(&[&args[..], &PAIRS].concat());
    assert!(ran.code == 1 && ran.err.contains("does not fit the model"), "{}", ran.err);
}

#[test]
fn what_does_not_fit_is_refused_with_a_way_out() {
    let place = folder("state_refused");
    let (out, samples, lock) = (place.join("out"), place.join("frames.npz"), place.join("tinyc.lock"));
    frames(&samples, 4, 40, false);
    let samples = ["--calibrate", samples.to_str().unwrap()];
    let ran = compile(&out, &lock, &[&samples[..], &["--flash", "900"]].concat());
    assert!(ran.code == 1 && ran.err.contains("E0428"), "{}{}", ran.out, ran.err);
    assert!(!lock.exists());
    let (_, help) = ran.err.split_once("fits with `--flash ").unwrap();
    let bytes = help.split_once('`').unwrap().0;
    let ran = compile(&out, &lock, &[&samples[..], &["--flash", bytes]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(lock.exists());
}
