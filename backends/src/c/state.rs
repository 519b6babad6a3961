//! The header's part for memory that a network keeps between runs: a struct, and the function that fills it for the first.

use super::names::Symbols;
use super::scalar::memory_type;
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Place, Program, Scalar};

/// The struct `NAME_state` with its sizes and `NAME_init`; nothing for a network without a state.
///
/// Where every byte belongs to a carried tensor and lies where C puts it, the struct has a member for each; else it is
/// bytes.
pub(super) fn declaration(program: &Program, symbols: &Symbols) -> String {
    let bytes = program.state_bytes();
    if bytes == 0 {
        return String::new();
    }
    let (prefix, upper) = (&symbols.prefix, &symbols.upper);
    let members = members(program);
    let kept = |b: &&tinyc_ir::loops::BufferData| matches!(b.place, Place::State(_));
    let align = program.buffers.values().filter(kept).map(|b| b.align).max().unwrap_or(1);
    let mut out = format!(
        "/* What {prefix}_run keeps from one run for the next. */\n\
         #define {upper}_STATE_BYTES {bytes}\n#define {upper}_STATE_ALIGN {align}\n\ntypedef struct {{\n"
    );
    for &buffer in members.iter().flatten() {
        let data = &program.buffers[buffer];
        let _ = writeln!(out, "    {} {}[{}];", memory_type(data.scalar), symbols.buffer(buffer), data.len);
    }
    if members.is_none() {
        let _ = writeln!(
            out,
            "    union {{\n        uint8_t bytes[{bytes}];\n        uint64_t align;\n    }} memory;"
        );
    }
    let _ = write!(
        out,
        "}} {prefix}_state;\n\n\
         /* Begins a new sequence. Call it before the first run. */\n\
         static inline void {prefix}_init({prefix}_state *state)\n{{\n    size_t i;\n"
    );
    match &members {
        Some(members) => members.iter().for_each(|&buffer| fill(&mut out, program, symbols, buffer)),
        None => {
            let _ = write!(
                out,
                "    for (i = 0; i < {bytes}; i++) {{\n        state->memory.bytes[i] = 0;\n    }}\n"
            );
        }
    }
    out.push_str("}\n\n");
    out
}

/// The carried tensors in the order of their offsets, if a struct of them is the whole state.
fn members(program: &Program) -> Option<Vec<Buffer>> {
    let mut end = 0usize;
    let states: Vec<(Buffer, u32)> =
        program.states().into_iter().filter(|&(buffer, _)| program.buffers[buffer].len > 0).collect();
    for &(buffer, offset) in &states {
        let data = &program.buffers[buffer];
        // Members of falling size leave no gap on any machine.
        let natural = data.align as usize == data.scalar.size();
        if offset as usize != end || !natural || !(offset as usize).is_multiple_of(data.scalar.size()) {
            return None;
        }
        end += data.bytes();
    }
    (end == program.state_bytes()).then(|| states.into_iter().map(|(buffer, _)| buffer).collect())
}

/// The loop that sets a tensor to zero.
fn fill(out: &mut String, program: &Program, symbols: &Symbols, buffer: Buffer) {
    let data = &program.buffers[buffer];
    let zero = data.face.as_ref().and_then(|face| face.quant).map_or(0, |(_, zero_point)| zero_point);
    let zero = match data.scalar {
        Scalar::F32 => "0.0f".to_string(),
        Scalar::F64 => "0.0".to_string(),
        _ => zero.to_string(),
    };
    let _ = write!(
        out,
        "    for (i = 0; i < {}; i++) {{\n        state->{}[i] = {zero};\n    }}\n",
        data.len,
        symbols.buffer(buffer)
    );
}
