//! The Rust backend from outside: emitted modules are compiled by rustc, run, and compared with the interpreter.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../c/namesakes.rs"]
mod namesakes;
#[path = "../c/net.rs"]
mod net;
#[path = "../c/networks.rs"]
mod networks;
#[path = "../c/operations.rs"]
mod operations;
#[path = "../../../tests/support/rust_host.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod rust_host;

use rust_host::RustHost;
use std::path::Path;
use tinyc_backends::rust::{Options, emit};
use tinyc_ir::Data;
use tinyc_ir::loops::interpret;

/// What the programs of the C backend's tests are made of.
mod driver {
    use tinyc_ir::Data;
    use tinyc_ir::loops::Program;

    /// A program and the inputs of several runs.
    pub(crate) struct Case {
        pub(crate) program: Program,
        pub(crate) runs: Vec<Vec<Data>>,
    }
}

/// How tools are run.
mod host {
    use std::process::Command;

    /// Runs a tool; the error is what it said.
    pub(crate) fn try_tool(command: &mut Command, package: &str) -> Result<String, String> {
        let output = command.output().unwrap_or_else(|e| panic!("{package}: {e}"));
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

fn cases() -> Vec<driver::Case> {
    let mut cases =
        vec![networks::quantized(), networks::softmax(), networks::control(), operations::packed()];
    cases.extend(namesakes::cases());
    cases.extend(operations::unary());
    cases.extend(operations::binary());
    cases.extend(operations::constants());
    cases
}

#[test]
fn rust_agrees_with_the_interpreter() {
    let cases = cases();
    let programs: Vec<_> = cases.iter().map(|c| &c.program).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-operations");
    let host = RustHost::build(&folder, &programs, rust_host::CHECKED).unwrap_or_else(|e| panic!("{e}"));
    for (i, case) in cases.iter().enumerate() {
        let name = &case.program.name;
        for (r, inputs) in case.runs.iter().enumerate() {
            let ran = host.run(i, std::slice::from_ref(inputs));
            match interpret::run(&case.program, inputs) {
                Ok(want) => {
                    let ran = ran.unwrap_or_else(|e| panic!("{name}, run {r}: {e}"));
                    for (got, want) in ran[0].iter().zip(&want.outputs) {
                        assert_eq!(canonical(got), canonical(want), "{name}, run {r}");
                    }
                }
                Err(trap) => {
                    let code = trap.fail.unwrap_or_else(|| panic!("{name}, run {r}: {trap:?}"));
                    assert_eq!(ran.unwrap_err(), format!("sample 0 returns {code}"), "{name}, run {r}");
                }
            }
        }
    }
}

/// The bits, every NaN one and the same.
fn canonical(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(v) => {
            let one = |&x: &f32| if x.is_nan() { f32::NAN.to_le_bytes() } else { x.to_le_bytes() };
            v.iter().flat_map(one).collect()
        }
        Data::F64(v) => {
            let one = |&x: &f64| if x.is_nan() { f64::NAN.to_le_bytes() } else { x.to_le_bytes() };
            v.iter().flat_map(one).collect()
        }
        data => data.to_le_bytes(),
    }
}

#[test]
fn a_quantised_network_reads_like_this() {
    let options = Options { generator: "tinyc (test)".into(), runtime: false };
    let file = emit(&networks::quantized().program, &options);
    insta::assert_snapshot!(file.name.clone(), file.text);
}
