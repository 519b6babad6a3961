//! A user's own target file: what it needs, and what its faults say.

use tinyc_targets::Target;

const CHIP: &str = r#"name = "my-board"
vendor = "Us"
core = "cortex-m33"
clock_hz = { value = 64_000_000, source = "datasheet" }

[sources]
datasheet = "Data sheet of the part, revision 3"

[[memory]]
name = "flash"
kind = "flash"
bytes = { value = 524_288, source = "datasheet" }

[[memory]]
name = "ram"
kind = "ram"
bytes = { value = 65_536, source = "unsourced" }
"#;

fn message(text: &str) -> String {
    Target::from_toml(text).expect_err("the file is wrong").to_string()
}

#[test]
fn a_chip_file_is_enough() {
    let target = Target::from_toml(CHIP).unwrap();
    assert_eq!(target.name(), "my-board");
    assert_eq!(target.core.name, "cortex-m33");
    assert_eq!(target.largest_ram_bytes(), Some(65_536));
    let chip = target.chip.as_ref().unwrap();
    assert_eq!(chip.source_text(&chip.clock_hz.source), "Data sheet of the part, revision 3");
}

#[test]
fn a_core_file_is_enough() {
    let text = include_str!("../cores/cortex-m3.toml").replace("cortex-m3\"", "our-m3\"");
    let target = Target::from_toml(&text).unwrap();
    assert_eq!(target.name(), "our-m3");
    assert!(target.chip.is_none());
}

#[test]
fn windows_line_ends_are_fine() {
    assert_eq!(Target::from_toml(&CHIP.replace('\n', "\r\n")), Target::from_toml(CHIP));
}

#[test]
fn faults_name_their_line() {
    let cases = [
        ("name = \"my-board\"", "name = ", "line 1: "),
        ("vendor = \"Us\"", "vender = \"Us\"", "line 2: unknown field `vender`"),
        (
            "\"cortex-m33\"",
            "\"cotrex-m33\"",
            "line 3: core: there is no core \"cotrex-m33\"; did you mean \"cortex-m33\"?",
        ),
        (
            "\"cortex-m33\"",
            "\"z80\"",
            "line 3: core: there is no core \"z80\"; there are cortex-a53, cortex-m0, ",
        ),
        ("\"cortex-m33\"", "\"m33\"", "line 3: core: there is no core \"m33\""),
        (", source = \"datasheet\" }\n\n[sources]", " }\n\n[sources]", "line 4: missing field `source`"),
        (
            "64_000_000, source = \"datasheet\"",
            "64_000_000, source = \"datashet\"",
            "line 4: clock_hz: source \"datashet\" is not in [sources]",
        ),
        ("64_000_000", "0", "line 4: clock_hz: must be from 1 Hz to 10 GHz"),
        ("kind = \"flash\"", "kind = \"rom\"", "line 11: unknown variant `rom`"),
        ("524_288", "-1", "line 12: "),
        ("65_536", "0", "line 17: memory.1.bytes: must be from 1 byte to 4 GiB"),
        ("name = \"ram\"", "name = \"flash\"", "line 15: memory.1.name: a second memory \"flash\""),
        ("kind = \"ram\"", "kind = \"flash\"", "memory: a chip needs a memory of kind \"ram\""),
        ("\"my-board\"", "\"My Board\"", "line 1: name: \"My Board\" is not a name"),
        ("core = \"cortex-m33\"\n", "", "a target file is a chip"),
    ];
    for (right, wrong, expected) in cases {
        assert!(CHIP.contains(right), "{right}");
        let found = message(&CHIP.replacen(right, wrong, 1));
        assert!(found.contains(expected), "{wrong}\n  found: {found}\n  expected: {expected}");
    }
}

#[test]
fn all_faults_come_at_once_in_order() {
    let text = CHIP.replace("65_536", "0").replace("64_000_000", "0").replace("\"my-board\"", "\"\"");
    let error = Target::from_toml(&text).unwrap_err();
    let lines: Vec<_> = error.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(1), Some(4), Some(17)]);
}

#[test]
fn a_core_must_agree_with_itself() {
    let core = include_str!("../cores/cortex-m4.toml");
    let cases = [
        ("\ndsp = true", "\ndsp = false", "timing.dsp: given, but [features] says that the core lacks it"),
        ("\nsaturate = { cycles = 1, source = \"trm\" }", "", "timing.saturate: missing, but [features]"),
        ("cycles = 7, worst = 12", "cycles = 7, worst = 2", "timing.divide: `worst` is below `cycles`"),
        ("fpu_f32 = true", "fpu_f32 = false", "features.float_registers: must be above zero exactly where"),
        ("fpu_f32 = true\nfpu_f64 = false", "fpu_f32 = false\nfpu_f64 = true", "needs `fpu_f32 = true`"),
        ("ram = { origin = 0x20000000", "ram = { origin = 0x00001000", "qemu.ram: overlaps `flash`"),
        ("ram = { origin = 0x20000000", "ram = { origin = 0xffffff00", "qemu.ram: ends behind"),
        ("multiply = true", "multiply = 1", "invalid type"),
        ("isa = \"arm\"", "isa = \"aarch64\"", "timing: nothing counts cycles of this instruction set"),
    ];
    for (right, wrong, expected) in cases {
        assert!(core.contains(right), "{right}");
        let found = message(&core.replacen(right, wrong, 1));
        assert!(found.contains(expected), "{wrong}\n  found: {found}\n  expected: {expected}");
        assert!(found.starts_with("line "), "{found}");
    }
}

#[test]
fn figures_are_there_where_cycles_are_counted() {
    let core = include_str!("../cores/rv64gc.toml");
    assert!(Target::from_toml(core).unwrap().core.timing.is_none());
    let found = message(&core.replacen("isa = \"riscv64\"", "isa = \"riscv32\"", 1));
    assert!(found.contains("isa: code for it is made with a table [timing]"), "{found}");
}

/// Numbers that TOML can spell and a chip cannot have.
#[test]
fn impossible_energy_is_refused() {
    for (low, high) in [("nan", "1.0"), ("2.0", "1.0"), ("0.0", "1.0"), ("1.0", "inf"), ("-1.0", "1.0")] {
        let energy = format!(
            "[[energy]]\nlow_picojoules_per_cycle = {low}\nhigh_picojoules_per_cycle = {high}\n\
             conditions = \"none\"\nsource = \"unsourced\"\n"
        );
        let found = message(&format!("{CHIP}\n{energy}"));
        assert!(found.contains("energy.0: needs 0 < low"), "{low}..{high}: {found}");
    }
    let current = CHIP.replacen(
        "[sources]",
        "microamps_per_mhz = { value = nan, source = \"unsourced\" }\n[sources]",
        1,
    );
    assert!(message(&current).contains("microamps_per_mhz: must be above zero"));
}

#[test]
fn damaged_files_never_panic() {
    for text in [CHIP, include_str!("../cores/cortex-m55.toml"), include_str!("../chips/stm32l4r5.toml")] {
        for end in (0..text.len()).step_by(7) {
            let _ = Target::from_toml(&text[..end]);
            let _ = Target::from_toml(&format!("{}{}", &text[..end], &text[end + 1..]));
        }
    }
    let deep = format!("core = {}", "[".repeat(100_000));
    assert!(Target::from_toml(&deep).is_err());
    assert!(Target::from_toml("\0\u{feff}=").is_err());
    assert!(Target::from_toml("").is_err());
}
