//! Machine code for functions: one function through all steps, and all of them into one piece of code.

use super::code::{Code, Stalls};
use super::count::count;
use super::flavor::Flavor;
use super::frame::{frame, halves};
use super::isa::encode;
use super::layout::{Fixup, Layout, layout};
use super::timing::Model;
use crate::codegen::elf::{self, Field};
use crate::codegen::{
    self, Room, allocate, allocator_spilled, hoist, schedule, select, spill, split_critical_edges,
};
use crate::native::Function;
use regalloc2::VReg;

pub(super) type Generated = codegen::Generated<Layout>;
pub(super) type Functions = codegen::Functions<Layout>;

/// Generates one function in several ways and takes the one that counts the fewest cycles: numbers made where they are needed
/// or before the loops, and each with all registers in use, or with a few left for the allocator to move things through.
pub(super) fn function(function: &Function, flavor: Flavor, model: &Model) -> Generated {
    let (selected, vregs) = select(function, flavor);
    let best = fewest(&selected, vregs, flavor, model);
    let mut hoisted = selected;
    if !hoist(&mut hoisted) {
        return best;
    }
    let other = fewest(&hoisted, vregs, flavor, model);
    if rank(&other) < rank(&best) { other } else { best }
}

/// With as many registers as give the fewest cycles.
fn fewest(code: &Code<VReg>, vregs: usize, flavor: Flavor, model: &Model) -> Generated {
    let mut best: Option<Generated> = None;
    for kept_free in 0..=SLACK {
        let attempt = Attempt { registers: flavor.registers() - kept_free, flavor, model };
        let (generated, clean) = attempt.run(code.clone(), vregs);
        if best.as_ref().is_none_or(|best| rank(&generated) < rank(best)) {
            best = Some(generated);
        }
        if clean {
            break;
        }
    }
    best.expect("at least one attempt was made")
}

/// Less is better.
fn rank(generated: &Generated) -> (u64, u32) {
    generated.rank(generated.layout.bytes)
}

/// How many registers may be left over.
const SLACK: usize = 4;

/// One way to generate a function.
struct Attempt<'a> {
    /// General registers that values may fill.
    registers: usize,
    flavor: Flavor,
    model: &'a Model,
}

impl Attempt<'_> {
    /// The function, and whether the allocator found a register for everything.
    fn run(&self, mut code: Code<VReg>, mut vregs: usize) -> (Generated, bool) {
        let flavor = self.flavor;
        schedule(&mut code, self.registers, Stalls::of(self.model.timing()));
        split_critical_edges(&mut code);
        let room = Room { registers: self.registers, saved: flavor.kept(), arguments: flavor.arguments() };
        spill(&mut code, &mut vregs, room);
        let code = allocate(code, vregs, &flavor.convention());
        let framed = frame(&code, flavor);
        let layout = layout(&framed.body, flavor);
        let costs = count(&layout, self.model);
        let name = code.name.clone();
        (Generated { name, layout, costs, stack: framed.stack }, !allocator_spilled(&code))
    }
}

impl Functions {
    /// The functions as parts of an object file. `global` is the position of the one that others may call.
    pub(super) fn assemble(&self, global: usize, flavor: Flavor) -> Vec<elf::Function> {
        let starts = self.starts(|layout| layout.bytes);
        self.all
            .iter()
            .enumerate()
            .map(|(at, function)| {
                let (bytes, references) = self.encode(&function.layout, &starts, starts[at], flavor);
                let name = function.name.clone();
                elf::Function { name, global: at == global, align: 4, bytes, data: Vec::new(), references }
            })
            .collect()
    }

    fn encode(
        &self,
        layout: &Layout,
        starts: &[u32],
        start: u32,
        flavor: Flavor,
    ) -> (Vec<u8>, Vec<elf::Reference>) {
        let mut bytes = Vec::with_capacity(layout.bytes as usize);
        let mut references = Vec::new();
        let mut fixups = layout.fixups.iter().peekable();
        for (at, placed) in layout.code.iter().enumerate() {
            let mut inst = placed.inst;
            if let Some((_, fixup)) = fixups.next_if(|fixup| fixup.0 == at) {
                let distance =
                    |callee| starts[self.position(callee)] as i32 - (start + placed.address) as i32;
                match fixup {
                    Fixup::Call(callee) => inst.imm = distance(callee),
                    Fixup::FarCall { callee, upper } => {
                        // The lower part counts from the instruction before it.
                        let (high, low) = halves(distance(callee) + if *upper { 0 } else { 4 });
                        inst.imm = if *upper { high } else { low };
                    }
                    Fixup::Data { offset, upper } => {
                        let field = if *upper { Field::HI20 } else { Field::LO12 };
                        references.push(elf::Reference {
                            offset: placed.address,
                            field,
                            to: elf::Target::Constant(*offset),
                        });
                    }
                }
            }
            let encoding = encode(&inst, flavor.extensions)
                .unwrap_or_else(|error| unreachable!("selection emits what the core has: {error}"));
            debug_assert_eq!(encoding.size(), placed.bytes, "{inst}");
            bytes.extend(encoding.bytes());
        }
        (bytes, references)
    }
}
