//! The emitted `.h` file: how a user calls the network, its sizes and scales. The helper functions are in
//! [`super::edge`].

use super::Options;
use super::call::Call;
use super::comment::block;
use super::doc::Doc;
use super::edge;
use super::names::Symbols;
use super::scalar::memory_type;
use super::state;
use crate::text::comment::{harmless, short};
use crate::text::describe::{arena_align, fail_codes};
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Program, Scalar};
use tinyc_ir::wording::grouped;

/// The whole header.
pub(super) fn header(program: &Program, symbols: &Symbols, options: &Options) -> String {
    let (prefix, upper) = (&symbols.prefix, &symbols.upper);
    let mut out = format!("/* {prefix}: made by {}; do not edit.\n *\n", harmless(&options.generator));
    out.push_str(&usage(program, symbols));
    let _ = write!(
        out,
        " */\n#ifndef {upper}_H\n#define {upper}_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
    );
    let _ = write!(
        out,
        "/* Working memory of {prefix}_run; its contents need not survive between runs. */\n\
         #define {upper}_ARENA_BYTES {}\n#define {upper}_ARENA_ALIGN {}\n\n",
        program.arena_bytes,
        arena_align(program)
    );
    out.push_str(&state::declaration(program, symbols));
    for (what, buffers) in [("Input", &program.inputs), ("Output", &program.outputs)] {
        for (i, &buffer) in buffers.iter().enumerate() {
            out.push_str(&face(program, symbols, &format!("{what} {i}"), buffer));
        }
    }
    out.push_str(&codes(program, prefix));
    let _ = writeln!(out, "{};\n", run_prototype(program, symbols).render(0));
    out.push_str(&edge::helpers(program, symbols));
    let _ = write!(out, "#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {upper}_H */\n");
    out
}

/// `int kws_run(const int8_t input[490], int8_t output[12], void *arena)`.
pub(super) fn run_prototype(program: &Program, symbols: &Symbols) -> Doc {
    let param = |&buffer: &Buffer, constant: &str| {
        let data = &program.buffers[buffer];
        let (ty, name) = (memory_type(data.scalar), symbols.buffer(buffer));
        // An array of no elements does not exist in C.
        match data.len {
            0 => Doc::from(format!("{constant}{ty} *{name}")),
            len => Doc::from(format!("{constant}{ty} {name}[{len}]")),
        }
    };
    let mut params: Vec<Doc> = Vec::new();
    if program.state_bytes() > 0 {
        params.push(format!("{}_state *state", symbols.prefix).into());
    }
    params.extend(program.inputs.iter().map(|b| param(b, "const ")));
    params.extend(program.outputs.iter().map(|b| param(b, "")));
    params.push("void *arena".into());
    Doc::list(format!("int {}_run(", symbols.prefix), params, ")")
}

/// The documentation at the top, with an example that compiles as C and as C++.
fn usage(program: &Program, symbols: &Symbols) -> String {
    let prefix = &symbols.prefix;
    let mut lines = vec![
        format!("A neural network as one function. It uses no heap and no global variable: what it needs is"),
        format!(
            "{} bytes of memory that the caller lends it for each run, and constants.",
            grouped(program.arena_bytes)
        ),
        String::new(),
        format!("    #include \"{prefix}.h\""),
        String::new(),
    ];
    let call = Call::new(program, symbols, &|_| false);
    lines.extend(call.memory.iter().map(|line| format!("    {line}")));
    lines.push(String::new());
    lines.extend(call.begin.iter().map(|line| format!("    {line}")));
    lines.push(format!("    int status = {};", call.run));
    let mut out = String::new();
    for line in lines {
        out.push_str(format!(" * {line}").trim_end());
        out.push('\n');
    }
    out
}

/// The macros of one input or output.
fn face(program: &Program, symbols: &Symbols, title: &str, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let macros = symbols.face(buffer);
    let tensor = data.tensor.as_deref().map(|t| format!(", tensor {}", short(t))).unwrap_or_default();
    let mut text = format!("{title}: {}{tensor}.", symbols.buffer(buffer));
    if data.len == 0 {
        text.push_str(" It has no elements: the pointer is never used, and NULL will do.");
    }
    let quant = data.face.as_ref().and_then(|f| f.quant);
    if quant.is_some() {
        text.push_str(" real = scale * (stored - zero point).");
    }
    match data.elements().0 {
        dtype if dtype.is_half() => {
            let format = if dtype == Scalar::F16 { "IEEE binary16" } else { "the upper half of a float" };
            let _ = write!(text, " Half floats by their bits: {format}.");
        }
        dtype => {
            if let Some(count) = dtype.packed() {
                let _ = write!(
                    text,
                    " Elements of type {dtype}, {count} to a byte, the first in the lowest bits."
                );
            }
        }
    }
    let mut out = block(&text, 0);
    let _ = write!(out, "#define {macros}_LEN {}\n#define {macros}_ALIGN {}\n", data.len, data.align);
    if let Some((_, count)) = data.packed {
        let _ = writeln!(out, "#define {macros}_ELEMENTS {count}");
    }
    if let Some(face) = &data.face {
        let _ = writeln!(out, "#define {macros}_RANK {}", face.shape.len());
        for (i, dim) in face.shape.iter().enumerate() {
            let _ = writeln!(out, "#define {macros}_DIM{i} {dim}");
        }
    }
    if let Some((scale, zero_point)) = quant {
        let _ = writeln!(out, "#define {macros}_SCALE {scale:?}f");
        let zero = if zero_point < 0 { format!("({zero_point})") } else { zero_point.to_string() };
        let _ = writeln!(out, "#define {macros}_ZERO_POINT {zero}");
    }
    out.push('\n');
    out
}

/// What `run` returns, as the comment above its prototype.
fn codes(program: &Program, prefix: &str) -> String {
    let codes = fail_codes(program);
    let mut out = String::from(
        "/* Runs the network once. Inputs are read, outputs are written whole. The arena must be aligned to\n \
         * the number of bytes above, inputs and outputs likewise; none of them may overlap.\n",
    );
    if program.state_bytes() > 0 {
        out.push_str(" * The state is read and then holds what the next run starts from.\n");
    }
    if codes.is_empty() {
        out.push_str(" * Returns 0: nothing in this network can fail. */\n");
        return out;
    }
    let _ = writeln!(
        out,
        " * Returns 0, or if {prefix}_run cannot go on with the given numbers (outputs are then undefined):"
    );
    for (code, layers) in codes {
        let word = if layers.len() == 1 { "layer" } else { "layers" };
        let _ = writeln!(
            out,
            " *   {code}: a number that selects data is out of range in {word} {}",
            layers.join(", ")
        );
    }
    out.push_str(" */\n");
    out
}
