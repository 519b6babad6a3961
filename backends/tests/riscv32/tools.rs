//! The tools that these tests call. A missing one fails the test with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program and returns what it printed; panics with everything it said if it fails or warns.
#[track_caller]
pub(crate) fn tool(name: &str, args: &[&str], folder: &Path) -> String {
    let package = "gcc-riscv64-unknown-elf";
    let output = match Command::new(name).args(args).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install it with: apt-get install -y {package}"),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && !err.contains("arning"),
        "{name} {}: {}\n{out}{err}",
        args.join(" "),
        output.status
    );
    out.into_owned()
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("riscv32-{name}"));
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(&path).unwrap();
    path
}
