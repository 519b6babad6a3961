//! What a target file must satisfy beyond its types. Used on embedded files (by a test) and on users' files alike.

use std::collections::BTreeMap;

use crate::catalog;
use crate::chip::{Chip, MemoryKind};
use crate::cpu::Core;
use crate::figure::{Figure, Source};
use crate::suggest;

/// Something wrong at a path of the file such as `memory.0.bytes`.
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Collects findings about one file.
struct Check<'a> {
    sources: &'a BTreeMap<String, String>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn require(&mut self, holds: bool, path: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.findings.push(Finding { path: path.into(), message: message.into() });
        }
    }

    fn name(&mut self, path: String, name: &str) {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '+';
        self.require(
            !name.is_empty() && name.chars().all(legal),
            path,
            format!("\"{}\" is not a name: use lower-case letters, digits and `-`", name.escape_debug()),
        );
    }

    fn source(&mut self, path: String, source: &Source) {
        if let Source::Cited(key) = source {
            let message = format!(
                "source \"{}\" is not in [sources]; add it there, or say \"unsourced\"",
                key.escape_debug()
            );
            self.require(self.sources.contains_key(key), path, message);
        }
    }

    fn positive<T: Into<f64> + Copy>(&mut self, path: &str, figure: Option<&Figure<T>>) {
        if let Some(figure) = figure {
            let value: f64 = figure.value.into();
            self.require(value.is_finite() && value > 0.0, path, "must be above zero");
            self.source(path.to_owned(), &figure.source);
        }
    }
}

/// The largest size of a memory: all addresses of a 32-bit core.
const ADDRESS_SPACE: u64 = 1 << 32;

/// Checks a core.
pub(crate) fn core(core: &Core) -> Vec<Finding> {
    let mut check = Check { sources: &core.sources, findings: Vec::new() };
    check.name("name".into(), &core.name);
    for (index, alias) in core.aliases.iter().enumerate() {
        check.name(format!("aliases.{index}"), alias);
    }
    features(&mut check, core);
    timing(&mut check, core);
    simulator(&mut check, core);
    check.findings
}

fn features(check: &mut Check<'_>, core: &Core) {
    let features = &core.features;
    check.source("features.source".into(), &features.source);
    check.require(
        (1..=32).contains(&features.registers),
        "features.registers",
        "must be from 1 to 32, the general registers that code may use",
    );
    check.require(
        features.low_registers <= features.registers,
        "features.low_registers",
        "cannot be more than `registers`",
    );
    check.require(
        (features.float_registers > 0) == features.fpu_f32,
        "features.float_registers",
        "must be above zero exactly where `fpu_f32` is true",
    );
    check.require(
        features.vector_registers > 0 || !features.mve,
        "features.vector_registers",
        "must be above zero where `mve` is true",
    );
    let implied = [
        ("fpu_f64", features.fpu_f64, "fpu_f32", features.fpu_f32),
        ("mve_float", features.mve_float, "mve", features.mve),
        ("multiply_accumulate", features.multiply_accumulate, "multiply", features.multiply),
        (
            "multiply_high_accumulate",
            features.multiply_high_accumulate,
            "multiply_high",
            features.multiply_high,
        ),
    ];
    for (name, present, needs, given) in implied {
        check.require(!present || given, format!("features.{name}"), format!("needs `{needs} = true`"));
    }
}

/// A feature has a cost exactly where the core has the feature, so that no cost model meets a hole.
fn timing(check: &mut Check<'_>, core: &Core) {
    let features = &core.features;
    let Some(timing) = &core.timing else {
        return check.require(!core.isa.is_timed(), "isa", "code for it is made with a table [timing]");
    };
    check.require(
        core.isa.is_timed(),
        "timing",
        "nothing counts cycles of this instruction set; leave it out",
    );
    let pairs = [
        ("multiply", features.multiply, timing.multiply.is_some()),
        ("multiply_accumulate", features.multiply_accumulate, timing.multiply_accumulate.is_some()),
        ("multiply_long", features.multiply_long, timing.multiply_long.is_some()),
        ("multiply_long_accumulate", features.multiply_long, timing.multiply_long_accumulate.is_some()),
        ("multiply_high", features.multiply_high, timing.multiply_high.is_some()),
        ("dsp", features.dsp, timing.dsp.is_some()),
        ("saturate", features.saturate, timing.saturate.is_some()),
        ("divide", features.divide, timing.divide.is_some()),
        ("multiple", features.load_multiple, timing.multiple.is_some()),
        ("multiple_register", features.load_multiple, timing.multiple_register.is_some()),
        ("store_register_offset", features.register_offset, timing.store_register_offset.is_some()),
        ("float_alu", features.fpu_f32, timing.float_alu.is_some()),
        ("float_multiply_accumulate", features.fpu_f32, timing.float_multiply_accumulate.is_some()),
        ("float_divide", features.fpu_f32, timing.float_divide.is_some()),
        ("float_sqrt", features.fpu_f32, timing.float_sqrt.is_some()),
        ("float_load", features.fpu_f32, timing.float_load.is_some()),
        ("float_store", features.fpu_f32, timing.float_store.is_some()),
        ("float_move", features.fpu_f32, timing.float_move.is_some()),
        ("vector", features.mve, timing.vector.is_some()),
    ];
    for (name, feature, cost) in pairs {
        let path = format!("timing.{name}");
        check.require(cost || !feature, path.clone(), "missing, but [features] says that the core has it");
        check.require(feature || !cost, path, "given, but [features] says that the core lacks it");
    }
    for (path, width) in
        [("timing.issue_width", &timing.issue_width), ("timing.loads_per_cycle", &timing.loads_per_cycle)]
    {
        check.require((1..=8).contains(&width.value), path, "must be from 1 to 8");
    }
    for (name, source) in timing.sources() {
        check.source(format!("timing.{name}"), source);
    }
    for (name, cycles) in timing.classes() {
        let sound = cycles.stated_worst().is_none_or(|worst| worst >= cycles.cycles);
        check.require(sound, format!("timing.{name}"), "`worst` is below `cycles`");
        check.require(cycles.worst() <= 1000, format!("timing.{name}"), "more than 1000 cycles");
    }
}

fn simulator(check: &mut Check<'_>, core: &Core) {
    let mut regions = vec![("flash", core.qemu.flash), ("ram", core.qemu.ram)];
    regions.extend(core.qemu.vectors.map(|region| ("vectors", region)));
    for (index, &(name, region)) in regions.iter().enumerate() {
        let path = format!("qemu.{name}");
        check.require(region.bytes > 0, path.clone(), "`bytes` must be above zero");
        check.require(region.end() <= ADDRESS_SPACE, path.clone(), "ends behind the 32-bit address space");
        for &(other, before) in &regions[..index] {
            let apart = region.end() <= u64::from(before.origin) || before.end() <= u64::from(region.origin);
            check.require(apart, path.clone(), format!("overlaps `{other}`"));
        }
    }
}

/// Checks a chip, including that its core exists.
pub(crate) fn chip(chip: &Chip) -> Vec<Finding> {
    let mut check = Check { sources: &chip.sources, findings: Vec::new() };
    check.name("name".into(), &chip.name);
    for (index, alias) in chip.aliases.iter().enumerate() {
        check.name(format!("aliases.{index}"), alias);
    }
    if catalog::core(&chip.core).is_none() {
        let near = suggest::nearest(&chip.core, catalog::core_names());
        let hint = match near.first() {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("there are {}", catalog::core_names().collect::<Vec<_>>().join(", ")),
        };
        check.require(false, "core", format!("there is no core \"{}\"; {hint}", chip.core.escape_debug()));
    }
    let clock = chip.clock_hz.value;
    check.require((1..=10_000_000_000).contains(&clock), "clock_hz", "must be from 1 Hz to 10 GHz");
    check.source("clock_hz".into(), &chip.clock_hz.source);
    check.positive("instruction_cache_bytes", chip.instruction_cache_bytes.as_ref());
    check.positive("data_cache_bytes", chip.data_cache_bytes.as_ref());
    check.positive("microamps_per_mhz", chip.microamps_per_mhz.as_ref());
    memories(&mut check, chip);
    for (index, energy) in chip.energies.iter().enumerate() {
        let (low, high) = (energy.low_picojoules_per_cycle, energy.high_picojoules_per_cycle);
        let sound = low > 0.0 && low <= high && high.is_finite();
        check.require(sound, format!("energy.{index}"), "needs 0 < low ≤ high, both finite");
        check.source(format!("energy.{index}.source"), &energy.source);
    }
    for (index, board) in chip.boards.iter().enumerate() {
        check.name(format!("board.{index}.name"), &board.name);
        if let Some(flash) = &board.external_flash_bytes {
            let path = format!("board.{index}.external_flash_bytes");
            check.require(
                (1..=ADDRESS_SPACE).contains(&flash.value),
                path.clone(),
                "must be from 1 byte to 4 GiB",
            );
            check.source(path, &flash.source);
        }
    }
    check.findings
}

fn memories(check: &mut Check<'_>, chip: &Chip) {
    let has_ram = chip.memories.iter().any(|memory| memory.kind == MemoryKind::Ram);
    check.require(has_ram, "memory", "a chip needs a memory of kind \"ram\"");
    for (index, memory) in chip.memories.iter().enumerate() {
        let path = format!("memory.{index}");
        check.name(format!("{path}.name"), &memory.name);
        let seen = chip.memories[..index].iter().any(|other| other.name == memory.name);
        check.require(!seen, format!("{path}.name"), format!("a second memory \"{}\"", memory.name));
        let bytes = (1..=ADDRESS_SPACE).contains(&memory.bytes.value);
        check.require(bytes, format!("{path}.bytes"), "must be from 1 byte to 4 GiB");
        check.source(format!("{path}.bytes"), &memory.bytes.source);
        check.positive(&format!("{path}.line_bytes"), memory.line_bytes.as_ref());
        if let Some(waits) = &memory.wait_states {
            let path = format!("{path}.wait_states");
            check.require(waits.value <= 100, path.clone(), "more than 100 wait states");
            check.source(path, &waits.source);
        }
    }
}
