//! Loop IR into code: one folder per backend. A backend prints or encodes what it is given; it decides no schedule,
//! no precision and no address, and it never sees the graph.
//!
//! Text is always printed. Machine code of Cortex-M and 32-bit RISC-V needs the feature `native`, that of 64-bit cores `native64`.

pub mod c;
#[cfg(feature = "native")]
pub mod codegen;
#[cfg(feature = "cranelift")]
pub mod cranelift;
#[cfg(any(feature = "native", feature = "cranelift"))]
mod data;
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

/// Why there is no machine code for a core.
#[cfg(feature = "native")]
#[derive(Debug, thiserror::Error)]
pub enum NoObject {
    /// No backend writes its instructions.
    #[error("there is no native backend for {0}")]
    Core(String),
    /// The backend that does is not in this build.
    #[error("objects for 64-bit cores need the feature `native64`")]
    Feature,
    /// No fault of the user's.
    #[cfg(feature = "native64")]
    #[error(transparent)]
    Cranelift(#[from] cranelift::Error),
}

/// Compiles a verified program into machine code for a core.
///
/// # Errors
/// A core that there is no backend for, in this build or at all.
#[cfg(feature = "native")]
pub fn compile(program: &Program, core: &Core) -> Result<Object, NoObject> {
    let none = || NoObject::Core(core.name.clone());
    match core.isa {
        Isa::Arm => thumb::compile(program, core).ok_or_else(none),
        Isa::Riscv32 => riscv32::compile(program, core).ok_or_else(none),
        #[cfg(feature = "native64")]
        Isa::Riscv64 | Isa::Aarch64 => Ok(cranelift::object::compile(program, core)?),
        #[cfg(not(feature = "native64"))]
        Isa::Riscv64 | Isa::Aarch64 => Err(NoObject::Feature),
    }
}

/// Compiles functions that are made for the core's [`machine`]; the last one is the entry. `None` if its code is not made of
/// such functions.
#[cfg(feature = "native")]
pub fn compile_functions(name: &str, module: &native::Module, core: &Core) -> Option<Object> {
    match core.isa {
        Isa::Arm => thumb::compile_functions(name, module, core),
        Isa::Riscv32 => riscv32::compile_functions(name, module, core),
        Isa::Riscv64 | Isa::Aarch64 => None,
    }
}

/// What functions may contain that are compiled for a core; `None` if its code is not made of such functions.
#[cfg(feature = "native")]
pub fn machine(core: &Core) -> Option<native::Machine> {
    match core.isa {
        Isa::Arm => thumb::machine(core),
        Isa::Riscv32 => riscv32::machine(core),
        Isa::Riscv64 | Isa::Aarch64 => None,
    }
}
