//! Functions at the edges of the network, in the header: from real numbers to inputs, from outputs to real numbers and
//! to a class. They are inline, so that a firmware pays only for what it calls.

use super::comment::block;
use super::doc::Doc;
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

/// The first line of a function of the header.
fn head(result: &str, name: String, params: &[String]) -> String {
    let params = params.iter().map(|p| Doc::from(p.as_str())).collect();
    Doc::list(format!("static inline {result} {name}("), params, ")").render(0)
}

fn round_clamp(prefix: &str) -> String {
    let params = ["float x", "int32_t zero_point", "int32_t lo", "int32_t hi"].map(String::from);
    let head = head("int32_t", format!("{prefix}_round_clamp"), &params);
    format!(
        "/* zero_point + x rounded to the nearest integer, ties to even, clamped to lo .. hi; NaN gives\n \
          * zero_point. */\n{head}\n{{\n    \
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
    let head = head(
        "void",
        format!("{prefix}_quantize_{name}"),
        &["const float *real".into(), format!("{ty} *{name}")],
    );
    let args = ["x".into(), format!("{macros}_ZERO_POINT"), lo.to_string(), hi.to_string()].map(Doc::from);
    let stored = Doc::list(format!("({ty}){prefix}_round_clamp("), args.into(), ");");
    let assign = Doc::hang(format!("{name}[index] ="), stored).render(8);
    let mut out = block(&format!("Fills {name} from {macros}_LEN real numbers."), 0);
    let _ = write!(
        out,
        "{head}\n{{\n    \
             int32_t index;\n    \
             for (index = 0; index < {macros}_LEN; index++) {{\n        \
                 const float x = real[index] / {macros}_SCALE;\n        \
                 {assign}\n    }}\n}}\n\n"
    );
    out
}

fn dequantize(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let ty = memory_type(data.scalar);
    // The difference of 32-bit numbers needs more bits.
    let stored = if data.scalar.size() > 2 { "(int64_t)" } else { "" };
    let head = head(
        "void",
        format!("{prefix}_dequantize_{name}"),
        &[format!("const {ty} *{name}"), "float *real".into()],
    );
    let comment = block(&format!("The {macros}_LEN real numbers that {name} stands for."), 0);
    let product = vec![
        format!("(float)({stored}{name}[index] - {macros}_ZERO_POINT)").into(),
        Doc::Line,
        format!("* {macros}_SCALE;").into(),
    ];
    let assign = Doc::hang("real[index] =", Doc::Group(product)).render(8);
    format!(
        "{comment}{head}\n{{\n    \
             int32_t index;\n    \
             for (index = 0; index < {macros}_LEN; index++) {{\n        \
                 {assign}\n    }}\n}}\n\n"
    )
}

fn argmax(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let data = &program.buffers[buffer];
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let ty = memory_type(data.scalar);
    let head = head("int32_t", format!("{prefix}_argmax_{name}"), &[format!("const {ty} *{name}")]);
    let comment = block(&format!("The position of the greatest element of {name}, the first of several."), 0);
    format!(
        "{comment}{head}\n{{\n    \
             int32_t best = 0;\n    \
             int32_t index;\n    \
             for (index = 1; index < {macros}_LEN; index++) {{\n        \
                 if ({name}[index] > {name}[best]) {{\n            best = index;\n        }}\n    }}\n    \
             return best;\n}}\n\n"
    )
}
