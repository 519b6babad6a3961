//! The Rust backend: a program in loop IR as one module in a file of its own, `name.rs`, for `include!`.
//!
//! The text is `no_std`, forbids `unsafe` and cannot panic: what lies in the arena is bytes, positions that the verifier has
//! proven are read through functions that answer an impossible position with a value, and parts of buffers are arrays of fixed
//! length, in which rustc sees that positions fit. It depends on nothing but the program and the options, and expects a
//! program that the verifier accepts.

mod access;
mod data;
mod edge;
mod expr;
mod face;
mod half;
mod helper;
mod kernel;
mod layout;
mod names;
mod piece;
mod reserved;
mod scalar;
mod source;
mod twin;
mod window;

pub use crate::text::File;
use tinyc_ir::loops::{Buffer, Program};

/// What the user may choose about the emitted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The compiler's name and version, for the first line of the file.
    pub generator: String,
    /// Call the crate `tinyc-runtime` instead of printing portable functions: it has single instructions of Arm's DSP extension
    /// behind safe functions, which a module without `unsafe` cannot. Never changes a result.
    pub runtime: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { generator: concat!("tinyc ", env!("CARGO_PKG_VERSION")).into(), runtime: false }
    }
}

/// Prints a verified program.
pub fn emit(program: &Program, options: &Options) -> File {
    let (module, text) = source::source(program, options);
    File { name: format!("{module}.rs"), text }
}

/// Prints a module with the same face that calls the function of an object, [`crate::c::prefix`] and `_run`.
pub fn emit_binding(program: &Program, options: &Options) -> File {
    let symbol = format!("{}_run", crate::c::prefix(program));
    let (module, text) = source::binding(program, options, &symbol);
    File { name: format!("{module}.rs"), text }
}

/// Functions by which C calls the module that [`emit`] prints, beside it: those that the header declares, [`crate::c::prefix`] and
/// `_run`, and `_init` if there is a state.
pub fn export(program: &Program) -> String {
    source::export(program)
}

/// The expression that runs the network, with the types of its inputs: for people.
pub fn call(program: &Program) -> String {
    let module = module(program);
    let input = |&b: &Buffer| {
        let data = &program.buffers[b];
        format!("&[{}; {}]", scalar::value_type(data.scalar), data.len)
    };
    let inputs: Vec<String> = program.inputs.iter().map(input).collect();
    format!("{module}::Model::new(&mut {module}::Arena::new()).run({})", inputs.join(", "))
}

/// Whether a run can end with an error, so that `run` returns a `Result`.
pub fn is_fallible(program: &Program) -> bool {
    face::is_fallible(program)
}

/// The name of the module: the program's name in snake case.
pub fn module(program: &Program) -> String {
    names::module(program)
}
