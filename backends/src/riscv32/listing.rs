//! Assembly text of an object, as GNU as takes it, each instruction with the cycles that it takes in one call of its
//! function. Not a disassembly: it is written from what the object is written from.

use super::generate::{Functions, Generated};
use super::isa::{Inst, Reg, text};
use super::layout::{Fixup, Layout};
use crate::codegen::elf::Assembly;
use crate::codegen::listing::{self, COLUMN, branch, constants};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tinyc_ir::wording::grouped;
use tinyc_targets::Core;

/// Writes the listing. `comments` holds a line per function.
pub(super) fn listing(functions: &Functions, assembly: &Assembly, comments: &[&str], core: &Core) -> String {
    let name = &assembly.name;
    let mut out = listing::title("#", name, core.name.as_str());
    out.push_str("    .option norelax\n");
    let _ = writeln!(out, "\n    .section .text.{name},\"ax\",%progbits");
    for ((function, part), comment) in functions.all.iter().zip(&assembly.functions).zip(comments) {
        let costs = (*comment, function.layout.bytes, &function.costs.own);
        listing::function(part, costs, ("#", ""), &mut out);
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
    for span in &layout.spans {
        listing::head(span, "#", out);
        for at in span.range.clone() {
            let placed = &layout.code[at];
            if let Some(label) = labels.get(&placed.address) {
                let _ = writeln!(out, "{label}:");
            }
            let text = match fixups.get(&at) {
                Some(fixup) => reference(&placed.inst, fixup, functions, (name, placed.address), out),
                None => match placed.target().and_then(|target| labels.get(&target)) {
                    Some(label) => branch(&text(&placed.inst, None), label),
                    None => text(&placed.inst, None),
                },
            };
            // The assembler takes the short form wherever there is one.
            let long = placed.inst.wide && placed.bytes == 4 && !fixups.contains_key(&at);
            if long {
                out.push_str("    .option push\n    .option norvc\n");
            }
            let cycles = grouped(function.costs.cycles[at]);
            let _ = writeln!(out, "    {text:<width$}# {cycles}", width = COLUMN - 4);
            if long {
                out.push_str("    .option pop\n");
            }
        }
    }
}

/// An instruction that refers to something beyond its function.
fn reference(
    inst: &Inst<Reg>,
    fixup: &Fixup,
    functions: &Functions,
    (name, address): (&str, u32),
    out: &mut String,
) -> String {
    let register = |reg: Option<Reg>| reg.map_or("zero", Reg::name);
    match fixup {
        Fixup::Call(callee) => format!("jal ra, {}", functions.name(callee)),
        Fixup::FarCall { callee, upper: true } => {
            let _ = writeln!(out, ".L{name}_call_{address}:");
            format!("auipc ra, %pcrel_hi({})", functions.name(callee))
        }
        Fixup::FarCall { .. } => format!("jalr ra, %pcrel_lo(.L{name}_call_{})(ra)", address - 4),
        Fixup::Data { offset, upper: true } => {
            format!("lui {}, %hi(.Lconstants + {offset})", register(inst.d))
        }
        Fixup::Data { offset, upper: false } => {
            format!("addi {}, {}, %lo(.Lconstants + {offset})", register(inst.d), register(inst.n))
        }
    }
}

/// The addresses that branches lead to.
fn targets(layout: &Layout) -> impl Iterator<Item = u32> {
    let calls = |at: usize| layout.fixups.iter().any(|fixup| fixup.0 == at);
    let branches = layout.code.iter().enumerate().filter(move |&(at, _)| !calls(at));
    branches.filter_map(|(_, placed)| placed.target())
}
