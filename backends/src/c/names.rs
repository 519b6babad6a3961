//! Which identifier everything gets: unique, never a keyword, never a name of the headers in use.

use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Buffer, Kernel, Place, Program};

/// Keywords of C11 and C++, and macros that common compilers predefine or `<stdint.h>` and `<stddef.h>` may define.
const RESERVED: &[&str] = &[
    "NULL",
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "arm",
    "asm",
    "assert",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "compl",
    "const",
    "const_cast",
    "constexpr",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "far",
    "float",
    "for",
    "friend",
    "goto",
    "huge",
    "if",
    "inline",
    "int",
    "interrupt",
    "linux",
    "long",
    "main",
    "mutable",
    "namespace",
    "near",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "offsetof",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "riscv",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "stderr",
    "stdin",
    "stdout",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
];

/// Whether C, C++ or the included headers own the name.
fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name).is_ok()
        || name.starts_with('_')
        || name.ends_with("_t")
        || ["INT", "UINT", "SIZE_", "PTRDIFF_"].iter().any(|p| name.starts_with(p))
}

/// A set of names in one scope.
#[derive(Clone, Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Beginnings that belong to the enclosing scope.
    foreign: Vec<String>,
}

impl Names {
    /// The scope of a function of the given program: names of the file's own scope cannot be had.
    pub(super) fn local(prefix: &str) -> Self {
        let foreign = vec![format!("{prefix}_"), format!("{}_", prefix.to_uppercase())];
        Self { taken: BTreeSet::new(), foreign }
    }

    /// The name, or one close to it that is free; it is taken from now on.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut base: String =
            wanted.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        // A double underscore is reserved in C++, a leading one at file scope.
        while base.contains("__") {
            base = base.replace("__", "_");
        }
        if base.starts_with(|c: char| c == '_' || c.is_ascii_digit()) || base.is_empty() {
            base = format!("n{base}");
        }
        if self.foreign.iter().any(|f| base.starts_with(f.as_str())) {
            base = format!("local_{base}");
        }
        if is_reserved(&base) {
            base.push_str("_x");
        }
        unique(&mut self.taken, base)
    }

    /// Takes a name that is fixed.
    pub(super) fn reserve(&mut self, name: impl Into<String>) {
        self.taken.insert(name.into());
    }
}

/// What every name of the program's at file scope starts with: the program's name as a legal identifier.
pub(super) fn prefix(program: &Program) -> String {
    Names { taken: BTreeSet::new(), foreign: Vec::new() }.fresh(&program.name)
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

/// The identifiers of one program.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    /// What every name at file scope starts with: the program's name.
    pub(super) prefix: String,
    /// What every macro starts with.
    pub(super) upper: String,
    buffers: Vec<String>,
    /// The middle of an input's or output's macros; empty for other buffers.
    macros: Vec<String>,
    kernels: Vec<String>,
}

impl Symbols {
    /// Names for everything in the program. Constants and kernels live at file scope, the rest in `run`.
    ///
    /// `taken` are names at file scope that are not free: the helper functions in use.
    pub(super) fn new(program: &Program, prefix: String, taken: impl IntoIterator<Item = String>) -> Self {
        let upper = prefix.to_uppercase();
        let mut local = Names::local(&prefix);
        ["arena", "state", "memory", "kept", "status", "index", "real"]
            .into_iter()
            .for_each(|n| local.reserve(n));
        let mut upper_names: BTreeSet<String> = ["ARENA", "STATE"].map(String::from).into();

        let mut buffers = vec![String::new(); program.buffers.len()];
        let mut macros = buffers.clone();
        // The face first: its names are the user's own wherever possible.
        for &buffer in program.inputs.iter().chain(&program.outputs) {
            if buffers[buffer.index()].is_empty() {
                let name = local.fresh(&program.buffers[buffer].name);
                macros[buffer.index()] = unique(&mut upper_names, name.to_uppercase());
                buffers[buffer.index()] = name;
            }
        }
        let mut global = Names { taken: taken.into_iter().collect(), foreign: Vec::new() };
        ["run", "round_clamp"].into_iter().for_each(|n| global.reserve(format!("{prefix}_{n}")));
        for &buffer in program.inputs.iter().chain(&program.outputs) {
            for verb in ["quantize", "dequantize", "argmax"] {
                global.reserve(format!("{prefix}_{verb}_{}", buffers[buffer.index()]));
            }
        }
        // A program whose name is all capitals: lower case keeps its functions apart from its macros.
        let file_scope = |name: &str| match prefix == upper {
            true => format!("{prefix}_{}", name.to_lowercase()),
            false => format!("{prefix}_{name}"),
        };
        for (buffer, data) in program.buffers.iter() {
            if buffers[buffer.index()].is_empty() {
                buffers[buffer.index()] = match data.place {
                    Place::Flash(_) => global.fresh(&file_scope(&data.name)),
                    _ => local.fresh(&data.name),
                };
            }
        }
        let kernels = program.kernels.values().map(|k| global.fresh(&file_scope(&k.name))).collect();
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
    fn reserved_names_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn every_name_is_new_and_legal() {
        let mut names = Names::local("net");
        let got: Vec<_> =
            ["x", "x", "int", "int8_t", "net_x", "NET_LEN", "a__b", "9", "_q"].map(|n| names.fresh(n)).into();
        let want = ["x", "x_2", "int_x", "int8_t_x", "local_net_x", "local_NET_LEN", "a_b", "n9", "n_q"];
        assert_eq!(got, want);
    }
}
