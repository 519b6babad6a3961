//! The C backend from outside: emitted code is compiled by real compilers, run, and compared with the interpreter.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compilers;
mod driver;
mod namesakes;
mod net;
mod networks;
mod operations;
mod snapshot;
mod tools;

use driver::Case;

/// Every program of this folder.
fn cases() -> Vec<Case> {
    let mut cases =
        vec![networks::quantized(), networks::softmax(), networks::control(), operations::packed()];
    cases.extend(namesakes::cases());
    cases.extend(operations::unary());
    cases.extend(operations::binary());
    cases.extend(operations::constants());
    cases
}

#[test]
fn the_host_agrees_with_the_interpreter_under_sanitizers() {
    for case in cases() {
        driver::on_host(&case, "gcc");
    }
}

#[test]
fn a_second_compiler_agrees_too() {
    for case in cases().into_iter().take(12) {
        driver::on_host(&case, "clang-19");
    }
}

#[test]
fn a_cortex_m4_agrees_with_and_without_its_dsp_instructions() {
    for case in cases() {
        let plain = format!("-D{}_PLAIN_C", case.program.name.to_uppercase());
        driver::on_cortex_m4(&case, "dsp", &["-std=c99"]);
        // GNU C contracts float expressions unless told otherwise: the emitted file must see to it.
        driver::on_cortex_m4(&case, "plain", &["-std=gnu99", "-ffp-contract=fast", &plain]);
    }
}
