//! Emitted Rust as a product: formatted, without a lint, and without a way to panic. What it computes is compared in
//! `networks.rs` and `random.rs`.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::host::try_tool;
use support::models;
use support::proof::same;
use support::rust_host::{CHECKED, RustHost, rustc, write_modules};
use tinyc::pipeline::{Compiled, Options, compile};
use tinyc_ir::Data;
use tinyc_ir::loops::Buffer;
use tinyc_ir::loops::interpret::Interpreter;
use tinyc_ir::seeded::Seeded;

/// The modules of the committed models in a folder of its own: its path, and the names.
fn modules(folder: &str) -> (PathBuf, Vec<String>) {
    let compiled: Vec<Compiled> = models::own()
        .iter()
        .map(|m| compile(&m.file, &m.options()).unwrap_or_else(|e| panic!("{e}")))
        .collect();
    let programs: Vec<_> = compiled.iter().map(|c| &c.program).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust_output").join(folder);
    let names = write_modules(&folder, &programs);
    let includes: String = names.iter().map(|name| format!("include!(\"{name}.rs\");\n")).collect();
    let head = "//! Networks.\n#![no_std]\n#![deny(missing_docs)]\n";
    std::fs::write(folder.join("lib.rs"), format!("{head}{includes}")).unwrap();
    (folder, names)
}

#[test]
fn rustfmt_would_change_nothing() {
    let (folder, names) = modules("rustfmt");
    // As everyone has it, not as this repository does.
    std::fs::write(folder.join("rustfmt.toml"), "").unwrap();
    for edition in ["2021", "2024"] {
        let mut rustfmt = Command::new("rustfmt");
        rustfmt.current_dir(&folder).args(["--check", "--edition", edition]);
        rustfmt.args(names.iter().map(|name| format!("{name}.rs")));
        let output = rustfmt.output().expect("rustup component add rustfmt");
        assert!(output.status.success(), "{edition}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn clippy_finds_nothing() {
    let (folder, _) = modules("clippy");
    let sysroot = try_tool(Command::new("rustc").args(["--print", "sysroot"]), "rustc").unwrap();
    let mut clippy = Command::new(Path::new(sysroot.trim()).join("bin/clippy-driver"));
    clippy.current_dir(&folder).args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"]);
    clippy.args(["lib.rs", "-D", "warnings", "-D", "clippy::all"]);
    try_tool(&mut clippy, "rustup component add clippy").unwrap_or_else(|e| panic!("{e}"));
}

/// Runs of a network with a state are one sequence, which begins with zero points.
#[test]
fn a_sequence_keeps_its_state() {
    let models: [(&str, &[(&str, &str)]); 2] = [
        ("stream", &[("past", "past_next"), ("hidden", "hidden_next"), ("older", "older_next")]),
        ("stream_qdq", &[("past", "past_next"), ("level", "level_next")]),
    ];
    let compiled: Vec<Compiled> = models
        .iter()
        .map(|(name, pairs)| {
            let model = models::own().into_iter().find(|m| m.name == *name).unwrap();
            let states = pairs.iter().map(|(i, o)| (i.to_string(), o.to_string())).collect();
            let options = Options { states, ..model.options() };
            compile(&model.file, &options).unwrap_or_else(|e| panic!("{e}"))
        })
        .collect();
    let programs: Vec<_> = compiled.iter().map(|c| &c.program).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust_output/states");
    let host = RustHost::build(&folder, &programs, CHECKED).unwrap_or_else(|e| panic!("{e}"));
    let mut stream = Seeded::new(1);
    for (i, program) in programs.into_iter().enumerate() {
        assert!(program.state_bytes() > 0);
        let mut inputs = || {
            let input = |&buffer: &Buffer| {
                let (dtype, count) = program.buffers[buffer].elements();
                stream.tensor(dtype, vec![count]).data
            };
            program.inputs.iter().map(input).collect::<Vec<Data>>()
        };
        let steps: Vec<Vec<Data>> = (0..8).map(|_| inputs()).collect();
        let mut interpreter = Interpreter::new(program).unwrap();
        let ran = host.run(i, &steps).unwrap();
        for (step, (got, inputs)) in ran.iter().zip(&steps).enumerate() {
            let want = interpreter.run(inputs).unwrap_or_else(|trap| panic!("{trap:?}")).outputs;
            for (got, want) in got.iter().zip(&want) {
                same(got, want).unwrap_or_else(|e| panic!("{}, step {step}: {e}", program.name));
            }
        }
    }
}

/// Symbols that an object wants from elsewhere, and their sizes aside, those that it defines.
fn symbols(folder: &Path, object: &str) -> String {
    try_tool(Command::new("nm").current_dir(folder).arg(object), "binutils").unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn nothing_can_panic() {
    let (folder, _) = modules("panics");
    for level in ["3", "s"] {
        let level = format!("opt-level={level}");
        let args = [
            "--crate-type",
            "lib",
            "--emit",
            "obj",
            "-C",
            "panic=abort",
            "-C",
            &level,
            "lib.rs",
            "-o",
            "lib.o",
        ];
        rustc(&folder, &args).unwrap_or_else(|e| panic!("{e}"));
        let symbols = symbols(&folder, "lib.o");
        assert!(symbols.contains("digits_int8_io"), "{symbols}");
        let panics: Vec<&str> = symbols.lines().filter(|line| line.contains("panic")).collect();
        assert!(panics.is_empty(), "{level}: {panics:#?}");
    }
}

#[test]
fn a_panic_would_be_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust_output/index");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("lib.rs"),
        "#![no_std]\n#[inline(never)]\npub fn at(x: &[u8], i: usize) -> u8 { x[i] }\n",
    )
    .unwrap();
    let args = [
        "--crate-type",
        "lib",
        "--emit",
        "obj",
        "-C",
        "panic=abort",
        "-C",
        "opt-level=3",
        "lib.rs",
        "-o",
        "lib.o",
    ];
    rustc(&folder, &args).unwrap_or_else(|e| panic!("{e}"));
    assert!(symbols(&folder, "lib.o").contains("panic"));
}
