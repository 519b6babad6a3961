//! Rows as Markdown, and their place in the README.

use crate::measure::Row;
use crate::subject::Score;
use std::path::Path;
use tinyc::wording::grouped;

/// What differs from ONNX Runtime in the MLPerf Tiny networks, and why. Found by evaluating each layer exactly on
/// ONNX Runtime's own arguments (1.32, no optimisation); these facts depend on the networks, not on the emitted code.
const NOTES: &[(&str, &str)] = &[
    (
        "vww_mobilenet_int8_qdq_b1",
        "Before the softmax, 1 of 16 values differs, by one step. A value of a convolution lies 2e-6 of a step from a rounding \
         border: the exact sum is rounded to one side, ONNX Runtime's float32 sum to the other.",
    ),
    (
        "ic_resnet8_int8_qdq_b1",
        "Before the softmax, 13 of 80 values differ, by at most 2 steps, all in two of the eight samples. Two means of the average \
         pool lie exactly between two steps, where the exact rule takes the even one and a float32 sum of scaled values misses \
         the tie; and one of 131,072 values of a convolution lies 1e-6 of a step from a rounding border.",
    ),
];

/// What the columns are.
const LEGEND: &str = "*Verified*: the simulated core computed the bytes of the reference for all stored samples, and every surviving \
    tensor of the first. *Stored outputs*: the reference against ONNX Runtime's; a step is one unit of the int8 output. *Top-1* on \
    all labelled samples, in brackets ONNX Runtime's; *error* is the mean squared error of reconstruction, of a normal clip and of an \
    anomaly. Instructions and cycles are those of one inference; cycles by a model of the core's pipeline, with memory that never waits. \
    Arena, flash (code and constants) and stack are bytes; no plan of these layers in this order has a smaller arena than the *bound*. \
    *Compile*: from file to C, on one core of the machine that made this table.";

/// The table of the MLPerf Tiny networks.
pub(crate) fn networks(rows: &[Row]) -> String {
    let mut out = table(rows) + "\n" + LEGEND + "\n";
    for (i, (_, note)) in notes(rows).enumerate() {
        out.push_str(&format!("\n{} {note}\n", mark(i)));
    }
    out
}

/// The table of the committed digits.
pub(crate) fn digits(rows: &[Row]) -> String {
    table(rows)
}

fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| network | form | verified | stored outputs of ONNX Runtime | top-1 (ONNX Runtime) | instructions | cycles | arena (bound) | flash | stack | compile |\n\
         |---|---|---|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let verification = &row.verification;
        let cells = [
            row.title.clone(),
            row.form.into(),
            if verification.is_proof() { "yes" } else { "**no**" }.into(),
            agreement(row) + &footnote(rows, row),
            scores(row),
            grouped(row.bench.map_or(verification.instructions.first, |(instructions, _)| instructions)),
            row.bench.map_or_else(|| "–".into(), |(_, cycles)| grouped(cycles)),
            format!("{} ({})", grouped(row.arena.0), grouped(row.arena.1)),
            grouped(verification.flash.total),
            grouped(verification.stack_bytes),
            format!("{} ms", row.compile.as_millis().max(1)),
        ];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// How far the outputs are from the stored ones.
fn agreement(row: &Row) -> String {
    let found = &row.vectors;
    match row.limit {
        Some(limit) => format!("difference ≤ {:.1e} (limit {limit:.1e})", found.max_abs_difference),
        None => {
            let (agree, of) = row.first_class;
            let top = match row.ours {
                Score::Top1 { .. } => format!("top-1 {agree}/{of}, "),
                Score::Error { .. } => String::new(),
            };
            let steps = found.max_abs_difference;
            format!("{top}bytes {}/{}, step ≤ {steps}", found.equal, found.elements)
        }
    }
}

fn scores(row: &Row) -> String {
    match (row.ours, row.theirs) {
        (Score::Top1 { right, of }, Score::Top1 { right: theirs, of: their }) => {
            let percent = |right: usize, of: usize| 100.0 * right as f64 / of as f64;
            format!("{:.1} % of {of} ({:.1} %)", percent(right, of), percent(theirs, their))
        }
        (Score::Error { normal, anomaly }, Score::Error { normal: n, anomaly: a }) => {
            format!("error {normal:.3}, {anomaly:.3} ({n:.3}, {a:.3})")
        }
        _ => unreachable!("both are scored alike"),
    }
}

/// The notes that these rows need.
fn notes(rows: &[Row]) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    NOTES.iter().filter(|(model, _)| rows.iter().any(|row| row.model == *model))
}

fn footnote(rows: &[Row], row: &Row) -> String {
    notes(rows).position(|(model, _)| row.model == *model).map(mark).unwrap_or_default()
}

fn mark(number: usize) -> String {
    format!("<sup>{}</sup>", ["a", "b", "c", "d"][number])
}

/// Replaces what stands between `<!-- table:NAME -->` and the next `<!-- /table -->`.
pub(crate) fn write(file: &Path, name: &str, table: &str) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let marker = format!("<!-- table:{name} -->\n");
    let (before, rest) = text.split_once(&marker).unwrap_or_else(|| panic!("no marker {}", marker.trim()));
    let (_, after) = rest.split_once("<!-- /table -->").expect("the marker has an end");
    let text = format!("{before}{marker}{table}\n<!-- /table -->{after}");
    std::fs::write(file, text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
}
