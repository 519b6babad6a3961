//! Which memory a printed function gets for a kernel's parameters.
//!
//! Safe Rust has no pointers of two types to one place, so what lies in the arena is bytes, and parameters that share memory in a
//! call are one parameter of the function. Calls of one kernel that differ in this need functions of their own.

use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Access, Buffer, Call, Index, Kernel, Loop, Param, Place, Program, Ring, Scalar};
use tinyc_ir::loops::{Affine, Dynamic};

/// A parameter of a printed function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The kernel's parameter that it is named after.
    pub(super) named: Param,
    /// The element's type; `None` for bytes of the arena.
    pub(super) scalar: Option<Scalar>,
    /// How many elements, or bytes.
    pub(super) len: usize,
    /// Whether the function may write to it.
    pub(super) written: bool,
}

/// Where a kernel's parameter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The position of its slot.
    pub(super) slot: usize,
    /// Bytes of the slot before its first element.
    pub(super) offset: usize,
    /// Its own element type.
    pub(super) scalar: Scalar,
}

/// All parameters of one printed function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) slots: Vec<Slot>,
    /// By the kernel's parameters.
    pub(super) views: Vec<View>,
}

/// What a call hands over for one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// An input, an output or a constant as a whole.
    Whole(Buffer),
    /// Bytes of the arena, or of the state; the buffer names them.
    Bytes { state: bool, start: usize, len: usize, buffer: Buffer },
}

/// A function to print.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) kernel: Kernel,
    pub(super) shape: Shape,
}

/// Every function that the program needs, and which one each call takes with what.
pub(super) fn variants(program: &Program) -> (Vec<Variant>, Vec<(usize, Vec<Argument>)>) {
    let mut variants: Vec<Variant> = Vec::new();
    let mut calls = Vec::new();
    for call in &program.calls {
        let (shape, arguments) = shape(program, call);
        let known = variants.iter().position(|v| v.kernel == call.kernel && v.shape == shape);
        let variant = known.unwrap_or_else(|| {
            variants.push(Variant { kernel: call.kernel, shape });
            variants.len() - 1
        });
        calls.push((variant, arguments));
    }
    (variants, calls)
}

/// A buffer's bytes in the arena (`false`) or in the state (`true`).
fn bytes(program: &Program, buffer: Buffer) -> Option<(bool, usize, usize)> {
    let data = &program.buffers[buffer];
    match data.place {
        Place::Arena(at) => Some((false, at as usize, at as usize + data.bytes())),
        Place::State(at) => Some((true, at as usize, at as usize + data.bytes())),
        _ => None,
    }
}

fn touch(program: &Program, a: Buffer, b: Buffer) -> bool {
    match (bytes(program, a), bytes(program, b)) {
        (Some(a), Some(b)) => a.0 == b.0 && a.1 < b.2 && b.1 < a.2,
        _ => a == b,
    }
}

fn shape(program: &Program, call: &Call) -> (Shape, Vec<Argument>) {
    let kernel = &program.kernels[call.kernel];
    let params: Vec<Param> = kernel.params.keys().collect();
    // Which parameters have memory in common, directly or through others.
    let mut group: Vec<usize> = (0..params.len()).collect();
    for (i, &a) in call.args.iter().enumerate() {
        for (j, &b) in call.args.iter().enumerate().take(i) {
            if touch(program, a, b) && group[i] != group[j] {
                let (from, to) = (group[i].max(group[j]), group[i].min(group[j]));
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
    }
    let written = |p: &Param| kernel.params[*p].access != Access::Read;
    let mut shape = Shape { slots: Vec::new(), views: Vec::new() };
    let mut arguments = Vec::new();
    // The slot of each group that has one; groups that are only read are taken apart again.
    let mut slots: Vec<Option<usize>> = vec![None; params.len()];
    for (i, &param) in params.iter().enumerate() {
        let members: Vec<usize> = (0..params.len()).filter(|&j| group[j] == group[i]).collect();
        let writer = members.iter().map(|&j| params[j]).find(written);
        let members = if writer.is_some() { members } else { vec![i] };
        let ranges: Vec<_> = members.iter().filter_map(|&j| bytes(program, call.args[j])).collect();
        let start = ranges.iter().map(|r| r.1).min().unwrap_or(0);
        let end = ranges.iter().map(|r| r.2).max().unwrap_or(0);
        let known = if writer.is_some() { slots[group[i]] } else { None };
        let slot = known.unwrap_or_else(|| {
            let named = writer.unwrap_or(param);
            let data = &kernel.params[named];
            let own = ranges.is_empty();
            shape.slots.push(Slot {
                named,
                scalar: own.then_some(data.scalar),
                len: if own { data.len } else { end - start },
                written: writer.is_some(),
            });
            arguments.push(match ranges.first() {
                None => Argument::Whole(call.args[i]),
                Some(&(state, ..)) => {
                    Argument::Bytes { state, start, len: end - start, buffer: call.args[named.index()] }
                }
            });
            shape.slots.len() - 1
        });
        slots[group[i]] = Some(slot);
        let offset = bytes(program, call.args[i]).map_or(0, |r| r.1 - start);
        shape.views.push(View { slot, offset, scalar: kernel.params[param].scalar });
    }
    (shape, arguments)
}

/// A place in a slot, in the slot's elements or bytes.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) slot: usize,
    pub(super) affine: Affine,
    pub(super) ring: Option<Ring>,
    pub(super) dynamic: Option<Dynamic>,
    /// How many elements or bytes are read or written from there on.
    pub(super) width: i64,
}

impl Position {
    /// The slot's elements, from an access of the kernel to a parameter's elements as a `scalar`.
    pub(super) fn new(shape: &Shape, param: Param, index: &Index, scalar: Scalar) -> Self {
        let view = shape.views[param.index()];
        let (unit, width) = match shape.slots[view.slot].scalar {
            None => (view.scalar.size(), scalar.size()),
            Some(element) => (1, scalar.size() / element.size()),
        };
        let unit = unit as i64;
        let ring = index.ring.as_ref().map(|r| Ring { stride: r.stride * unit, ..r.clone() });
        let dynamic = index.dynamic.as_ref().map(|d| Dynamic { stride: d.stride * unit, ..d.clone() });
        let affine = index.affine.times(unit).offset(view.offset as i64);
        Self { slot: view.slot, affine, ring, dynamic, width: width as i64 }
    }

    /// The part of its terms that does not move with the given loops.
    pub(super) fn outer(&self, inner: &[Loop]) -> Affine {
        let terms = self.affine.terms.iter().filter(|t| !inner.contains(&t.1)).copied().collect();
        Affine { terms, constant: 0 }
    }
}
