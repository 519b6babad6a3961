//! What a reader of emitted code is told about the program, in plain words: layers, constants, memory, errors.

use super::comment::{cut, harmless, sentence, short};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tinyc_ir::loops::{Access, Buffer, BufferData, Call, Kernel, Place, Program, Stmt};
use tinyc_ir::wording::grouped;

/// What each layer calls and writes: its number is the one that the hook gets.
///
/// Lines of at most `width` columns, without what begins a comment. `names` gives the identifiers of a call's function and
/// of a buffer that it writes.
pub(crate) fn layer_table(
    program: &Program,
    width: usize,
    names: &dyn Fn(usize, Buffer) -> [String; 2],
) -> Vec<String> {
    let head = ["layer", "calls", "writes", "place", "bytes", "type", "tensor"].map(String::from);
    let mut rows = vec![head];
    for (i, call) in program.calls.iter().enumerate() {
        for buffer in written(program, call) {
            let data = &program.buffers[buffer];
            let [function, name] = names(i, buffer);
            rows.push([
                i.to_string(),
                function,
                name,
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
    let column =
        |rows: &[[String; 7]], c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    // The user's names have what the other columns leave of the line.
    let others: usize = (0..6).map(|c| column(&rows, c) + 2).sum();
    let room = width.saturating_sub(others + 2);
    for row in &mut rows {
        row[6] = cut(&row[6], room);
    }
    let widths: Vec<usize> = (0..7).map(|c| column(&rows, c)).collect();
    let text = |row: &[String; 7]| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Numbers to the right.
            match column {
                0 | 4 => _ = write!(line, "  {cell:>width$}"),
                _ => _ = write!(line, "  {cell:<width$}"),
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(text).collect()
}

/// The buffers that a layer writes, each once.
pub(crate) fn written(program: &Program, call: &Call) -> Vec<Buffer> {
    let params = program.kernels[call.kernel].params.values();
    let mut buffers = Vec::new();
    for (param, &buffer) in params.zip(&call.args) {
        if param.access != Access::Read && !buffers.contains(&buffer) {
            buffers.push(buffer);
        }
    }
    buffers
}

/// The name of a layer: of its node, or of its kernel.
fn layer_name(program: &Program, call: &Call) -> String {
    match call.origin.name.as_str() {
        "" => harmless(&program.kernels[call.kernel].name),
        name => short(name),
    }
}

/// `Weight of layer 2, /pw2/Conv`: what a constant is for whom.
pub(crate) fn uses(program: &Program, buffer: Buffer) -> String {
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

/// `Layer 3: "conv1" (ONNX node 7), 320,000 MACs.`
pub(crate) fn headline(program: &Program, index: usize, call: &Call) -> String {
    let mut text = format!("Layer {index}: {}", layer_name(program, call));
    if let Some(node) = call.origin.onnx {
        let _ = write!(text, " (ONNX node {node})");
    }
    if call.macs > 0 {
        let _ = write!(text, ", {} MACs", grouped(call.macs));
    }
    text
}

/// The kernel's own comment, and the layers that it is for.
pub(crate) fn kernel(program: &Program, kernel: Kernel) -> String {
    let layers: Vec<usize> =
        (0..program.calls.len()).filter(|&i| program.calls[i].kernel == kernel).collect();
    let callers = sentence(&format!("For {}", layers_text(program, &layers)));
    match program.kernels[kernel].comment.as_str() {
        "" => callers,
        comment => format!("{} {callers}", sentence(comment)),
    }
}

/// Alignment of the arena.
pub(crate) fn arena_align(program: &Program) -> u32 {
    let in_arena = |b: &&BufferData| matches!(b.place, Place::Arena(_));
    program.buffers.values().filter(in_arena).map(|b| b.align).max().unwrap_or(1)
}

/// The codes with which a run can end early, each with the layers that give it: `3 (/gather)`.
pub(crate) fn fail_codes(program: &Program) -> BTreeMap<u8, Vec<String>> {
    let mut codes: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for (i, call) in program.calls.iter().enumerate() {
        let kernel = &program.kernels[call.kernel];
        let mut found = Vec::new();
        codes_of(&kernel.body, &mut found);
        found.sort_unstable();
        found.dedup();
        for code in found {
            let name = if call.origin.name.is_empty() { &kernel.name } else { &call.origin.name };
            codes.entry(code).or_default().push(format!("{i} ({})", harmless(name)));
        }
    }
    codes
}

fn codes_of(block: &[Stmt], out: &mut Vec<u8>) {
    for stmt in block {
        match stmt {
            Stmt::Fail { code } => out.push(*code),
            Stmt::For { body, .. } => codes_of(body, out),
            Stmt::If { then, otherwise, .. } => {
                codes_of(then, out);
                codes_of(otherwise, out);
            }
            _ => {}
        }
    }
}
