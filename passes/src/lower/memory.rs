//! The memory plan of a program: when each arena buffer lives, which may share, and where each comes to lie.

use super::Memory;
use crate::plan::{self, Block};
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Buffer, Call, Place, Program};

/// Parts of arena buffers that are buffers of their own: what they are a part of, which is no part itself, and from which byte
/// on.
pub type Views = BTreeMap<Buffer, (Buffer, u32)>;

/// Gives every arena buffer its offset and the program its arena size.
pub fn plan(program: &mut Program, views: &Views) -> Memory {
    let mut owner: Vec<Buffer> = program.buffers.keys().collect();
    let mut lives = lifetimes(program);
    for (&view, &(whole, _)) in views {
        owner[view.index()] = whole;
        let both = [lives[whole.index()], lives[view.index()]];
        let both = both.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        lives[whole.index()] = both;
    }
    for step in 0..program.calls.len() {
        for (written, read) in in_place(program, views, &owner, &lives, step) {
            let (from, to) = (root(&owner, written), root(&owner, read));
            owner[from.index()] = to;
            let merged = (lives[to.index()], lives[from.index()]);
            if let (Some(a), Some(b)) = merged {
                lives[to.index()] = Some((a.0.min(b.0), a.1.max(b.1)));
            }
        }
    }
    let in_arena = |b: &Buffer| matches!(program.buffers[*b].place, Place::Arena(_));
    let owners: Vec<Buffer> =
        program.buffers.keys().filter(in_arena).filter(|&b| root(&owner, b) == b).collect();
    let blocks: Vec<Block> = owners
        .iter()
        .map(|&b| {
            let data = &program.buffers[b];
            let group = program.buffers.iter().filter(|(other, _)| root(&owner, *other) == b);
            let align = group.map(|(_, d)| d.align).max().unwrap_or(1);
            let (first, last) = lives[b.index()].unwrap_or((0, 0));
            Block::new(&data.name, data.bytes() as u32, align, first as u32, last as u32)
        })
        .collect();
    let packing =
        plan::pack(&blocks).expect("blocks have no fixed offsets and sizes that were checked against 2^31");
    for buffer in program.buffers.keys().collect::<Vec<_>>() {
        if matches!(program.buffers[buffer].place, Place::Arena(_)) {
            let owner = root(&owner, buffer);
            let block = owners.iter().position(|&o| o == owner).expect("every group has an owner");
            let inside = views.get(&buffer).map_or(0, |&(_, from)| from);
            program.buffers[buffer].place = Place::Arena(packing.offsets[block] + inside);
        }
    }
    program.arena_bytes = packing.bytes;
    let peak = program.calls.get(packing.peak_step as usize).map(|call| call.origin.clone());
    let alive = packing.alive_at_peak.iter().map(|&i| (blocks[i].name.clone(), blocks[i].size)).collect();
    let alive_in =
        |step: usize| blocks.iter().filter(|block| block.alive_in(step as u32)).map(|block| block.size).sum();
    let alive_bytes = (0..program.calls.len()).map(alive_in).collect();
    Memory { arena_bytes: packing.bytes, lower_bound: packing.lower_bound, packing, peak, alive, alive_bytes }
}

fn root(owner: &[Buffer], mut buffer: Buffer) -> Buffer {
    while owner[buffer.index()] != buffer {
        buffer = owner[buffer.index()];
    }
    buffer
}

/// For each buffer, the first and the last call that touch it.
fn lifetimes(program: &Program) -> Vec<Option<(usize, usize)>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; program.buffers.len()];
    for (step, call) in program.calls.iter().enumerate() {
        for arg in &call.args {
            let life = lives[arg.index()].get_or_insert((step, step));
            life.1 = step;
        }
    }
    lives
}

/// Pairs (written, read) of a call's arena buffers that may become one: the kernel allows it, the read one dies here,
/// the written one is born here, both are equally long, and no other argument is that memory.
fn in_place(
    program: &Program,
    views: &Views,
    owner: &[Buffer],
    lives: &[Option<(usize, usize)>],
    step: usize,
) -> Vec<(Buffer, Buffer)> {
    let call: &Call = &program.calls[step];
    let kernel = &program.kernels[call.kernel];
    let arena = |b: Buffer| matches!(program.buffers[b].place, Place::Arena(_));
    kernel
        .params
        .iter()
        .filter(|(_, data)| data.access != Access::Read)
        .filter_map(|(param, data)| Some((call.args[param.index()], call.args[data.may_alias?.index()])))
        .filter(|&(written, read)| {
            written != read
                && !views.contains_key(&written)
                && !views.contains_key(&read)
                && arena(written)
                && arena(read)
                && program.buffers[written].bytes() == program.buffers[read].bytes()
                && lives[written.index()].is_some_and(|l| l.0 == step)
                && lives[read.index()].is_some_and(|l| l.1 == step)
                // Read through a second parameter too, it would be overwritten while still needed.
                && call.args.iter().filter(|&&arg| root(owner, arg) == root(owner, read)).count() == 1
        })
        .collect()
}
