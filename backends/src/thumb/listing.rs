//! Assembly text of an object, as GNU as takes it, each instruction with the cycles that it takes in one call of its
//! function. Not a disassembly: it is written from what the object is written from.

use super::generate::{Functions, Generated};
use super::isa::{Inst, Op, Reg, text};
use super::layout::{Fixup, Layout};
use super::piece::Symbol;
use crate::codegen::elf::Assembly;
use crate::codegen::listing::{self, COLUMN, branch, constants};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tinyc_ir::wording::grouped;
use tinyc_targets::Core;

/// Writes the listing. `comments` holds a line per function.
pub(super) fn listing(
    functions: &Functions,
    assembly: &Assembly,
    comments: &[String],
    core: &Core,
) -> String {
    let name = &assembly.name;
    let mut out = listing::title("@", name, core.name.as_str());
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
        let costs = (comment.as_str(), function.layout.bytes, &function.costs.own);
        listing::function(part, costs, ("@", "    .thumb_func\n"), &mut out);
        code(function, functions, &part.name, &mut out);
        let _ = writeln!(out, "    .size {0}, . - {0}", part.name);
    }
    constants(assembly, &mut out);
    out
}

fn code(function: &Generated, functions: &Functions, name: &str, out: &mut String) {
    let layout = &function.layout;
    let labels = listing::labels(targets(layout), name);
    let fixups: BTreeMap<usize, &Fixup> = layout.fixups.iter().map(|(at, fixup)| (*at, fixup)).collect();
    let mut literals = layout.literals.iter().peekable();
    for span in &layout.spans {
        listing::head(span, "@", out);
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
                    Some(label) => branch(&text(&placed.inst, None), label),
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

/// The addresses that branches lead to; calls have none yet.
fn targets(layout: &Layout) -> impl Iterator<Item = u32> {
    let branches = layout.code.iter().filter(|placed| placed.inst.op != Op::Bl || placed.inst.imm != 0);
    branches.filter_map(|placed| placed.target())
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
