//! The emitted `.c` file: what stands where, and the function that calls the layers.

use super::Options;
use super::comment::{block, section};
use super::data;
use super::doc::{Doc, WIDTH};
use super::header::run_prototype;
use super::helper::Helpers;
use super::kernel::Function;
use super::names::Symbols;
use super::piece::{Piece, call_doc};
use super::prelude::{Needs, prelude};
use super::scalar::memory_type;
use crate::text::comment::harmless;
use crate::text::describe::{self, headline, layer_table, uses};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tinyc_ir::loops::{Buffer, Call, ExprData, Kernel, KernelData, Place, Program, Scalar};

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
    out.push_str(" *\n");
    let names = |call: usize, buffer| {
        [symbols.kernel(program.calls[call].kernel), symbols.buffer(buffer)].map(String::from)
    };
    for line in layer_table(program, WIDTH - 2, &names) {
        let _ = writeln!(out, " *{line}");
    }
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
        || kernel.computes_with_floats()
        || kernel.exprs.values().any(|e| match e {
            ExprData::Literal(literal) => literal.scalar().is_float(),
            ExprData::Convert { to, .. } | ExprData::Bits { to, .. } => to.is_float(),
            ExprData::Load { scalar, .. } => scalar.is_float() && !scalar.is_half(),
            _ => false,
        })
}

fn kernel(program: &Program, symbols: &Symbols, function: &Function) -> String {
    let mut out = String::new();
    out.push_str(&block(&describe::kernel(program, function.kernel), 0));
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
