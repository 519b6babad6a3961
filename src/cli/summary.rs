//! The summary of a compilation for a person: the layers, what they need, and what to do next.

use super::style::{self, DIM, GOOD, TITLE, paint};
use super::table::{Align, Table};
use std::io::{self, Write};
use std::path::Path;
use tinyc::report::{ChipCycles, Report, Spent, Time};
use tinyc::wording::{grouped, memory, shortened};

/// Prints the summary; `folder` is where the files are.
pub(super) fn print(report: &Report, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let title = format!("{} for {}", report.model.name, report.target.name);
    let chip = report.target.chip.as_ref().filter(|chip| **chip != report.target.name);
    let core =
        if report.target.core == report.target.name { String::new() } else { report.target.core.clone() };
    let detail: Vec<String> =
        chip.cloned().into_iter().chain([core]).filter(|text| !text.is_empty()).collect();
    let detail = if detail.is_empty() { String::new() } else { format!(" ({})", detail.join(", ")) };
    writeln!(out, "{}{detail}\n", paint(TITLE, title))?;
    layers(report, out)?;
    writeln!(out)?;
    totals(report, out)?;
    writeln!(out)?;
    let place = |name: &String| folder.join(name).display().to_string();
    if report.files.iter().any(|name| name.contains('/')) {
        let (folder, count) = (folder.display().to_string(), report.files.len());
        let what = format!("{}, {count} files; its README.md says how to use it", style::harmless(&folder));
        fact(out, "Folder", &what)?;
    } else {
        let files = report.files.iter().map(place).collect::<Vec<_>>().join("  ");
        fact(out, "Files", &style::harmless(&files))?;
    }
    fact(out, "Call", &format!("{};", report.prototype))
}

fn layers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut columns = vec![
        ("#", Align::Right),
        ("layer", Align::Left),
        ("kernel", Align::Left),
        ("output", Align::Left),
        ("MACs", Align::Right),
    ];
    let timed = report.time.is_some();
    if timed {
        columns.extend([
            ("cycles (zero wait)", Align::Right),
            ("MAC/cycle", Align::Right),
            ("share", Align::Right),
        ]);
    }
    columns.push(("weights", Align::Right));
    let mut table = Table::new(&columns);
    let all: u64 = report.layers.iter().filter_map(|layer| layer.time).map(|time| time.cycles).sum();
    for (index, layer) in report.layers.iter().enumerate() {
        let mut row = vec![
            (index + 1).to_string(),
            shortened(&style::harmless(&layer.name)),
            layer.kernel.clone(),
            layer.output.clone(),
            dash(layer.macs),
        ];
        if let Some(time) = &layer.time {
            let rate = layer.macs as f64 / time.cycles.max(1) as f64;
            row.push(match time.worst_cycles > time.cycles {
                true => format!("{}, at most {}", grouped(time.cycles), grouped(time.worst_cycles)),
                false => grouped(time.cycles),
            });
            row.push(if layer.macs == 0 { "-".into() } else { format!("{rate:.2}") });
            row.push(percent(time.cycles, all));
        }
        row.push(dash(layer.weight_bytes));
        table.row(row);
    }
    table.print(out)
}

/// Cycles, time and energy of one inference, each with the memory that it assumes.
fn time(report: &Report, time: &Time, out: &mut dyn Write) -> io::Result<()> {
    let Spent { cycles, worst_cycles, exact, instructions } = time.cost;
    let sure = match (exact, worst_cycles > cycles) {
        (true, _) => "whatever the input".to_owned(),
        (false, true) => format!("at most {}, as {}", grouped(worst_cycles), reason(report)),
        (false, false) => format!("at most, as {}", reason(report)),
    };
    let instructions = grouped(instructions);
    fact(
        out,
        "Cycles",
        &format!("{} ({}), {sure}; {instructions} instructions", grouped(cycles), time.memory),
    )?;
    let chip = time.on_chip.as_ref();
    if let Some(chip) = chip {
        let ChipCycles { cycles, memory, .. } = &chip.cycles;
        fact(out, "", &format!("{} in a simulated run ({memory})", grouped(*cycles)))?;
    }
    let Some(microseconds) = time.microseconds else { return Ok(()) };
    let mhz = time.clock_hz.unwrap_or_default() as f64 / 1e6;
    let flash = chip.map(|chip| format!(", {:.3} ms with the flash", chip.microseconds / 1e3));
    let flash = flash.unwrap_or_default();
    fact(out, "Time", &format!("{:.3} ms ({}){flash}, at {mhz} MHz", microseconds / 1e3, time.memory))?;
    let basis = match time.energy_measured {
        Some(true) => "by energy measured on this chip with other networks",
        Some(false) => "not measured: the data sheet's current at an assumed 3 V",
        None => return fact(out, "Energy", "not measured on this chip, as far as we know"),
    };
    let joules = |microjoules: Option<f64>| format!("{:.1} µJ", microjoules.unwrap_or_default());
    let flash = chip.map(|chip| format!(", {} with the flash", joules(chip.microjoules)));
    let flash = flash.unwrap_or_default();
    fact(out, "Energy", &format!("{} ({}){flash}, {basis}", joules(time.microjoules), time.memory))
}

/// Why a run may take less than was counted.
fn reason(report: &Report) -> String {
    let varying = |layer: &&tinyc::report::Layer| layer.time.is_some_and(|time| !time.exact);
    let count = report.layers.iter().filter(varying).count();
    let one = report.layers.iter().find(varying).map(|layer| style::harmless(&layer.name));
    let time = report.time.as_ref();
    match one {
        _ if time.is_some_and(|time| time.estimated) => {
            "not all of this core's timing is documented: an estimate".to_owned()
        }
        _ if time.is_some_and(|time| time.soft_floats) => {
            "floats are computed in software, by ways that depend on data".to_owned()
        }
        Some(name) if count == 1 => format!("divisions or branches in {name} depend on data"),
        _ => format!("divisions or branches in {count} of {} layers depend on data", report.layers.len()),
    }
}

fn totals(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (macs, flash, ram) = (&report.macs, &report.flash, &report.ram);
    let layers = report.layers.len();
    let of = format!("{} ONNX nodes, opset {}", report.model.onnx_nodes, report.model.opset);
    fact(out, "Layers", &format!("{layers}, made of {of}"))?;
    let gone = macs.reference.saturating_sub(macs.emitted);
    let saved = match gone {
        0 => "no channel is constant".to_owned(),
        gone => format!(
            "{} before, {} gone with constant channels",
            grouped(macs.reference),
            percent(gone, macs.reference)
        ),
    };
    fact(out, "MACs", &format!("{} ({saved})", grouped(macs.emitted)))?;
    match &report.time {
        Some(spent) => time(report, spent, out)?,
        // C is timed by the compiler that comes between; machine code is not, where no timing is documented.
        None if flash.code_bytes.is_some() => {
            fact(out, "Cycles", &format!("not known: no timing of {} is documented", report.target.core))?;
        }
        None => {}
    }
    let constants = grouped(flash.constant_bytes);
    let (total, about, parts) = match flash.code_bytes {
        Some(code) => {
            let parts = format!("weights and tables {constants}, code {}", grouped(code));
            (flash.constant_bytes + code, "", parts)
        }
        None => {
            let code = flash.code_bytes_estimate;
            let parts = format!("weights and tables {constants} exactly, code about {}", grouped(code));
            (flash.constant_bytes + code, "about ", parts)
        }
    };
    fact(out, "Flash", &format!("{about}{} B{}: {parts}", grouped(total), share(total, flash.limit_bytes)))?;
    let proof = match (ram.arena_bytes == ram.arena_lower_bound, ram.arena_proven_minimal) {
        (true, _) => format!("{}: it meets its lower bound", paint(GOOD, "proven minimal")),
        (false, true) => {
            format!(
                "{} by search; lower bound {} B",
                paint(GOOD, "proven minimal"),
                grouped(ram.arena_lower_bound)
            )
        }
        (false, false) => {
            format!("lower bound {} B; the search ended before a proof", grouped(ram.arena_lower_bound))
        }
    };
    fact(out, "Arena", &format!("{} B, {proof}", grouped(ram.arena_bytes)))?;
    if let Some(peak) = ram.peak_layer.as_ref().filter(|_| !ram.alive_at_peak.is_empty()) {
        fact(out, "", &paint(DIM, format!("most is alive in {}:", style::harmless(peak))))?;
        let bytes: Vec<String> = ram.alive_at_peak.iter().map(|alive| grouped(alive.bytes)).collect();
        let width = bytes.iter().map(String::len).max().unwrap_or(0);
        for (alive, bytes) in ram.alive_at_peak.iter().zip(bytes) {
            let name = style::harmless(&alive.name);
            fact(out, "", &paint(DIM, format!("  {bytes:>width$}  {name}")))?;
        }
    }
    let used = u64::from(ram.arena_bytes) + ram.input_bytes + ram.output_bytes + ram.state_bytes;
    let (input, output) = (grouped(ram.input_bytes), grouped(ram.output_bytes));
    let buffers = match ram.state_bytes {
        0 => format!("arena, input {input} and output {output}"),
        state => format!("arena, input {input}, output {output} and state {}", grouped(state)),
    };
    fact(out, "RAM", &format!("{} B{}: {buffers}", grouped(used), share(used, ram.limit_bytes)))?;
    match ram.stack_bytes {
        Some(bytes) => fact(out, "Stack", &format!("{} B, on top of that", grouped(bytes))),
        None => fact(out, "Stack", "measured by `tinyc verify`, with the code's exact size"),
    }
}

fn fact(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {}  {text}", paint(TITLE, format!("{name:<6}")))
}

/// `, 12 % of 64 KiB`; nothing without a limit.
fn share(bytes: u64, limit: Option<u64>) -> String {
    limit.map_or(String::new(), |limit| format!(", {} of {}", percent(bytes, limit), memory(limit)))
}

fn percent(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

fn dash(number: u64) -> String {
    if number == 0 { "-".into() } else { grouped(number) }
}
