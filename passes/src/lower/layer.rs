//! One layer under construction: its kernel, and the buffers that the kernel will be called with.

use super::Features;
use std::sync::Arc;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::identifier::is_identifier;
use tinyc_ir::loops::{
    Access, Affine, Bound, Buffer, BufferData, Call, Kernel, KernelBuilder, Loop, Param, Place, Program,
    Scalar,
};
use tinyc_ir::{DType, Data, Origin};

/// A kernel being written for one call.
pub struct Layer<'a> {
    /// Writes the kernel.
    pub b: KernelBuilder,
    /// What the target can do.
    pub features: Features,
    program: &'a mut Program,
    origin: Origin,
    args: Vec<Buffer>,
}

impl<'a> Layer<'a> {
    /// An empty layer of a program.
    pub fn new(
        program: &'a mut Program,
        features: Features,
        origin: Origin,
        name: String,
        comment: String,
    ) -> Self {
        Self { b: KernelBuilder::new(name, comment), features, program, origin, args: Vec::new() }
    }

    /// A buffer that the kernel reads.
    pub fn read(&mut self, name: &str, buffer: Buffer) -> Param {
        self.param(name, buffer, Access::Read)
    }

    /// A buffer that the kernel writes. One whose elements share bytes is cleared.
    pub fn write(&mut self, name: &str, buffer: Buffer) -> Param {
        if self.program.buffers[buffer].packed.is_none() {
            return self.param(name, buffer, Access::Write);
        }
        let param = self.param(name, buffer, Access::ReadWrite);
        self.clear(param);
        param
    }

    /// A buffer that the kernel writes and reads back.
    pub fn read_write(&mut self, name: &str, buffer: Buffer) -> Param {
        self.param(name, buffer, Access::ReadWrite)
    }

    fn param(&mut self, name: &str, buffer: Buffer, access: Access) -> Param {
        let BufferData { scalar, len, .. } = self.program.buffers[buffer];
        self.args.push(buffer);
        self.b.param(name, scalar, len, access)
    }

    /// The number of elements of a parameter.
    pub fn len(&self, param: Param) -> usize {
        self.program.buffers[self.args[param.index()]].len
    }

    /// The type and number of elements that share the bytes of a parameter.
    pub fn packed(&self, param: Param) -> Option<(DType, usize)> {
        self.program.buffers[self.args[param.index()]].packed
    }

    /// Whether an element-wise kernel may write one parameter in place of another: each element where the other has its.
    pub fn fits_in_place(&self, x: Param, y: Param) -> bool {
        let sized = self.scalar(x).size() == self.scalar(y).size();
        sized && self.packed(x).is_none() && self.packed(y).is_none()
    }

    /// The element's type of a parameter.
    pub fn scalar(&self, param: Param) -> Scalar {
        self.program.buffers[self.args[param.index()]].scalar
    }

    /// Whether a parameter's buffer is memory that a result may take over: the arena, or what is kept between runs.
    pub fn is_ours(&self, param: Param) -> bool {
        matches!(self.program.buffers[self.args[param.index()]].place, Place::Arena(_) | Place::State(_))
    }

    /// A constant that the kernel reads, in flash.
    pub fn constant(&mut self, name: &str, data: Data) -> Param {
        let buffer = flash(self.program, name, data);
        self.read(name, buffer)
    }

    /// A loop over `lo..hi`, step 1, around what `body` writes.
    pub fn for_(
        &mut self,
        name: &str,
        lo: impl Into<Bound>,
        hi: impl Into<Bound>,
        body: impl FnOnce(&mut Self, Loop),
    ) {
        let counter = self.b.begin_for(name);
        body(self, counter);
        self.b.end_for(counter, lo, hi, 1);
    }

    /// A loop of `count` steps, or just its body where there is one step; nothing where there is none.
    pub fn each(&mut self, name: &str, count: usize, body: &mut dyn FnMut(&mut Self, Affine)) {
        match count {
            0 => {}
            1 => body(self, Affine::constant(0)),
            _ => self.for_(name, 0, count as i64, |layer, counter| body(layer, counter.into())),
        }
    }

    /// A nest of [`each`](Self::each) over dimensions, outermost first; the body gets all counters.
    pub fn nest(&mut self, dims: &[(&str, usize)], body: &mut dyn FnMut(&mut Self, &[Affine])) {
        self.nest_at(dims, &mut Vec::new(), body);
    }

    fn nest_at(
        &mut self,
        dims: &[(&str, usize)],
        at: &mut Vec<Affine>,
        body: &mut dyn FnMut(&mut Self, &[Affine]),
    ) {
        match dims {
            [] => body(self, at),
            [(name, count), rest @ ..] => self.each(name, *count, &mut |layer, counter| {
                at.push(counter);
                layer.nest_at(rest, at, body);
                at.pop();
            }),
        }
    }

    /// Ends the layer: an equal kernel of an earlier layer is called again, else this one joins the program.
    pub fn finish(self, macs: u64) {
        let mut data = self.b.finish();
        let same = |other: &tinyc_ir::loops::KernelData| {
            other.params == data.params
                && other.loops == data.loops
                && other.vars == data.vars
                && other.exprs == data.exprs
                && other.body == data.body
        };
        let found = self.program.kernels.iter().find(|(_, other)| same(other)).map(|(kernel, _)| kernel);
        let kernel: Kernel = found.unwrap_or_else(|| {
            let taken = |name: &str| self.program.kernels.values().any(|k| k.name == name);
            data.name = unique(&data.name, taken);
            self.program.kernels.push(data)
        });
        for (param, &arg) in self.program.kernels[kernel].params.values().zip(&self.args) {
            let buffer = &mut self.program.buffers[arg];
            buffer.align = buffer.align.max(param.align);
        }
        self.program.calls.push(Call { kernel, args: self.args, origin: self.origin, macs });
    }
}

/// A constant buffer; equal constants share one.
pub fn flash(program: &mut Program, name: &str, data: Data) -> Buffer {
    let (_, _, packed) = memory(data.dtype(), data.len());
    let data = if packed.is_some() { Data::U8(data.to_le_bytes()) } else { data };
    let same = |other: &BufferData| matches!(&other.place, Place::Flash(old) if old.len() == data.len() && other.packed == packed && bits(old) == bits(&data));
    if let Some((buffer, _)) = program.buffers.iter().find(|(_, other)| same(other)) {
        return buffer;
    }
    let layer = program.calls.len();
    let name = unique(&format!("l{layer}_{name}"), |n| program.buffers.values().any(|b| b.name == n));
    program.buffers.push(BufferData {
        name,
        scalar: data.dtype(),
        len: data.len(),
        align: 4.max(data.dtype().size() as u32),
        place: Place::Flash(Arc::new(data)),
        packed,
        tensor: None,
        face: None,
    })
}

/// How elements lie in a buffer: its scalar and length, and what it holds if they share bytes.
pub fn memory(dtype: DType, elements: usize) -> (Scalar, usize, Option<(DType, usize)>) {
    match dtype.is_packed() {
        true => (Scalar::U8, dtype.bytes_of(elements).unwrap_or(0), Some((dtype, elements))),
        false => (dtype, elements, None),
    }
}

fn bits(data: &Data) -> (DType, Vec<u8>) {
    (data.dtype(), data.to_le_bytes())
}

/// The name, or the name with the first number behind it that is free.
pub fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_string();
    }
    (2..).map(|i| format!("{name}_{i}")).find(|n| !taken(n)).expect("some number is free")
}

/// A valid identifier in C and Rust made of any name: other characters become `_`.
pub fn identifier(name: &str) -> String {
    let mut out: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    while out.contains("__") {
        out = out.replace("__", "_");
    }
    let out = out.trim_matches('_').to_string();
    match out.chars().next() {
        None => "x".into(),
        Some(c) if c.is_ascii_digit() => format!("n{out}"),
        // What a language reserves (`and`, `not`) is a fine name for a tensor.
        Some(_) if !is_identifier(&out) => format!("t_{out}"),
        Some(_) => out,
    }
}
