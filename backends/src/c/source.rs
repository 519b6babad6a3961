//! The emitted `.c` file: what stands where, and the function that calls the layers.

use super::Options;
use super::comment::{block, cut, harmless, section, sentence, short};
use super::data;
use super::doc::{Doc, WIDTH};
use super::expr::{Piece, call_doc};
use super::header::run_prototype;
use super::helper::Helpers;
use super::kernel::Function;
use super::names::Symbols;
use super::prelude::{Needs, prelude};
use super::scalar::{memory_type, thousands};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tinyc_ir::loops::{Access, Buffer, Call, ExprData, Kernel, KernelData, Place, Program, Scalar};

/// The whole source file.
pub(super) fn source(
    program: &Program,
    symbols: &Symbols,
    functions: &[Function],
    mut helpers: Helpers,
    options: &Options,
) -> String {
    let used: BTreeSet<Buffer> = program.calls.iter().flat_map(|c| c.args.iter().copied()).collect();
    let mut constants = String::new();
    for &buffer in &used {
        let data = &program.buffers[buffer];
        if let Place::Flash(numbers) = &data.place {
            let uses = uses(program, buffer);
            constants.push_str(&data::array(buffer, data, numbers, &uses, symbols, &mut helpers));
            constants.push('\n');
        }
    }
    let (prefix, upper) = (&symbols.prefix, &symbols.upper);
    let needs = needs(program, &used, options);
    let mut out = format!("/* {}: made by {}; do not edit.\n", symbols.prefix, harmless(&options.generator));
    out.push_str(&layer_table(program, symbols));
    out.push_str(" */\n");
    out.push_str("/* Of the header, only the declarations. */\n");
    let _ = writeln!(out, "#define {upper}_NO_HELPERS");
    let _ = writeln!(out, "#include \"{prefix}.h\"\n");
    out.push_str(&section("Compiler and options"));
    out.push_str(&prelude(prefix, upper, needs));
    for (title, text) in [("Helpers", helpers.print()), ("Constants", constants)] {
        if !text.is_empty() {
            out.push_str(&section(title));
            out.push_str(&text);
        }
    }
    if !functions.is_empty() {
        out.push_str(&section("Layers"));
    }
    for function in functions {
        out.push_str(&kernel(program, symbols, function));
        out.push('\n');
    }
    out.push_str(&section("The network"));
    out.push_str(&run(program, symbols, functions, &used, needs.fence));
    out
}

fn needs(program: &Program, used: &BTreeSet<Buffer>, options: &Options) -> Needs {
    let kernels: BTreeSet<Kernel> = program.calls.iter().map(|c| c.kernel).collect();
    let kernels: Vec<&KernelData> = kernels.into_iter().map(|k| &program.kernels[k]).collect();
    let in_arena: BTreeSet<Scalar> = used
        .iter()
        .map(|&b| &program.buffers[b])
        .filter(|b| matches!(b.place, Place::Arena(_) | Place::State(_)) && b.scalar.size() > 1)
        .map(|b| b.scalar)
        .collect();
    Needs {
        floats: kernels.iter().any(|k| has_floats(k)),
        alignment: used
            .iter()
            .map(|&b| &program.buffers[b])
            .any(|b| matches!(b.place, Place::Flash(_)) && b.align as usize > b.scalar.size()),
        dsp: options.arm_dsp
            && kernels.iter().any(|k| k.exprs.values().any(|e| matches!(e, ExprData::Packed { .. }))),
        fence: in_arena.len() > 1,
    }
}

fn has_floats(kernel: &KernelData) -> bool {
    // Half floats that are only moved are integers to C.
    kernel.params.values().any(|p| p.scalar.is_float() && !p.scalar.is_half())
        || kernel.vars.values().any(|v| v.scalar.is_float())
        || kernel.exprs.values().any(|e| match e {
            ExprData::Literal(literal) => literal.scalar().is_float(),
            ExprData::Convert { to, .. } | ExprData::Bits { to, .. } => to.is_float(),
            ExprData::Load { scalar, .. } => scalar.is_float() && !scalar.is_half(),
            _ => false,
        })
}

/// What each layer calls and writes: its number is the one that the hook gets.
fn layer_table(program: &Program, symbols: &Symbols) -> String {
    let head = ["layer", "calls", "writes", "place", "bytes", "type", "tensor"].map(String::from);
    let mut rows = vec![head];
    for (i, call) in program.calls.iter().enumerate() {
        for buffer in written(program, call) {
            let data = &program.buffers[buffer];
            rows.push([
                i.to_string(),
                symbols.kernel(call.kernel).to_string(),
                symbols.buffer(buffer).to_string(),
                match &data.place {
                    Place::Input(n) => format!("input {n}"),
                    Place::Output(n) => format!("output {n}"),
                    Place::Flash(_) => "flash".into(),
                    Place::Arena(offset) => format!("arena + {offset}"),
                    Place::State(offset) => format!("state + {offset}"),
                },
                data.bytes().to_string(),
                data.scalar.to_string(),
                data.tensor.as_deref().map(harmless).unwrap_or_else(|| "-".into()),
            ]);
        }
    }
    let width = |rows: &[[String; 7]], c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    // The user's names have what the other columns leave of the line.
    let others: usize = (0..6).map(|c| width(&rows, c) + 2).sum();
    let room = WIDTH.saturating_sub(2 + others + 2);
    for row in &mut rows {
        row[6] = cut(&row[6], room);
    }
    let widths: Vec<usize> = (0..7).map(|c| width(&rows, c)).collect();
    let mut out = String::from(" *\n");
    for row in rows {
        let mut line = String::from(" *");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Numbers to the right.
            match column {
                0 | 4 => _ = write!(line, "  {cell:>width$}"),
                _ => _ = write!(line, "  {cell:<width$}"),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The buffers that a layer writes, each once.
fn written(program: &Program, call: &Call) -> Vec<Buffer> {
    let params = program.kernels[call.kernel].params.values();
    let mut buffers = Vec::new();
    for (param, &buffer) in params.zip(&call.args) {
        if param.access != Access::Read && !buffers.contains(&buffer) {
            buffers.push(buffer);
        }
    }
    buffers
}

fn layer_name(program: &Program, call: &Call) -> String {
    match call.origin.name.as_str() {
        "" => harmless(&program.kernels[call.kernel].name),
        name => short(name),
    }
}

/// `Weight of layer 2, /pw2/Conv`: what a constant is for whom.
fn uses(program: &Program, buffer: Buffer) -> String {
    let mut roles: Vec<&str> = Vec::new();
    let mut layers = Vec::new();
    for (i, call) in program.calls.iter().enumerate() {
        let params = program.kernels[call.kernel].params.values();
        for (param, _) in params.zip(&call.args).filter(|(_, arg)| **arg == buffer) {
            if !roles.contains(&param.name.as_str()) {
                roles.push(&param.name);
            }
            if layers.last() != Some(&i) {
                layers.push(i);
            }
        }
    }
    let mut text = format!("{} of {}", roles.join(" and "), layers_text(program, &layers));
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// `layer 2, /pw2/Conv` or `layers 2, 4 and 6`.
fn layers_text(program: &Program, layers: &[usize]) -> String {
    match layers {
        [] => "no layer".into(),
        [one] => format!("layer {one}, {}", layer_name(program, &program.calls[*one])),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(usize::to_string).collect();
            format!("layers {} and {last}", most.join(", "))
        }
    }
}

fn kernel(program: &Program, symbols: &Symbols, function: &Function) -> String {
    let data = &program.kernels[function.kernel];
    let mut out = String::new();
    let layers: Vec<usize> =
        (0..program.calls.len()).filter(|&i| program.calls[i].kernel == function.kernel).collect();
    let callers = sentence(&format!("For {}", layers_text(program, &layers)));
    let comment = match data.comment.as_str() {
        "" => callers,
        comment => format!("{} {callers}", sentence(comment)),
    };
    out.push_str(&block(&comment, 0));
    let result = if function.fails { "int" } else { "void" };
    let head = format!("{}_LAYER {result} {}(", symbols.upper, symbols.kernel(function.kernel));
    let params = if function.params.is_empty() { vec!["void".into()] } else { function.params.clone() };
    let _ = write!(out, "{}\n{{\n{}}}\n", Doc::list(head, params, ")").render(0), function.body);
    out
}

fn run(
    program: &Program,
    symbols: &Symbols,
    functions: &[Function],
    used: &BTreeSet<Buffer>,
    fence: bool,
) -> String {
    let mut out = format!("{}\n{{\n", run_prototype(program, symbols).render(0));
    let mut unused: Vec<&str> = program
        .inputs
        .iter()
        .chain(&program.outputs)
        .filter(|b| !used.contains(b))
        .map(|&b| symbols.buffer(b))
        .collect();
    out.push_str(&places(program, symbols, used, &mut unused));
    for name in unused {
        let _ = writeln!(out, "    (void){name};");
    }
    let fails: BTreeMap<Kernel, bool> = functions.iter().map(|f| (f.kernel, f.fails)).collect();
    let can_fail = |call: &Call| fails.get(&call.kernel).copied().unwrap_or(false);
    if program.calls.iter().any(can_fail) {
        out.push_str("    int status;\n");
    }
    for (i, call) in program.calls.iter().enumerate() {
        out.push('\n');
        out.push_str(&block(&headline(program, i, call), 4));
        let args = call.args.iter().map(|&b| Piece::primary(symbols.buffer(b))).collect();
        let doc = call_doc(symbols.kernel(call.kernel), args);
        if can_fail(call) {
            let doc = Doc::Cat(vec!["status = ".into(), doc, ";".into()]);
            let _ = writeln!(out, "    {}", doc.render(4));
            out.push_str("    if (status != 0) {\n        return status;\n    }\n");
        } else {
            let _ = writeln!(out, "    {}", Doc::Cat(vec![doc, ";".into()]).render(4));
        }
        if fence {
            let _ = writeln!(out, "    {}_FENCE();", symbols.upper);
        }
        let _ = writeln!(out, "    {}_AFTER_LAYER({i});", symbols.upper);
    }
    out.push_str("\n    return 0;\n}\n");
    out
}

/// Pointers to the buffers in the arena and in the state.
fn places<'a>(
    program: &Program,
    symbols: &'a Symbols,
    used: &BTreeSet<Buffer>,
    unused: &mut Vec<&'a str>,
) -> String {
    let mut out = String::new();
    let offset_of = |place: &Place, state: bool| match place {
        Place::Arena(offset) if !state => Some(*offset),
        Place::State(offset) if state => Some(*offset),
        _ => None,
    };
    for (state, whole, bytes) in [(true, "state", "kept"), (false, "arena", "memory")] {
        let lines: Vec<(u32, Buffer)> =
            used.iter().filter_map(|&b| Some((offset_of(&program.buffers[b].place, state)?, b))).collect();
        if lines.is_empty() {
            if !state || program.state_bytes() > 0 {
                unused.push(whole);
            }
            continue;
        }
        let _ = writeln!(out, "    uint8_t *const {bytes} = (uint8_t *){whole};");
        for (offset, buffer) in lines {
            let data = &program.buffers[buffer];
            let ty = memory_type(data.scalar);
            let _ =
                writeln!(out, "    {ty} *const {} = (void *)({bytes} + {offset});", symbols.buffer(buffer));
        }
    }
    out
}

/// `Layer 3: "conv1" (ONNX node 7), 320,000 MACs.`
fn headline(program: &Program, index: usize, call: &Call) -> String {
    let mut text = format!("Layer {index}: {}", layer_name(program, call));
    if let Some(node) = call.origin.onnx {
        let _ = write!(text, " (ONNX node {node})");
    }
    if call.macs > 0 {
        let _ = write!(text, ", {} MACs", thousands(call.macs));
    }
    text
}
