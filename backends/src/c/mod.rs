//! The C backend: a program in loop IR as one readable C99 pair, `name.c` and `name.h`.
//!
//! The text needs `<stdint.h>` and `<stddef.h>` and nothing else, is the same for every compiler (what a core's extensions
//! offer stands behind the compiler's own feature macros, beside plain C), and depends on nothing but the program
//! and the options. It expects a program that the verifier accepts; it checks no index again.

mod anchor;
mod call;
mod comment;
mod data;
mod doc;
mod edge;
mod expr;
mod half;
mod header;
mod helper;
mod kernel;
mod math;
mod names;
mod packed;
mod piece;
mod prelude;
mod reserved;
mod scalar;
mod source;
mod state;

pub use crate::text::File;
pub use call::{Call, Port};
use std::collections::BTreeSet;
use tinyc_ir::loops::Program;

/// What the user may choose about the emitted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The compiler's name and version, for the first line of each file.
    pub generator: String,
    /// Offer ARM's DSP and saturation instructions beside the plain C. They stand behind `__ARM_FEATURE_DSP` and
    /// `__ARM_FEATURE_SAT`, so this changes the length of the text, never a result.
    pub arm_dsp: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { generator: concat!("tinyc ", env!("CARGO_PKG_VERSION")).into(), arm_dsp: true }
    }
}

/// Prints a verified program: the source, then the header.
pub fn emit(program: &Program, options: &Options) -> Vec<File> {
    let (symbols, kernels, helpers) = names_and_kernels(program, options.arm_dsp);
    let source = source::source(program, &symbols, &kernels, helpers, options);
    let header = header::header(program, &symbols, options);
    vec![
        File { name: format!("{}.c", symbols.prefix), text: source },
        File { name: format!("{}.h", symbols.prefix), text: header },
    ]
}

/// Prints the header alone, for code that another backend makes: it declares the same function, sizes and helpers.
pub fn header(program: &Program, options: &Options) -> File {
    let (symbols, ..) = names_and_kernels(program, options.arm_dsp);
    let text = header::header(program, &symbols, options);
    File { name: format!("{}.h", symbols.prefix), text }
}

/// What every name that the header declares begins with: the program's name as a legal identifier. The function that
/// runs the network is `PREFIX_run`, in C and in objects.
pub fn prefix(program: &Program) -> String {
    names::prefix(program)
}

/// The declaration of the function that runs the network, on one line and without a semicolon:
/// `int kws_run(const int8_t input[490], int8_t output[12], void *arena)`.
pub fn prototype(program: &Program) -> String {
    let (symbols, ..) = names_and_kernels(program, Options::default().arm_dsp);
    header::run_prototype(program, &symbols).flat()
}

/// What a program that calls the network needs to say, with variables of names that are not taken.
pub fn call(program: &Program, is_taken: &dyn Fn(&str) -> bool) -> Call {
    let (symbols, ..) = names_and_kernels(program, Options::default().arm_dsp);
    Call::new(program, &symbols, is_taken)
}

fn names_and_kernels(
    program: &Program,
    arm_dsp: bool,
) -> (names::Symbols, Vec<kernel::Function>, helper::Helpers) {
    let prefix = names::prefix(program);
    // Kernels come first: they decide which helper functions exist. Then again: no local name hides a helper.
    let mut helpers = helper::Helpers::new(&prefix, arm_dsp);
    kernel::functions(program, &mut helpers, &BTreeSet::new());
    let taken = helpers.names();
    let kernels = kernel::functions(program, &mut helpers, &taken);
    let mut locals = helpers.words();
    locals.extend(kernels.iter().flat_map(|k| k.names.iter().cloned()));
    let symbols = names::Symbols::new(program, prefix, &taken, &locals);
    (symbols, kernels, helpers)
}
