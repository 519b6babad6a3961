//! Who may use whom: the table of docs/architecture.md.

use super::Faults;
use super::source::{File, after, arguments, bracketed, code, files, line, root};

/// A crate's folder and the other rooms of the workspace that it may depend on.
const LAYERS: [(&str, &[&str]); 7] = [
    ("runtime", &[]),
    ("targets", &[]),
    ("ir", &["tinyc-runtime"]),
    ("frontend", &["tinyc-ir"]),
    ("passes", &["tinyc-ir", "tinyc-targets"]),
    ("backends", &["tinyc-ir", "tinyc-targets", "tinyc-runtime"]),
    ("host", &["tinyc-ir", "tinyc-backends", "tinyc-runtime"]),
];

/// Backends know loops and no operators: what of `tinyc_ir` their sources must not name.
const GRAPH_SIDE: [&str; 12] =
    ["*", "graph", "op", "eval", "rewriter", "Graph", "Op", "Node", "NodeData", "Value", "ValueData", "Def"];

/// The only sources that may hold `unsafe`: instructions without a name in stable Rust, and calls of code made at run time.
const UNSAFE: [&str; 2] = ["runtime/src/packed/arm.rs", "host/src/code.rs"];

/// `unsafe` elsewhere: the workspace's lint forbids it, except in the crates of these two.
pub(crate) fn unsafe_code() -> Faults {
    let mut faults = Faults::new();
    for (folder, _) in LAYERS {
        let path = format!("{folder}/Cargo.toml");
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let exempt = UNSAFE.iter().any(|place| place.starts_with(folder));
        if !exempt && !text.contains("[lints]\nworkspace = true\n") {
            faults.push(format!("{path}:1: take the lints of the workspace, which forbid `unsafe`"));
        }
        let all = files(&format!("{folder}/src"), &[".rs"]);
        for file in all.iter().filter(|file| exempt && !UNSAFE.contains(&file.path.as_str())) {
            faults.extend(code(&file.text).match_indices("(unsafe_code").map(|(at, _)| {
                let place = UNSAFE.iter().find(|place| place.starts_with(folder)).expect("it is exempt");
                format!("{}:{}: `unsafe` belongs to {place}", file.path, line(&file.text, at))
            }));
        }
    }
    faults
}

/// Faults in the manifests.
pub(crate) fn dependencies() -> Faults {
    let mut faults = Faults::new();
    for (folder, allowed) in LAYERS {
        let path = format!("{folder}/Cargo.toml");
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut section = "";
        for (i, row) in text.lines().enumerate() {
            let row = row.trim();
            if row.starts_with('[') {
                section = row;
            }
            let name = row.split(['.', ' ', '=']).next().unwrap_or_default();
            if section == "[dependencies]" && name.starts_with("tinyc") && !allowed.contains(&name) {
                let may = if allowed.is_empty() { "nothing".into() } else { allowed.join(", ") };
                faults.push(format!(
                    "{path}:{}: {folder} may use {may}, not {name}; move the code to the room that may",
                    i + 1
                ));
            }
            if section == "[dependencies]"
                && folder == "runtime"
                && !name.is_empty()
                && !name.starts_with(['[', '#'])
            {
                faults.push(format!("{path}:{}: runtime depends on nothing, not on {name}", i + 1));
            }
        }
    }
    faults
}

/// Faults in the sources.
pub(crate) fn paths() -> Faults {
    let mut faults = Faults::new();
    for file in files("backends/src", &[".rs"]) {
        for (at, name) in uses(&file, "tinyc_ir::") {
            if GRAPH_SIDE.contains(&name.as_str()) {
                faults.push(format!(
                    "{}:{at}: a backend sees loops, never tinyc_ir::{name}; let passes/src/lower put what is needed into \
                     the program",
                    file.path
                ));
            }
        }
    }
    for file in files("ir/src", &[".rs"]) {
        for (at, name) in uses(&file, "tinyc_runtime::") {
            if name != "math" {
                faults.push(format!("{}:{at}: ir uses tinyc_runtime::math only, not {name}", file.path));
            }
        }
    }
    for file in files("examples", &[".rs", "Cargo.toml"]) {
        for room in ["ir", "frontend", "passes", "backends", "host", "runtime", "targets"] {
            for name in [format!("tinyc_{room}"), format!("tinyc-{room}")] {
                faults.extend(after(&file.text, &name).map(|at| {
                    format!(
                        "{}:{}: an example uses the crate tinyc, not {name}",
                        file.path,
                        line(&file.text, at)
                    )
                }));
            }
        }
    }
    let runtime = files("runtime/src", &["src/lib.rs"]);
    if !runtime.iter().any(|file| file.text.contains("#![no_std]")) {
        faults.push("runtime/src/lib.rs: the runtime is `#![no_std]`".into());
    }
    faults
}

/// Lines and first names behind a crate's path, with `{…}` taken apart.
fn uses(file: &File, path: &str) -> Vec<(usize, String)> {
    let text = code(&file.text);
    let mut found = Vec::new();
    for at in after(&text, path) {
        let names = match text[at..].strip_prefix('{') {
            Some(_) => arguments(bracketed(&text, at + 1)),
            None => vec![&text[at..]],
        };
        for name in names {
            let end =
                name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(name.len());
            found.push((line(&text, at), name[..end].to_owned()));
        }
    }
    found
}
