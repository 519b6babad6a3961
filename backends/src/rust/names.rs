//! Which identifier everything gets: unique, in Rust's style, never a keyword, never a function of the module.

use super::layout::Variant;
use super::reserved::is_word;
use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Buffer, Place, Program};

/// The longest name of a tensor that a line of code bears.
const LONGEST: usize = 20;

/// Names that functions beside `run` use for themselves while they read an input or output.
const EDGE_LOCALS: [&str; 5] = ["real", "stored", "best", "most", "i"];

/// A set of names in one scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// The name in snake case, or one close to it that is free; it is taken from now on.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut base = snake(wanted);
        if is_word(&base) {
            base.push_str("_x");
        }
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    }
}

/// Lower case, digits and single underscores, a letter first.
fn snake(wanted: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut name: String = wanted.chars().map(plain).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    let name = name.trim_end_matches('_');
    match name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => name.to_owned(),
        false => format!("n{name}"),
    }
}

/// The name of the program's module.
pub(super) fn module(program: &Program) -> String {
    Names::default().fresh(&program.name)
}

/// The identifiers of one program.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    pub(super) module: String,
    buffers: Vec<String>,
    functions: Vec<String>,
}

impl Symbols {
    pub(super) fn new(program: &Program, variants: &[Variant]) -> Self {
        let mut buffers = vec![String::new(); program.buffers.len()];
        let mut names = Names { taken: EDGE_LOCALS.map(String::from).into() };
        // The face first: its names are the user's own wherever possible.
        for &buffer in program.inputs.iter().chain(&program.outputs) {
            if buffers[buffer.index()].is_empty() {
                buffers[buffer.index()] = names.fresh(&program.buffers[buffer].name);
            }
        }
        for name in buffers.iter().filter(|name| !name.is_empty()) {
            for edge in ["quantize", "dequantize", "argmax"] {
                names.taken.insert(format!("{edge}_{name}"));
            }
            for constant in ["len", "elements", "shape", "scale", "zero_point"] {
                names.taken.insert(format!("{name}_{constant}"));
            }
        }
        for (buffer, data) in program.buffers.iter().filter(|(_, d)| matches!(d.place, Place::Flash(_))) {
            if buffers[buffer.index()].is_empty() {
                buffers[buffer.index()] = names.fresh(&data.name).to_uppercase();
            }
        }
        let functions = variants.iter().map(|v| names.fresh(&program.kernels[v.kernel].name)).collect();
        for (buffer, data) in program.buffers.iter() {
            if buffers[buffer.index()].is_empty() {
                // The table at the top of the file says which tensor it is.
                let layer = writer(program, buffer).filter(|_| data.name.len() > LONGEST);
                let wanted = layer.map_or(data.name.clone(), |layer| format!("l{layer}_out"));
                buffers[buffer.index()] = names.fresh(&wanted);
            }
        }
        Self { module: module(program), buffers, functions }
    }

    /// The identifier of a buffer: a parameter or a local variable, or a static.
    pub(super) fn buffer(&self, buffer: Buffer) -> &str {
        &self.buffers[buffer.index()]
    }

    /// The beginning of the constants that describe an input or output, `IMAGE`.
    pub(super) fn face(&self, buffer: Buffer) -> String {
        self.buffers[buffer.index()].to_uppercase()
    }

    /// The identifier of a printed function.
    pub(super) fn function(&self, variant: usize) -> &str {
        &self.functions[variant]
    }
}

/// The first layer that writes a buffer.
fn writer(program: &Program, buffer: Buffer) -> Option<usize> {
    program.calls.iter().position(|call| {
        let params = program.kernels[call.kernel].params.values();
        params.zip(&call.args).any(|(p, &arg)| arg == buffer && p.access != Access::Read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_new_and_legal() {
        let mut names = Names::default();
        let got: Vec<_> =
            ["x", "X", "loop", "load_i32", "a__B", "9", "_q", "Ünï", "at"].map(|n| names.fresh(n)).into();
        let want = ["x", "x_2", "loop_x", "load_i32_x", "a_b", "n9", "n_q", "n_n", "at_x"];
        assert_eq!(got, want);
    }
}
