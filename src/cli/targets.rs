//! `tinyc targets`: the cores and chips that can be compiled for, as tables or one in full.

use super::table::{Align, Table};
use super::{Console, Failure, style, target_page};
use std::io::Write;
use tinyc::wording::memory;
use tinyc_targets::{Chip, Core, Figure, MemoryKind, SUPPLY_VOLTS_ASSUMED, Target};

/// Lists the cores, chips and boards that can be compiled for, or says everything about one
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// A core, chip or board to tell everything about
    #[arg(value_name = "NAME", value_parser = super::args::target)]
    target: Option<Target>,

    /// Print JSON: {"cores": [...], "chips": [...]}, or {"core", "chip", "board"} of one target
    #[arg(long)]
    pub(super) json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tinyc targets
  tinyc targets cortex-m4
  tinyc targets nucleo-l4r5zi --json";

/// Prints the tables or the page.
pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    match (&args.target, console.json) {
        (Some(target), true) => Ok(console.json(target)?),
        (Some(target), false) => Ok(target_page::print(target, console.out)?),
        (None, true) => {
            let cores: Vec<&Core> = tinyc_targets::cores().collect();
            let chips: Vec<&Chip> = tinyc_targets::chips().collect();
            Ok(console.json(&serde_json::json!({ "cores": cores, "chips": chips }))?)
        }
        (None, false) => tables(console.out),
    }
}

fn tables(out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{}\n", style::paint(style::TITLE, "Cores"))?;
    let mut table = Table::new(&[
        ("core", Align::Left),
        ("architecture", Align::Left),
        ("FPU", Align::Left),
        ("DSP", Align::Left),
        ("description", Align::Left),
    ]);
    for core in tinyc_targets::cores() {
        let (name, architecture) = (core.name.clone(), core.architecture.clone());
        table.row(vec![name, architecture, fpu(core).into(), dsp(core).into(), core.description.clone()]);
    }
    table.print(out)?;
    writeln!(out, "\n{}\n", style::paint(style::TITLE, "Chips and boards"))?;
    let mut table = Table::new(&[
        ("chip", Align::Left),
        ("core", Align::Left),
        ("MHz", Align::Right),
        ("flash", Align::Right),
        ("RAM", Align::Right),
        ("FPU", Align::Left),
        ("DSP", Align::Left),
        ("pJ/cycle", Align::Right),
        ("boards", Align::Left),
    ]);
    for chip in tinyc_targets::chips() {
        let target = tinyc_targets::find(&chip.name).expect("a chip is found by its own name");
        let boards: Vec<&str> = chip.boards.iter().map(|board| board.name.as_str()).collect();
        table.row(vec![
            chip.name.clone(),
            chip.core.clone(),
            marked(megahertz(chip.clock_hz.value), &chip.clock_hz),
            size(chip, MemoryKind::Flash),
            size(chip, MemoryKind::Ram),
            fpu(&target.core).into(),
            dsp(&target.core).into(),
            energy(chip),
            boards.join(", "),
        ]);
    }
    table.print(out)?;
    let legend = format!(
        "? no document is cited for the figure: check it against the data sheet\n  \
         ~ from a current and {SUPPLY_VOLTS_ASSUMED} V, not measured under load; - not known, or not on the chip\n\n\
         `tinyc targets NAME` says everything about one, with its sources."
    );
    Ok(writeln!(out, "\n  {legend}")?)
}

/// The clock in megahertz, as short as it is exact.
pub(super) fn megahertz(hertz: u64) -> String {
    (hertz as f64 / 1e6).to_string()
}

/// A figure with a question mark if it has no source.
pub(super) fn marked<T>(text: String, figure: &Figure<T>) -> String {
    if figure.source.is_unsourced() { format!("{text}?") } else { text }
}

pub(super) fn fpu(core: &Core) -> &'static str {
    match (core.features.fpu_f32, core.features.fpu_f64) {
        (_, true) => "f32 f64",
        (true, false) => "f32",
        _ => "-",
    }
}

pub(super) fn dsp(core: &Core) -> &'static str {
    match (core.features.mve, core.features.dsp) {
        (true, _) => "MVE",
        (false, true) => "yes",
        _ => "-",
    }
}

/// All memory of a kind together; uncertain if a part of it is.
fn size(chip: &Chip, kind: MemoryKind) -> String {
    let parts: Vec<&Figure<u64>> =
        chip.memories.iter().filter(|memory| memory.kind == kind).map(|memory| &memory.bytes).collect();
    let total = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.value));
    match parts.iter().find(|part| part.source.is_unsourced()).or(parts.first()) {
        Some(part) => marked(memory(total), part),
        None => "-".into(),
    }
}

/// Picojoules per cycle with the marks of the legend.
pub(super) fn energy(chip: &Chip) -> String {
    let Some(energy) = chip.energy() else { return "-".into() };
    let about = if energy.measured { "" } else { "~" };
    let doubt = if energy.source.is_unsourced() { "?" } else { "" };
    format!("{about}{:.0}{doubt}", energy.picojoules_per_cycle)
}
