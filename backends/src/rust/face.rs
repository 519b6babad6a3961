//! What a user sees of an emitted module: constants, memory, the model and the functions at its edges.

use super::expr::WIDTH;
use super::names::Symbols;
use super::scalar::{is_float_type, value_type};
use crate::text::comment::{harmless, short};
use crate::text::describe::fail_codes;
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Program, Scalar};
use tinyc_ir::wording::grouped;

/// Lines of a doc comment, wrapped between words; those of an item of a list stand below its text.
pub(super) fn doc(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("///");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH - 4 {
            let _ = writeln!(out, "{line}");
            line = String::from(if text.starts_with("* ") { "///  " } else { "///" });
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
    out
}

/// A name of the user's as it may stand in a doc comment: no markup, no link.
fn quoted(name: &str) -> String {
    format!("`{}`", short(name).replace('`', "'"))
}

/// `fn name(params) -> result {`, on one line if it fits.
pub(super) fn signature(head: &str, params: &[String], result: &str, indent: usize) -> String {
    let flat = format!("{head}({}){result} {{\n", params.join(", "));
    if indent + flat.chars().count() <= WIDTH + 1 {
        return flat;
    }
    let mut out = format!("{head}(\n");
    params.iter().for_each(|param| _ = writeln!(out, "    {param},"));
    let _ = writeln!(out, "){result} {{");
    out
}

/// Whether a run can end with an error.
pub(super) fn is_fallible(program: &Program) -> bool {
    !fail_codes(program).is_empty()
}

/// `image: &[i8; IMAGE_LEN]`
pub(super) fn parameter(program: &Program, symbols: &Symbols, buffer: Buffer, reference: &str) -> String {
    format!("{}: {reference}{}", symbols.buffer(buffer), array(program, symbols, buffer))
}

/// What `run` and machine code take, in this order.
pub(super) fn parameters(program: &Program, symbols: &Symbols) -> Vec<String> {
    let mut params = Vec::new();
    if program.state_bytes() > 0 {
        params.push("state: &mut [u8; STATE_BYTES]".to_owned());
    }
    params.extend(program.inputs.iter().map(|&b| parameter(program, symbols, b, "&")));
    params.extend(program.outputs.iter().map(|&b| parameter(program, symbols, b, "&mut ")));
    params.push("memory: &mut [u8; ARENA_BYTES]".into());
    params
}

/// `[i8; IMAGE_LEN]`
fn array(program: &Program, symbols: &Symbols, buffer: Buffer) -> String {
    format!("[{}; {}_LEN]", value_type(program.buffers[buffer].scalar), symbols.face(buffer))
}

/// The documentation of the module, with an example.
pub(super) fn usage(program: &Program, symbols: &Symbols, about: &str) -> String {
    let module = &symbols.module;
    let mut out = doc(&format!(
        "The neural network `{}`, compiled. {about} What it needs is {} bytes of memory that the caller lends it, and \
         constants.",
        harmless(&program.name),
        grouped(program.arena_bytes)
    ));
    let args: Vec<String> = program.inputs.iter().map(|&b| format!("&{}", symbols.buffer(b))).collect();
    let result = match program.outputs.as_slice() {
        [one] => symbols.buffer(*one),
        _ => "outputs",
    };
    let question = if is_fallible(program) { "?" } else { "" };
    let _ = write!(
        out,
        "///\n/// ```ignore\n/// let mut arena = {module}::Arena::new();\n\
         /// let mut model = {module}::Model::new(&mut arena);\n\
         /// let {result} = model.run({}){question};\n/// ```\n",
        args.join(", ")
    );
    out
}

/// Constants that describe memory, inputs and outputs.
pub(super) fn constants(program: &Program, symbols: &Symbols) -> String {
    let mut out = doc("Bytes of working memory; its contents need not survive between runs.");
    let _ = writeln!(out, "pub const ARENA_BYTES: usize = {};", program.arena_bytes);
    if program.state_bytes() > 0 {
        out.push_str(&doc("Bytes of memory that is kept between runs."));
        let _ = writeln!(out, "pub const STATE_BYTES: usize = {};", program.state_bytes());
        out.push_str(&initial_state(program));
    }
    for (what, buffers) in [("input", &program.inputs), ("output", &program.outputs)] {
        for (i, &buffer) in buffers.iter().enumerate() {
            let data = &program.buffers[buffer];
            let (name, upper) = (symbols.buffer(buffer), symbols.face(buffer));
            let tensor =
                data.tensor.as_deref().map(|t| format!(", tensor {}", quoted(t))).unwrap_or_default();
            out.push('\n');
            let (dtype, count) = data.elements();
            let unit = if data.packed.is_some() { "Bytes" } else { "Elements" };
            let format = match dtype {
                Scalar::F16 => " Half floats by their bits: IEEE binary16.",
                Scalar::BF16 => " Half floats by their bits: the upper half of an `f32`.",
                _ => "",
            };
            out.push_str(&doc(&format!("{unit} of {what} {i}, `{name}`{tensor}.{format}")));
            let _ = writeln!(out, "pub const {upper}_LEN: usize = {};", data.len);
            if let Some(share) = dtype.packed() {
                out.push_str(&doc(&format!(
                    "Elements of `{name}`, of type {dtype}: {share} to a byte, the first in the lowest bits."
                )));
                let _ = writeln!(out, "pub const {upper}_ELEMENTS: usize = {count};");
            }
            let Some(face) = &data.face else { continue };
            let dims: Vec<String> = face.shape.iter().map(usize::to_string).collect();
            out.push_str(&doc(&format!("Dimensions of `{name}`, channels last.")));
            let _ =
                writeln!(out, "pub const {upper}_SHAPE: [usize; {}] = [{}];", dims.len(), dims.join(", "));
            if let Some((scale, zero_point)) = face.quant {
                out.push_str(&doc(&format!(
                    "The real number that one step of `{name}` stands for: real = scale * (stored - zero point)."
                )));
                let _ = writeln!(out, "pub const {upper}_SCALE: f32 = {scale:?};");
                out.push_str(&doc(&format!("The stored number of `{name}` that stands for 0.0.")));
                let _ = writeln!(out, "pub const {upper}_ZERO_POINT: i32 = {zero_point};");
            }
        }
    }
    out
}

/// What the state is before the first run: zeros, which in a quantised tensor are its zero points.
fn initial_state(program: &Program) -> String {
    let bytes = program.initial_state();
    let mut out = doc("The state before the first run of a sequence.");
    // Stretches of one byte, zeros aside: a zero point of 8 bits or less is one stretch.
    let mut fills = String::new();
    let mut at = 0;
    for stretch in bytes.chunk_by(|a, b| a == b) {
        let end = at + stretch.len();
        if stretch[0] != 0 {
            let _ = writeln!(
                fills,
                "    let mut i = {at};\n    while i < {end} {{\n        state[i] = {};\n        i += 1;\n    }}",
                stretch[0]
            );
        }
        at = end;
    }
    if fills.is_empty() {
        out.push_str("pub const INITIAL_STATE: [u8; STATE_BYTES] = [0; STATE_BYTES];\n");
        return out;
    }
    let _ = write!(
        out,
        "pub const INITIAL_STATE: [u8; STATE_BYTES] = initial_state();\n\n\
         const fn initial_state() -> [u8; STATE_BYTES] {{\n    \
             let mut state = [0; STATE_BYTES];\n{fills}    state\n}}\n"
    );
    out
}

/// The error, if a run can end with one.
pub(super) fn error(program: &Program) -> String {
    if !is_fallible(program) {
        return String::new();
    }
    let mut out = doc("Why a run ended early; the outputs are then undefined. The number is:");
    out.push_str("///\n");
    for (code, layers) in fail_codes(program) {
        let word = if layers.len() == 1 { "layer" } else { "layers" };
        let layers: Vec<String> = layers.iter().map(|l| l.replace(['`', '[', ']'], "'")).collect();
        let text = format!(
            "* {code}: a number that selects data is out of range in {word} `{}`",
            layers.join("`, `")
        );
        out.push_str(&doc(&text));
    }
    out.push_str(
        "#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub struct Error(pub u8);\n\n\
         impl core::fmt::Display for Error {\n    \
             fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {\n        \
                 f.write_str(\"a number that selects data is out of range\")\n    }\n}\n\n\
         impl core::error::Error for Error {}\n\n",
    );
    out
}

/// The memory and the model; as machine code wants them if `native`.
pub(super) fn model(program: &Program, symbols: &Symbols, native: bool) -> String {
    let state = program.state_bytes() > 0;
    let mut fields = vec![("memory".to_owned(), "u8", "ARENA_BYTES".to_owned(), "0")];
    if state {
        fields.push(("state".into(), "u8", "STATE_BYTES".into(), ""));
    }
    let copied = program.inputs.iter().filter(|&&b| native && is_copied(program, b));
    for &buffer in copied.chain(&program.outputs) {
        let scalar = program.buffers[buffer].scalar;
        let zero = match scalar {
            Scalar::Bool => "false",
            s if is_float_type(s) => "0.0",
            _ => "0",
        };
        let len = format!("{}_LEN", symbols.face(buffer));
        fields.push((symbols.buffer(buffer).into(), value_type(scalar), len, zero));
    }
    let mut out = doc("Memory for the model: what it works on, and its outputs.");
    out.push_str("#[derive(Debug)]\n#[repr(C, align(8))]\npub struct Arena {\n");
    let (before, behind, open, close, whole) =
        if native { ("Aligned<", ">", "Aligned(", ")", ".0") } else { ("", "", "", "", "") };
    fields
        .iter()
        .for_each(|(name, ty, len, _)| _ = writeln!(out, "    {name}: {before}[{ty}; {len}]{behind},"));
    let new = if state { "Zeros, and the state before the first run." } else { "All zero." };
    let _ = write!(
        out,
        "}}\n\nimpl Arena {{\n    /// {new}\n    pub const fn new() -> Self {{\n        Self {{\n"
    );
    for (name, _, len, zero) in &fields {
        let value = if zero.is_empty() { "INITIAL_STATE".into() } else { format!("[{zero}; {len}]") };
        let _ = writeln!(out, "            {name}: {open}{value}{close},");
    }
    out.push_str("        }\n    }\n}\n\nimpl Default for Arena {\n    fn default() -> Self {\n        Self::new()\n    }\n}\n\n");

    let fallible = is_fallible(program);
    let (value, given) = match program.outputs.as_slice() {
        [] => ("()".to_owned(), "()".to_owned()),
        [one] => {
            (format!("&{}", array(program, symbols, *one)), format!("&arena.{}{whole}", symbols.buffer(*one)))
        }
        all => {
            out.push_str(&doc("What a run computes."));
            out.push_str("#[derive(Clone, Copy, Debug)]\npub struct Outputs<'a> {\n");
            let mut given = String::from("Outputs {\n");
            for (i, &buffer) in all.iter().enumerate() {
                let _ = writeln!(out, "    /// Output {i}.");
                let name = symbols.buffer(buffer);
                let _ = writeln!(out, "    pub {name}: &'a {},", array(program, symbols, buffer));
                let _ = writeln!(given, "            {name}: &arena.{name}{whole},");
            }
            out.push_str("}\n\n");
            ("Outputs<'_>".into(), format!("{given}        }}"))
        }
    };
    let result = match (fallible, value.as_str()) {
        (false, "()") => String::new(),
        (false, value) => format!(" -> {value}"),
        (true, value) => format!(" -> Result<{value}, Error>"),
    };
    out.push_str(
        "/// The network with the memory that it works on.\n#[derive(Debug)]\npub struct Model<'a> {\n    arena: &'a mut Arena,\n}\n\n\
         impl<'a> Model<'a> {\n    /// A model that works on this memory.\n    \
         pub fn new(arena: &'a mut Arena) -> Self {\n        Self { arena }\n    }\n\n",
    );
    if state {
        out.push_str(&format!(
            "    /// Begins a new sequence: forgets what earlier runs left behind.\n    pub fn reset(&mut self) {{\n        \
                 self.arena.state{whole} = INITIAL_STATE;\n    }}\n\n"
        ));
    }
    out.push_str("    /// Runs the network once.\n");
    if fallible {
        out.push_str("    ///\n    /// # Errors\n    /// See [`Error`].\n");
    }
    let mut params = vec!["&mut self".to_owned()];
    params.extend(program.inputs.iter().map(|&b| parameter(program, symbols, b, "&")));
    let head = super::helper::indented(&signature("pub fn run", &params, &result, 8), 4);
    out.push_str(&head);
    out.push_str("        let arena = &mut *self.arena;\n");
    let mut args: Vec<String> = program.inputs.iter().map(|&b| symbols.buffer(b).to_owned()).collect();
    if native {
        for (arg, &buffer) in args.iter_mut().zip(&program.inputs) {
            if is_copied(program, buffer) {
                let _ = writeln!(out, "        arena.{arg}.0 = *{arg};");
                *arg = format!("&arena.{arg}.0");
            }
        }
    }
    args.extend(program.outputs.iter().map(|&b| format!("&mut arena.{}{whole}", symbols.buffer(b))));
    if state {
        args.insert(0, format!("&mut arena.state{whole}"));
    }
    args.push(format!("&mut arena.memory{whole}"));
    if native {
        out.push_str(
            "        // SAFETY: as the object wants, these are arrays of the declared lengths that do not overlap, and those that must\n        \
             // be are aligned to 8 bytes.\n        let status = unsafe {\n",
        );
        out.push_str(&call("            ", "machine_code", &args, "", 4));
        out.push_str("        };\n");
        out.push_str(match fallible {
            true => "        if status != 0 {\n            return Err(Error(status as u8));\n        }\n",
            false => "        debug_assert_eq!(status, 0);\n",
        });
    } else {
        let end = if fallible { "?;" } else { ";" };
        out.push_str(&call("        ", "run", &args, end, 4));
    }
    match (fallible, given.as_str()) {
        (false, "()") => {}
        (false, given) => _ = writeln!(out, "        {given}"),
        (true, given) => _ = writeln!(out, "        Ok({given})"),
    }
    out.push_str("    }\n}\n");
    out
}

/// Whether machine code wants an input to be aligned beyond its elements, so that it is copied.
fn is_copied(program: &Program, buffer: Buffer) -> bool {
    program.buffers[buffer].align as usize > program.buffers[buffer].scalar.size()
}

/// The function of the object, and the type that aligns its arguments.
pub(super) fn declaration(program: &Program, symbols: &Symbols, symbol: &str) -> String {
    let params = parameters(program, symbols);
    let mut out = format!("unsafe extern \"C\" {{\n    #[link_name = \"{symbol}\"]\n    fn machine_code(\n");
    params.iter().for_each(|param| _ = writeln!(out, "        {param},"));
    out.push_str("    ) -> i32;\n}\n\n");
    out.push_str("/// Memory as machine code wants it.\n#[derive(Debug)]\n#[repr(C, align(8))]\nstruct Aligned<T>(T);\n");
    out
}

/// A call as a statement at the indentation `pad` in a text that will be indented by `more`.
pub(super) fn call(pad: &str, name: &str, args: &[String], end: &str, more: usize) -> String {
    let flat = args.join(", ");
    let line = format!("{pad}{name}({flat}){end}\n");
    // As rustfmt does: arguments of more than 60 columns have lines of their own.
    if flat.chars().count() <= 60 && line.chars().count() + more <= WIDTH + 1 {
        return line;
    }
    let mut out = format!("{pad}{name}(\n");
    // And if all are short, they fill lines.
    if args.iter().all(|arg| arg.chars().count() <= 10) {
        let mut line = String::new();
        for arg in args {
            if pad.len() + 4 + line.chars().count() + arg.chars().count() + 1 + more > WIDTH {
                let _ = writeln!(out, "{pad}    {}", line.trim_end());
                line.clear();
            }
            let _ = write!(line, "{arg}, ");
        }
        let _ = writeln!(out, "{pad}    {}\n{pad}){end}", line.trim_end());
        return out;
    }
    args.iter().for_each(|arg| _ = writeln!(out, "{pad}    {arg},"));
    let _ = writeln!(out, "{pad}){end}");
    out
}
