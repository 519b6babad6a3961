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
    assert_eq!(
        (verification["emit"].as_str(), verification["machine"].as_str()),
        (Some("obj"), Some("built-in simulator"))
    );
    let cycles = &verification["cycles"];
    assert_eq!(cycles["memory"], "zero wait states");
    assert!(cycles["most"].as_u64().unwrap() <= cycles["predicted"].as_u64().unwrap(), "{cycles}");
    let ran = tinyc(&["verify", DIGITS, "--target", "rv32imc", "--samples", "1", "--seed", "7"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("verified: digits_int8_io on rv32imc"), "{}", ran.out);
    assert!(ran.out.ends_with("random samples of seed 7\n"), "{}", ran.out);
}

#[test]
fn the_simulator_needs_no_tool_and_qemu_says_how_to_get_it() {
    let verify = |more: &[&str]| {
        let args = [&["verify", DIGITS, "--target", "cortex-m4"], more].concat();
        ran(command(&args).env("PATH", "/nowhere").output().unwrap())
    };
    let simulated = verify(&[]);
    assert_eq!((simulated.code, simulated.err.as_str()), (0, ""));
    for more in [&["--with", "qemu"][..], &["--emit", "c"]] {
        let ran = verify(more);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains("install"), "{}", ran.err);
    }
}

#[test]
fn each_form_runs_where_it_can() {
    let verify = |more: &[&str]| {
        tinyc(&[&["verify", DIGITS, "--target", "cortex-m3", "--samples", "1"], more].concat())
    };
    for (more, first) in [
        (&["--emit", "c"][..], "verified: digits_int8_io on cortex-m3, C by GCC, simulated by mps2-an385\n"),
        (&["--with", "qemu"], "verified: digits_int8_io on cortex-m3, object, simulated by mps2-an385\n"),
        (
            &["--with", "sim"],
            "verified: digits_int8_io on cortex-m3, object, simulated by built-in simulator\n",
        ),
        (
            &["--emit", "rust"],
            "verified: digits_int8_io for cortex-m3, Rust by rustc, run on this computer\n",
        ),
        (
            &["--with", "host"],
            "verified: digits_int8_io for cortex-m3, Rust by rustc, run on this computer\n",
        ),
    ] {
        let ran = verify(more);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.starts_with(first), "{}", ran.out);
    }
    for more in [&["--emit", "c", "--with", "sim"][..], &["--keep", "out"], &["--log", "x", "--emit", "c"]] {
        let ran = verify(more);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    }
    let ran = tinyc(&["verify", DIGITS, "--target", "rv32imc", "--samples", "1"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.starts_with("verified: digits_int8_io on rv32imc, object, simulated by built-in"),
        "{}",
        ran.out
    );
}
