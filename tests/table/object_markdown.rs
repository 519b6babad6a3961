//! Rows of objects as Markdown: all of them for `docs/results.md`, those of the Cortex-M4 in short for the README.

use crate::object::{CORES, ObjectRow};
use tinyc::wording::grouped;

const LEGEND: &str = "*Bytes equal*: for four stored samples, the outputs of the object in the built-in simulator and under QEMU are those of \
    `eval`, and so is each tensor of the first sample in the simulator. *Cycles*: as `tinyc compile` prints them, with memory that never waits; \
    *=*: the simulator counted just these for every sample, *≤*: their number depends on data, and no run took more. *Other model*: by how much \
    the shared bench counts more cycles for the same object (instructions, where it counts no cycles). *GCC*: the emitted C by gcc 12 `-O3`, on the \
    shared bench, as are the others' figures. *Simulator*: millions of simulated instructions in a second of processor time. *Proven*: processor time from file to object, and of its \
    verification with four samples, the evaluation of the reference included.";

/// One table for each core.
pub(crate) fn by_core(rows: &[ObjectRow]) -> String {
    let mut out = String::new();
    for (core, peer) in CORES {
        let rows: Vec<&ObjectRow> = rows.iter().filter(|row| row.core == core).collect();
        let timed = rows.iter().all(|row| row.bench.cycles.is_some());
        let what = if timed { "cycles" } else { "instructions" };
        let others = if peer.contains("TFLM") { "TFLM + CMSIS-NN" } else { "CMSIS-NN called directly" };
        out.push_str(&format!("### {core}\n\n"));
        let mut head = ["network", "bytes equal", "cycles", "other model", "instructions"].join(" | ");
        head.push_str(&format!(" | {what} by GCC | object : GCC"));
        let mut columns = 7;
        if !peer.is_empty() {
            head.push_str(&format!(" | {what} by {others} | object : theirs"));
            columns += 2;
        }
        head.push_str(" | code (GCC) | stack (GCC) | simulator | proven");
        columns += 4;
        out.push_str(&format!("| {head} |\n|---|---|{}\n", "--:|".repeat(columns - 2)));
        for row in rows {
            out.push_str(&format!("| {} |\n", cells(row, timed, !peer.is_empty()).join(" | ")));
        }
        out.push('\n');
    }
    out + LEGEND + "\n"
}

fn cells(row: &ObjectRow, timed: bool, with_peer: bool) -> Vec<String> {
    let equal = row.simulated.is_proof() && row.qemu.is_proof();
    let sign = if row.foreseen() { "=" } else { "≤" };
    let cost = |cycles: Option<u64>, instructions| cycles.filter(|_| timed).unwrap_or(instructions);
    let own = cost(row.bench.cycles, row.bench.instructions);
    let gcc = cost(row.gcc.cycles, row.gcc.instructions);
    let mut cells = vec![
        row.title.clone(),
        if equal { "yes" } else { "**no**" }.into(),
        format!("{sign} {}", grouped(row.predicted)),
        format!("{:+.2} %", 100.0 * row.difference()),
        grouped(row.simulated.instructions.first),
        grouped(gcc),
        ratio(own, gcc),
    ];
    if with_peer {
        let theirs = row.peer.map(|peer| cost(peer.cycles, peer.instructions));
        cells.push(theirs.map_or_else(|| "–".into(), grouped));
        cells.push(theirs.map_or_else(|| "–".into(), |theirs| ratio(own, theirs)));
    }
    cells.extend([
        format!("{} ({})", grouped(row.bench.code), grouped(row.gcc.code)),
        format!("{} ({})", grouped(row.simulated.stack_bytes), grouped(row.gcc.stack)),
        format!("{:.0}", row.speed),
        format!("{:.2} s", row.proven.as_secs_f64()),
    ]);
    cells
}

/// The Cortex-M4 in short.
pub(crate) fn in_short(rows: &[ObjectRow]) -> String {
    let mut out = String::from(
        "| network | bytes equal | cycles of the object | of the C by gcc `-O3` | of TFLM + CMSIS-NN | code | stack | compiled and verified |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows.iter().filter(|row| row.core == "cortex-m4") {
        let compared = |theirs: Option<u64>| match theirs {
            Some(theirs) => {
                format!("{} ({:.2} ×)", grouped(theirs), theirs as f64 / row.predicted as f64)
            }
            None => "–".into(),
        };
        let cells = [
            row.title.clone(),
            if row.simulated.is_proof() && row.qemu.is_proof() { "yes" } else { "**no**" }.into(),
            grouped(row.predicted),
            compared(row.gcc.cycles),
            compared(row.peer.and_then(|peer| peer.cycles)),
            grouped(row.bench.code),
            grouped(row.simulated.stack_bytes),
            format!("{:.2} s", row.proven.as_secs_f64()),
        ];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

fn ratio(ours: u64, theirs: u64) -> String {
    format!("{:.2}", ours as f64 / theirs as f64)
}
