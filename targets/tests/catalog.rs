//! The shipped targets as a user meets them: names, plausible figures, suggestions.

use tinyc_targets::{Fidelity, Isa, MemoryKind, Source, Timing, boards, chips, cores, find};

#[test]
fn the_promised_cores_and_enough_chips_exist() {
    for name in ["cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4-nofpu", "cortex-m7"] {
        assert_eq!(find(name).unwrap().core.isa, Isa::Arm, "{name}");
    }
    for name in ["cortex-m33", "cortex-m55"] {
        assert!(find(name).unwrap().core.features.fpu_f32, "{name}");
    }
    assert_eq!(find("rv32imc").unwrap().core.isa, Isa::Riscv32);
    assert_eq!(find("riscv64gc").unwrap().core.isa, Isa::Riscv64);
    assert_eq!(find("aarch64").unwrap().core.isa, Isa::Aarch64);
    assert!(chips().count() >= 20);
    assert!(boards().count() >= 20);
}

#[test]
fn order_is_stable() {
    let names: Vec<&str> = cores().map(|core| core.name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(chips().map(|chip| chip.name.as_str()).is_sorted());
}

#[test]
fn a_bare_core_has_no_limits() {
    let target = find("cortex-m4").unwrap();
    assert_eq!(target.name(), "cortex-m4");
    assert_eq!((target.ram_bytes(), target.flash_bytes(), target.clock_hz()), (None, None, None));
    assert!(target.energy().is_none());
}

#[test]
fn a_chip_brings_its_memories() {
    let target = find("STM32F407").unwrap();
    assert_eq!(target.name(), "stm32f407");
    assert_eq!(target.core.name, "cortex-m4");
    assert_eq!(target.ram_bytes(), Some(192 * 1024));
    assert_eq!(target.largest_ram_bytes(), Some(128 * 1024));
    assert_eq!(target.flash_bytes(), Some(1024 * 1024));
    assert_eq!(target.clock_hz(), Some(168_000_000));
}

#[test]
fn a_board_brings_chip_and_external_flash() {
    let target = find("raspberry_pi pico").unwrap();
    assert_eq!(target.name(), "raspberry-pi-pico");
    assert_eq!(target.chip.as_ref().unwrap().name, "rp2040");
    assert_eq!(target.flash_bytes(), Some(2 * 1024 * 1024));
    assert_eq!(find("rp2040").unwrap().flash_bytes(), None);
}

#[test]
fn energy_prefers_a_measurement() {
    let measured = find("nucleo-l4r5zi").unwrap().energy().unwrap();
    assert!(measured.measured);
    assert_eq!(measured.picojoules_per_cycle, 342.0);
    assert_eq!(measured.source, Source::Cited("mlperf".into()));
    let assumed = find("stm32f407").unwrap().energy().unwrap();
    assert!(!assumed.measured && assumed.source.is_unsourced());
    assert_eq!(assumed.picojoules_per_cycle, 238.0 * 3.0);
}

#[test]
fn sizes_are_those_of_microcontrollers() {
    for chip in chips() {
        let name = &chip.name;
        assert!((10_000_000..=1_000_000_000).contains(&chip.clock_hz.value), "{name}");
        // The smallest is the CH32V003, the largest the K210.
        assert!((2 << 10..=8 << 20).contains(&chip.ram_bytes()), "{name}");
        assert!(chip.flash_bytes().is_none_or(|bytes| (16 << 10..=16 << 20).contains(&bytes)), "{name}");
        for memory in &chip.memories {
            assert_eq!(memory.bytes.value % 1024, 0, "{name}: {} is not in whole KiB", memory.name);
            assert!(memory.kind != MemoryKind::Ram || memory.wait_states.is_none(), "{name}");
        }
        let energy = chip.energy().map_or(100.0, |energy| energy.picojoules_per_cycle);
        assert!((5.0..2000.0).contains(&energy), "{name}: {energy} pJ per cycle");
    }
}

#[test]
fn every_citation_can_be_read() {
    for core in cores() {
        for (class, cycles) in core.timing.iter().flat_map(Timing::classes) {
            let text = core.source_text(&cycles.source);
            assert!(cycles.source.is_unsourced() || text.len() > 8, "{}: {class}: {text}", core.name);
        }
        assert!(
            !core.features.source.is_unsourced(),
            "{}: features are architecture, hence documented",
            core.name
        );
    }
}

/// A core that claims exact timing must have a document for it.
#[test]
fn exact_timing_is_sourced() {
    let timed = cores().filter_map(|core| core.timing.as_ref().map(|timing| (core, timing)));
    let exact: Vec<_> = timed.filter(|(_, timing)| timing.fidelity == Fidelity::Exact).collect();
    assert!(exact.iter().any(|(core, _)| core.name == "cortex-m4"));
    for (core, timing) in exact {
        for (class, cycles) in timing.classes() {
            // Calls and returns of the M0+ are the one gap: no kernel has them in a loop.
            let gap = core.name == "cortex-m0plus" && ["call", "jump_register"].contains(&class);
            assert!(gap || !cycles.source.is_unsourced(), "{}: {class}", core.name);
        }
    }
}

#[test]
fn the_m4_costs_what_its_manual_says() {
    let core = find("cortex-m4").unwrap().core;
    let timing = core.timing.as_ref().unwrap();
    assert_eq!([0, 1, 2, 5].map(|count| timing.load_run(count)), [0, 2, 3, 6]);
    assert_eq!(timing.load_run(u32::MAX), u32::MAX);
    assert_eq!(timing.dsp.as_ref().unwrap().cycles, 1);
    assert_eq!(timing.divide.as_ref().unwrap().worst(), 12);
    assert!(timing.divide.as_ref().unwrap().varies());
    assert!(!timing.alu.varies());
    assert!(core.single_cycle_multiply_high());
    assert!(!find("cortex-m3").unwrap().core.single_cycle_multiply_high());
    assert_eq!(core.gcc.tool("objdump"), "arm-none-eabi-objdump");
}

#[test]
fn a_wrong_name_gets_help() {
    let error = find("stm32f470").unwrap_err();
    assert_eq!(error.suggestions[0], "stm32f407");
    let text = error.to_string();
    assert!(text.starts_with("there is no target \"stm32f470\"; did you mean \"stm32f407\""), "{text}");
    assert!(text.contains("\ncores: cortex-a53, cortex-m0, cortex-m0plus"), "{text}");
    assert!(text.contains("\nboards: "), "{text}");
    assert_eq!(find("cortx-m4").unwrap_err().suggestions[0], "cortex-m4");
    assert_eq!(find("nrf52840-dk").unwrap_err().suggestions[0], "nrf52840");
    let nothing = find("z80").unwrap_err();
    assert!(nothing.suggestions.is_empty());
    assert!(nothing.to_string().starts_with("there is no target \"z80\"\ncores: "), "{nothing}");
    assert!(find("").is_err());
}
