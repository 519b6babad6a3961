//! Which core a Rust target stands for.

/// Triples and cores, of several cores of one triple the most common: they differ in timing and memories only.
const CORES: [(&str, &str); 15] = [
    ("thumbv6m-none-eabi", "cortex-m0plus"),
    ("thumbv7m-none-eabi", "cortex-m3"),
    ("thumbv7em-none-eabi", "cortex-m4-nofpu"),
    ("thumbv7em-none-eabihf", "cortex-m4"),
    // Whether it has the DSP extension, the triple does not say: without it, code runs on all.
    ("thumbv8m.base-none-eabi", "cortex-m0plus"),
    ("thumbv8m.main-none-eabi", "cortex-m3"),
    ("thumbv8m.main-none-eabihf", "cortex-m33"),
    ("riscv32imc-unknown-none-elf", "rv32imc"),
    ("riscv32imac-unknown-none-elf", "rv32imac"),
    ("riscv32imafc-unknown-none-elf", "rv32imafc"),
    ("riscv32imc-esp-espidf", "rv32imc"),
    ("riscv32imac-esp-espidf", "rv32imac"),
    ("riscv64gc-unknown-none-elf", "rv64gc"),
    ("aarch64-unknown-none", "cortex-a53"),
    ("aarch64-unknown-none-softfloat", "cortex-a53"),
];

/// Machines with an operating system, for tests on the host: plain code, no limits.
const HOSTS: [&str; 4] = ["-linux-", "-apple-", "-windows-", "-freebsd"];

/// The core for a triple.
pub(super) fn core(triple: &str) -> Option<&'static str> {
    let known = CORES.iter().find(|row| row.0 == triple).map(|row| row.1);
    known.or_else(|| is_host(triple).then_some("rv32imafc"))
}

/// Why machine code of a core cannot be linked for a triple that stands for it.
pub(super) fn no_object(triple: &str) -> Option<&'static str> {
    triple
        .ends_with("-softfloat")
        .then_some("its code leaves the float registers alone, machine code uses them")
}

/// Whether it is a machine with an operating system.
pub(super) fn is_host(triple: &str) -> bool {
    HOSTS.iter().any(|host| triple.contains(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_exists() {
        for (triple, name) in CORES {
            assert!(tinyc_targets::find(name).is_ok(), "{triple}: {name}");
            assert_eq!(core(triple), Some(name));
        }
        assert_eq!(core("x86_64-unknown-linux-gnu"), Some("rv32imafc"));
        assert_eq!(core("avr-none"), None);
    }
}
