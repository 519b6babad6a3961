//! Runs every `.tir` file under `tests/ir`: input and expectation in one file.
//!
//! A file starts with comments: what it shows, and what is done with it. Then comes a graph or a program, then what each
//! test is expected to print. `cargo bless` writes that part.
//! ```text
//! ; Ties go to the even number.
//! ; test cat
//! ; test run
//! ; input x = [1, 3]
//! graph @requantize {
//!   …
//! }
//!
//! ; expect run:
//! ; y: i8[2] q(2.0, 0) = [0, 2]
//! ```
//! Tests are `cat` (print what was parsed, or the errors), `verify`, `run` (evaluate a graph, interpret a program),
//! `interpret` (lower a graph and compare its bytes with `run`), `lower`, and `pass NAME`.

mod case;
mod cat;
mod interpret;
mod lower;
mod pass;
mod run;
mod verify;

use case::Case;
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// One thing that can be done with a file.
trait SubTest {
    /// The word behind `; test`.
    const NAME: &'static str;

    /// What it prints; an error if the file is not one for this test, or a property that always holds does not.
    fn run(case: &Case, argument: &str) -> Result<String, String>;
}

/// Does what one `; test` line says.
fn run_test(case: &Case, test: &str) -> Result<String, String> {
    let (name, argument) = test.split_once(' ').unwrap_or((test, ""));
    macro_rules! dispatch {
        ($($subtest:ty),+) => {
            match name {
                $(<$subtest>::NAME => <$subtest>::run(case, argument.trim()),)+
                _ => Err(format!("there is no test `{name}`; there are {}", [$(<$subtest>::NAME),+].join(", "))),
            }
        };
    }
    dispatch!(cat::Cat, verify::Verify, run::Run, interpret::Interpret, lower::Lower, pass::PassTest)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|e| e.expect("a folder of the repository can be listed").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "tir") {
            found.push(path);
        }
    }
}

/// Runs one file; what is wrong, if anything.
fn check(root: &Path, path: &Path, bless: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string().replace('\\', "/");
    let case = Case::parse(&name, &text)?;
    let mut outputs = Vec::new();
    for test in &case.tests {
        let output = run_test(&case, test).map_err(|e| format!("; test {test}: {e}"))?;
        outputs.push((test.clone(), output));
    }
    let got = case.with_expectations(&outputs);
    if got == text {
        return Ok(());
    }
    if bless {
        return std::fs::write(path, got).map_err(|e| e.to_string());
    }
    let diff = TextDiff::from_lines(&text, &got);
    Err(diff.unified_diff().context_radius(4).header("expected", "got").to_string())
}

#[test]
fn every_file_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
    let bless = std::env::var_os("TINYC_BLESS").is_some_and(|v| v == "1");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    assert!(!paths.is_empty(), "there are tests under {}", root.display());
    let mut failures = Vec::new();
    for path in &paths {
        if let Err(failure) = check(&root, path, bless) {
            failures.push(format!("{}\n{failure}", path.display()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} filetests fail\n\n{}\nIf the new output is right, `cargo bless` (TINYC_BLESS=1 cargo test --test \
         filetests) writes it into the files.",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}

/// Every operator and every pass has its file: a new one without is told here.
#[test]
fn every_operator_and_every_pass_has_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
    for name in tinyc_ir::Op::NAMES {
        assert!(root.join(format!("ops/{name}.tir")).exists(), "tests/ir/ops/{name}.tir is missing");
    }
    for pass in tinyc_passes::graph::passes() {
        let mut found = Vec::new();
        files(&root.join("passes").join(pass.name), &mut found);
        assert!(!found.is_empty(), "tests/ir/passes/{} has no .tir file", pass.name);
    }
}
