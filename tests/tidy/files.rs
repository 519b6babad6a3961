//! How files look: headers, sizes, names, nothing unfinished, no path of a machine, links that lead somewhere.

use super::Faults;
use super::source::{after, bracketed, code, files, line, root};

/// The longest file without a reason.
const LONGEST: usize = 600;
/// The greatest median of all files.
const MEDIAN: usize = 250;
/// Files that may be longer, and why.
const LONG: [(&str, &str); 1] = [("frontend/src/onnx/proto.rs", "generated from onnx.proto")];

/// Files without a header.
pub(crate) fn headers() -> Faults {
    let headless = files("", &[".rs"]).into_iter().filter(|file| !file.text.starts_with("//! "));
    headless.map(|file| format!("{}:1: begin with `//! ` and a sentence", file.path)).collect()
}

/// Files that are too long, or named after nothing.
pub(crate) fn sizes_and_names() -> Faults {
    let mut faults = Faults::new();
    let all = files("", &[".rs"]);
    let mut lengths: Vec<usize> = all.iter().map(|file| file.text.lines().count()).collect();
    for (file, &length) in all.iter().zip(&lengths) {
        let exempt = LONG.iter().any(|(path, _)| *path == file.path);
        if length > LONGEST && !exempt {
            faults.push(format!("{}: {length} lines, more than {LONGEST}; split it by nouns", file.path));
        }
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if ["utils.rs", "util.rs", "helpers.rs", "misc.rs"].contains(&name) {
            faults.push(format!("{}: name the file after the noun it holds", file.path));
        }
        let class = concat!("Man", "ager");
        faults.extend(file.text.match_indices(class).map(|(at, _)| {
            format!("{}:{}: say what it does instead of `{class}`", file.path, line(&file.text, at))
        }));
    }
    for (path, reason) in LONG {
        if !all.iter().any(|file| file.path == path && file.text.lines().count() > LONGEST) {
            faults.push(format!("{path} ({reason}): not longer than {LONGEST} lines; drop it from LONG"));
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    if median > MEDIAN {
        faults.push(format!("the median file has {median} lines, more than {MEDIAN}; split the longest"));
    }
    faults
}

/// Macros that stand for missing code.
pub(crate) fn unfinished() -> Faults {
    let mut faults = Faults::new();
    for file in files("", &[".rs"]) {
        let text = code(&file.text);
        for name in ["todo", "unimplemented", "dbg"] {
            faults.extend(
                after(&text, &format!("{name}!(")).map(|at| {
                    format!("{}:{}: `{name}!`: write what belongs here", file.path, line(&text, at))
                }),
            );
        }
    }
    faults
}

/// Lints switched off without a reason.
pub(crate) fn allowed_lints() -> Faults {
    let mut faults = Faults::new();
    for file in files("", &[".rs"]) {
        let text = code(&file.text);
        let attributes = ["allow", "expect"].map(|lint| [format!("#[{lint}("), format!("#![{lint}(")]);
        for word in attributes.as_flattened() {
            for (at, _) in text.match_indices(word) {
                if !bracketed(&text, at + word.len()).contains("reason = \"") {
                    let line = line(&text, at);
                    faults.push(format!("{}:{line}: add `reason = \"…\"` or mend the code", file.path));
                }
            }
        }
    }
    faults
}

/// Absolute paths of somebody's machine, in any file, binary ones included.
pub(crate) fn machine_paths() -> Faults {
    let mut faults = Faults::new();
    for file in files("", &[]) {
        for folder in ["home", "root", "Users", "work", "workspace", "builds"] {
            let place = format!("/{folder}/");
            for (at, _) in file.text.match_indices(&place) {
                let before = file.text[..at].chars().next_back();
                if !before.is_some_and(|c| c.is_alphanumeric() || "./_-}>)".contains(c)) {
                    let line = line(&file.text, at);
                    faults.push(format!(
                        "{}:{line}: `{place}…` is a place on one machine; leave it out",
                        file.path
                    ));
                }
            }
        }
    }
    faults
}

/// Links in pages to files that are not there.
pub(crate) fn links() -> Faults {
    let mut faults = Faults::new();
    for file in files("", &[".md"]) {
        let folder = root().join(&file.path);
        let folder = folder.parent().expect("a file is in a folder");
        for (at, _) in file.text.match_indices("](") {
            let target = bracketed(&file.text, at + 2).split('#').next().unwrap_or_default();
            let elsewhere =
                target.is_empty() || target.contains("://") || target.contains(char::is_whitespace);
            if !elsewhere && !folder.join(target).exists() {
                let line = line(&file.text, at);
                faults.push(format!("{}:{line}: there is no file {target}; mend the link", file.path));
            }
        }
    }
    faults
}
