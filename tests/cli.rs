//! The command line as its users meet it: the built program on the models of the repository.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[allow(dead_code, reason = "each file of tests uses a part")]
mod program;

use program::{command, folder, ran, tinyc};
use serde_json::Value;
use std::path::Path;

const DIGITS: &str = "examples/models/digits/digits_int8_io.onnx";
const SAMPLES: &str = "examples/models/digits/digits_samples.npz";
const VECTORS: &str = "examples/models/digits/digits_vectors_int8_io.npz";

/// Names of the files in a folder, sorted; none if there is no folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn compile_writes_three_files_and_sums_up() {
    let out = folder("compile");
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m4", "--out", out.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(names(&out), ["digits_int8_io.c", "digits_int8_io.h", "digits_int8_io.report.json"]);
    insta::assert_snapshot!("compile_summary", ran.out.replace(out.to_str().unwrap(), "OUT"));
}

#[test]
fn the_report_is_what_json_prints_and_names_no_folder() {
    let out = folder("report");
    let ran = tinyc(&[
        "compile",
        DIGITS,
        "--target",
        "nucleo-l4r5zi",
        "--name",
        "net",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let file = std::fs::read_to_string(out.join("net.report.json")).unwrap();
    assert_eq!(file, ran.out);
    assert!(!file.contains(out.to_str().unwrap()) && !file.contains(env!("CARGO_MANIFEST_DIR")), "{file}");
    let report = json(&file);
    assert_eq!(report["status"], "done");
    assert_eq!(report["macs"]["reference"], 19_968);
    assert_eq!(report["ram"]["limit_bytes"], 640 * 1024);
    assert_eq!(report["inputs"][0]["shape"], serde_json::json!([1, 1, 8, 8]));
    assert_eq!(report["files"], serde_json::json!(["net.c", "net.h", "net.report.json"]));
    let layers = report["layers"].as_array().unwrap();
    let sum: u64 = layers.iter().map(|layer| layer["weight_bytes"].as_u64().unwrap()).sum();
    assert_eq!(report["flash"]["constant_bytes"], sum, "layers of this model share no constants");
    let header = std::fs::read_to_string(out.join("net.h")).unwrap();
    let one_line = header.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    assert!(one_line.contains(&format!("{};", report["prototype"].as_str().unwrap())), "{one_line}");
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let (first, second) = (folder("same_1"), folder("same_2"));
    for out in [&first, &second] {
        let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m7", "--out", out.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    for name in names(&first) {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(read(&first) == read(&second), "{name} differs");
    }
}

#[test]
fn a_budget_that_fails_writes_nothing() {
    let out = folder("budget").join("new");
    let ran = tinyc(&[
        "compile",
        DIGITS,
        "--target",
        "cortex-m4",
        "--ram",
        "1K",
        "--flash",
        "2KiB",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    for part in ["error[E0510]: ", "error[E0511]: "] {
        assert!(ran.err.contains(part), "both shortages in one run: {}", ran.err);
    }
    assert!(!out.exists(), "{:?}", names(&out));
}

#[test]
fn an_output_folder_that_cannot_be_is_told() {
    let place = folder("unwritable");
    let file = place.join("file");
    std::fs::write(&file, "mine").unwrap();
    for out in [file.clone(), file.join("below")] {
        let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m4", "--out", out.to_str().unwrap()]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.starts_with("error[E0120]: cannot write "), "{}", ran.err);
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
    // The header's place is taken: the source must not appear alone.
    std::fs::create_dir(place.join("digits_int8_io.h")).unwrap();
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m4", "--out", place.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert_eq!(names(&place), ["digits_int8_io.h", "file"]);
}

#[test]
fn a_refusal_is_json_too() {
    let ran = tinyc(&["compile", "examples/models/bad/unsupported.onnx", "--target", "cortex-m4", "--json"]);
    assert_eq!(ran.code, 1);
    let refusal = json(&ran.out);
    assert_eq!(refusal["status"], "refused");
    let messages = refusal["diagnostics"].as_array().unwrap();
    assert!(messages.len() >= 2, "all problems in one run: {refusal}");
    for message in messages {
        assert_eq!(message["severity"], "error");
        assert!(ran.err.contains(message["code"].as_str().unwrap()), "{}", ran.err);
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [
        &[][..],
        &["compile"],
        &["compile", DIGITS],
        &["compile", DIGITS, "--target", "cortex-m4", "--target-file", "x.toml"],
        &["compile", DIGITS, "--target", "cortex-m4", "--ram", "64Q"],
        &["compile", DIGITS, "--target", "cortex-m4", "--name", "1st"],
        &["compile", DIGITS, "--target", "cortex-m4", "--shape", "image"],
        &["run", DIGITS],
        &["run", DIGITS, "--inputs", SAMPLES, "--samples", "0"],
        &["inspect"],
        &["inspect", DIGITS, "--after", "nothing"],
        &["fly"],
    ] {
        let ran = tinyc(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(
            ran.err.contains("Usage: tinyc") || ran.err.contains("try '--help'"),
            "{args:?}: {}",
            ran.err
        );
    }
}

#[test]
fn an_unknown_target_suggests_known_ones() {
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m44"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!("unknown_target", ran.err);
    assert_eq!(tinyc(&["targets", "cortex-m44"]).code, 2);
}

#[test]
fn a_target_file_is_taken_or_refused_with_its_lines() {
    let place = folder("target_file");
    let chip = std::fs::read_to_string("targets/chips/rp2040.toml").unwrap();
    let own = place.join("own.toml");
    std::fs::write(
        &own,
        chip.replace("name = \"rp2040\"", "name = \"mine\"").replace("raspberry-pi-pico", "my-board"),
    )
    .unwrap();
    let out = place.join("out");
    let compile = |file: &Path| {
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        tinyc(&["compile", DIGITS, "--target-file", file, "--out", out])
    };
    let ran = compile(&own);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("digits_int8_io for mine (cortex-m0plus)"), "{}", ran.out);
    std::fs::write(&own, "name = \"mine\"\ncore = \"cortex-m4\"\nclock = 3\n").unwrap();
    let ran = compile(&own);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0502]") && ran.err.contains("own.toml"), "{}", ran.err);
    let ran = compile(&place.join("absent.toml"));
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0502]: the target file cannot be read"), "{}", ran.err);
}

#[test]
fn open_dimensions_are_asked_for_and_given() {
    let model = "examples/models/twins/dyn_dims.onnx";
    let ran = tinyc(&["inspect", model]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("--shape"), "{}", ran.err);
    let ran = tinyc(&["inspect", model, "--shape", "input=1,3,9,7"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

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

#[test]
fn inspect_prints_what_parses_back() {
    let ran = tinyc(&["inspect", DIGITS, "--after", "fold-dequantize", "--constants"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let graph = tinyc_ir::text::parse_graph("digits.tir", &ran.out).unwrap();
    assert_eq!(graph.outputs.len(), 1);
    let ran = tinyc(&["inspect", DIGITS, "--loops", "--constants"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    tinyc_ir::text::parse_program("digits.tir", &ran.out).unwrap();
    let short = tinyc(&["inspect", DIGITS, "--loops", "--json"]);
    assert!(json(&short.out)["text"].as_str().unwrap().len() < ran.out.len());
}

#[test]
fn every_pass_can_be_inspected() {
    let passes = json(&tinyc(&["inspect", "--passes", "--json"]).out);
    for pass in passes["passes"].as_array().unwrap() {
        let ran = tinyc(&["inspect", DIGITS, "--after", pass["name"].as_str().unwrap()]);
        assert_eq!(ran.code, 0, "{pass}: {}", ran.err);
        assert!(ran.out.starts_with("graph @digits_int8_io {"), "{pass}: {}", ran.out);
    }
}

#[test]
fn tables_have_their_json() {
    let cores = json(&tinyc(&["targets", "--json"]).out);
    assert_eq!(cores["cores"].as_array().unwrap().len(), tinyc_targets::cores().count());
    assert_eq!(cores["chips"].as_array().unwrap().len(), tinyc_targets::chips().count());
    for name in
        tinyc_targets::cores().map(|core| &core.name).chain(tinyc_targets::chips().map(|chip| &chip.name))
    {
        let page = tinyc(&["targets", name]);
        assert!(page.code == 0 && page.out.starts_with(name.as_str()), "{name}: {}{}", page.out, page.err);
    }
    let ops = json(&tinyc(&["ops", "--json"]).out);
    let table = tinyc(&["ops"]).out;
    for op in ops["operators"].as_array().unwrap() {
        assert!(table.contains(op["name"].as_str().unwrap()), "{op}");
    }
    insta::assert_snapshot!("target_page", tinyc(&["targets", "nucleo-l4r5zi"]).out);
}

#[test]
fn colour_is_for_terminals_only() {
    let bad = ["compile", "examples/models/bad/unsupported.onnx", "--target", "cortex-m4"];
    let plain = tinyc(&bad);
    assert!(!plain.err.contains('\u{1b}'), "{}", plain.err);
    let forced = ran(command(&bad).env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(forced.err.contains("\u{1b}["), "the test can see colours: {}", forced.err);
    let refused = ran(command(&bad).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().unwrap());
    assert_eq!(refused.err, plain.err);
}

#[test]
fn a_closed_pipe_is_no_panic() {
    use std::io::Read;
    use std::process::Stdio;
    let mut child =
        command(&["targets", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn help_is_reviewed_as_a_whole() {
    let mut text = tinyc(&["--help"]).out;
    for name in ["compile", "run", "inspect", "targets", "ops"] {
        let ran = tinyc(&[name, "--help"]);
        assert_eq!(ran.code, 0, "{name}");
        text.push_str(&format!("\n======== {name}\n{}", ran.out));
    }
    insta::assert_snapshot!("help", text);
}

/// Every line that the help gives as an example, in a folder of its own; those that need cross tools are the simulator
/// tests' business.
#[test]
fn examples_of_the_help_work() {
    let out = folder("help_examples");
    let mut seen = 0;
    for name in ["compile", "run", "inspect", "targets", "ops"] {
        let help = tinyc(&[name, "--help"]).out.replace("\\\n", " ");
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{name} has no examples"));
        for line in examples.lines().filter(|line| line.trim_start().starts_with("tinyc ")) {
            let mut args: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
            match name {
                "compile" => args.extend(["--out".into(), out.to_str().unwrap().into()]),
                "run" if !line.contains("--samples") => args.extend(["--samples".into(), "2".into()]),
                _ => {}
            }
            if let Some(at) = args.iter().position(|arg| arg == "--outputs") {
                args[at + 1] = out.join("y.npz").to_str().unwrap().to_owned();
            }
            let ran = tinyc(&args.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(ran.code, 0, "{line}: {}", ran.err);
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} examples");
}
