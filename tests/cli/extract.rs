//! `tinyc extract`: what is kept, that the rest of the program reads it, and what is refused.

use crate::program::{Ran, folder, tinyc};
use crate::{json, names};
use std::path::Path;

const QDQ: &str = "examples/models/digits/digits_int8_qdq.onnx";
const FLOATS: &str = "examples/models/digits/digits_f32.onnx";
const UNSUPPORTED: &str = "examples/models/bad/unsupported.onnx";

fn extract(model: &str, out: &Path, args: &[&str]) -> Ran {
    tinyc(&[&["extract", model, "-o", out.to_str().unwrap()], args].concat())
}

fn inspected(model: &Path) -> Ran {
    tinyc(&["inspect", model.to_str().unwrap(), "--constants"])
}

#[test]
fn a_node_keeps_its_constants_and_the_types_it_had() {
    let place = folder("extract_node");
    let out = place.join("small.onnx");
    let ran = extract(QDQ, &out, &["--node", "/fc/Gemm", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let outcome = json(&ran.out);
    assert_eq!(outcome["nodes"], 3, "Gemm and the two that dequantise its constants: {outcome}");
    assert_eq!(outcome["inputs"][0]["name"], "/pool/Flatten_output_0_DequantizeLinear_Output");
    assert_eq!(outcome["inputs"][0]["type"], "f32[1,256]", "the declared batch is open, the imported is 1");
    assert_eq!(outcome["outputs"][0]["name"], "/fc/Gemm_output_0");
    let ran = inspected(&out);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("dense"), "{}", ran.out);
    assert_eq!(names(&place), ["small.onnx"], "nothing unfinished stays");
}

/// Two halves of a network one after the other compute what the whole computes.
#[test]
fn halves_compute_what_the_whole_does() {
    let place = folder("extract_halves");
    let (first, second) = (place.join("first.onnx"), place.join("second.onnx"));
    let seam = "/conv1/Relu_output_0";
    for (out, args) in [(&first, ["--to", seam]), (&second, ["--from", seam])] {
        let ran = extract(FLOATS, out, &args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    let samples = "examples/models/digits/digits_samples.npz";
    let npz = tinyc::npz::read(Path::new(samples)).unwrap();
    let images = vec![("image".to_owned(), npz.get("x_f32").unwrap().clone())];
    let (x, y, z, whole) =
        (place.join("x.npz"), place.join("y.npz"), place.join("z.npz"), place.join("whole.npz"));
    std::fs::write(&x, tinyc::npz::to_bytes(&images).unwrap()).unwrap();
    let run = |model: &str, inputs: &Path, outputs: &Path| {
        let (inputs, outputs) = (inputs.to_str().unwrap(), outputs.to_str().unwrap());
        let ran = tinyc(&["run", model, "--inputs", inputs, "--outputs", outputs, "--samples", "3"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    };
    run(FLOATS, &x, &whole);
    run(first.to_str().unwrap(), &x, &y);
    let pooled = tinyc::npz::read(&y).unwrap().get("out_0").unwrap().clone();
    std::fs::write(&y, tinyc::npz::to_bytes(&[("in_0".to_owned(), pooled)]).unwrap()).unwrap();
    run(second.to_str().unwrap(), &y, &z);
    assert!(std::fs::read(&z).unwrap() == std::fs::read(&whole).unwrap());
}

#[test]
fn a_model_that_is_refused_can_be_cut() {
    let out = folder("extract_refused").join("small.onnx");
    assert_eq!(tinyc(&["inspect", UNSUPPORTED]).code, 1);
    let ran = extract(UNSUPPORTED, &out, &["--node", "/noise/RandomNormalLike"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = inspected(&out);
    assert!(ran.code == 1 && ran.err.contains("operator RandomNormalLike is not supported"), "{}", ran.err);
    assert_eq!(ran.err.matches("error[").count(), 1, "{}", ran.err);
}

#[test]
fn weights_are_replaced_by_others_of_their_range() {
    let place = folder("extract_strip");
    let (plain, stripped, again) =
        (place.join("plain.onnx"), place.join("stripped.onnx"), place.join("again.onnx"));
    let node = ["--node", "/conv1/BatchNormalization", "--node", "/conv1/Conv"];
    assert_eq!(extract(FLOATS, &plain, &node).code, 0);
    for out in [&stripped, &again] {
        let ran = extract(FLOATS, out, &[&node[..], &["--strip-weights"]].concat());
        assert!(ran.code == 0 && ran.out.contains("the data of"), "{}{}", ran.out, ran.err);
    }
    let (plain, stripped, again) = (inspected(&plain), inspected(&stripped), inspected(&again));
    assert_eq!((plain.code, stripped.code), (0, 0), "{}", stripped.err);
    let types = |ran: &Ran| {
        let lines = ran.out.lines().skip(1).filter(|line| !line.starts_with("    \""));
        lines.map(|line| line.split(" = [").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types(&plain), types(&stripped), "only numbers differ");
    assert_ne!(plain.out, stripped.out);
    assert_eq!(stripped.out.replace("stripped", "again"), again.out, "same input, same bytes");
}

#[test]
fn what_is_not_there_is_refused_with_close_names() {
    let place = folder("extract_wrong");
    let out = place.join("small.onnx");
    let mut texts = String::new();
    for args in [
        &["--node", "/fc/Gem"][..],
        &["--node", "nothing like it"],
        &["--to", "/pool/MaxPool_output"],
        &["--from", "/conv1/Relu_output"],
        &["--from", "/fc/Gemm_output_0", "--to", "/pool/MaxPool_output_0"],
    ] {
        let ran = extract(FLOATS, &out, args);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}");
        texts.push_str(&ran.err);
    }
    insta::assert_snapshot!("extract_wrong", texts);
    let copy = place.join("copy.onnx");
    std::fs::copy(FLOATS, &copy).unwrap();
    let ran = extract(copy.to_str().unwrap(), &copy, &["--node", "/fc/Gemm"]);
    assert!(ran.code == 1 && ran.err.contains("E0120"), "{}", ran.err);
    assert_eq!(names(&place), ["copy.onnx"]);
    assert_eq!(extract(FLOATS, &out, &[]).code, 2);
    assert_eq!(extract(FLOATS, &out, &["--node", "/fc/Gemm", "--to", "x"]).code, 2);
}

/// Real models, every tenth node, if they are there: each cut is read again.
#[test]
fn nodes_of_real_models_can_be_cut() {
    let shared = std::env::var("TINYC_SHARED").unwrap_or_else(|_| "../shared".into());
    let folder_of_models = Path::new(&shared).join("models/models");
    let Ok(models) = std::fs::read_dir(&folder_of_models) else {
        println!("SKIPPED: no models in {}", folder_of_models.display());
        return;
    };
    let place = folder("extract_real");
    let mut paths: Vec<_> = models.map(|entry| entry.unwrap().path().join("model.onnx")).collect();
    paths.sort();
    let mut cut = 0;
    for path in paths.iter().filter(|path| path.exists()) {
        let bytes = std::fs::read(path).unwrap();
        let whole = tinyc_frontend::onnx::import(&bytes, &tinyc_frontend::onnx::Options::default());
        let Ok(whole) = whole else { continue };
        let values = whole.graph.nodes.values().step_by(10).map(|node| node.origin.clone());
        for origin in values.filter(|origin| !origin.name.is_empty()) {
            let options = tinyc_frontend::onnx::Options::default();
            let selection = tinyc_frontend::onnx::Selection {
                nodes: vec![origin.name.clone()],
                strip_weights: true,
                ..Default::default()
            };
            let out = place.join("small.onnx");
            let small = tinyc_frontend::onnx::extract_file(path, &options, &selection);
            let small = small.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            std::fs::write(&out, small.bytes).unwrap();
            let again = tinyc_frontend::onnx::import_file(&out, &options);
            if let Err(error) = again {
                panic!("{}, {}: {error}", path.display(), origin.name);
            }
            cut += 1;
        }
    }
    assert!(cut > 100, "only {cut}");
}
