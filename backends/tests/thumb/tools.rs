//! The compilers, linkers and simulators that these tests call. A missing one fails the test with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program and returns what it printed; panics with everything it said if it fails or warns.
#[track_caller]
pub(crate) fn tool(name: &str, args: &[&str], folder: &Path) -> String {
    let package = match name {
        "ld.lld-19" => "lld-19",
        "qemu-system-arm" => "qemu-system-arm",
        "gcc" => "gcc",
        "python3" => "python3",
        _ => "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    };
    let output = match Command::new(name).args(args).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install it with: apt-get install -y {package}"),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && !err.contains("warning"),
        "{name} {}: {}\n{out}{err}",
        args.join(" "),
        output.status
    );
    out.into_owned()
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("thumb-{name}"));
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(&path).unwrap();
    path
}
