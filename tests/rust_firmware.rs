//! Emitted Rust on bare metal: the example's firmware, built by cargo with its build script, and modules on cores without packed
//! instructions, all under QEMU.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use support::host::try_tool;

/// Debian's compiler, which can build the library for every target; see `tests/support/mksysroot.sh`.
const RUSTC: &str = "/usr/bin/rustc";

/// Where this test builds.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust_firmware").join(name)
}

/// A sysroot with the targets. Tests that want one wait for each other.
fn sysroot(targets: &[&str]) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let sysroot = folder("sysroot");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/mksysroot.sh");
    let mut make = Command::new(script);
    make.arg(&sysroot).args(targets);
    try_tool(&mut make, "rustc-web rust-web-src").unwrap_or_else(|e| panic!("{e}"));
    sysroot
}

fn qemu(program: &str, machine: &[&str], image: &Path) -> String {
    let mut qemu = Command::new(program);
    qemu.args(machine).args(["-nographic", "-monitor", "none", "-serial", "none"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image);
    let output = qemu.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    // Semihosting prints on the standard error.
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn the_example_recognises_its_digit_on_cortex_m4_and_m0plus() {
    let sysroot = sysroot(&["thumbv7em-none-eabihf", "thumbv6m-none-eabi"]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cortex-m4-rust");
    for (target, machine) in [("thumbv7em-none-eabihf", "mps2-an386"), ("thumbv6m-none-eabi", "mps2-an385")] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&example).args(["build", "--release", "--locked", "--target", target]);
        cargo.env("RUSTC", RUSTC).env("CARGO_TARGET_DIR", folder("target"));
        cargo.env("RUSTFLAGS", format!("--sysroot {} -Clinker=ld.lld-19", sysroot.display()));
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        try_tool(&mut cargo, "rustc-web").unwrap_or_else(|e| panic!("{e}"));
        let image = folder("target").join(target).join("release/digits-firmware");
        let said = qemu("qemu-system-arm", &["-machine", machine], &image);
        let want = "class 3, [-128, -128, -128, 127, -128, -128, -128, -128, -128, -128]";
        assert_eq!(said.trim(), want, "{target}");
        // Not even start-up code and the console can panic but for formatting, which the network does not use.
        let mut nm = Command::new("arm-none-eabi-nm");
        let symbols = try_tool(nm.arg(&image), "gcc-arm-none-eabi").unwrap_or_else(|e| panic!("{e}"));
        assert!(!symbols.contains("panic_bounds_check"), "{target}: {symbols}");
    }
}

/// Debian's compiler for a bare target, in a folder; the error is what it said.
fn rustc(folder: &Path, target: &str, args: &[&str]) {
    let mut rustc = Command::new(RUSTC);
    rustc
        .current_dir(folder)
        .args(["--edition", "2024", "--target", target, "--sysroot"])
        .arg(sysroot(&[target]));
    rustc.args(["-C", "opt-level=3", "-C", "panic=abort", "-C", "linker=ld.lld-19"]).args(args);
    try_tool(&mut rustc, "rustc-web").unwrap_or_else(|e| panic!("{e}"));
}

/// A file of `tests/support/firmware`, copied into the folder.
fn copy(folder: &Path, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/firmware").join(name);
    std::fs::copy(from, folder.join(name)).unwrap();
}

#[test]
fn instructions_compute_what_the_portable_functions_do() {
    let target = "thumbv7em-none-eabihf";
    let folder = folder("packed");
    std::fs::create_dir_all(&folder).unwrap();
    copy(&folder, "packed.rs");
    copy(&folder, "m4.ld");
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/src/lib.rs");
    let runtime = runtime.to_str().unwrap();
    let library = ["--crate-type", "lib", "--crate-name", "tinyc_runtime", "--cfg", "tinyc_dsp", runtime];
    rustc(&folder, target, &[&library[..], &["-o", "libtinyc_runtime.rlib"]].concat());
    let program = ["-C", "link-arg=-Tm4.ld", "--extern", "tinyc_runtime=libtinyc_runtime.rlib", "packed.rs"];
    rustc(&folder, target, &[&program[..], &["-o", "packed.elf"]].concat());
    let said = qemu("qemu-system-arm", &["-machine", "mps2-an386"], &folder.join("packed.elf"));
    assert_eq!(said.trim(), "all alike");
}

#[test]
fn a_bare_rv32imc_recognises_it_too() {
    let target = "riscv32imc-unknown-none-elf";
    let folder = folder("riscv");
    std::fs::create_dir_all(&folder).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/digits/digits_int8_io.onnx");
    let mut options = tinyc::pipeline::Options::new(tinyc_targets::find("rv32imc").unwrap());
    options.name = Some("digits".into());
    options.emit = [tinyc::pipeline::Emit::Rust].into();
    let compiled = tinyc::pipeline::compile(&model, &options).unwrap();
    std::fs::write(folder.join("digits.rs"), &compiled.files[0].text).unwrap();
    // The digit of the example.
    let example = include_str!("../examples/cortex-m4-rust/src/main.rs");
    let image = example.split("IMAGE_LEN] = ").nth(1).unwrap().split(';').next().unwrap();
    std::fs::write(folder.join("image.rs"), image).unwrap();
    copy(&folder, "rv32.rs");
    copy(&folder, "rv32.ld");
    rustc(&folder, target, &["-C", "link-arg=-Trv32.ld", "rv32.rs", "-o", "main.elf"]);
    let said = qemu("qemu-system-riscv32", &["-machine", "virt", "-bios", "none"], &folder.join("main.elf"));
    assert_eq!(said.trim(), "class 3");
    let mut nm = Command::new("riscv64-unknown-elf-nm");
    let symbols = try_tool(nm.current_dir(&folder).arg("main.elf"), "gcc-riscv64-unknown-elf").unwrap();
    let panics: Vec<&str> = symbols.lines().filter(|line| line.contains("panicking")).collect();
    assert!(panics.is_empty(), "{panics:?}");
}
