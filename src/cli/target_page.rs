//! The page of `tinyc targets NAME`: everything known about one target, with sources.

use super::style::{TITLE, paint};
use super::table::{Align, Table};
use super::targets::{dsp, energy, fpu, marked, megahertz};
use std::collections::BTreeMap;
use std::io::{self, Write};
use tinyc::wording::{grouped, memory};
use tinyc_targets::{Chip, Core, Cycles, Fidelity, MemoryKind, Source, Target, Timing};

/// Prints the page.
pub(super) fn print(target: &Target, out: &mut dyn Write) -> io::Result<()> {
    let (core, name) = (&target.core, target.name());
    let mut title = paint(TITLE, name);
    if let Some(chip) = target.chip.as_ref().filter(|chip| chip.name != name) {
        title.push_str(&format!(", a board with {} {}", chip.vendor, chip.name));
    } else if let Some(chip) = &target.chip {
        title.push_str(&format!(" by {}", chip.vendor));
    }
    writeln!(out, "{title}\n")?;
    if let Some(chip) = &target.chip {
        chip_part(target, chip, out)?;
    }
    core_part(core, out)?;
    writeln!(out, "\n{}", paint(TITLE, "Cycles per instruction"))?;
    match &core.timing {
        Some(timing) => cycles(timing, out)?,
        None => writeln!(out, "  not known: tinyc says nothing of cycles for this core")?,
    }
    let mut sources: BTreeMap<&str, &str> = BTreeMap::new();
    let of_chip = target.chip.iter().flat_map(|chip| &chip.sources);
    sources.extend(of_chip.chain(&core.sources).map(|(key, text)| (key.as_str(), text.as_str())));
    writeln!(out, "\n{}", paint(TITLE, "Sources"))?;
    for (key, text) in sources {
        writeln!(out, "  {key}: {text}")?;
    }
    writeln!(out, "  ?: no document is cited; check the figure against the data sheet")
}

fn chip_part(target: &Target, chip: &Chip, out: &mut dyn Write) -> io::Result<()> {
    let mut fact = |name: &str, text: String| writeln!(out, "  {name:<12} {text}");
    fact("clock", marked(format!("{} MHz", megahertz(chip.clock_hz.value)), &chip.clock_hz))?;
    for part in &chip.memories {
        let kind = match part.kind {
            MemoryKind::Flash => "flash",
            MemoryKind::ExternalFlash => "outer flash",
            MemoryKind::Ram => "RAM",
        };
        let waits = part.wait_states.as_ref().map_or(String::new(), |waits| {
            format!(", {} wait states", marked(waits.value.to_string(), waits))
        });
        fact(kind, format!("{}{waits} ({})", marked(memory(part.bytes.value), &part.bytes), part.name))?;
    }
    if let Some(flash) = target.board.as_ref().and_then(|board| board.external_flash_bytes.as_ref()) {
        fact("board flash", marked(memory(flash.value), flash))?;
    }
    for (name, cache) in
        [("code cache", &chip.instruction_cache_bytes), ("data cache", &chip.data_cache_bytes)]
    {
        if let Some(cache) = cache {
            fact(name, marked(memory(u64::from(cache.value)), cache))?;
        }
    }
    fact("energy", format!("{} pJ/cycle", energy(chip)))?;
    for measured in &chip.energies {
        let (low, high) = (measured.low_picojoules_per_cycle, measured.high_picojoules_per_cycle);
        let source = cited(&measured.source);
        fact("", format!("{low} to {high} pJ/cycle at {} {source}", measured.conditions))?;
    }
    if let Some(current) = &chip.microamps_per_mhz {
        fact("current", marked(format!("{} µA/MHz", current.value), current))?;
    }
    let boards: Vec<&str> = chip.boards.iter().map(|board| board.name.as_str()).collect();
    if !boards.is_empty() {
        fact("boards", boards.join(", "))?;
    }
    if let Some(note) = &chip.note {
        fact("note", note.clone())?;
    }
    writeln!(out)
}

fn core_part(core: &Core, out: &mut dyn Write) -> io::Result<()> {
    let mut fact = |name: &str, text: String| writeln!(out, "  {name:<12} {text}");
    fact("core", format!("{}: {}", core.name, core.description))?;
    fact("architecture", core.architecture.clone())?;
    fact("FPU", fpu(core).into())?;
    fact("DSP", dsp(core).into())?;
    let has = serde_json::to_value(&core.features)?;
    let flags = |wanted: bool| {
        let fields = has.as_object().into_iter().flatten();
        let names = fields
            .filter(|(_, value)| value.as_bool() == Some(wanted))
            .map(|(name, _)| name.replace('_', " "));
        names.collect::<Vec<_>>().join(", ")
    };
    fact("has", flags(true))?;
    fact("has not", flags(false))?;
    fact(
        "registers",
        format!("{} general, {} float", core.features.registers, core.features.float_registers),
    )?;
    fact("GCC", format!("{} {}", core.gcc.compiler, core.gcc.flags.join(" ")))?;
    fact("rustc", core.rust_target.clone())?;
    fact("simulator", format!("{} -M {}", core.qemu.program, core.qemu.machine))
}

fn cycles(timing: &Timing, out: &mut dyn Write) -> io::Result<()> {
    let sure = match timing.fidelity {
        Fidelity::Exact => "exact, with memory that never waits",
        Fidelity::Estimate => "an estimate for choosing between schedules",
    };
    writeln!(out, "  {sure}\n")?;
    let mut table = Table::new(&[
        ("class", Align::Left),
        ("cycles", Align::Right),
        ("worst", Align::Right),
        ("source", Align::Left),
    ]);
    for (class, cost) in timing.classes() {
        table.row(vec![class.replace('_', " "), number(cost.cycles), worst(cost), cited(&cost.source)]);
    }
    table.print(out)
}

fn worst(cost: &Cycles) -> String {
    if cost.varies() { number(cost.worst()) } else { String::new() }
}

fn number(cycles: u32) -> String {
    grouped(cycles)
}

fn cited(source: &Source) -> String {
    match source {
        Source::Unsourced => "?".into(),
        Source::Cited(key) => format!("[{key}]"),
    }
}
