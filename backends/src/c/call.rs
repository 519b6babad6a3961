//! How C code calls the network: the memory that the caller owns, and the call itself. The example in the header and the
//! programs of packages are made of it; it compiles as C and as C++.

use super::names::Symbols;
use super::reserved::is_library;
use super::scalar::memory_type;
use tinyc_ir::loops::{Buffer, Program, Scalar};

/// What a program that calls the network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What every name begins with.
    pub prefix: String,
    /// Definitions of inputs, outputs, state and arena as static variables, a line each.
    pub memory: Vec<String>,
    /// The statement that begins a sequence, if there is a state.
    pub begin: Option<String>,
    /// The call as an expression: `kws_run(input, output, &arena)`.
    pub run: String,
    /// Inputs, in order.
    pub inputs: Vec<Port>,
    /// Outputs, in order.
    pub outputs: Vec<Port>,
}

/// An input or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The variable; one without elements has none, and is passed as `NULL`.
    pub name: String,
    /// Its elements.
    pub scalar: Scalar,
    /// How many.
    pub len: usize,
    /// The header's function that finds its greatest element, if there is one.
    pub argmax: Option<String>,
}

impl Call {
    /// No variable has a name that is taken, or one of the C library's.
    pub(super) fn new(program: &Program, symbols: &Symbols, is_taken: &dyn Fn(&str) -> bool) -> Self {
        let (prefix, upper) = (&symbols.prefix, &symbols.upper);
        let both = || program.inputs.iter().chain(&program.outputs);
        let variable = |b: Buffer| {
            let mut name = symbols.buffer(b).to_owned();
            let others = |name: &str| both().any(|&other| other != b && symbols.buffer(other) == name);
            while is_taken(&name) || is_library(&name) || others(&name) {
                name.push_str("_buffer");
            }
            name
        };
        let port = |&buffer: &Buffer| {
            let data = &program.buffers[buffer];
            let argmax = super::edge::has_argmax(program, buffer)
                .then(|| format!("{prefix}_argmax_{}", symbols.buffer(buffer)));
            Port { name: variable(buffer), scalar: data.scalar, len: data.len, argmax }
        };
        let define = |&b: &Buffer| {
            let (ty, face) = (memory_type(program.buffers[b].scalar), symbols.face(b));
            format!("static {ty} {}[{face}_LEN];", variable(b))
        };
        let mut memory: Vec<String> = both().filter(|&&b| program.buffers[b].len > 0).map(define).collect();
        let mut arguments = Vec::new();
        let stateful = program.state_bytes() > 0;
        if stateful {
            memory.push(format!("static {prefix}_state state;"));
            arguments.push("&state".to_owned());
        }
        arguments.extend(both().map(|&b| match program.buffers[b].len {
            0 => "NULL".to_owned(),
            _ => variable(b),
        }));
        if program.arena_bytes > 0 {
            memory.push(format!(
                "static union {{ uint8_t bytes[{upper}_ARENA_BYTES]; uint64_t align; }} arena;"
            ));
            arguments.push("&arena".into());
        } else {
            arguments.push("NULL".into());
        }
        Self {
            prefix: prefix.clone(),
            memory,
            begin: stateful.then(|| format!("{prefix}_init(&state);")),
            run: format!("{prefix}_run({})", arguments.join(", ")),
            inputs: program.inputs.iter().map(port).collect(),
            outputs: program.outputs.iter().map(port).collect(),
        }
    }
}
