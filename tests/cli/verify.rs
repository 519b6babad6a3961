//! `tinyc verify`: what it prints and how it ends. The proof itself is tested in `tests/sim.rs`.

use crate::program::{command, ran, tinyc};
use crate::{DIGITS, SAMPLES, json};

#[test]
fn verify_proves_equality_and_measures() {
    let args = ["verify", DIGITS, "--target", "cortex-m4", "--inputs", SAMPLES, "--samples", "2", "--json"];
    let ran = tinyc(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let outcome = json(&ran.out);
    assert_eq!(outcome["status"], "done");
    let verification = &outcome["verification"];
    assert_eq!(verification["samples_equal"], 2);
    assert!(verification["stack_bytes"].as_u64().unwrap() > 0, "{verification}");
    let ran = tinyc(&["verify", DIGITS, "--target", "rv32imc", "--samples", "1", "--seed", "7"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("verified: digits_int8_io on rv32imc"), "{}", ran.out);
    assert!(ran.out.ends_with("random samples of seed 7\n"), "{}", ran.out);
}

#[test]
fn verify_without_its_tools_says_how_to_get_them() {
    let mut command = command(&["verify", DIGITS, "--target", "cortex-m4"]);
    let ran = ran(command.env("PATH", "/nowhere").output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("install"), "{}", ran.err);
}
