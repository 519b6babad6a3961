//! What listings of all machines have in common: the heads of blocks, constants, numbers.

use super::body::Span;
use super::elf::{Assembly, Function};
use super::total::Total;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tinyc_ir::wording::grouped;

/// Where comments begin.
pub(crate) const COLUMN: usize = 44;

/// The first lines of a listing; `mark` begins a comment.
pub(crate) fn title(mark: &str, name: &str, core: &str) -> String {
    format!(
        "{mark} {name} for {core}. Cycles are those of one call of a function, with memory that never\n\
         {mark} waits; calls count without what they call.\n"
    )
}

/// The line above a block; `mark` begins a comment.
pub(crate) fn head(span: &Span, mark: &str, out: &mut String) {
    if span.range.is_empty() || (span.range.start == 0 && span.comment.is_empty()) {
        return;
    }
    let most = if span.count.varies { "at most " } else { "" };
    let what = if span.comment.is_empty() { String::new() } else { format!("{}: ", span.comment) };
    let _ = writeln!(out, "    {mark} {what}{most}{} times", grouped(span.count.times));
}

/// What stands above a function: what it does and costs, its symbol. `words` are directives between type and label.
pub(crate) fn function(
    part: &Function,
    (comment, bytes, own): (&str, u32, &Total),
    (mark, words): (&str, &str),
    out: &mut String,
) {
    let kind = if part.global { "global" } else { "local" };
    let (instructions, cycles) = (grouped(own.instructions), grouped(own.cycles));
    let _ = writeln!(out, "\n{mark} {comment}");
    let _ = writeln!(out, "{mark} {bytes} bytes, {instructions} instructions and {cycles} cycles a call");
    let _ =
        writeln!(out, "    .p2align 2\n    .{kind} {0}\n    .type {0}, %function\n{words}{0}:", part.name);
}

/// A name for every address of a function that a branch leads to.
pub(crate) fn labels(targets: impl Iterator<Item = u32>, function: &str) -> BTreeMap<u32, String> {
    let targets: BTreeSet<u32> = targets.collect();
    targets.into_iter().enumerate().map(|(at, target)| (target, format!(".L{function}_{at}"))).collect()
}

/// A branch to a label, from its text without an address: the displacement is the last operand.
pub(crate) fn branch(text: &str, label: &str) -> String {
    let end = text.rfind(" .").unwrap_or(text.len());
    format!("{} {label}", text[..end].trim_end())
}

/// The section of constants.
pub(crate) fn constants(assembly: &Assembly, out: &mut String) {
    let constants = &assembly.constants;
    let _ = writeln!(out, "\n    .section .rodata.{},\"a\",%progbits", assembly.name);
    let _ = writeln!(out, "    .balign {}\n.Lconstants:", constants.align.max(1));
    let mut ends: Vec<u32> = constants.labels.iter().map(|label| label.offset).skip(1).collect();
    ends.push(constants.bytes.len() as u32);
    for (label, end) in constants.labels.iter().zip(ends) {
        let _ = writeln!(out, "{}:", label.name);
        for row in constants.bytes[label.offset as usize..end as usize].chunks(16) {
            let numbers: Vec<String> = row.iter().map(|byte| byte.to_string()).collect();
            let _ = writeln!(out, "    .byte {}", numbers.join(", "));
        }
    }
}
