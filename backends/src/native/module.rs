//! A whole program as functions of words, with its constant data: what a native backend turns into an object.

use super::{Function, Machine, kernel, run};
use crate::data::Data;
use std::collections::BTreeSet;
use tinyc_ir::loops::Program;

/// A program in functions.
#[derive(Clone, Debug)]
pub struct Module {
    /// One function per kernel, in the program's order, then the entry function `NAME_run`. A kernel takes the addresses
    /// of its parameters in their order; it returns a code if some `fail` is in it, else nothing. The entry takes
    /// the state if there is any, the inputs, the outputs, and the arena, and returns 0 or the code.
    pub functions: Vec<Function>,
    /// The program's constants.
    pub data: Data,
    /// The routines that the functions call, by name.
    pub routines: BTreeSet<&'static str>,
}

/// Builds all functions of a verified program for a machine.
///
/// The i-th call of a kernel in the entry function is `program.calls[i]`.
pub fn build(program: &Program, machine: &Machine) -> Module {
    let mut routines = BTreeSet::new();
    let data = Data::new(program);
    let kernels = program.kernels.values();
    let mut functions: Vec<Function> = kernels.map(|k| kernel::function(k, machine, &mut routines)).collect();
    functions.push(run::function(program, &data, machine));
    Module { functions, data, routines }
}
