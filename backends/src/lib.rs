//! Loop IR into code: one folder per backend. A backend prints or encodes what it is given; it decides no schedule,
//! no precision and no address, and it never sees the graph.

pub mod c;
pub mod codegen;
#[cfg(feature = "cranelift")]
pub mod cranelift;
pub mod native;
pub mod riscv32;
pub mod rust;
mod text;
pub mod thumb;

use tinyc_ir::loops::Program;
use tinyc_targets::{Core, Isa};

/// Compiles a verified program into machine code for a core; `None` if no backend writes its instructions.
pub fn compile(program: &Program, core: &Core) -> Option<codegen::Object> {
    match core.isa {
        Isa::Arm => thumb::compile(program, core),
        Isa::Riscv32 => riscv32::compile(program, core),
    }
}

/// Compiles functions that are made for the core's [`machine`]; the last one is the entry. `None` if there is no backend for
/// the core.
pub fn compile_functions(name: &str, module: &native::Module, core: &Core) -> Option<codegen::Object> {
    match core.isa {
        Isa::Arm => thumb::compile_functions(name, module, core),
        Isa::Riscv32 => riscv32::compile_functions(name, module, core),
    }
}

/// What functions may contain that are compiled for a core; `None` if there is no backend for it.
pub fn machine(core: &Core) -> Option<native::Machine> {
    match core.isa {
        Isa::Arm => thumb::machine(core),
        Isa::Riscv32 => riscv32::machine(core),
    }
}
