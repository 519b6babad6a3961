//! Functions at the edges of an emitted module: from real numbers to inputs, from outputs to real numbers and to a class.

use super::face::{doc, parameter, signature};
use super::helper::Helpers;
use super::names::Symbols;
use super::scalar::value_type;
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Program, Scalar};

/// All of them; empty where they make no sense.
pub(super) fn edges(program: &Program, symbols: &Symbols, helpers: &mut Helpers) -> String {
    let edges = Edges { program, symbols };
    let mut parts = Vec::new();
    let quant = |b: Buffer| {
        let data = &program.buffers[b];
        data.len > 0 && data.face.as_ref().is_some_and(|f| f.quant.is_some())
    };
    let half = |b: Buffer| program.buffers[b].len > 0 && program.buffers[b].scalar.is_half();
    let mut clamped = false;
    for &buffer in &program.inputs {
        if quant(buffer) {
            let Some(text) = edges.quantize(buffer) else { continue };
            clamped = true;
            parts.push(text);
        } else if half(buffer) {
            let convert = helpers.half(Scalar::F32, program.buffers[buffer].scalar);
            let names = [format!("quantize_{}", symbols.buffer(buffer)), convert];
            let comment = "Fills `NAME` from real numbers, rounded to the nearest.";
            parts.push(edges.convert(buffer, comment, &names, false));
        }
    }
    if clamped {
        parts.insert(0, ROUND_CLAMP.into());
    }
    for &buffer in &program.outputs {
        let data = &program.buffers[buffer];
        if quant(buffer) {
            parts.push(edges.dequantize(buffer));
        } else if half(buffer) {
            let convert = helpers.half(data.scalar, Scalar::F32);
            let names = [format!("dequantize_{}", symbols.buffer(buffer)), convert];
            parts.push(edges.convert(buffer, "The real numbers of `NAME`.", &names, true));
        }
        if data.len > 1 && data.scalar != Scalar::Bool && data.packed.is_none() {
            let wide = half(buffer).then(|| helpers.half(data.scalar, Scalar::F32));
            parts.push(edges.argmax(buffer, wide));
        }
    }
    parts.join("\n")
}

/// Of a packed element `i`: its byte, the first of its bits in that, and the mask of its bits.
fn packed_place(dtype: Scalar) -> Option<(String, String, u32)> {
    let count = dtype.packed()?;
    Some((format!("i / {count}"), format!("({} * (i % {count}))", dtype.bits()), (1 << dtype.bits()) - 1))
}

struct Edges<'a> {
    program: &'a Program,
    symbols: &'a Symbols,
}

impl Edges<'_> {
    fn names(&self, buffer: Buffer) -> (&str, String) {
        (self.symbols.buffer(buffer), self.symbols.face(buffer))
    }

    /// `None` where a float does not hold all stored numbers.
    fn quantize(&self, buffer: Buffer) -> Option<String> {
        let data = &self.program.buffers[buffer];
        let (dtype, (name, upper)) = (data.elements().0, self.names(buffer));
        let (lo, hi) = dtype.int_range().filter(|_| dtype.size() <= 2)?;
        let packed = packed_place(dtype);
        let count = if packed.is_some() { "ELEMENTS" } else { "LEN" };
        let params = [
            format!("real: &[f32; {upper}_{count}]"),
            parameter(self.program, self.symbols, buffer, "&mut "),
        ];
        let mut text = doc(&format!("Fills `{name}` from real numbers; NaN becomes the zero point."));
        text.push_str(&signature(&format!("pub fn quantize_{name}"), &params, "", 4));
        let _ = match packed {
            None => write!(
                text,
                "    for (stored, real) in {name}.iter_mut().zip(real) {{\n        \
                     let steps = real / {upper}_SCALE;\n        \
                     *stored = round_clamp(steps, {upper}_ZERO_POINT, {lo}, {hi}) as {};\n    }}\n}}\n",
                value_type(data.scalar)
            ),
            Some((byte, shift, mask)) => write!(
                text,
                "    *{name} = [0; {upper}_LEN];\n    \
                     for (i, real) in real.iter().enumerate() {{\n        \
                     let steps = real / {upper}_SCALE;\n        \
                     let stored = round_clamp(steps, {upper}_ZERO_POINT, {lo}, {hi});\n        \
                     if let Some(byte) = {name}.get_mut({byte}) {{\n            \
                         *byte |= ((stored & {mask}) << {shift}) as u8;\n        }}\n    }}\n}}\n"
            ),
        };
        Some(text)
    }

    fn dequantize(&self, buffer: Buffer) -> String {
        let data = &self.program.buffers[buffer];
        let (dtype, (name, upper)) = (data.elements().0, self.names(buffer));
        let packed = packed_place(dtype);
        let count = if packed.is_some() { "ELEMENTS" } else { "LEN" };
        let params = [
            parameter(self.program, self.symbols, buffer, "&"),
            format!("real: &mut [f32; {upper}_{count}]"),
        ];
        let mut text = doc(&format!("The real numbers that `{name}` stands for."));
        text.push_str(&signature(&format!("pub fn dequantize_{name}"), &params, "", 4));
        if let Some((byte, shift, mask)) = packed {
            let sign = 1 << (dtype.bits() - 1);
            let number =
                if dtype.is_signed() { format!("(bits ^ {sign}) - {sign}") } else { "bits".to_owned() };
            let _ = write!(
                text,
                "    for (i, real) in real.iter_mut().enumerate() {{\n        \
                     let byte = {name}.get({byte}).copied().unwrap_or_default();\n        \
                     let bits = (byte as i32 >> {shift}) & {mask};\n        \
                     let steps = {number} - {upper}_ZERO_POINT;\n        \
                     *real = steps as f32 * {upper}_SCALE;\n    }}\n}}\n"
            );
            return text;
        }
        let ty = value_type(data.scalar);
        let (whole, zero) = match data.scalar.size() {
            1 | 2 => ("i32", format!("{upper}_ZERO_POINT")),
            _ => ("i64", format!("{upper}_ZERO_POINT as i64")),
        };
        let stored = if ty == whole { "*stored".into() } else { format!("*stored as {whole}") };
        let _ = write!(
            text,
            "    for (real, stored) in real.iter_mut().zip({name}) {{\n        \
                 let steps = {stored} - {zero};\n        \
                 *real = steps as f32 * {upper}_SCALE;\n    }}\n}}\n"
        );
        text
    }

    /// Between half floats and real numbers.
    fn convert(&self, buffer: Buffer, comment: &str, names: &[String; 2], widen: bool) -> String {
        let (name, upper) = self.names(buffer);
        let [function, convert] = names;
        let half = parameter(self.program, self.symbols, buffer, if widen { "&" } else { "&mut " });
        let real = format!("real: &{}[f32; {upper}_LEN]", if widen { "mut " } else { "" });
        let (params, to, from) = match widen {
            true => ([half, real], "real", name),
            false => ([real, half], name, "real"),
        };
        let mut text = doc(&comment.replace("NAME", name));
        text.push_str(&signature(&format!("pub fn {function}"), &params, "", 4));
        let _ = write!(
            text,
            "    for (to, from) in {to}.iter_mut().zip({from}) {{\n        *to = {convert}(*from);\n    }}\n}}\n"
        );
        text
    }

    fn argmax(&self, buffer: Buffer, wide: Option<String>) -> String {
        let (name, _) = self.names(buffer);
        let params = [parameter(self.program, self.symbols, buffer, "&")];
        let mut text =
            doc(&format!("The position of the greatest element of `{name}`, the first of several."));
        text.push_str(&signature(&format!("pub fn argmax_{name}"), &params, " -> usize", 4));
        let value = |text: String| match &wide {
            Some(wide) => format!("{wide}({text})"),
            None => text,
        };
        let (first, shadow) = match &wide {
            Some(_) => {
                (value(format!("{name}[0]")), format!("        let value = {};\n", value("value".into())))
            }
            None => (format!("{name}[0]"), String::new()),
        };
        let _ = write!(
            text,
            "    let mut best = 0;\n    let mut most = {first};\n    \
                 for (i, &value) in {name}.iter().enumerate() {{\n{shadow}        \
                     if value > most {{\n            best = i;\n            most = value;\n        }}\n    }}\n    best\n}}\n"
        );
        text
    }
}

const ROUND_CLAMP: &str = "\
/// The zero point plus the nearest integer, ties to even, clamped; NaN gives the zero point.
fn round_clamp(x: f32, zero_point: i32, lo: i32, hi: i32) -> i32 {
    if x.is_nan() {
        return zero_point;
    }
    if x <= (lo - zero_point) as f32 {
        return lo;
    }
    if x >= (hi - zero_point) as f32 {
        return hi;
    }
    let mut whole = x as i32;
    let rest = x - whole as f32;
    if rest > 0.5 || (rest == 0.5 && whole % 2 != 0) {
        whole += 1;
    }
    if rest < -0.5 || (rest == -0.5 && whole % 2 != 0) {
        whole -= 1;
    }
    zero_point + whole
}
";
