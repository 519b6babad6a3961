//! The tables of results in the README, measured: `cargo run --release --example table [-- --write]`.
//!
//! For each network: verified on a simulated Cortex-M4, agreement with ONNX Runtime, accuracy on labelled data, time,
//! memory. The MLPerf Tiny networks are measured where the shared models are (`TINYC_SHARED`, else `../shared`), the digits
//! of `examples/models` everywhere. `--write` puts the tables between their markers in `README.md`. The exit code is 1
//! if a figure misses what was promised.

#![allow(clippy::unwrap_used, reason = "a tool for developers may stop at the first surprise")]

mod data;
mod markdown;
mod measure;
#[path = "../support/mod.rs"]
mod support;

use measure::Row;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let write = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => {
            eprintln!("usage: cargo run --release --example table [-- --write]");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build; its compile times say nothing (use --release)");
    }
    let mut missed = Vec::new();
    let tables = [
        ("networks", data::mlperf(), markdown::networks as fn(&[Row]) -> String),
        ("digits", data::digits(), markdown::digits),
    ];
    for (name, subjects, render) in tables {
        if subjects.is_empty() {
            continue;
        }
        let rows: Vec<Row> = subjects.iter().map(measure::row).collect();
        missed.extend(rows.iter().flat_map(Row::missed));
        let text = render(&rows);
        println!("{text}");
        if write {
            markdown::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), name, &text);
        }
    }
    missed.iter().for_each(|problem| eprintln!("missed: {problem}"));
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
