//! Machine code for functions: one function through all steps, and all of them into one piece of code.

use super::advance::{Movers, advance};
use super::code::{Code, Stalls, convention};
use super::count::count;
use super::flavor::Flavor;
use super::frame::frame;
use super::isa::{Op, encode_for};
use super::layout::{Fixup, Layout, layout};
use super::piece::Symbol;
use super::select::ARGUMENTS;
use super::timing::Model;
use crate::codegen::{
    self, Room, allocate, allocator_spilled, elf, hoist, schedule, select, spill, split_critical_edges,
};
use crate::native::Function;
use regalloc2::VReg;

/// The longest function of Armv6-M whose branches all reach; beyond it, far jumps need the return address saved.
const REACH: u32 = 1800;

pub(super) type Generated = codegen::Generated<Layout>;
pub(super) type Functions = codegen::Functions<Layout>;

/// Generates one function in several ways and takes the one that counts the fewest cycles: constants made where they are
/// needed or before the loops, pointers advanced by additions or by loads and stores, and each with all registers
/// in use, or with one or two left for the allocator to move things through.
pub(super) fn function(function: &Function, flavor: Flavor, model: &Model) -> Generated {
    let (selected, vregs) = select(function, flavor);
    let ways = Ways { flavor, model };
    let mut best = (ways.allocated(&selected, vregs), selected);
    let steps: [&Step<'_>; 3] =
        [&hoist, &|code| flavor.thumb2 && advance(code, flavor, Movers::Stores), &|code| {
            flavor.thumb2 && advance(code, flavor, Movers::All)
        }];
    for step in steps {
        let mut code = best.1.clone();
        if step(&mut code) {
            let generated = ways.allocated(&code, vregs);
            if rank(&generated) < rank(&best.0) {
                best = (generated, code);
            }
        }
    }
    best.0
}

/// A change of selected instructions; whether it found anything to change.
type Step<'a> = dyn Fn(&mut Code<VReg>) -> bool + 'a;

/// Less is better.
fn rank(generated: &Generated) -> (u64, u32) {
    generated.rank(generated.layout.bytes)
}

/// How many registers may be left over.
const SLACK: usize = 2;

/// The ways from selected instructions to laid out ones.
struct Ways<'a> {
    flavor: Flavor,
    model: &'a Model,
}

impl Ways<'_> {
    /// With as many registers as give the fewest cycles.
    fn allocated(&self, code: &Code<VReg>, vregs: usize) -> Generated {
        let registers = self.flavor.machine().registers as usize;
        let mut best: Option<Generated> = None;
        for kept_free in 0..=SLACK {
            let (generated, clean) = self.with_registers(registers - kept_free, code.clone(), vregs);
            if best.as_ref().is_none_or(|best| rank(&generated) < rank(best)) {
                best = Some(generated);
            }
            if clean {
                break;
            }
        }
        best.expect("at least one attempt was made")
    }

    /// With values in so many registers; and whether the allocator found one for everything.
    fn with_registers(&self, registers: usize, mut code: Code<VReg>, mut vregs: usize) -> (Generated, bool) {
        let flavor = self.flavor;
        if flavor.thumb2 {
            schedule(&mut code, registers, Stalls::of(self.model.timing()));
        }
        split_critical_edges(&mut code);
        let saved = if flavor.thumb2 { 8 } else { 4 };
        spill(&mut code, &mut vregs, Room { registers, saved, arguments: ARGUMENTS });
        let code = allocate(code, vregs, &convention(flavor));
        let mut framed = frame(&code, flavor, false);
        let mut placed = layout(&framed.body, flavor);
        if !flavor.thumb2 && placed.bytes > REACH {
            framed = frame(&code, flavor, true);
            placed = layout(&framed.body, flavor);
        }
        let mut costs = count(&placed, self.model);
        // Word borders are worth a few bytes, but no cycles.
        let loose = Flavor { fetches_words: false, ..flavor };
        if loose != flavor {
            let other = layout(&framed.body, loose);
            let others = count(&other, self.model);
            if others.own.cycles < costs.own.cycles {
                (placed, costs) = (other, others);
            }
        }
        let name = code.name.clone();
        (Generated { name, layout: placed, costs, stack: framed.stack }, !allocator_spilled(&code))
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
                let mut data: Vec<std::ops::Range<u32>> = Vec::new();
                for &(offset, _) in &function.layout.literals {
                    match data.last_mut() {
                        Some(last) if last.end == offset => last.end = offset + 4,
                        _ => data.push(offset..offset + 4),
                    }
                }
                let name = function.name.clone();
                elf::Function { name, global: at == global, align: 4, bytes, data, references }
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
        let mut bytes = vec![0; layout.bytes as usize];
        let mut references = Vec::new();
        let mut fixups = layout.fixups.iter().peekable();
        for (at, placed) in layout.code.iter().enumerate() {
            let mut inst = placed.inst;
            if let Some((_, fixup)) = fixups.next_if(|fixup| fixup.0 == at) {
                match fixup {
                    Fixup::Call(callee) => {
                        let to = starts[self.position(callee)];
                        inst.imm = to as i32 - (start + placed.address) as i32 - 4;
                    }
                    Fixup::Data { offset, high } => {
                        debug_assert!(matches!(inst.op, Op::MovImm | Op::Movt));
                        inst.imm = ANY_HALF;
                        let field = if *high { elf::Field::MOVT } else { elf::Field::MOVW };
                        references.push(elf::Reference {
                            offset: placed.address,
                            field,
                            to: elf::Target::Constant(*offset),
                        });
                    }
                }
            }
            let encoding = encode_for(&inst, flavor.extensions)
                .unwrap_or_else(|error| unreachable!("selection emits what the core has: {error}"));
            debug_assert_eq!(encoding.size(), placed.bytes, "{inst}");
            for (at, byte) in encoding.bytes().enumerate() {
                bytes[placed.address as usize + at] = byte;
            }
            if let Some(reference) = references.last()
                && reference.offset == placed.address
            {
                clear_half(&mut bytes[placed.address as usize..][..4]);
            }
        }
        for &(offset, symbol) in &layout.literals {
            match symbol {
                Symbol::Number(number) => {
                    bytes[offset as usize..][..4].copy_from_slice(&number.to_le_bytes());
                }
                Symbol::Data(constant) => {
                    references.push(elf::Reference {
                        offset,
                        field: elf::Field::WORD,
                        to: elf::Target::Constant(constant),
                    });
                }
            }
        }
        (bytes, references)
    }
}

/// A number for MOVW and MOVT until the linker fills it in: one that no other form of MOV takes.
const ANY_HALF: i32 = 0x1357;

/// Sets the immediate of a MOVW or MOVT to 0: the linker adds to what is there.
fn clear_half(bytes: &mut [u8]) {
    for (byte, keep) in bytes.iter_mut().zip([!0x0f, !0x04, !0xff, !0x70]) {
        *byte &= keep;
    }
}
