//! Tensors that a network keeps between runs: where they lie, and how the new value replaces the old one.
//!
//! The old value must survive until its last read. Where every layer that touches it comes before the first that touches the new
//! one, or is that layer and works in place, the new one is written over it; else it is copied there behind all layers.

use super::layer::{Layer, unique};
use super::{Lowering, face, movement};
use tinyc_ir::Origin;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Buffer, BufferData, Place, Program};
use tinyc_ir::wording::counted;

/// An input of the graph that is an output of the run before: their positions. The types of both are equal, and no input or
/// output is in two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Among the graph's inputs.
    pub input: usize,
    /// Among the graph's outputs.
    pub output: usize,
}

impl Lowering<'_> {
    /// Gives each kept tensor its memory: the widest elements first, so that there are no gaps.
    pub(super) fn place_states(&mut self) {
        let graph = self.graph;
        let mut order: Vec<usize> = self.kept.iter().map(|kept| kept.input).collect();
        order.sort_by_key(|&input| (std::cmp::Reverse(graph.ty(graph.inputs[input]).dtype.size()), input));
        let mut offset = 0;
        for input in order {
            let value = graph.inputs[input];
            let buffer = self.add_buffer(value, Place::State(offset));
            self.program.buffers[buffer].face = Some(face(graph.ty(value)));
            self.buffers[value.index()] = Some(buffer);
            offset += self.program.buffers[buffer].bytes() as u32;
        }
    }

    /// Makes each kept tensor hold its new value when the run ends.
    pub(super) fn update_states(&mut self) {
        let mut open: Vec<(Buffer, Buffer, usize)> = Vec::new();
        for kept in self.kept.clone() {
            let old = self.buffer(self.graph.inputs[kept.input]);
            let new = self.buffer(self.graph.outputs[kept.output]);
            if old != new {
                open.push((old, new, kept.output));
            }
        }
        let mut at = 0;
        while let Some(&(old, new, _)) = open.get(at) {
            // A new value that two states take lies in one place only.
            let elsewhere = |&(_, other, _): &(Buffer, Buffer, usize)| other == old || other == new;
            let others = open.iter().enumerate().filter(|(i, _)| *i != at);
            let split = self.views.iter().any(|(&view, &(whole, _))| view == new || whole == new);
            if split || others.into_iter().any(|(_, pair)| elsewhere(pair)) || !over(&self.program, old, new)
            {
                at += 1;
                continue;
            }
            self.program.buffers[new].place = self.program.buffers[old].place.clone();
            open.remove(at);
        }
        // Nothing is overwritten that another copy still reads; a circle is broken by a copy beside it.
        while !open.is_empty() {
            let read_later =
                |old: Buffer, i: usize| open.iter().enumerate().any(|(j, o)| j != i && o.1 == old);
            if let Some(next) = (0..open.len()).find(|&i| !read_later(open[i].0, i)) {
                let (old, new, output) = open.remove(next);
                self.copy(new, old, output);
                let tensor = self.program.buffers[new].tensor.clone();
                self.program.buffers[old].tensor = tensor;
            } else {
                let (_, new, output) = open[0];
                let beside = self.beside(new);
                self.copy(new, beside, output);
                open[0].1 = beside;
            }
        }
    }

    fn copy(&mut self, from: Buffer, to: Buffer, output: usize) {
        let value = self.graph.outputs[output];
        let comment = counted(self.graph.ty(value).shape.elements(), "element");
        let origin = Origin { name: self.graph.values[value].name.clone(), onnx: None };
        let mut layer = Layer::new(&mut self.program, self.features, origin, "copy".into(), comment);
        movement::copy(&mut layer, from, to);
        layer.finish(0);
    }

    /// Memory in the arena like that of a kept tensor.
    fn beside(&mut self, buffer: Buffer) -> Buffer {
        let data = &self.program.buffers[buffer];
        let taken = |name: &str| self.program.buffers.values().any(|b| b.name == name);
        let name = unique(&format!("{}_before", data.name), taken);
        let data = BufferData { name, place: Place::Arena(0), face: None, ..data.clone() };
        self.program.buffers.push(data)
    }
}

/// Whether a new value may be written over the old one.
fn over(program: &Program, old: Buffer, new: Buffer) -> bool {
    let (from, to) = (&program.buffers[new], &program.buffers[old]);
    let alike = (from.scalar, from.len) == (to.scalar, to.len) && from.align <= to.align;
    if !matches!(from.place, Place::Arena(_)) || !alike {
        return false;
    }
    let Some(first) = program.calls.iter().position(|call| call.args.contains(&new)) else { return false };
    let last = program.calls.iter().rposition(|call| call.args.contains(&old));
    match last {
        Some(last) if last > first => false,
        Some(last) if last == first => in_place(program, first, old, new),
        _ => true,
    }
}

/// Whether a layer may write a tensor over one that it reads.
fn in_place(program: &Program, call: usize, old: Buffer, new: Buffer) -> bool {
    let call = &program.calls[call];
    let kernel = &program.kernels[call.kernel];
    let count = |buffer: Buffer| call.args.iter().filter(|&&arg| arg == buffer).count();
    let allowed = kernel.params.iter().any(|(param, data)| {
        data.access == Access::Write
            && call.args[param.index()] == new
            && data.may_alias.is_some_and(|read| call.args[read.index()] == old)
    });
    allowed && count(old) == 1 && count(new) == 1
}
