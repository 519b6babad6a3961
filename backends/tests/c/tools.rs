//! The compilers and simulators that these tests call. A missing one fails the test with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use tinyc_backends::c::{Options, emit};
use tinyc_ir::loops::Program;

/// Runs a program and returns what it printed; panics with everything it said if it fails.
pub(crate) fn tool(name: &str, args: &[&str], folder: &Path) -> String {
    let package = match name {
        "gcc" => "gcc",
        "g++" => "g++",
        "clang-19" | "clang++-19" => "clang-19",
        "qemu-system-arm" => "qemu-system-arm",
        name if name.starts_with("riscv64") => "gcc-riscv64-unknown-elf",
        _ => "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    };
    let output = match Command::new(name).args(args).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install it with: apt-get install -y {package}"),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && !err.contains("warning:"),
        "{name} {}: {}\n{out}{err}",
        args.join(" "),
        output.status
    );
    out.into_owned()
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Writes the emitted pair.
pub(crate) fn write(program: &Program, folder: &Path) {
    for file in emit(program, &Options::default()) {
        std::fs::write(folder.join(file.name), file.text).unwrap();
    }
}
