//! Functions at the edges of the network, in the header: from real numbers to inputs, from outputs to real numbers and
//! to a class. They are inline, so that a firmware pays only for what it calls.

use super::comment::block;
use super::doc::Doc;
use super::half;
use super::names::Symbols;
use super::scalar::memory_type;
use std::collections::BTreeSet;
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
    body.push_str(&half_conversions(program, symbols));
    for &buffer in &program.inputs {
        if quantized.contains(&buffer) {
            body.push_str(&quantize(program, symbols, buffer));
        } else if program.buffers[buffer].scalar.is_half() {
            body.push_str(&round_half(program, symbols, buffer));
        }
    }
    for &buffer in &program.outputs {
        let data = &program.buffers[buffer];
        if data.len == 0 {
            continue;
        }
        if data.face.as_ref().is_some_and(|f| f.quant.is_some()) {
            body.push_str(&dequantize(program, symbols, buffer));
        } else if data.scalar.is_half() {
            body.push_str(&widen_half(program, symbols, buffer));
        }
        if has_argmax(program, buffer) {
            body.push_str(&argmax(program, symbols, buffer));
        }
    }
    if body.is_empty() {
        return body;
    }
    let upper = &symbols.upper;
    format!("#ifndef {upper}_NO_HELPERS\n\n{body}#endif /* {upper}_NO_HELPERS */\n\n")
}

/// Whether there is a function for the position of the greatest element of this output.
pub(super) fn has_argmax(program: &Program, buffer: Buffer) -> bool {
    let data = &program.buffers[buffer];
    data.len > 0 && data.elements().1 > 1 && data.scalar != Scalar::Bool && data.packed.is_none()
}

/// The range of a quantised buffer whose numbers are so few that floats hold all of them.
fn small_range(program: &Program, buffer: Buffer) -> Option<(i128, i128)> {
    let data = &program.buffers[buffer];
    data.face.as_ref()?.quant.filter(|_| data.len > 0)?;
    let dtype = data.elements().0;
    dtype.int_range().filter(|_| dtype.size() <= 2)
}

/// The functions between floats and the half floats that inputs take or outputs give.
fn half_conversions(program: &Program, symbols: &Symbols) -> String {
    let halves = |buffers: &[Buffer]| -> BTreeSet<Scalar> {
        buffers.iter().map(|&b| program.buffers[b].scalar).filter(|s| s.is_half()).collect()
    };
    let (taken, given) = (halves(&program.inputs), halves(&program.outputs));
    let name = |name: &str| format!("{}_{name}", symbols.prefix);
    let (bits, back) = (name("bits_of_f32"), name("f32_from_bits"));
    let mut out = Vec::new();
    if taken.union(&given).next().is_some() {
        out.extend([half::view(&bits, "float", "uint32_t"), half::view(&back, "uint32_t", "float")]);
    }
    let wide = Scalar::F32;
    for (from, to) in taken.iter().map(|&s| (wide, s)).chain(given.iter().map(|&s| (s, wide))) {
        out.push(half::conversion(from, to, &name(&format!("{from}_to_{to}")), &bits, &back));
    }
    out.into_iter().map(|text| text + "\n").collect()
}

fn round_half(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let half = program.buffers[buffer].scalar;
    let params = ["const float *real".into(), format!("uint16_t *{name}")];
    let head = head("void", format!("{prefix}_quantize_{name}"), &params);
    let comment = block(&format!("Fills {name} from {macros}_LEN real numbers, rounded to the nearest."), 0);
    let value = format!("{prefix}_f32_to_{half}(real[index]);");
    each(&format!("{comment}{head}"), &format!("{macros}_LEN"), &format!("{name}[index] = {value}"))
}

fn widen_half(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    let (prefix, name, macros) = (&symbols.prefix, symbols.buffer(buffer), symbols.face(buffer));
    let half = program.buffers[buffer].scalar;
    let params = [format!("const uint16_t *{name}"), "float *real".into()];
    let head = head("void", format!("{prefix}_dequantize_{name}"), &params);
    let comment = block(&format!("The {macros}_LEN real numbers of {name}."), 0);
    let value = format!("{prefix}_{half}_to_f32({name}[index]);");
    each(&format!("{comment}{head}"), &format!("{macros}_LEN"), &format!("real[index] = {value}"))
}

/// A function that does something for each index below a count.
fn each(head: &str, count: &str, statement: &str) -> String {
    format!(
        "{head}\n{{\n    int32_t index;\n    for (index = 0; index < {count}; index++) {{\n        \
         {statement}\n    }}\n}}\n\n"
    )
}

/// Where element `index` of a packed buffer lies: its byte, its first bit there, and the mask of its bits.
fn packed_place(dtype: Scalar) -> Option<(String, String, u32)> {
    let count = dtype.packed()?;
    let place = format!("{} * (index % {count})", dtype.bits());
    Some((format!("index / {count}"), place, (1 << dtype.bits()) - 1))
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
    let args =
        ["steps".into(), format!("{macros}_ZERO_POINT"), lo.to_string(), hi.to_string()].map(Doc::from);
    if let Some((byte, place, mask)) = packed_place(data.elements().0) {
        let comment = block(&format!("Fills {name} from {macros}_ELEMENTS real numbers."), 0);
        let stored = Doc::list(format!("const int32_t stored = {prefix}_round_clamp("), args.into(), ");");
        let stored = stored.render(8);
        return format!(
            "{comment}{head}\n{{\n    int32_t index;\n    \
                 for (index = 0; index < {macros}_LEN; index++) {{\n        {name}[index] = 0;\n    }}\n    \
                 for (index = 0; index < {macros}_ELEMENTS; index++) {{\n        \
                     const float steps = real[index] / {macros}_SCALE;\n        \
                     {stored}\n        \
                     const uint32_t bits = ((uint32_t)stored & {mask}u) << ({place});\n        \
                     {name}[{byte}] = (uint8_t)({name}[{byte}] | bits);\n    }}\n}}\n\n"
        );
    }
    let stored = Doc::list(format!("({ty}){prefix}_round_clamp("), args.into(), ");");
    let assign = Doc::hang(format!("{name}[index] ="), stored).render(8);
    let mut out = block(&format!("Fills {name} from {macros}_LEN real numbers."), 0);
    let _ = write!(
        out,
        "{head}\n{{\n    \
             int32_t index;\n    \
             for (index = 0; index < {macros}_LEN; index++) {{\n        \
                 const float steps = real[index] / {macros}_SCALE;\n        \
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
    if let Some((byte, place, mask)) = packed_place(data.elements().0) {
        let comment = block(&format!("The {macros}_ELEMENTS real numbers that {name} stands for."), 0);
        let bits = format!("{name}[{byte}] >> ({place}) & {mask}");
        let sign = mask.div_ceil(2);
        let number =
            if data.elements().0.is_signed() { format!("(({bits}) ^ {sign}) - {sign}") } else { bits };
        return format!(
            "{comment}{head}\n{{\n    int32_t index;\n    \
                 for (index = 0; index < {macros}_ELEMENTS; index++) {{\n        \
                     const int32_t stored = {number};\n        \
                     real[index] = (float)(stored - {macros}_ZERO_POINT) * {macros}_SCALE;\n    }}\n}}\n\n"
        );
    }
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
    let half = data.scalar.is_half().then(|| format!("{prefix}_{}_to_f32", data.scalar));
    let at = |index: &str| match &half {
        Some(wide) => format!("{wide}({name}[{index}])"),
        None => format!("{name}[{index}]"),
    };
    let greater = format!("{} > {}", at("index"), at("best"));
    format!(
        "{comment}{head}\n{{\n    \
             int32_t best = 0;\n    \
             int32_t index;\n    \
             for (index = 1; index < {macros}_LEN; index++) {{\n        \
                 if ({greater}) {{\n            best = index;\n        }}\n    }}\n    \
             return best;\n}}\n\n"
    )
}
