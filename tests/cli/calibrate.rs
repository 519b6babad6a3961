//! `--calibrate`: a float model becomes one of integers, from the command line.

use crate::program::{folder, tinyc};
use crate::{SAMPLES, json};
use std::path::Path;
use tinyc::npz::{self, Array};
use tinyc_ir::Data;

const FLOAT: &str = "examples/models/digits/digits_f32.onnx";

fn compile(calibrate: &str, more: &[&str]) -> crate::program::Ran {
    let out = folder("calibrate");
    let out = out.to_str().unwrap();
    let args =
        [&["compile", FLOAT, "--target", "cortex-m4", "--out", out, "--calibrate", calibrate], more].concat();
    tinyc(&args)
}

fn write(path: &Path, arrays: &[(&str, Array)]) {
    let arrays: Vec<(String, Array)> = arrays.iter().map(|(n, a)| ((*n).to_owned(), a.clone())).collect();
    std::fs::write(path, npz::to_bytes(&arrays).unwrap()).unwrap();
}

/// The digits, `count` of them.
fn digits(count: usize) -> (Array, Array) {
    let file = npz::read(Path::new(SAMPLES)).unwrap();
    let images = file.arrays.iter().find(|(_, a)| a.shape.len() > 1).unwrap().1.clone();
    let labels = file.get("labels").unwrap().clone();
    let cut = |array: &Array| {
        let row: usize = array.shape[1..].iter().product();
        let positions: Vec<usize> = (0..count * row).collect();
        let shape = [vec![count], array.shape[1..].to_vec()].concat();
        Array { shape, data: array.data.gather(&positions) }
    };
    (cut(&images), cut(&labels))
}

#[test]
fn the_integer_model_is_as_good_and_says_so() {
    let ran = compile(SAMPLES, &["--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = json(&ran.out);
    let quantised = &report["quantization"];
    let scores = &quantised["scores"];
    let (float, integer) = (scores["correct"][0].as_u64().unwrap(), scores["correct"][1].as_u64().unwrap());
    assert!(integer + 1 >= float && float > 170, "{scores}");
    assert!(scores["sqnr_db"].as_f64().unwrap() > 35.0, "{scores}");
    let split = &quantised["split"];
    let part = |name: &str| split[name].as_u64().unwrap();
    assert_eq!((part("fit") + part("select"), part("evaluate")), (180, 180));
    assert_eq!(quantised["layers"].as_array().unwrap().len(), 4);
    assert_eq!(quantised["float_operators"], serde_json::json!([]));
    assert_eq!((&report["inputs"][0]["dtype"], &report["outputs"][0]["dtype"]), (&"i8".into(), &"i8".into()));
    // The same samples, the same bytes.
    assert_eq!(compile(SAMPLES, &["--json"]).out, ran.out);
    let text = compile(SAMPLES, &[]).out;
    for part in [
        "top1     float 98.33 % (177 right)",
        "signal over noise",
        "Worst    /pw2/Conv",
        "others of the same file",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_object_computes_the_integer_model() {
    let args = ["verify", FLOAT, "--target", "cortex-m4", "--calibrate", SAMPLES, "--range-method", "minmax"];
    let ran = tinyc(&[&args[..], &["--inputs", SAMPLES, "--quantize-inputs", "--samples", "2"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("verified"), "{}", ran.out);
}

#[test]
fn tables_and_folders_hold_the_same_samples() {
    let place = folder("calibrate_forms");
    let (images, labels) = digits(40);
    let (pixels, classes) = (images.data.to_reals(), labels.data.to_ints().unwrap());
    let row = pixels.len() / 40;
    let archive = place.join("x.npz");
    write(&archive, &[("in_0", images.clone()), ("labels", labels.clone())]);
    let mut table = (0..row).map(|i| format!("p{i}")).collect::<Vec<_>>().join(",") + ",label\n";
    let files = place.join("files");
    std::fs::create_dir_all(&files).unwrap();
    for sample in 0..40 {
        let cells: Vec<String> =
            pixels[sample * row..(sample + 1) * row].iter().map(f64::to_string).collect();
        table += &format!("{},{}\n", cells.join(","), classes[sample]);
        let one = Array {
            shape: images.shape[1..].to_vec(),
            data: Data::F32(pixels[sample * row..(sample + 1) * row].iter().map(|&x| x as f32).collect()),
        };
        let bytes = npz::to_bytes(&[("x".into(), one)]).unwrap();
        std::fs::write(files.join(format!("{sample:03}.npy")), npy(&bytes)).unwrap();
    }
    let csv = place.join("x.csv");
    std::fs::write(&csv, table).unwrap();
    let answers = place.join("y.npz");
    write(&answers, &[("y", labels)]);
    let of = |path: &Path, more: &[&str]| {
        let ran = compile(path.to_str().unwrap(), &[&["--json", "--range-method", "mse"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        json(&ran.out)["quantization"].clone()
    };
    let expected = of(&archive, &[]);
    assert_eq!(expected["split"]["evaluate"], 20);
    assert_eq!(of(&csv, &[]), expected);
    assert_eq!(of(&files, &["--labels", answers.to_str().unwrap()]), expected);
    // Without labels there is no share of right ones; with a file of its own, evaluation has all of it.
    let unlabelled = of(&files, &["--evaluate", SAMPLES]);
    assert_eq!(unlabelled["split"]["evaluate"], 360);
    assert_eq!(unlabelled["scores"]["metric"], "top1");
    assert_eq!(of(&files, &[])["scores"]["metric"], "sqnr");
}

/// The single array of an archive.
fn npy(archive: &[u8]) -> Vec<u8> {
    let magic = b"\x93NUMPY";
    let start = archive.windows(6).position(|w| w == magic).unwrap();
    let end = archive.windows(4).skip(start).position(|w| w == b"PK\x01\x02").unwrap() + start;
    archive[start..end].to_vec()
}

#[test]
fn what_does_not_fit_is_said() {
    let place = folder("calibrate_faults");
    let (images, labels) = digits(12);
    let path = |name: &str| place.join(name).to_str().unwrap().to_owned();
    let refused = |name: &str, code: &str| {
        let ran = compile(&path(name), &[]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.out);
        assert!(ran.err.contains(code), "{name}: {}", ran.err);
    };
    let mut broken = images.clone();
    let Data::F32(values) = &mut broken.data else { unreachable!() };
    values[70] = f32::NAN;
    write(&place.join("nan.npz"), &[("in_0", broken)]);
    refused("nan.npz", "E0422");
    write(&place.join("shape.npz"), &[("in_0", Array { shape: vec![4, 3], data: Data::F32(vec![0.0; 12]) })]);
    refused("shape.npz", "E0705");
    let few = Array { shape: vec![3], data: Data::I64(vec![1, 2, 3]) };
    write(&place.join("labels.npz"), &[("in_0", images.clone()), ("labels", few)]);
    refused("labels.npz", "3 labels do not go with 12 samples");
    std::fs::write(place.join("words.csv"), "1,2,three\n").unwrap();
    refused("words.csv", "E0427");
    std::fs::create_dir_all(place.join("empty")).unwrap();
    refused("empty", "has no .npy file");
    // Few samples are enough to begin with, and no reason to be sure.
    write(&place.join("few.npz"), &[("in_0", images.clone()), ("labels", labels)]);
    let ran = compile(&path("few.npz"), &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("W0424"), "{}", ran.err);
    let one = Array { shape: vec![1, 1, 8, 8], data: images.data.gather(&(0..64).collect::<Vec<_>>()) };
    write(&place.join("one.npz"), &[("in_0", one)]);
    assert_eq!(compile(&path("one.npz"), &[]).code, 0);
}

#[test]
fn doubles_are_rounded_and_integers_asked_about() {
    let place = folder("calibrate_numbers");
    let (images, labels) = digits(60);
    let path = |name: &str| place.join(name).to_str().unwrap().to_owned();
    let save = |name: &str, data: Data| {
        let images = Array { shape: images.shape.clone(), data };
        write(&place.join(name), &[("in_0", images), ("labels", labels.clone())]);
    };
    let reals = images.data.to_reals();
    save("f32.npz", images.data.clone());
    save("f64.npz", Data::F64(reals.clone()));
    let pixels = Data::U8(reals.iter().map(|x| (x * 255.0) as u8).collect());
    save("u8.npz", pixels);
    let quantised = |name: &str| {
        let ran = compile(&path(name), &["--json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        json(&ran.out)
    };
    let (plain, doubles) = (quantised("f32.npz"), quantised("f64.npz"));
    assert_eq!(plain["quantization"], doubles["quantization"]);
    assert!(doubles["diagnostics"].to_string().contains("W0440"), "{}", doubles["diagnostics"]);
    assert!(!plain["diagnostics"].to_string().contains("W0440"));
    let ran = compile(&path("u8.npz"), &[]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    for part in ["E0706", "holds u8, but the model wants f32", "/ 255"] {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
}

#[test]
fn quantised_models_stay_as_they_are() {
    for (model, name) in [("digits_int8_qdq", "digits_int8_qdq"), ("digits_int8_io", "digits_int8_io")] {
        let (with, without) = (folder("calibrate_with"), folder("calibrate_without"));
        let model = format!("examples/models/digits/{model}.onnx");
        let run = |out: &Path, more: &[&str]| {
            let args = ["compile", &model, "--target", "cortex-m4", "--out", out.to_str().unwrap()];
            tinyc(&[&args[..], more].concat())
        };
        let ran = run(&with, &["--calibrate", SAMPLES]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.err.contains("W0425"), "{}", ran.err);
        assert_eq!(run(&without, &[]).code, 0);
        let read = |folder: &Path| std::fs::read(folder.join(format!("{name}.c"))).unwrap();
        assert!(read(&with) == read(&without));
    }
}

/// Tables of what the quantiser would do: the same model and samples, the same text.
#[test]
fn inspect_says_what_would_be_done() {
    let args = ["inspect", FLOAT, "--calibrate", SAMPLES];
    let ran = tinyc(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!("inspect_calibrate", ran.out);
    let found = json(&tinyc(&[&args[..], &["--json"]].concat()).out);
    assert_eq!(found["alone"].as_array().unwrap().len(), 4);
    assert_eq!(found["quantization"]["layers"].as_array().unwrap().len(), 4);
    assert_eq!(found["floats"], serde_json::json!([]));
    let alone = |row: &serde_json::Value| row["sqnr_db"].as_f64().unwrap();
    // One layer costs less than all do.
    let stages = found["quantization"]["stages"].as_array().unwrap();
    let all = -10.0 * stages.last().unwrap()[1].as_f64().unwrap().log10();
    assert!(found["alone"].as_array().unwrap().iter().all(|row| alone(row) > all), "{found}");
    // What is asked to stay on floats does, and what cannot be otherwise says why.
    let kept = tinyc(&[&args[..], &["--json", "--precision", "/pw2/Conv=float32"]].concat());
    let kept = json(&kept.out);
    let row = |row: &serde_json::Value| {
        format!("{} {}", row["name"].as_str().unwrap(), row["why"].as_str().unwrap())
    };
    let rows: Vec<String> = kept["floats"].as_array().unwrap().iter().map(row).collect();
    assert!(rows.contains(&"/pw2/Conv was asked to".to_owned()), "{rows:?}");
    assert_eq!(tinyc(&[&args[..], &["--loops"]].concat()).code, 2);
    let ran = tinyc(&["inspect", "examples/models/digits/digits_int8_qdq.onnx", "--calibrate", SAMPLES]);
    assert!(ran.code == 1 && ran.err.contains("E0421"), "{}", ran.err);
}
