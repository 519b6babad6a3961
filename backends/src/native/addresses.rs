//! Addresses by strength reduction. An access is at `param + Σ coefficient · counter + constant` bytes; all accesses of
//! a parameter with the same coefficients share one pointer, which the loops carry, and differ in the immediate offset.
//!
//! A pointer comes into being when an access asks for it: the innermost loop that moves it carries it as a parameter
//! of its header, and asks the level around for its first value. Loops between that do not move it carry it, too, where
//! a loop further in does: what the inner loop has advanced is subtracted again, and no second register keeps
//! the start. At a loop's end the next value is made from the newest address that moves alike, so that older ones die.

use super::kernel::Writer;
use super::scope::{Carried, Kind, Known, replace};
use super::{Class, Machine, Op, Value, Width};
use std::collections::BTreeMap;
use tinyc_ir::loops::{Affine, ExprData, Index, KernelData, Loop, Param, Scalar, Stmt};

/// A parameter and the loops' coefficients in bytes: places that move alike.
type Motion = (Param, Vec<(i64, Loop)>);

/// For each motion, the constants at which pointers start: every access lies within a machine's
/// offsets of one of them.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<Motion, Vec<i64>>);

/// An access: the constant part of its place in bytes, the bytes, the farthest offset of its instructions.
type Reach = (i64, i64, i64);

impl Windows {
    /// Reads a kernel once.
    pub(super) fn new(kernel: &KernelData, machine: &Machine) -> Self {
        let mut accesses: BTreeMap<Motion, Vec<Reach>> = BTreeMap::new();
        let mut add = |param: Param, index: &Index, scalar: Scalar, store: bool| {
            let at = index.affine.times(kernel.params[param].scalar.size() as i64);
            let width = match scalar {
                Scalar::F32 if machine.float => Width::Float,
                _ if store => store_width(scalar),
                _ => load_width(scalar),
            };
            let reach = (at.constant, scalar.size() as i64, i64::from(range(machine, width).1));
            accesses.entry((param, at.terms)).or_default().push(reach);
        };
        for data in kernel.exprs.values() {
            if let ExprData::Load { param, index, scalar } = data {
                add(*param, index, *scalar, false);
            }
        }
        stores(kernel, &kernel.body, &mut |param, index, scalar| add(param, index, scalar, true));
        let windows = accesses.into_iter().map(|((param, terms), mut reaches)| {
            reaches.sort_unstable();
            // Offsets of words are multiples of four on some machines.
            let align = reaches.iter().map(|r| r.1.min(4)).max().unwrap_or(1);
            let mut starts: Vec<i64> = if terms.is_empty() { vec![0] } else { Vec::new() };
            for (at, bytes, farthest) in reaches {
                let last = at + (bytes - 4).max(0);
                if starts.last().is_none_or(|&start| last - start > farthest) {
                    starts.push(at.div_euclid(align) * align);
                }
            }
            ((param, terms), starts)
        });
        Self(windows.collect())
    }

    /// Where the pointer for a place starts.
    fn start(&self, param: Param, at: &Affine) -> i64 {
        let starts = self.0.get(&(param, at.terms.clone())).map_or(&[][..], Vec::as_slice);
        starts.iter().rev().find(|&&start| start <= at.constant).copied().unwrap_or(at.constant)
    }
}

fn stores(kernel: &KernelData, block: &[Stmt], found: &mut impl FnMut(Param, &Index, Scalar)) {
    for stmt in block {
        match stmt {
            Stmt::Store { param, index, value } => found(*param, index, kernel.scalar(*value)),
            Stmt::For { body, .. } => stores(kernel, body, found),
            Stmt::If { then, otherwise, .. } => {
                stores(kernel, then, found);
                stores(kernel, otherwise, found);
            }
            Stmt::Let { .. } | Stmt::Assign { .. } | Stmt::Break | Stmt::Fail { .. } => {}
        }
    }
}

/// How a scalar is loaded; wide ones as words.
pub(super) fn load_width(scalar: Scalar) -> Width {
    match scalar {
        Scalar::I8 => Width::S8,
        Scalar::U8 | Scalar::Bool => Width::U8,
        Scalar::I16 => Width::S16,
        Scalar::U16 | Scalar::F16 | Scalar::BF16 => Width::U16,
        _ => Width::Word,
    }
}

/// How a scalar is stored; wide ones as words.
pub(super) fn store_width(scalar: Scalar) -> Width {
    match scalar.size() {
        1 => Width::U8,
        2 => Width::U16,
        _ => Width::Word,
    }
}

/// The offsets of a width. Where signed loads have none, they are unsigned loads and an extension.
pub(super) fn range(machine: &Machine, width: Width) -> (i32, i32) {
    let own = (machine.offset)(width);
    match width {
        Width::S8 if own == (0, 0) => (machine.offset)(Width::U8),
        Width::S16 if own == (0, 0) => (machine.offset)(Width::U16),
        _ => own,
    }
}

impl Writer<'_> {
    /// A register and an offset from it that reach `bytes` bytes at an index of a parameter.
    pub(super) fn place(&mut self, param: Param, index: &Index, width: Width, bytes: usize) -> (Value, i32) {
        let size = self.kernel.params[param].scalar.size() as i64;
        let at = index.affine.times(size);
        let (mut base, offset) = self.address(param, &at, width, bytes);
        if let Some(ring) = &index.ring {
            let row = self.affine(&ring.row);
            let rows = self.b.number(ring.rows as i32);
            let row = self.remainder(row, rows);
            let distance = self.times(row, ring.stride * size);
            base = self.b.word(Op::Add, &[base, distance]);
        }
        if let Some(dynamic) = &index.dynamic {
            let value = self.word(dynamic.value);
            let distance = self.times(value, dynamic.stride * size);
            base = self.b.word(Op::Add, &[base, distance]);
        }
        (base, offset)
    }

    fn address(&mut self, param: Param, at: &Affine, width: Width, bytes: usize) -> (Value, i32) {
        let (least, greatest) = range(self.machine, width);
        let unit = i64::from(width.bytes());
        let extra = (bytes as i64 - 4).max(0);
        let reaches = |known: &Known| {
            let offset = known.distance(param, at)?;
            let fits = offset >= i64::from(least) && offset + extra <= i64::from(greatest);
            (fits && offset % unit == 0).then_some((known.value, offset as i32))
        };
        let newest_first = self.scopes.iter().rev().flat_map(|s| s.addresses.iter().rev());
        if let Some(found) = newest_first.filter_map(reaches).next() {
            return found;
        }
        let start = self.windows.start(param, at);
        let base = Affine { terms: at.terms.clone(), constant: start };
        let value = self.pointer(self.innermost(), param, &base, false);
        (value, (at.constant - start) as i32)
    }

    /// A register with exactly this address, made at this level or further out. `moves` says that a loop further in will
    /// advance it.
    fn pointer(&mut self, level: usize, param: Param, at: &Affine, moves: bool) -> Value {
        let exact = |known: &Known| known.distance(param, at) == Some(0);
        let mut newest_first = self.scopes[..=level].iter().rev().flat_map(|s| s.addresses.iter().rev());
        if let Some(known) = newest_first.find(|known| exact(known)) {
            return known.value;
        }
        let alike = |known: &&Known| known.distance(param, at).is_some();
        if let Some(known) = self.scopes[level].addresses.iter().rev().find(alike).cloned() {
            return self.derived(level, &known, at);
        }
        let (range, header) = match &self.scopes[level].kind {
            Kind::Function => unreachable!("the function knows the address of every parameter"),
            Kind::Branch => return self.pointer(level - 1, param, at, moves),
            Kind::Loop(repeat) => (repeat.range.clone(), repeat.header),
        };
        let coefficient = at.coefficient(range.counter);
        if coefficient == 0 && !moves {
            return self.pointer(level - 1, param, at, false);
        }
        let first = match range.first() {
            _ if coefficient == 0 => self.pointer(level - 1, param, at, true),
            Some(first) => self.pointer(level - 1, param, &replace(at, range.counter, &first), true),
            None => {
                let start = replace(at, range.counter, &Affine::constant(0));
                let start = self.pointer(level - 1, param, &start, true);
                let distance = self.scaled_greatest(&range.lo, coefficient);
                self.within(level - 1, |w| w.b.word(Op::Add, &[start, distance]))
            }
        };
        let value = self.b.block_param(header, Class::Word);
        let known = Known { value, param, at: at.clone() };
        let scope = &mut self.scopes[level];
        scope.addresses.push(known.clone());
        scope.repeat_mut().expect("a loop").carried.push(Carried { known, first });
        value
    }

    /// An address made from one that moves alike, and known from now on at this level.
    fn derived(&mut self, level: usize, from: &Known, at: &Affine) -> Value {
        let distance = at.constant - from.at.constant;
        let value = self.within(level, |w| w.b.add_number(from.value, distance as i32));
        self.scopes[level].addresses.push(Known { value, param: from.param, at: at.clone() });
        value
    }

    /// At the end of a loop's body: the next values of the addresses that it carries.
    pub(super) fn advance(&mut self) -> Vec<Value> {
        let scope = self.scopes.last().expect("a loop");
        let repeat = scope.repeat().expect("a loop");
        let (counter, step) = (repeat.range.counter, repeat.range.step);
        let carried = repeat.carried.clone();
        let next = carried.iter().map(|c| {
            let target = c.known.at.offset(c.known.at.coefficient(counter) * step);
            let scope = self.scopes.last().expect("a loop");
            let alike = |known: &&Known| known.distance(c.known.param, &target).is_some();
            let from = scope.addresses.iter().rev().find(alike).expect("it knows itself");
            let distance = target.constant - from.at.constant;
            self.b.add_number(from.value, distance as i32)
        });
        next.collect()
    }
}
