//! The simulator executes object files: those of this backend and those of GCC.

use tinyc_backends::thumb::sim::{FlashModel, Machine};

use crate::elf::{assembly, cores};

/// Every core runs the object around hand-made functions, which finds its constants, calls and comes back.
#[test]
fn objects_run_on_every_core() {
    for (core, architecture) in cores() {
        let object = assembly(architecture).object(&architecture.format(&core));
        let mut machine = Machine::load(&object, &core).unwrap();
        let out = machine.alloc("out", 8, 4, None, true).unwrap();
        let mut seen = Vec::new();
        let outcome = machine
            .call("net_run", &[0, out], &mut |machine, visit| {
                let (name, offset) = machine.function_at(visit.function).unwrap();
                seen.push((name.to_owned(), offset, machine.cpu().r[0]));
            })
            .unwrap_or_else(|fault| panic!("{}: {fault}", core.name));
        assert_eq!(seen, [("first".to_owned(), 0, 0x1122_3344), ("second".to_owned(), 0, 0x5566_7788)]);
        assert_eq!(machine.read(out, 8).unwrap(), 0x5566_7788_1122_3344_u64.to_le_bytes());
        assert_eq!((outcome.result, outcome.stack_bytes, outcome.visits.len()), (0, 8, 2));
        let inside: u64 = outcome.visits.iter().map(|visit| visit.cycles).sum();
        assert!(inside > 0 && inside < outcome.cycles, "{outcome:?}");
    }
}

/// Cores refuse code of a larger instruction set when it gets there.
#[test]
fn a_core_runs_only_what_it_has() {
    let object = |name: &str| {
        let core = tinyc_targets::find(name).unwrap().core;
        let architecture = tinyc_backends::thumb::Architecture::of(&core).unwrap();
        assembly(architecture).object(&architecture.format(&core))
    };
    let small = tinyc_targets::find("cortex-m0").unwrap().core;
    let mut machine = Machine::load(&object("cortex-m3"), &small).unwrap();
    let out = machine.alloc("out", 8, 4, None, true).unwrap();
    let fault = machine.call("net_run", &[0, out], &mut |_, _| {}).unwrap_err().to_string();
    assert!(fault.starts_with("an instruction that the core lacks\n  at 0x"), "{fault}");
    assert!(fault.contains("first+0x0: mov r0, #"), "{fault}");
}

#[test]
fn files_that_are_no_objects_are_refused() {
    let core = tinyc_targets::find("cortex-m4").unwrap().core;
    let architecture = tinyc_backends::thumb::Architecture::of(&core).unwrap();
    let object = assembly(architecture).object(&architecture.format(&core));
    for text in [&b""[..], b"\x7fELF", &object[..object.len() / 2]] {
        assert!(Machine::load(text, &core).is_err());
    }
    // Damaged in any place: an error or a machine, never a panic.
    for at in (0..object.len()).filter(|at| at % 97 == 0 || *at < 0x40 || object.len() - at < 2000) {
        let mut damaged = object.clone();
        damaged[at] ^= 0xff;
        if let Ok(mut machine) = Machine::load(&damaged, &core) {
            machine.set_budget(1000);
            let _ = machine.call("net_run", &[0, 0x2000_0000], &mut |_, _| {});
        }
    }
    let other = tinyc_targets::find("rv32imc").unwrap().core;
    assert!(Machine::load(&object, &other).is_err());
}

/// Two constants far from each other: two lines of flash that waits 5 cycles.
#[test]
fn constants_wait_for_the_flash_of_a_chip() {
    let target = tinyc_targets::find("stm32l4r5").unwrap();
    let architecture = tinyc_backends::thumb::Architecture::of(&target.core).unwrap();
    let object = assembly(architecture).object(&architecture.format(&target.core));
    let mut machine = Machine::load(&object, &target.core).unwrap();
    let out = machine.alloc("out", 8, 4, None, true).unwrap();
    machine.set_flash(FlashModel::of(target.chip.as_ref().unwrap()));
    let outcome = machine.call("net_run", &[0, out], &mut |_, _| {}).unwrap();
    let on_chip = outcome.on_chip.unwrap();
    assert_eq!(on_chip.data_waits, 2 * 5);
    assert!(on_chip.code_waits >= 3 * 5, "{on_chip:?}");
    assert_eq!(on_chip.cycles, outcome.cycles + on_chip.code_waits + on_chip.data_waits);
    let waits: u64 = outcome.visits.iter().map(|visit| visit.waits).sum();
    assert!(waits >= on_chip.data_waits && waits < on_chip.cycles - outcome.cycles, "{outcome:?}");
}
