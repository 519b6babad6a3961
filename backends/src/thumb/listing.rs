//! Assembly text of an object, as GNU as takes it, each instruction with the cycles that it takes in one call of its
//! function. Not a disassembly: it is written from what the object is written from.

use super::generate::{Functions, Generated};
use super::isa::{Inst, Op, Reg, text};
use super::layout::{Fixup, Layout};
use super::piece::Symbol;
use crate::codegen::elf::Assembly;
use crate::codegen::listing::{COLUMN, constants, grouped, head};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tinyc_targets::Core;

/// Writes the listing. `comments` holds a line per function.
pub(super) fn listing(
    functions: &Functions,
    assembly: &Assembly,
    comments: &[String],
    core: &Core,
) -> String {
    let name = &assembly.name;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "@ {name} for {}. Cycles are those of one call of a function, with memory that never",
        core.name
    );
    out.push_str("@ waits; calls count without what they call.\n");
    let _ = writeln!(out, "    .syntax unified\n    .thumb\n    .arch {}", core.architecture);
    if core.features.fpu_f32 {
        let fpu = if core.architecture.starts_with("armv8") { "fpv5-sp-d16" } else { "fpv4-sp-d16" };
        let _ = writeln!(out, "    .fpu {fpu}");
    }
    if core.features.dsp && core.architecture.starts_with("armv8") {
        out.push_str("    .arch_extension dsp\n");
    }
    let _ = writeln!(out, "\n    .section .text.{name},\"ax\",%progbits");
    for ((function, part), comment) in functions.all.iter().zip(&assembly.functions).zip(comments) {
        let kind = if part.global { "global" } else { "local" };
        let _ = writeln!(out, "\n@ {comment}");
        let _ = writeln!(
            out,
            "@ {} bytes, {} instructions and {} cycles a call",
            function.layout.bytes,
            grouped(function.costs.own.instructions),
            grouped(function.costs.own.cycles),
        );
        let _ = writeln!(
            out,
            "    .p2align 2\n    .{kind} {0}\n    .type {0}, %function\n    .thumb_func\n{0}:",
            part.name
        );
        code(function, functions, &part.name, &mut out);
        let _ = writeln!(out, "    .size {0}, . - {0}", part.name);
    }
    constants(assembly, &mut out);
    out
}

fn code(function: &Generated, functions: &Functions, name: &str, out: &mut String) {
    let layout = &function.layout;
    let labels = labels(layout, name);
    let fixups: BTreeMap<usize, &Fixup> = layout.fixups.iter().map(|(at, fixup)| (*at, fixup)).collect();
    let mut literals = layout.literals.iter().peekable();
    for span in &layout.spans {
        head(span, "@", out);
        for at in span.range.clone() {
            let placed = &layout.code[at];
            words(&mut literals, placed.address, name, out);
            if let Some(label) = labels.get(&placed.address) {
                let _ = writeln!(out, "{label}:");
            }
            let text = match fixups.get(&at) {
                Some(Fixup::Call(callee)) => format!("bl {}", functions.name(callee)),
                Some(Fixup::Data { offset, high }) => {
                    let (op, half) = if *high { ("movt", "upper16") } else { ("movw", "lower16") };
                    let d = placed.inst.d.expect("MOVW and MOVT have a result");
                    format!("{op} {d}, #:{half}:.Lconstants + {offset}")
                }
                None => match placed.target().and_then(|target| labels.get(&target)) {
                    Some(label) => branch(&placed.inst, label),
                    None => literal(&placed.inst, placed.address, name),
                },
            };
            let _ = writeln!(
                out,
                "    {text:<width$}@ {}",
                grouped(function.costs.cycles[at]),
                width = COLUMN - 4
            );
        }
    }
    words(&mut literals, u32::MAX, name, out);
}

/// A name for every address that a branch leads to.
fn labels(layout: &Layout, name: &str) -> BTreeMap<u32, String> {
    let mut targets: Vec<u32> = layout
        .code
        .iter()
        .filter(|p| p.inst.op != Op::Bl || p.inst.imm != 0)
        .filter_map(|p| p.target())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets.into_iter().enumerate().map(|(at, target)| (target, format!(".L{name}_{at}"))).collect()
}

/// A branch to a label.
fn branch(inst: &Inst<Reg>, label: &str) -> String {
    let text = text(inst, None);
    // The displacement is the last operand.
    let end = text.rfind(" .").unwrap_or(text.len());
    format!("{} {label}", text[..end].trim_end())
}

/// An instruction; a literal is named by its label.
fn literal(inst: &Inst<Reg>, address: u32, name: &str) -> String {
    match (inst.op, inst.d) {
        (Op::LdrLit, Some(d)) => {
            let word = ((address + 4) & !3).wrapping_add_signed(inst.imm);
            format!("ldr {d}, .L{name}_word_{word}")
        }
        _ => text(inst, None),
    }
}

/// The literal words that lie before an address.
fn words(
    literals: &mut std::iter::Peekable<std::slice::Iter<'_, (u32, Symbol)>>,
    before: u32,
    name: &str,
    out: &mut String,
) {
    while let Some((offset, symbol)) = literals.next_if(|literal| literal.0 < before) {
        let value = match symbol {
            Symbol::Number(number) => format!("{number}"),
            Symbol::Data(offset) => format!(".Lconstants + {offset}"),
        };
        let _ = writeln!(out, "    .p2align 2\n.L{name}_word_{offset}:\n    .word {value}");
    }
}
