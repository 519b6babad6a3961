//! The tables of results in the README and in docs/results.md, measured:
//! `cargo run --release --example table [-- [--write] [--only objects|cores64|firmware|rust|networks|digits|models|host|quantize|budget]]`.
//!
//! For each network: verified on a simulated Cortex-M4, agreement with ONNX Runtime, accuracy on labelled data, time,
//! memory. For the objects of each core: the same beside what GCC makes of the C, and beside others. For all models: the same in short. The MLPerf Tiny networks are measured where the shared models are (`TINYC_SHARED`, else `../shared`), the digits
//! of `examples/models` everywhere. `--write` puts the tables between their markers. The exit code is 1
//! if a figure misses what was promised.

#![allow(clippy::unwrap_used, reason = "a tool for developers may stop at the first surprise")]

mod budget;
mod cores64;
mod data;
mod firmware;
mod host;
mod markdown;
mod measure;
mod model;
mod object;
mod object_markdown;
mod quantize;
mod rust;
#[path = "../support/mod.rs"]
mod support;

use budget::BudgetRow;
use cores64::WideRow;
use measure::Row;
use model::ModelRow;
use object::ObjectRow;
use quantize::QuantRow;
use rust::RustRow;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (write, rest) = match arguments.as_slice() {
        ["--write", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let only = match rest {
        [] => None,
        ["--only", name] => Some(*name),
        _ => {
            eprintln!("usage: cargo run --release --example table [-- [--write] [--only NAME]]");
            return ExitCode::from(2);
        }
    };
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build; its compile times say nothing (use --release)");
    }
    let mut missed = Vec::new();
    let tables = [
        ("networks", data::mlperf(), markdown::networks as fn(&[Row]) -> String),
        ("digits", data::digits(), markdown::digits),
    ];
    if wanted("objects") {
        let rows = object::rows(&tables[0].1);
        missed.extend(rows.iter().flat_map(ObjectRow::missed));
        let (all, short) = (object_markdown::by_core(&rows), object_markdown::in_short(&rows));
        println!("{all}\n{short}");
        if write && !rows.is_empty() {
            markdown::write(&root.join("docs/results.md"), "objects", &all);
            markdown::write(&root.join("README.md"), "objects", &short);
        }
    }
    if wanted("host") && !tables[0].1.is_empty() {
        let text = host::markdown(&host::rows(&tables[0].1));
        println!("{text}");
        if write {
            markdown::write(&root.join("docs/host.md"), "host", &text);
        }
    }
    if wanted("firmware") {
        let text = firmware::markdown(&firmware::rows());
        println!("{text}");
        if write {
            markdown::write(&root.join("docs/results.md"), "firmware", &text);
        }
    }
    if wanted("rust") {
        let rows = rust::rows(&tables[0].1);
        missed.extend(rows.iter().filter_map(RustRow::missed));
        let text = rust::markdown(&rows);
        println!("{text}");
        if write && !rows.is_empty() {
            markdown::write(&root.join("docs/results.md"), "rust", &text);
        }
    }
    if wanted("cores64") {
        let rows = cores64::rows(&tables[0].1);
        missed.extend(rows.iter().filter_map(WideRow::missed));
        let text = cores64::markdown(&rows);
        println!("{text}");
        if write && !rows.is_empty() {
            markdown::write(&root.join("docs/results.md"), "cores64", &text);
        }
    }
    if wanted("quantize") {
        let rows = quantize::rows();
        missed.extend(rows.iter().filter_map(QuantRow::missed));
        let text = quantize::markdown(&rows);
        println!("{text}");
        if write {
            markdown::write(&root.join("docs/quantization.md"), "quantize", &text);
        }
    }
    if wanted("budget") {
        let rows = budget::rows();
        missed.extend(rows.iter().filter_map(BudgetRow::missed));
        let text = budget::markdown(&rows);
        println!("{text}");
        if write {
            markdown::write(&root.join("docs/quantization.md"), "budget", &text);
        }
    }
    if wanted("models") {
        let rows = model::rows();
        missed.extend(rows.iter().filter_map(ModelRow::missed));
        let text = model::markdown(&rows);
        println!("{text}");
        if write {
            markdown::write(&root.join("docs/models.md"), "models", &text);
        }
    }
    for (name, subjects, render) in tables {
        if subjects.is_empty() || !wanted(name) {
            continue;
        }
        let rows: Vec<Row> = subjects.iter().map(measure::row).collect();
        missed.extend(rows.iter().flat_map(Row::missed));
        let text = render(&rows);
        println!("{text}");
        if write {
            markdown::write(&root.join("README.md"), name, &text);
        }
    }
    missed.iter().for_each(|problem| eprintln!("missed: {problem}"));
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
