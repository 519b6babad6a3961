//! `tinyc inspect --calibrate`: what the quantiser would do, as tables.

use super::calibrate;
use super::style::{TITLE, harmless, paint};
use super::table::{Align, Table};
use super::{Console, Failure};
use std::path::Path;
use tinyc::quantize::Inspection;
use tinyc::report::Message;

/// Prints all that was found, or its JSON.
pub(super) fn print(found: &Inspection, model: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
    let name = super::args::file_name(model);
    console.warn(&tinyc_ir::Diagnostics(found.notes.clone()))?;
    if console.json {
        let messages: Vec<Message> = found.notes.iter().map(Message::from).collect();
        return Ok(console.json(&serde_json::json!({
            "status": "done", "name": name, "quantization": found.report, "alone": found.alone, "floats": found.floats,
            "diagnostics": messages,
        }))?);
    }
    calibrate::print(&found.report, console)?;
    layers(found, console)?;
    tensors(found, console)?;
    floats(found, console)
}

fn decibels(value: Option<f64>) -> String {
    value.map_or("exact".into(), |db| format!("{db:.1}"))
}

/// A number with four digits that count.
fn number(value: f32) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        0.001..10_000.0 => {
            let digits = 3 - (size.log10().floor() as i32).clamp(-3, 3);
            format!("{value:.*}", digits as usize)
        }
        _ => format!("{value:.3e}"),
    }
}

fn layers(found: &Inspection, console: &mut Console<'_>) -> Result<(), Failure> {
    writeln!(console.out, "{}", paint(TITLE, "Layers"))?;
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("steps", Align::Right),
        ("precision", Align::Left),
        ("weights", Align::Right),
        ("alone dB", Align::Right),
        ("in all dB", Align::Right),
    ]);
    // Of layers that share weights, the first one's row has their bytes.
    let mut rows = found.report.layers.iter().filter(|row| row.weight_bytes > 0);
    for alone in &found.alone {
        let Some(row) = rows.next() else { break };
        table.row(vec![
            harmless(&alone.name).to_string(),
            alone.steps.to_string(),
            row.precision.clone(),
            row.weight_bytes.to_string(),
            decibels(alone.sqnr_db),
            decibels(row.sqnr_db),
        ]);
    }
    table.print(console.out)?;
    Ok(writeln!(
        console.out,
        "\n  alone: signal over noise of the outputs with this layer on integers only; in all: of what it makes, with all on integers.\n"
    )?)
}

fn tensors(found: &Inspection, console: &mut Console<'_>) -> Result<(), Failure> {
    writeln!(console.out, "{}", paint(TITLE, "Tensors"))?;
    let mut table = Table::new(&[
        ("tensor", Align::Left),
        ("type", Align::Left),
        ("seen from", Align::Right),
        ("to", Align::Right),
        ("stored from", Align::Right),
        ("to", Align::Right),
        ("scale", Align::Right),
        ("zero", Align::Right),
        ("range by", Align::Left),
    ]);
    for row in &found.report.tensors {
        table.row(vec![
            harmless(&row.name).to_string(),
            row.dtype.clone(),
            number(row.seen.0),
            number(row.seen.1),
            number(row.range.0),
            number(row.range.1),
            format!("{:.4e}", row.scale),
            row.zero_point.to_string(),
            row.method.clone().unwrap_or_else(|| "-".into()),
        ]);
    }
    table.print(console.out)?;
    Ok(writeln!(console.out)?)
}

fn floats(found: &Inspection, console: &mut Console<'_>) -> Result<(), Failure> {
    if found.floats.is_empty() {
        return Ok(writeln!(console.out, "  Nothing stays on floats.")?);
    }
    writeln!(console.out, "{}", paint(TITLE, "On floats"))?;
    let mut table = Table::new(&[("node", Align::Left), ("operator", Align::Left), ("it", Align::Left)]);
    for row in &found.floats {
        table.row(vec![harmless(&row.name).to_string(), row.operator.into(), row.why.into()]);
    }
    Ok(table.print(console.out)?)
}
