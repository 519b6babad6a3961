//! Builds programs by hand for the tests of this folder.

use tinyc_ir::loops::{
    Access, Bound, Buffer, BufferData, Call, Kernel, KernelBuilder, KernelData, Loop, Param, Place, Program,
    Scalar,
};
use tinyc_ir::{Data, Origin};

/// A program under construction. Arena buffers never overlap unless a test moves them.
pub(crate) struct Net(pub(crate) Program);

impl Net {
    pub(crate) fn new(name: &str) -> Self {
        Self(Program { name: name.into(), ..Program::default() })
    }

    fn buffer(&mut self, name: &str, scalar: Scalar, len: usize, place: Place) -> Buffer {
        let tensor = Some(format!("{name}:0"));
        let data =
            BufferData { name: name.into(), scalar, len, align: 8, place, packed: None, tensor, face: None };
        self.0.buffers.push(data)
    }

    pub(crate) fn input(&mut self, name: &str, scalar: Scalar, len: usize) -> Buffer {
        let place = Place::Input(self.0.inputs.len() as u32);
        let buffer = self.buffer(name, scalar, len, place);
        self.0.inputs.push(buffer);
        buffer
    }

    pub(crate) fn output(&mut self, name: &str, scalar: Scalar, len: usize) -> Buffer {
        let place = Place::Output(self.0.outputs.len() as u32);
        let buffer = self.buffer(name, scalar, len, place);
        self.0.outputs.push(buffer);
        buffer
    }

    pub(crate) fn arena(&mut self, name: &str, scalar: Scalar, len: usize) -> Buffer {
        let offset = self.0.arena_bytes.next_multiple_of(8);
        self.0.arena_bytes = offset + (len * scalar.size()) as u32;
        self.buffer(name, scalar, len, Place::Arena(offset))
    }

    pub(crate) fn flash(&mut self, name: &str, data: Data) -> Buffer {
        self.buffer(name, data.dtype(), data.len(), Place::Flash(data.into()))
    }

    pub(crate) fn call(&mut self, kernel: KernelData, args: &[Buffer], macs: u64) -> Kernel {
        let index = self.0.calls.len() as u32;
        let origin = Origin::onnx(format!("block/{}", kernel.name), index);
        let kernel = self.0.kernels.push(kernel);
        self.0.calls.push(Call { kernel, args: args.to_vec(), origin, macs });
        kernel
    }
}

/// Loops with their bodies as closures.
pub(crate) trait Loops {
    fn for_step(
        &mut self,
        name: &str,
        lo: impl Into<Bound>,
        hi: impl Into<Bound>,
        step: u32,
        body: impl FnOnce(&mut Self, Loop),
    );

    fn for_(
        &mut self,
        name: &str,
        lo: impl Into<Bound>,
        hi: impl Into<Bound>,
        body: impl FnOnce(&mut Self, Loop),
    ) {
        self.for_step(name, lo, hi, 1, body);
    }
}

impl Loops for KernelBuilder {
    fn for_step(
        &mut self,
        name: &str,
        lo: impl Into<Bound>,
        hi: impl Into<Bound>,
        step: u32,
        body: impl FnOnce(&mut Self, Loop),
    ) {
        let counter = self.begin_for(name);
        body(self, counter);
        self.end_for(counter, lo, hi, step);
    }
}

/// A kernel that computes one output element from the elements of its inputs at the same position.
pub(crate) fn elementwise(
    name: &str,
    inputs: &[Scalar],
    output: Scalar,
    len: usize,
    body: impl FnOnce(&mut KernelBuilder, &[tinyc_ir::loops::Expr]) -> tinyc_ir::loops::Expr,
) -> KernelData {
    let mut b = KernelBuilder::new(name, format!("{name} on {len} elements."));
    let params: Vec<Param> =
        inputs.iter().enumerate().map(|(i, &s)| b.param(["a", "b", "c"][i], s, len, Access::Read)).collect();
    let y = b.param("y", output, len, Access::Write);
    b.for_("i", 0, len as i64, |b, i| {
        let loads: Vec<_> = params.iter().map(|&p| b.load(p, i)).collect();
        let value = body(b, &loads);
        b.store(y, i, value);
    });
    b.finish()
}
