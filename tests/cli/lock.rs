//! `--lock`: what a calibration decided comes out again, byte for byte, without samples; and nothing else does.

use crate::program::{Ran, folder, tinyc};
use crate::{SAMPLES, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FLOAT: &str = "examples/models/digits/digits_f32.onnx";
const CORE: &str = "cortex-m4";

fn compile(model: &str, target: &str, out: &Path, lock: &Path, more: &[&str]) -> Ran {
    let (out, lock) = (out.to_str().unwrap(), lock.to_str().unwrap());
    let args = ["compile", model, "--target", target, "--emit", "c,obj,rust", "--out", out, "--lock", lock];
    tinyc(&[&args[..], more].concat())
}

/// The emitted files, without the report.
pub(crate) fn emitted(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let code = files.filter(|path| path.extension().is_some_and(|e| e != "json" && e != "lock"));
    code.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn the_same_bytes_come_out_without_samples() {
    // Equalised channels, corrected biases, four bits, sixteen bits, floats: all that can be decided is in these.
    let mixed = ["--precision", "/dw2/Conv=int16", "--precision", "/conv1/Conv=float32"];
    let cases: [&[&str]; 4] = [
        &[],
        &["--weight-budget", "60%", "--float-io"],
        &mixed,
        &["--latency", "95kcycles", "--flash", "9K", "--symmetric"],
    ];
    for (at, options) in cases.into_iter().enumerate() {
        let place = folder(&format!("lock_{at}"));
        let (first, again, lock) = (place.join("first"), place.join("again"), place.join("tinyc.lock"));
        let made = compile(FLOAT, CORE, &first, &lock, &[&["--calibrate", SAMPLES], options].concat());
        assert_eq!(made.code, 0, "{}", made.err);
        assert!(made.out.contains("tinyc.lock is written"), "{}", made.out);
        let text = fs::read_to_string(&lock).unwrap();
        for part in ["sha256 = ", "[[layers]]", "precision = ", "[[tensors]]", "metric = \"top1\""] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // No options, the same options, the same samples: all of it is the same.
        let samples = ["--calibrate", SAMPLES];
        let same = if options.contains(&"--latency") || options.contains(&"--weight-budget") {
            [&samples[..], options].concat()
        } else {
            options.to_vec()
        };
        for more in [&[][..], &samples, &same] {
            let ran = compile(FLOAT, CORE, &again, &lock, more);
            // Precisions of single layers are no limits, so they need samples to be said.
            if ran.code == 2 {
                continue;
            }
            assert_eq!(ran.code, 0, "{more:?}: {}", ran.err);
            assert!(
                ran.out.contains("the model is that of") && !ran.out.contains("Quantised"),
                "{}",
                ran.out
            );
            assert_eq!(emitted(&again), emitted(&first), "{options:?} {more:?}");
        }
        assert_eq!(fs::read_to_string(&lock).unwrap(), text, "a lock that is there stays");
    }
}

#[test]
fn what_is_not_the_same_is_refused() {
    let place = folder("lock_refused");
    let (out, lock) = (place.join("out"), place.join("tinyc.lock"));
    let refused = |ran: &Ran, part: &str| {
        assert_eq!(ran.code, 1, "{}", ran.out);
        assert!(ran.err.contains(part) && ran.err.contains("help"), "{part}: {}", ran.err);
    };
    let run = |more: &[&str]| compile(FLOAT, CORE, &out, &lock, more);
    refused(&run(&[]), "tinyc.lock is not there");
    assert!(!out.exists(), "nothing is written");
    let limits = ["--calibrate", SAMPLES, "--flash", "9K"];
    assert_eq!(run(&limits).code, 0);
    // Other options, other samples, another target, another model.
    refused(&run(&["--flash", "10K"]), "made with other options");
    let other = place.join("other.npz");
    let mut bytes = fs::read(SAMPLES).unwrap();
    bytes.push(0);
    fs::write(&other, &bytes).unwrap();
    refused(&run(&["--calibrate", other.to_str().unwrap()]), "is not the digits_samples.npz");
    refused(&run(&["--calibrate", SAMPLES, "--evaluate", SAMPLES]), "made without --evaluate");
    refused(&compile(FLOAT, "cortex-m7", &out, &lock, &[]), "were chosen for cortex-m4, not for cortex-m7");
    let model = place.join("digits_f32.onnx");
    let mut bytes = fs::read(FLOAT).unwrap();
    // A field that no reader knows: the same network, and another file.
    bytes.extend([0xf8, 0x3f, 0x01]);
    fs::write(&model, &bytes).unwrap();
    refused(
        &compile(model.to_str().unwrap(), CORE, &out, &lock, &[]),
        "is not the model that the lock was made of",
    );
    assert_eq!(run(&["--calibrate", SAMPLES, "--report", "x.html"]).code, 2);
    // Changed by hand.
    let text = fs::read_to_string(&lock).unwrap();
    let change = |from: &str, to: &str, part: &str| {
        assert!(text.contains(from), "{from}: {text}");
        fs::write(&lock, text.replacen(from, to, 1)).unwrap();
        refused(&run(&[]), part);
    };
    change("format = 1", "format = 2", "format 2");
    change("[model]", "[modell]", "this is no lock file");
    change("precision = \"int8\"", "precision = \"int4\"", "the lock does not fit the model");
    change("precision = \"int8\"", "precision = \"int5\"", "the lock does not fit the model");
    change("[[tensors]]\nname = \"", "[[tensors]]\nname = \"x", "the lock does not fit the model");
    change("scales = [", "scales = [-1.0, ", "the lock does not fit the model");
    change("zero_point = ", "zero_point = 1 # ", "the lock does not fit the model");
    fs::write(&lock, text.replacen("tinyc = \"", "tinyc = \"9", 1)).unwrap();
    let ran = run(&[]);
    assert!(ran.code == 0 && ran.err.contains("W0435"), "{}", ran.err);
}

#[test]
fn other_commands_take_the_same_lock() {
    let place = folder("lock_commands");
    let (lock, file, other) = (place.join("tinyc.lock"), place.join("a.onnx"), place.join("b.onnx"));
    let lock = lock.to_str().unwrap();
    let quantize = |out: &Path, more: &[&str]| {
        tinyc(&[&["quantize", FLOAT, "--lock", lock, "--json", "-o", out.to_str().unwrap()], more].concat())
    };
    let ran = quantize(&file, &["--calibrate", SAMPLES]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(json(&ran.out)["quantization"]["scores"]["correct"][1].as_u64() > Some(170));
    assert_eq!(quantize(&other, &[]).code, 0);
    assert_eq!(fs::read(&file).unwrap(), fs::read(&other).unwrap());
    let ran = tinyc(&["verify", FLOAT, "--target", CORE, "--lock", lock, "--samples", "1"]);
    assert!(ran.code == 0 && ran.out.starts_with("verified"), "{}{}", ran.out, ran.err);
}
