//! The emitted file: what stands where, and the function that calls the layers.

use super::Options;
use super::data;
use super::edge::edges;
use super::face;
use super::helper::{Helpers, indented};
use super::kernel::{Function, function};
use super::layout::{Argument, Variant, variants};
use super::names::Symbols;
use crate::text::comment::harmless;
use crate::text::describe::{self, headline, layer_table, uses};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Place, Program};

/// Lints that are right about code written by hand.
const LINTS: &str = r#"#[allow(
    clippy::absurd_extreme_comparisons,
    clippy::approx_constant,
    clippy::assign_op_pattern,
    clippy::eq_op,
    clippy::excessive_precision,
    clippy::identity_op,
    clippy::manual_memcpy,
    clippy::manual_range_contains,
    clippy::needless_range_loop,
    clippy::reversed_empty_ranges,
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::unnecessary_cast,
    unused_assignments,
    unused_comparisons,
    reason = "generated"
)]
"#;

/// Lints of a module that calls machine code.
const BINDING_LINTS: &str = r#"#[allow(clippy::excessive_precision, clippy::too_many_arguments, reason = "generated")]
"#;

/// The whole file.
pub(super) fn source(program: &Program, options: &Options) -> (String, String) {
    let (variants, calls) = variants(program);
    let symbols = Symbols::new(program, &variants);
    let mut helpers = Helpers::default();
    let functions: Vec<Function> = variants.iter().map(|v| function(program, v, &mut helpers)).collect();
    helpers.stops |= functions.iter().any(|f| f.stops);
    let run = run(program, &symbols, &variants, &functions, &calls, &mut helpers);
    let used: BTreeSet<Buffer> = program.calls.iter().flat_map(|c| c.args.iter().copied()).collect();

    let mut parts =
        vec![face::constants(program, &symbols), face::error(program), face::model(program, &symbols, false)];
    parts.push(run);
    parts.push(edges(program, &symbols, &mut helpers));
    for (variant, function) in functions.iter().enumerate() {
        parts.push(kernel(program, &variants[variant], symbols.function(variant), function));
    }
    let constants = used.iter().filter_map(|&b| match &program.buffers[b].place {
        Place::Flash(numbers) => Some((b, &program.buffers[b], numbers)),
        _ => None,
    });
    let align = constants.clone().filter(|c| data::is_aligned(c.1)).map(|c| c.1.align).max();
    if let Some(align) = align {
        parts.push(format!(
            "/// Constants that are read several elements at a time.\n#[repr(C, align({align}))]\nstruct Aligned<T>(T);\n"
        ));
    }
    for (buffer, constant, numbers) in constants {
        let uses = uses(program, buffer);
        parts.push(data::array(buffer, constant, numbers, &uses, &symbols));
    }
    parts.push(helpers.print());
    let modules = helpers.modules(options.runtime);
    if options.runtime {
        parts.insert(0, modules);
    } else {
        parts.push(modules);
    }

    let mut out =
        format!("// {}: made by {}; do not edit.\n//\n", symbols.module, harmless(&options.generator));
    let names =
        |call: usize, buffer| [symbols.function(calls[call].0), symbols.buffer(buffer)].map(String::from);
    for line in layer_table(program, super::expr::WIDTH - 2, &names) {
        let _ = writeln!(out, "//{line}");
    }
    out.push('\n');
    out.push_str(&face::usage(
        program,
        &symbols,
        "It uses no heap, no global variable and no `unsafe`; nothing in it panics.",
    ));
    out.push_str("#[forbid(unsafe_code)]\n");
    out.push_str(LINTS);
    let _ = writeln!(out, "pub mod {} {{", symbols.module);
    let parts: Vec<String> =
        parts.iter().filter(|p| !p.is_empty()).map(|p| indented(p.trim_end(), 4)).collect();
    out.push_str(&parts.join("\n"));
    out.push_str("}\n");
    (symbols.module, out)
}

/// A file with the same face that calls machine code: the function `symbol` of an object.
pub(super) fn binding(program: &Program, options: &Options, symbol: &str) -> (String, String) {
    let (variants, _) = variants(program);
    let symbols = Symbols::new(program, &variants);
    let mut helpers = Helpers::default();
    let edges = edges(program, &symbols, &mut helpers);
    let parts = [
        face::constants(program, &symbols),
        face::error(program),
        face::model(program, &symbols, true),
        face::declaration(program, &symbols, symbol),
        edges,
        helpers.print(),
    ];
    let mut out =
        format!("// {}: made by {}; do not edit.\n\n", symbols.module, harmless(&options.generator));
    let about = format!(
        "It is machine code, the function `{symbol}` of an object, and uses no heap and no global variable."
    );
    out.push_str(&face::usage(program, &symbols, &about));
    out.push_str(BINDING_LINTS);
    let _ = writeln!(out, "pub mod {} {{", symbols.module);
    let parts: Vec<String> =
        parts.iter().filter(|p| !p.is_empty()).map(|p| indented(p.trim_end(), 4)).collect();
    out.push_str(&parts.join("\n"));
    out.push_str("}\n");
    (symbols.module, out)
}

/// Functions of the C header that call the module beside them.
pub(super) fn export(program: &Program) -> String {
    let (variants, _) = variants(program);
    let symbols = Symbols::new(program, &variants);
    let prefix = crate::c::prefix(program);
    let mut arguments: Vec<String> = Vec::new();
    if program.state_bytes() > 0 {
        arguments.push("state".into());
    }
    let face = program.inputs.iter().chain(&program.outputs);
    arguments.extend(face.map(|&buffer| symbols.buffer(buffer).to_owned()));
    arguments.push("memory".into());
    let result = match face::is_fallible(program) {
        true => ".map_or_else(|error| i32::from(error.0), |()| 0)\n",
        false => ";\n        0\n",
    };
    let mut out = format!(
        "/// What C calls.\nmod export {{\n    use super::{}::*;\n\n    #[unsafe(no_mangle)]\n    \
             pub extern \"C\" fn {prefix}_run({}) -> i32 {{\n        run({}){result}    }}\n",
        symbols.module,
        face::parameters(program, &symbols).join(", "),
        arguments.join(", "),
    );
    if program.state_bytes() > 0 {
        let _ = write!(
            out,
            "\n    #[unsafe(no_mangle)]\n    pub extern \"C\" fn {prefix}_init(state: &mut [u8; STATE_BYTES]) {{\n        \
                 *state = INITIAL_STATE;\n    }}\n"
        );
    }
    out.push_str("}\n");
    out
}

fn kernel(program: &Program, variant: &Variant, name: &str, function: &Function) -> String {
    let mut out =
        face::doc(&describe::kernel(program, variant.kernel).replace(['[', ']'], "`").replace('<', "("));
    out.push_str("#[inline(never)]\n");
    let result = if function.stops { " -> Result<(), Stop>" } else { "" };
    out.push_str(&face::signature(&format!("fn {name}"), &function.params, result, 4));
    out.push_str(&function.body);
    out.push_str("}\n");
    out
}

/// The public function that runs the network, and the private one that calls the layers.
fn run(
    program: &Program,
    symbols: &Symbols,
    variants: &[Variant],
    functions: &[Function],
    calls: &[(usize, Vec<Argument>)],
    helpers: &mut Helpers,
) -> String {
    let params = face::parameters(program, symbols);
    let mut body = String::new();
    for (index, (variant, arguments)) in calls.iter().enumerate() {
        if index > 0 {
            body.push('\n');
        }
        let _ = writeln!(body, "    // {}", headline(program, index, &program.calls[index]));
        body.push_str(&call(
            program,
            symbols,
            (*variant, &variants[*variant], arguments),
            functions,
            helpers,
        ));
    }
    let stops = helpers.stops;
    let fallible = face::is_fallible(program);
    let mut out = face::doc("Runs the network once, on memory that may serve other models between runs.");
    if fallible {
        out.push_str("///\n/// # Errors\n/// See [`Error`].\n");
    }
    let result = if fallible { " -> Result<(), Error>" } else { "" };
    out.push_str(&face::signature("pub fn run", &params, result, 4));
    let names: Vec<String> =
        params.iter().map(|p| p.split(':').next().unwrap_or_default().to_owned()).collect();
    match (stops, fallible) {
        (false, _) => {
            out.push_str(&body);
            out.push_str("}\n");
            return quiet(out, &body, &names);
        }
        (true, false) => {
            out.push_str("    // Positions are proven to be inside, so no layer ends early.\n");
            out.push_str(&face::call("    ", "let _ = layers", &names, ";", 4));
        }
        (true, true) => {
            out.push_str(&face::call("    ", "let result = layers", &names, ";", 4));
            out.push_str("    result.map_err(|stop| Error(stop.0))\n");
        }
    }
    out.push_str("}\n\n/// The layers in their order.\n");
    let mut inner = face::signature("fn layers", &params, " -> Result<(), Stop>", 4);
    inner.push_str(&body);
    inner.push_str("    Ok(())\n}\n");
    out.push_str(&quiet(inner, &body, &names));
    out
}

/// Parameters that nothing uses, marked so.
fn quiet(text: String, body: &str, names: &[String]) -> String {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let code = body.lines().filter(|l| !l.trim_start().starts_with("//"));
    let words: BTreeSet<&str> = code.flat_map(|l| l.split(word)).collect();
    let unused = names.iter().filter(|n| !words.contains(n.as_str()));
    unused.fold(text, |text, name| match text.find(&format!("{name}: &")) {
        Some(at) => format!("{}_{}", &text[..at], &text[at..]),
        None => text,
    })
}

/// One layer: its memory is split off the arena, then its function is called.
fn call(
    program: &Program,
    symbols: &Symbols,
    (index, variant, arguments): (usize, &Variant, &[Argument]),
    functions: &[Function],
    helpers: &mut Helpers,
) -> String {
    let mut lines = Vec::new();
    let mut texts = vec![String::new(); arguments.len()];
    for state in [false, true] {
        let mut pieces: Vec<(usize, usize, usize, Buffer)> = arguments
            .iter()
            .enumerate()
            .filter_map(|(slot, argument)| match argument {
                Argument::Bytes { state: s, start, len, buffer } if *s == state && *len > 0 => {
                    Some((*start, *len, slot, *buffer))
                }
                _ => None,
            })
            .collect();
        pieces.sort_unstable_by_key(|p| (p.0, p.1, p.2));
        if pieces.is_empty() {
            continue;
        }
        let (whole, rest) = if state { ("state", "kept") } else { ("memory", "rest") };
        let carve = helpers.carve();
        lines.push(format!("let mut {rest} = {whole}.as_mut_slice();"));
        let mut end = 0;
        let mut at = 0;
        while at < pieces.len() {
            // What is only read may overlap: it is split off together.
            let start = pieces[at].0;
            let mut stop = start + pieces[at].1;
            let mut next = at + 1;
            while next < pieces.len() && pieces[next].0 < stop {
                stop = stop.max(pieces[next].0 + pieces[next].1);
                next += 1;
            }
            let name = symbols.buffer(pieces[at].3);
            lines.push(format!(
                "let {name}: &mut [u8; {}] = {carve}(&mut {rest}, {})?;",
                stop - start,
                start - end
            ));
            for &(from, len, slot, _) in &pieces[at..next] {
                texts[slot] = match (from, len) == (start, stop - start) {
                    true => name.to_owned(),
                    false => {
                        let part = helpers.part(false);
                        format!("{part}({name}, {})?", from - start)
                    }
                };
            }
            end = stop;
            at = next;
        }
    }
    for (slot, argument) in arguments.iter().enumerate() {
        let written = variant.shape.slots[slot].written;
        match argument {
            Argument::Whole(buffer) => {
                let data = &program.buffers[*buffer];
                let name = symbols.buffer(*buffer);
                texts[slot] = match &data.place {
                    Place::Flash(_) if data::is_aligned(data) => format!("&{name}.0"),
                    Place::Flash(_) => format!("&{name}"),
                    _ => name.to_owned(),
                };
            }
            Argument::Bytes { len: 0, .. } => {
                texts[slot] = if written { "&mut []".into() } else { "&[]".into() };
            }
            Argument::Bytes { .. } => {}
        }
    }
    let end = if functions[index].stops { "?;" } else { ";" };
    let name = symbols.function(index);
    if lines.is_empty() {
        return face::call("    ", name, &texts, end, 4);
    }
    let mut out = String::from("    {\n");
    lines.iter().for_each(|line| _ = writeln!(out, "        {line}"));
    out.push_str(&face::call("        ", name, &texts, end, 4));
    out.push_str("    }\n");
    out
}
