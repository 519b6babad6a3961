//! Functions at the edges of the network, in the header: from real numbers to inputs, from outputs to real numbers and
//! to a class. They are inline, so that a firmware pays only for what it calls.

use super::names::Symbols;
use super::scalar::memory_type;
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Program, Scalar};

/// The functions that make sense for this program; empty if none does.
pub(super) fn helpers(program: &Program, symbols: &Symbols) -> String {
    let mut body = String::new();
    let quantized: Vec<Buffer> =
        program.inputs.iter().copied().filter(|&b| small_range(program, b).is_some()).collect();
    if !quantized.is_empty() {
        body.push_str(&round_clamp(&symbols.prefix));
    }
    for buffer in quantized {
        body.push_str(&quantize(program, symbols, buffer));
    }
    for &buffer in &program.outputs {
        if program.buffers[buffer].face.as_ref().is_some_and(|f| f.quant.is_some()) {
            body.push_str(&dequantize(program, symbols, buffer));
        }
        if program.buffers[buffer].len > 1 && program.buffers[buffer].scalar != Scalar::Bool {
            body.push_str(&argmax(program, symbols, buffer));
        }
    }
    if body.is_empty() {
        return body;
    }
    let upper = &symbols.upper;
    format!("#ifndef {upper}_NO_HELPERS\n\n{body}#endif /* {upper}_NO_HELPERS */\n\n")
}

/// The range of a quantised buffer whose numbers are so few that floats hold all of them.
fn small_range(program: &Program, buffer: Buffer) -> Option<(i128, i128)> {
    let data = &program.buffers[buffer];
    data.face.as_ref()?.quant?;
    data.scalar.int_range().filter(|_| data.scalar.size() <= 2)
}

fn round_clamp(prefix: &str) -> String {
    format!(
        "/* zero_point + x rounded to the nearest integer, ties to even, clamped to lo .. hi; NaN gives zero_point. */\n\
         static inline int32_t {prefix}_round_clamp(float x, int32_t zero_point, int32_t lo, int32_t hi)\n{{\n    \
             int32_t whole;\n    \
             float rest;\n    \
             if (x != x) {{\n        return zero_point;\n    }}\n    \
             if (x <= (float)(lo - zero_point)) {{\n        return lo;\n    }}\n    \
             if (x >= (float)(hi - zero_point)) {{\n        return hi;\n    }}\n    \
             whole = (int32_t)x;\n    \
             rest = x - (float)whole;\n    \
             if (rest > 0.5f || (rest == 0.5f && whole % 2 != 0)) {{\n        whole += 1;\n    }}\n    \
             if (rest < -0.5f || (rest == -0.5f && whole % 2 != 0)) {{\n        whole -= 1;\n    }}\n    \
             return zero_point + whole;\n}}\n\n"
    )
}

fn quantize(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let ty = memory_type(data.scalar);
    let (lo, hi) = small_range(program, buffer).unwrap_or_default();
    let mut out = format!("/* Fills {name} from {macros}_LEN real numbers. */\n");
    let _ = write!(
        out,
        "static inline void {prefix}_quantize_{name}(const float *real, {ty} *{name})\n{{\n    \
             int32_t index;\n    \
             for (index = 0; index < {macros}_LEN; index++) {{\n        \
                 const float x = real[index] / {macros}_SCALE;\n        \
                 {name}[index] =\n            \
                     ({ty}){prefix}_round_clamp(x, {macros}_ZERO_POINT, {lo}, {hi});\n    }}\n}}\n\n"
    );
    out
}

fn dequantize(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let ty = memory_type(data.scalar);
    // The difference of 32-bit numbers needs more bits.
    let stored = if data.scalar.size() > 2 { "(int64_t)" } else { "" };
    format!(
        "/* The {macros}_LEN real numbers that {name} stands for. */\n\
         static inline void {prefix}_dequantize_{name}(const {ty} *{name}, float *real)\n{{\n    \
             int32_t index;\n    \
             for (index = 0; index < {macros}_LEN; index++) {{\n        \
                 real[index] = (float)({stored}{name}[index] - {macros}_ZERO_POINT) * {macros}_SCALE;\n    }}\n}}\n\n"
    )
}

fn argmax(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let ty = memory_type(data.scalar);
    format!(
        "/* The position of the greatest element of {name}, the first of several. */\n\
         static inline int32_t {prefix}_argmax_{name}(const {ty} *{name})\n{{\n    \
             int32_t best = 0;\n    \
             int32_t index;\n    \
             for (index = 1; index < {macros}_LEN; index++) {{\n        \
                 if ({name}[index] > {name}[best]) {{\n            best = index;\n        }}\n    }}\n    \
             return best;\n}}\n\n"
    )
}
