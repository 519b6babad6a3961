//! `tinyc compile`: its files, its summary, its limits.

use crate::program::{folder, tinyc};
use crate::{DIGITS, json, names};
use std::path::Path;

#[test]
fn compile_writes_three_files_and_sums_up() {
    let out = folder("compile");
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m4", "--out", out.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(names(&out), ["digits_int8_io.c", "digits_int8_io.h", "digits_int8_io.report.json"]);
    insta::assert_snapshot!("compile_summary", ran.out.replace(out.to_str().unwrap(), "OUT"));
}

#[test]
fn an_object_comes_with_its_cycles() {
    let out = folder("compile-obj");
    let place = out.to_str().unwrap();
    let ran = tinyc(&[
        "compile",
        DIGITS,
        "--target",
        "nucleo-l4r5zi",
        "--emit",
        "obj,asm",
        "--json",
        "--out",
        place,
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let files = ["digits_int8_io.h", "digits_int8_io.o", "digits_int8_io.report.json", "digits_int8_io.s"];
    assert_eq!(names(&out), files);
    let report = json(&ran.out);
    let cycles = |value: &serde_json::Value| value["time"]["cycles"].as_u64().unwrap();
    let layers: u64 = report["layers"].as_array().unwrap().iter().map(cycles).sum();
    assert!(layers > 0 && layers <= cycles(&report), "{report}");
    assert_eq!(report["time"]["memory"], "zero wait states");
    assert!(report["time"]["worst_cycles"].as_u64().unwrap() >= cycles(&report), "{report}");
    assert!(report["time"]["microjoules"].as_f64().unwrap() > 0.0);
    let chip = &report["time"]["on_chip"];
    assert!(cycles(&report) < chip["cycles"].as_u64().unwrap(), "flash that waits takes longer: {report}");
    assert!(chip["memory"].as_str().unwrap().starts_with("flash of stm32l4r5: "), "{report}");
    assert!(report["flash"]["code_bytes"].as_u64().unwrap() > 0);
    assert!(report["ram"]["stack_bytes"].as_u64().unwrap() > 0);
    let both = tinyc(&["compile", DIGITS, "--target", "cortex-m0", "--emit", "c,obj", "--out", place]);
    assert!(both.out.contains("MAC/cycle") && both.out.contains("zero wait states"), "{}", both.out);
    assert!(names(&out).contains(&"digits_int8_io.c".to_owned()));
}

#[test]
fn each_figure_of_a_chip_says_which_memory_it_assumes() {
    let out = folder("compile-chip");
    let place = out.to_str().unwrap();
    let run = |target: &str| {
        let ran = tinyc(&["compile", DIGITS, "--target", target, "--emit", "obj", "--out", place]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let fact =
            |name: &str| ran.out.lines().find(|line| line.trim_start().starts_with(name)).map(str::to_owned);
        (fact("Cycles"), fact("Time"), fact("Energy"))
    };
    let (cycles, time, energy) = run("nucleo-l4r5zi");
    for line in [cycles, time.clone(), energy.clone()] {
        assert!(line.is_some_and(|line| line.contains("(zero wait states)")));
    }
    assert!(time.is_some_and(|line| line.contains("with the flash") && line.contains("120 MHz")));
    assert!(
        energy.is_some_and(|line| line.contains("with the flash") && line.contains("measured on this chip"))
    );
    // A chip of whose energy nothing is known, and a core, which has no clock.
    let (_, _, energy) = run("rp2350");
    assert!(energy.is_some_and(|line| line.contains("not measured")));
    let (cycles, time, energy) = run("cortex-m4");
    assert!(cycles.is_some() && time.is_none() && energy.is_none());
}

#[test]
fn samples_go_into_a_package_only() {
    let ran = tinyc(&["compile", DIGITS, "--target", "cortex-m4", "--samples", "3"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("--package bench"), "{}", ran.err);
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
