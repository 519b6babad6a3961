//! Rust on bare metal: cargo with a compiler that has the library for every target, and QEMU. Tests share one folder, so that the library
//! and tinyc as a build dependency are compiled once.

use super::host::try_tool;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tinyc::verify::RustCompiler;

/// Debian's compiler, which can build the library for every target; see `mksysroot.sh`.
pub(crate) const RUSTC: &str = "/usr/bin/rustc";

/// Which Debian packages hold the compiler and the library's source.
pub(crate) const PACKAGES: &str = "rustc-web rust-web-src";

/// Tests and the tables share it.
const SCRATCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp");

/// A folder that these tests build in.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(SCRATCH).join("rust_firmware").join(name)
}

/// A sysroot with the targets. Tests that want one wait for each other.
pub(crate) fn sysroot(targets: &[&str]) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let sysroot = folder("sysroot");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/mksysroot.sh");
    let mut make = Command::new(script);
    make.arg(&sysroot).args(targets);
    try_tool(&mut make, PACKAGES).unwrap_or_else(|e| panic!("{e}"));
    sysroot
}

/// The arguments with which rustc compiles for a bare target.
pub(crate) fn flags(target: &str) -> Vec<String> {
    let sysroot = sysroot(&[target]).display().to_string();
    vec!["--sysroot".into(), sysroot, "-Clinker=ld.lld-19".into()]
}

/// Cargo in a package's folder, with the common target folder.
pub(crate) fn cargo(package: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(package).env("RUSTC", RUSTC).env("CARGO_TARGET_DIR", folder("target"));
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
        cargo.env_remove(name);
    }
    cargo
}

/// Builds a package's firmware for a bare target; its ELF file.
pub(crate) fn build(package: &Path, target: &str, binary: &str) -> PathBuf {
    let mut cargo = cargo(package);
    cargo.args(["build", "--release", "--target", target]);
    // What the repository holds comes with the versions that were tried.
    if package.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    cargo.env("RUSTFLAGS", flags(target).join(" "));
    try_tool(&mut cargo, PACKAGES).unwrap_or_else(|e| panic!("{e}"));
    folder("target").join(target).join("release").join(binary)
}

/// rustc for a bare target, in a folder.
pub(crate) fn rustc(folder: &Path, target: &str, args: &[&str]) {
    let mut rustc = Command::new(RUSTC);
    rustc.current_dir(folder).args(["--edition", "2024", "--target", target]).args(flags(target));
    rustc.args(["-C", "opt-level=3", "-C", "panic=abort"]).args(args);
    try_tool(&mut rustc, PACKAGES).unwrap_or_else(|e| panic!("{e}"));
}

/// Runs a firmware to its end; what it printed, by semihosting or on the serial port.
pub(crate) fn qemu(machine: &str, image: &Path) -> String {
    let (program, more): (_, &[&str]) = match machine {
        "virt" => ("qemu-system-riscv32", &["-bios", "none"]),
        _ => ("qemu-system-arm", &[]),
    };
    // A firmware that does not end must not stop the tests for ever.
    let mut qemu = Command::new("timeout");
    qemu.args(["60", program, "-machine", machine]).args(more);
    qemu.args(["-nographic", "-monitor", "none", "-serial", "stdio"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image);
    let output = qemu.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    // Semihosting prints on the standard error.
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{program}, {}: {said}", output.status);
    said
}

/// What compiles emitted Rust for a bare target.
pub(crate) fn compiler(target: &str) -> RustCompiler {
    RustCompiler { program: RUSTC.into(), flags: flags(target) }
}

/// The same with the crate `tinyc-runtime`, compiled for the target.
pub(crate) fn compiler_with_runtime(target: &str) -> RustCompiler {
    let folder = folder("runtime").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/runtime/src/lib.rs");
    let library = folder.join("libtinyc_runtime.rlib").display().to_string();
    let args = ["--crate-type", "lib", "--crate-name", "tinyc_runtime", "--cfg", "tinyc_dsp", source, "-o"];
    rustc(&folder, target, &[&args[..], &[library.as_str()]].concat());
    let mut compiler = compiler(target);
    compiler.flags.extend(["--extern".into(), format!("tinyc_runtime={library}")]);
    compiler
}
