//! What a model has of its limits, and what else could have been chosen, as a table.

use super::calibrate::line;
use super::table::{Align, Table};
use std::io::{self, Write};
use tinyc::quantize::budget::{Budgeted, FrontRow};
use tinyc::wording::{counted, grouped};

/// Prints the limits and the front.
pub(super) fn print(budgeted: &Budgeted, out: &mut dyn Write) -> io::Result<()> {
    let held = budgeted.limits.iter().map(|held| format!("{} {} of {}", held.kind, held.value, held.limit));
    line(out, "Limits", &held.collect::<Vec<_>>().join(", "))?;
    line(
        out,
        "Choices",
        &format!("measured on the {} for choices; * is taken", counted(budgeted.samples, "sample")),
    )?;
    let number = |x: Option<u64>| x.map_or_else(|| "-".to_owned(), grouped);
    let name = |row: &FrontRow| format!("{} {}", if row.chosen { "*" } else { " " }, row.name);
    let noise = |row: &FrontRow| row.noise_db.map_or("none".to_owned(), |db| format!("{db:.1} dB"));
    let known = |of: fn(&FrontRow) -> bool| budgeted.front.iter().any(of);
    let cycles = if budgeted.on_chip { "cycles with flash" } else { "cycles" };
    type Column<'a> = (&'static str, Align, bool, Box<dyn Fn(&FrontRow) -> String + 'a>);
    let columns: [Column<'_>; 8] = [
        ("  precision", Align::Left, true, Box::new(name)),
        ("signal/noise", Align::Right, true, Box::new(noise)),
        ("drop", Align::Right, true, Box::new(|row| format!("{:.2} %", row.drop * 100.0))),
        (cycles, Align::Right, known(|row| row.cycles.is_some()), Box::new(|row| number(row.cycles))),
        (
            "ms",
            Align::Right,
            known(|row| row.microseconds.is_some()),
            Box::new(|row| row.microseconds.map_or("-".to_owned(), |us| format!("{:.3}", us / 1e3))),
        ),
        (
            "flash",
            Align::Right,
            known(|row| row.flash_bytes.is_some()),
            Box::new(|row| number(row.flash_bytes)),
        ),
        ("RAM", Align::Right, known(|row| row.ram_bytes.is_some()), Box::new(|row| number(row.ram_bytes))),
        ("weights", Align::Right, true, Box::new(|row| grouped(row.weight_bytes))),
    ];
    let shown: Vec<&Column<'_>> = columns.iter().filter(|column| column.2).collect();
    let heads: Vec<(&'static str, Align)> = shown.iter().map(|column| (column.0, column.1)).collect();
    let mut table = Table::new(&heads);
    budgeted.front.iter().for_each(|row| table.row(shown.iter().map(|column| (column.3)(row)).collect()));
    table.print(out)
}
