//! The tables of results in the README and in docs/results.md, measured:
//! `cargo run --release --example table [-- [--write] [--only NAME]]`.
//!
//! For each network: verified on a simulated Cortex-M4, agreement with ONNX Runtime, accuracy on labelled data, time,
//! memory. For the objects of each core: the same beside what GCC makes of the C, and beside others. For all models: the same in short.
//! All but the tables of the digits and of the example firmware need the shared models (`TINYC_SHARED`, else `../shared`). `--write` puts
//! the tables between their markers. The exit code is 1 if a figure misses what was promised.

#![allow(clippy::unwrap_used, reason = "a tool for developers may stop at the first surprise")]

mod budget;
mod cores64;
mod firmware;
mod host;
mod labelled;
mod markdown;
mod measure;
mod model;
mod object;
mod object_markdown;
mod quantize;
mod quantize_markdown;
mod rust;
mod subject;
#[path = "../support/mod.rs"]
mod support;
mod turns;

use budget::BudgetRow;
use cores64::WideRow;
use measure::Row;
use model::ModelRow;
use object::ObjectRow;
use quantize::QuantRow;
use rust::RustRow;
use std::path::Path;
use std::process::ExitCode;
use subject::Subject;

/// The tables, in the order in which they are made.
const NAMES: [&str; 10] =
    ["objects", "host", "firmware", "rust", "cores64", "quantize", "budget", "models", "networks", "digits"];

/// A table as it is printed, and between which markers of which file it is kept.
struct Table {
    file: &'static str,
    marker: &'static str,
    text: String,
}

/// Tables of one measurement, and what they miss of what was promised.
struct Measured {
    tables: Vec<Table>,
    missed: Vec<String>,
}

impl Measured {
    fn new(
        file: &'static str,
        marker: &'static str,
        text: String,
        missed: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { tables: vec![Table { file, marker, text }], missed: missed.into_iter().collect() }
    }
}

/// One table of rows, of which each may miss something.
fn table<R>(
    file: &'static str,
    marker: &'static str,
    rows: Vec<R>,
    render: fn(&[R]) -> String,
    missed: fn(&R) -> Option<String>,
) -> Measured {
    Measured::new(file, marker, render(&rows), rows.iter().filter_map(missed))
}

/// Measures; `None` where the models are not here.
fn measured(name: &str) -> Option<Measured> {
    const RESULTS: &str = "docs/results.md";
    const QUANTIZATION: &str = "docs/quantization.md";
    let rows = |subjects: Vec<Subject>, name: &'static str, render: fn(&[Row]) -> String| {
        let rows: Vec<Row> = subjects.iter().map(measure::row).collect();
        Measured::new("README.md", name, render(&rows), rows.iter().flat_map(Row::missed).collect::<Vec<_>>())
    };
    match name {
        "firmware" => {
            return Some(Measured::new(RESULTS, "firmware", firmware::markdown(&firmware::rows()), []));
        }
        "digits" => return Some(rows(subject::digits(), "digits", markdown::digits)),
        _ => {}
    }
    support::models::shared_folder()?;
    let networks = subject::mlperf();
    Some(match name {
        "objects" => {
            let rows = object::rows(&networks);
            let (all, short) = (object_markdown::by_core(&rows), object_markdown::in_short(&rows));
            let mut measured =
                Measured::new(RESULTS, "objects", all, rows.iter().flat_map(ObjectRow::missed));
            measured.tables.push(Table { file: "README.md", marker: "objects", text: short });
            measured
        }
        "host" => Measured::new("docs/host.md", "host", host::markdown(&host::rows(&networks)), []),
        "rust" => table(RESULTS, "rust", rust::rows(&networks), rust::markdown, RustRow::missed),
        "cores64" => table(RESULTS, "cores64", cores64::rows(&networks), cores64::markdown, WideRow::missed),
        "quantize" => {
            table(QUANTIZATION, "quantize", quantize::rows(), quantize_markdown::markdown, QuantRow::missed)
        }
        "budget" => table(QUANTIZATION, "budget", budget::rows(), budget::markdown, BudgetRow::missed),
        "models" => table("docs/models.md", "models", model::rows(), model::markdown, ModelRow::missed),
        _ => rows(networks, "networks", markdown::networks),
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (write, rest) = match arguments.as_slice() {
        ["--write", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let wanted: Vec<&str> = match rest {
        [] => NAMES.to_vec(),
        ["--only", name] if NAMES.contains(name) => vec![name],
        _ => {
            eprintln!("usage: cargo run --release --example table [-- [--write] [--only NAME]]");
            eprintln!("NAME is one of {}", NAMES.join(", "));
            return ExitCode::from(2);
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build; its compile times say nothing (use --release)");
    }
    let mut missed = Vec::new();
    for name in wanted {
        let Some(measured) = measured(name) else {
            eprintln!("{name}: left out, the shared models are not here");
            continue;
        };
        for Table { file, marker, text } in measured.tables {
            println!("{text}");
            if write {
                markdown::write(&root.join(file), marker, &text);
            }
        }
        missed.extend(measured.missed);
    }
    missed.iter().for_each(|problem| eprintln!("missed: {problem}"));
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
