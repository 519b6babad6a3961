//! The way over a real board, with QEMU in its place: the packaged source in a firmware that prints over a serial port, and
//! `verify --log` on what it printed. What a log looks like is tested in `src/board`.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "program/mod.rs"]
mod program;
mod support;

use program::tinyc;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::host::tool;

const DIGITS: &str = "examples/models/digits/digits_int8_io.onnx";
const FLOATS: &str = "examples/models/digits/digits_f32.onnx";
const SAMPLES: &str = "examples/models/digits/digits_samples.npz";

/// Compiles a model with the bench, links it as a user would, runs it on the board, and returns the log.
fn log(test: &str, model: &str, core: &str, emit: &str) -> PathBuf {
    let name = Path::new(model).file_stem().unwrap().to_str().unwrap();
    let out = program::folder(&format!("board-{test}-{name}-{core}-{emit}"));
    let args = ["compile", model, "--target", core, "--emit", emit, "--out", out.to_str().unwrap()];
    let bench = ["--package", "bench", "--inputs", SAMPLES, "--samples", "3"];
    let ran = tinyc(&[&args[..], &bench].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    link(&out, core, emit);
    run(&out, core)
}

fn link(out: &Path, core: &str, emit: &str) {
    let core = tinyc_targets::find(core).unwrap().core;
    let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/board");
    let stem = |ending: &str| {
        let mut files = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.to_str().unwrap().ends_with(ending)).unwrap()
    };
    let network = match emit {
        "c" => stem("report.json").with_extension("").with_extension("c"),
        _ => stem(".o"),
    };
    let mut gcc = Command::new(&core.gcc.compiler);
    gcc.args(&core.gcc.flags)
        .args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"])
        .args(["-nostartfiles", "-Wl,--fatal-warnings", "-T"])
        .arg(board.join("link.ld"))
        .arg("-I")
        .arg(out)
        .args([board.join("startup.c"), out.join("bench_main.c"), network])
        .arg("-o")
        .arg(out.join("firmware.elf"));
    tool(&mut gcc, &format!("{} libnewlib-arm-none-eabi", core.gcc.package));
}

fn run(out: &Path, core: &str) -> PathBuf {
    let qemu = tinyc_targets::find(core).unwrap().core.qemu;
    let log = out.join("serial.txt");
    let mut command = Command::new(&qemu.program);
    command
        .args(["-M", &qemu.machine, "-display", "none", "-monitor", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-icount", "shift=0"])
        .arg("-serial")
        .arg(format!("file:{}", log.display()))
        .arg("-kernel")
        .arg(out.join("firmware.elf"));
    tool(&mut command, &qemu.package);
    log
}

/// `tinyc verify --log` with the samples of [`log`].
fn verify(model: &str, core: &str, log: &Path, more: &[&str]) -> program::Ran {
    let args = ["verify", model, "--target", core, "--log", log.to_str().unwrap(), "--inputs", SAMPLES];
    tinyc(&[&args[..], more].concat())
}

#[test]
fn what_a_board_prints_is_the_reference() {
    for (model, core, emit) in [
        (DIGITS, "cortex-m0plus", "obj"),
        (DIGITS, "cortex-m3", "c"),
        (DIGITS, "cortex-m3", "obj"),
        (DIGITS, "cortex-m4", "obj,asm"),
        (FLOATS, "cortex-m4", "obj"),
        (FLOATS, "cortex-m7", "c"),
    ] {
        let log = log("equal", model, core, emit);
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(
            text.starts_with("board is up\r\n[0.01] tinyc-bench 1 model=") && text.ends_with("idle\r\n"),
            "{text}"
        );
        let ran = verify(model, core, &log, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{model} on {core}: {}\n{text}", ran.out);
        assert!(ran.out.starts_with("verified: digits_"), "{}", ran.out);
        assert!(ran.out.contains("3 of 3 samples with the reference's hash"), "{}", ran.out);
        assert_eq!(ran.out.contains("predicted for the object"), emit != "c", "{}", ran.out);
    }
}

#[test]
fn a_log_of_something_else_is_refused() {
    let log = log("other", DIGITS, "cortex-m3", "obj");
    let refused = |model: &str, core: &str, more: &[&str], what: &str| {
        let ran = verify(model, core, &log, more);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains("E0531") && ran.err.contains(what), "{}", ran.err);
    };
    refused("examples/models/digits/digits_int8_qdq.onnx", "cortex-m3", &[], "another network");
    refused(DIGITS, "cortex-m4", &[], "another core");
    refused(DIGITS, "cortex-m3", &["--samples", "2"], "another set of samples");
    let renamed = ["--name", "digits_int8_io"];
    refused(
        "examples/models/digits/digits_int8_qdq.onnx",
        "cortex-m3",
        &renamed,
        "another set of emitted files",
    );
    let json = verify(DIGITS, "cortex-m4", &log, &["--json"]);
    assert_eq!(json.code, 1);
    assert!(json.out.contains("\"refused\""), "{}", json.out);
}

#[test]
fn a_wrong_result_is_told_from_a_damaged_log() {
    let log = log("damaged", DIGITS, "cortex-m3", "obj");
    let text = std::fs::read_to_string(&log).unwrap();
    let damaged = log.with_file_name("damaged.txt");
    let (head, hash) = text.split_at(text.find("hash=").unwrap() + 5);
    let digit = if hash.starts_with('0') { "1" } else { "0" };
    std::fs::write(&damaged, format!("{head}{digit}{}", &hash[1..])).unwrap();
    let ran = verify(DIGITS, "cortex-m3", &damaged, &[]);
    assert!(ran.code == 1 && ran.err.contains("E0530") && ran.err.contains("lost or changed"), "{}", ran.err);

    // A firmware whose object has another weight: its log is whole, and wrong.
    let out = log.parent().unwrap();
    let object = out.join("digits_int8_io.o");
    let mut bytes = std::fs::read(&object).unwrap();
    let weights = {
        use object::{Object, ObjectSection};
        let file = object::File::parse(bytes.as_slice()).unwrap();
        let constants = file.sections().filter(|s| s.kind() == object::SectionKind::ReadOnlyData);
        constants.max_by_key(ObjectSection::size).unwrap().file_range().unwrap()
    };
    for byte in &mut bytes[weights.0 as usize..(weights.0 + weights.1) as usize] {
        *byte ^= 0x10;
    }
    std::fs::write(&object, bytes).unwrap();
    link(out, "cortex-m3", "obj");
    let ran = verify(DIGITS, "cortex-m3", &run(out, "cortex-m3"), &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("NOT EQUAL") && ran.out.contains("expected"), "{}", ran.out);
    let missing = verify(DIGITS, "cortex-m3", Path::new("nowhere.txt"), &[]);
    assert!(missing.code == 1 && missing.err.contains("E0532"), "{}", missing.err);
}
