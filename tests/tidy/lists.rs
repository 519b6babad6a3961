//! Lists that must agree: tables in the code, files in the folders, tests under `tests/ir`.

use super::Faults;
use super::source::{files, root};
use tinyc_ir::Op;

/// Where the filetests are.
const FILETESTS: &str = "tests/ir";

/// Rows of the importers' table that are out of order.
pub(crate) fn importers() -> Faults {
    let rows = tinyc_frontend::onnx::supported_ops();
    let wrong =
        rows.windows(2).filter(|pair| (pair[0].domain, pair[0].name) >= (pair[1].domain, pair[1].name));
    wrong
        .map(|pair| format!("move {:?} {:?} before {:?}", pair[1].domain, pair[1].name, pair[0].name))
        .collect()
}

/// Passes without a file or without a test.
pub(crate) fn passes() -> Faults {
    let mut faults = Faults::new();
    for pass in tinyc_passes::graph::passes() {
        let file = format!("{}.rs", pass.name.replace('-', "_"));
        let places = ["graph", "quantize/integer"].map(|folder| format!("passes/src/{folder}/{file}"));
        if !places.iter().any(|place| root().join(place).is_file()) {
            faults.push(format!("pass {}: its file is {}", pass.name, places.join(" or ")));
        }
        let folder = format!("{FILETESTS}/passes/{}", pass.name);
        if has_filetests() && files(&folder, &[".tir"]).is_empty() {
            faults.push(format!("pass {}: show what it does in {folder}/*.tir", pass.name));
        }
    }
    faults
}

/// Operators without a file or without a test.
pub(crate) fn operators() -> Faults {
    let mut faults = Faults::new();
    for name in Op::NAMES {
        let test = has_filetests().then(|| format!("{FILETESTS}/ops/{name}.tir"));
        for place in [format!("ir/src/op/{name}.rs")].into_iter().chain(test) {
            if !root().join(&place).is_file() {
                faults.push(format!("operator {name}: {place} is missing"));
            }
        }
    }
    faults
}

fn has_filetests() -> bool {
    root().join(FILETESTS).is_dir()
}
