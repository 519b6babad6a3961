//! What it takes to build a firmware for a core with GCC and to run it under QEMU. Facts only: nothing runs here.

use serde::{Deserialize, Serialize};

/// How GCC, or Clang where there is no GCC, compiles for a core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcc {
    /// The compiler's program name; `{prefix}objdump` and the rest share its prefix, see [`Gcc::tool`].
    pub compiler: String,
    /// Flags that name the core and the calling convention. They go to the compiler and to the linker. The RISC-V
    /// package has no C library, so `stdint.h` is found there only with `-ffreestanding`.
    pub flags: Vec<String>,
    /// The Debian and Ubuntu package that holds the compiler, for a message that says how to get it.
    pub package: String,
}

impl Gcc {
    /// The name of a sister tool of the compiler: `tool("objdump")` is `arm-none-eabi-objdump`.
    pub fn tool(&self, name: &str) -> String {
        format!("{}{name}", self.compiler.strip_suffix("gcc").unwrap_or(""))
    }

    /// Whether it is GCC indeed.
    pub fn is_gcc(&self) -> bool {
        self.compiler.ends_with("gcc")
    }
}

/// A range of the simulated machine's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The first address.
    pub origin: u32,
    /// Length in bytes.
    pub bytes: u32,
}

impl Region {
    /// The address behind the last byte.
    pub fn end(&self) -> u64 {
        u64::from(self.origin) + u64::from(self.bytes)
    }
}

/// The QEMU machine on which code of a core runs, with the memory map for a test firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    /// The program name, such as `qemu-system-arm` or `qemu-system-riscv32`.
    pub program: String,
    /// The Debian and Ubuntu package that holds the program.
    pub package: String,
    /// The value of `-M`.
    pub machine: String,
    /// The core that the machine really has, where it is not this one (an M3 runs ARMv6-M code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// Further arguments that the machine needs, such as `-bios none`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Where code and constants go (on machines without flash, memory that plays its part).
    pub flash: Region,
    /// Where data, the arena and the stack go.
    pub ram: Region,
    /// Where the vector table goes, if not at the start of `flash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<Region>,
}
