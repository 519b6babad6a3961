//! Which identifier everything gets: unique, never a keyword, never a name of the headers in use, never a macro of those that
//! the user's program includes.

use super::reserved::{is_header, is_library, is_word};
use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Buffer, Kernel, Place, Program};

/// A set of names in one scope.
#[derive(Clone, Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Beginnings that belong to the header's names.
    foreign: Vec<String>,
    /// Whether the names are at file scope, where compilers know the C library's.
    file_scope: bool,
}

impl Names {
    /// The scope of a function of the given program; names that it must not hide are taken.
    pub(super) fn local(prefix: &str, taken: BTreeSet<String>) -> Self {
        let foreign = vec![format!("{prefix}_"), format!("{}_", prefix.to_uppercase())];
        Self { taken, foreign, file_scope: false }
    }

    /// The names that are private to the emitted source file.
    fn file(prefix: &str, taken: BTreeSet<String>) -> Self {
        Self { file_scope: true, ..Self::local(prefix, taken) }
    }

    /// The name, or one close to it that is free; it is taken from now on.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut base = legal(wanted);
        // A name in capitals is a macro somewhere: `EOF` and `I` in C, `SP` and `GPIOA` on chips, `PI` and `B0` on Arduino.
        if !base.contains(|c: char| c.is_ascii_lowercase()) {
            base.make_ascii_lowercase();
        }
        if self.foreign.iter().any(|f| base.starts_with(f.as_str())) {
            base = format!("local_{base}");
        }
        if is_word(&base) || self.file_scope && is_library(&base) {
            base.push_str("_x");
        }
        unique(&mut self.taken, base)
    }

    /// Takes a name that is fixed.
    pub(super) fn reserve(&mut self, name: impl Into<String>) {
        self.taken.insert(name.into());
    }
}

/// What every name in the header starts with: the program's name as a legal identifier. Files are named after it too.
pub(super) fn prefix(program: &Program) -> String {
    let mut name = legal(&program.name);
    if is_word(&name) || is_library(&name) || is_header(&name) {
        name.push_str("_x");
    }
    name
}

/// The name as an identifier that C and C++ do not reserve by its form: they do with a double underscore, and at file
/// scope with a leading one.
fn legal(wanted: &str) -> String {
    let mut name: String =
        wanted.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    if name.starts_with(|c: char| c == '_' || c.is_ascii_digit()) || name.is_empty() {
        name = format!("n{name}");
    }
    name
}

/// The name, with a number behind it if it is taken; it is taken from now on.
fn unique(taken: &mut BTreeSet<String>, base: String) -> String {
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}_{number}");
        number += 1;
    }
    name
}

/// Names that `run`, or a function of the header, uses for itself.
const RUN_LOCALS: [&str; 11] =
    ["arena", "state", "memory", "kept", "status", "index", "real", "steps", "stored", "bits", "best"];

/// The longest name of a tensor that a line of code bears.
const LONGEST: usize = 20;

/// The first layer that writes a buffer.
fn writer(program: &Program, buffer: Buffer) -> Option<usize> {
    program.calls.iter().position(|call| {
        let params = program.kernels[call.kernel].params.values();
        params.zip(&call.args).any(|(p, &arg)| arg == buffer && p.access != Access::Read)
    })
}

/// The identifiers of one program.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    /// What every name in the header starts with: the program's name.
    pub(super) prefix: String,
    /// What every macro starts with.
    pub(super) upper: String,
    buffers: Vec<String>,
    /// The middle of an input's or output's macros; empty for other buffers.
    macros: Vec<String>,
    kernels: Vec<String>,
}

impl Symbols {
    /// Names for everything in the program. Constants and kernels are private to the source file, so their names are
    /// plain; what the header declares carries the program's name.
    ///
    /// `helpers` are the functions at file scope that exist already, `locals` the names inside functions, which must
    /// not hide any at file scope.
    pub(super) fn new(
        program: &Program,
        prefix: String,
        helpers: &BTreeSet<String>,
        locals: &BTreeSet<String>,
    ) -> Self {
        let upper = prefix.to_uppercase();
        let mut run = Names::local(&prefix, helpers.clone());
        RUN_LOCALS.iter().for_each(|&n| run.reserve(n));
        let mut upper_names: BTreeSet<String> = ["ARENA", "STATE"].map(String::from).into();

        let mut buffers = vec![String::new(); program.buffers.len()];
        let mut macros = buffers.clone();
        // The face first: its names are the user's own wherever possible.
        for &buffer in program.inputs.iter().chain(&program.outputs) {
            if buffers[buffer.index()].is_empty() {
                let name = run.fresh(&program.buffers[buffer].name);
                macros[buffer.index()] = unique(&mut upper_names, name.to_uppercase());
                buffers[buffer.index()] = name;
            }
        }
        for (buffer, _) in program.states() {
            buffers[buffer.index()] = run.fresh(&program.buffers[buffer].name);
        }
        let mut file = Names::file(&prefix, run.taken.union(locals).cloned().collect());
        for (buffer, data) in program.buffers.iter().filter(|(_, data)| matches!(data.place, Place::Flash(_)))
        {
            if buffers[buffer.index()].is_empty() {
                buffers[buffer.index()] = file.fresh(&data.name);
                run.reserve(&buffers[buffer.index()]);
            }
        }
        let kernels: Vec<String> = program.kernels.values().map(|k| file.fresh(&k.name)).collect();
        kernels.iter().for_each(|name| run.reserve(name));
        for (buffer, data) in program.buffers.iter() {
            if buffers[buffer.index()].is_empty() {
                // The table at the top of the file says which tensor it is.
                let layer = writer(program, buffer).filter(|_| data.name.len() > LONGEST);
                buffers[buffer.index()] = match layer {
                    Some(layer) => run.fresh(&format!("l{layer}_out")),
                    None => run.fresh(&data.name),
                };
            }
        }
        Self { prefix, upper, buffers, macros, kernels }
    }

    /// The identifier of a buffer: a parameter or a local of `run`, or a constant at file scope.
    pub(super) fn buffer(&self, buffer: Buffer) -> &str {
        &self.buffers[buffer.index()]
    }

    /// The beginning of the macros that describe an input or output, `KWS_INPUT`.
    pub(super) fn face(&self, buffer: Buffer) -> String {
        format!("{}_{}", self.upper, self.macros[buffer.index()])
    }

    /// The identifier of a kernel's function.
    pub(super) fn kernel(&self, kernel: Kernel) -> &str {
        &self.kernels[kernel.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_new_and_legal() {
        let mut names = Names::local("net", BTreeSet::new());
        let got: Vec<_> =
            ["x", "x", "int", "int8_t", "net_x", "NET_Len", "a__b", "9", "_q"].map(|n| names.fresh(n)).into();
        let want = ["x", "x_2", "int_x", "int8_t_x", "local_net_x", "local_NET_Len", "a_b", "n9", "n_q"];
        assert_eq!(got, want);
    }

    #[test]
    fn no_name_is_in_capitals_as_macros_are() {
        let mut names = Names::local("net", BTreeSet::new());
        let got: Vec<_> =
            ["PI", "B0", "RAND_MAX", "NULL", "DEFAULT", "Gemm", "pi"].map(|n| names.fresh(n)).into();
        assert_eq!(got, ["pi", "b0", "rand_max", "null", "default_x", "Gemm", "pi_2"]);
    }

    #[test]
    fn a_private_name_hides_neither_the_headers_nor_the_librarys() {
        let mut names = Names::file("net", ["min_i32".into()].into());
        let got: Vec<_> = ["exp", "min_i32", "net_run", "NET_Len", "conv1"].map(|n| names.fresh(n)).into();
        assert_eq!(got, ["exp_x", "min_i32_2", "local_net_run", "local_NET_Len", "conv1"]);
    }
}
