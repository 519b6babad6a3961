//! Waiting for flash, counted by hand.

use tinyc_targets::Target;

use super::build::{I, access, back, if_not_equal, machine, number, run};
use crate::thumb::isa::Op;
use crate::thumb::sim::{FlashModel, OnChip};

/// A chip whose flash waits 3 cycles for 8 bytes.
fn chip(more: &str) -> FlashModel {
    let text = format!(
        "name = \"a-chip\"\nvendor = \"Nobody\"\ncore = \"cortex-m4\"\n\
         clock_hz = {{ value = 1_000_000, source = \"unsourced\" }}\n{more}\n[[memory]]\nname = \"flash\"\nkind = \"flash\"\n\
         bytes = {{ value = 65_536, source = \"unsourced\" }}\nwait_states = {{ value = 3, source = \"unsourced\" }}\n\
         line_bytes = {{ value = 8, source = \"unsourced\" }}\n[[memory]]\nname = \"ram\"\nkind = \"ram\"\n\
         bytes = {{ value = 65_536, source = \"unsourced\" }}\n"
    );
    FlashModel::of(&Target::from_toml(&text).unwrap().chip.unwrap()).unwrap()
}

/// Ten rounds of 12 bytes of code, from 4 to 16 in the flash.
fn program() -> Vec<I> {
    let wide = |inst: I| I { wide: true, ..inst };
    vec![
        wide(number(3, 10)),
        wide(number(0, 1)),
        wide(number(1, 1)),
        I { s: true, ..access(Op::SubImm, 3, 3, 1) },
        if_not_equal(-10 - 4),
        back(),
    ]
}

#[test]
fn code_waits_for_its_lines() {
    let mut machine = machine("cortex-m4", &program());
    let plain = run(&mut machine, &[]).unwrap();
    assert_eq!(plain.on_chip, None);
    machine.set_flash(Some(chip("")));
    let buffer = run(&mut machine, &[]).unwrap();
    assert_eq!(buffer.cycles, plain.cycles, "the first figure does not change");
    // Line 0, and in each round line 1 and then line 0 again; at the end line 2.
    let waits = 3 * (1 + 10 + 9 + 1);
    assert_eq!(
        buffer.on_chip,
        Some(OnChip { cycles: plain.cycles + waits, code_waits: waits, data_waits: 0 })
    );
    let cache = "instruction_cache_bytes = { value = 1024, source = \"unsourced\" }";
    machine.set_flash(Some(chip(cache)));
    let cached = run(&mut machine, &[]).unwrap().on_chip.unwrap();
    assert_eq!((cached.code_waits, cached.data_waits), (3 * 3, 0), "each line once");
    machine.set_flash(None);
    assert_eq!(run(&mut machine, &[]).unwrap(), plain);
}

#[test]
fn a_model_says_what_it_assumes() {
    let cache = "data_cache_bytes = { value = 128, source = \"unsourced\" }";
    assert_eq!(
        chip(cache).to_string(),
        "flash of a-chip: 3 wait states per 8 bytes, no instruction cache known, data cache of 128 bytes"
    );
    let known = |name: &str| FlashModel::of(&tinyc_targets::find(name).unwrap().chip.unwrap()).is_some();
    assert!(known("stm32f407") && known("stm32l4r5"));
    assert!(!known("nrf52840") && !known("rp2040"), "nobody has looked their wait states up");
}
