//! The command line as its users meet it: the built program on the models of the repository.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod budget;
mod calibrate;
mod compile;
mod evaluate;
mod extract;
mod help;
mod inspect;
mod lock;
#[path = "../program/mod.rs"]
mod program;
mod quantize;
mod state;
mod state_limits;
mod streams;
mod verify;

use serde_json::Value;
use std::path::Path;

const DIGITS: &str = "examples/models/digits/digits_int8_io.onnx";
const SAMPLES: &str = "examples/models/digits/digits_samples.npz";
const VECTORS: &str = "examples/models/digits/digits_vectors_int8_io.npz";

/// Names of the files in a folder, sorted; none if there is no folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
