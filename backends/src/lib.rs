//! Loop IR into code: one folder per backend. A backend prints or encodes what it is given; it decides no schedule,
//! no precision and no address, and it never sees the graph.
//!
//! Text is always printed. Machine code of Cortex-M and 32-bit RISC-V needs the feature `native`.

pub mod c;
#[cfg(feature = "native")]
pub mod codegen;
#[cfg(feature = "cranelift")]
pub mod cranelift;
#[cfg(feature = "native")]
pub mod native;
mod object;
#[cfg(feature = "native")]
pub mod riscv32;
pub mod rust;
mod text;
#[cfg(feature = "native")]
pub mod thumb;

pub use self::object::{Cost, Layer, Object};

#[cfg(feature = "native")]
use tinyc_ir::loops::Program;
#[cfg(feature = "native")]
use tinyc_targets::{Core, Isa};

/// Compiles a verified program into machine code for a core; `None` if no backend writes its instructions.
#[cfg(feature = "native")]
pub fn compile(program: &Program, core: &Core) -> Option<Object> {
    match core.isa {
        Isa::Arm => thumb::compile(program, core),
        Isa::Riscv32 => riscv32::compile(program, core),
    }
}

/// Compiles functions that are made for the core's [`machine`]; the last one is the entry. `None` if there is no backend for
/// the core.
#[cfg(feature = "native")]
pub fn compile_functions(name: &str, module: &native::Module, core: &Core) -> Option<Object> {
    match core.isa {
        Isa::Arm => thumb::compile_functions(name, module, core),
        Isa::Riscv32 => riscv32::compile_functions(name, module, core),
    }
}

/// What functions may contain that are compiled for a core; `None` if there is no backend for it.
#[cfg(feature = "native")]
pub fn machine(core: &Core) -> Option<native::Machine> {
    match core.isa {
        Isa::Arm => thumb::machine(core),
        Isa::Riscv32 => riscv32::machine(core),
    }
}
