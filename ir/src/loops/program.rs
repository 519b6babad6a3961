//! A whole network in the loop IR: buffers with their places in memory, kernels, and the order of their calls.

use super::kernel::{Kernel, KernelData};
use super::scalar::Scalar;
use crate::entity::Arena;
use crate::{DType, Data, Origin};
use std::sync::Arc;

crate::entity! {
    /// A typed piece of memory.
    pub struct Buffer = "b";
}

/// A compiled network: everything that a backend needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The network's name, a valid identifier in C and Rust.
    pub name: String,
    /// All memory: inputs, outputs, constants, intermediate tensors and scratch.
    pub buffers: Arena<Buffer, BufferData>,
    /// The functions. Layers of equal shape share one.
    pub kernels: Arena<Kernel, KernelData>,
    /// The layers, in the order of execution.
    pub calls: Vec<Call>,
    /// The user's input buffers, in the model's order; their place is [`Place::Input`].
    pub inputs: Vec<Buffer>,
    /// The user's output buffers, in the model's order; their place is [`Place::Output`].
    pub outputs: Vec<Buffer>,
    /// Bytes of the arena: no arena buffer ends later.
    pub arena_bytes: u32,
}

/// One piece of memory.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferData {
    /// A valid identifier in C and Rust, unique in the program.
    pub name: String,
    /// The element's type.
    pub scalar: Scalar,
    /// The number of elements.
    pub len: usize,
    /// Alignment of the first element in bytes, a power of two, at least the element's size.
    pub align: u32,
    /// Where it lies.
    pub place: Place,
    /// The type and number of the elements that share the bytes of a buffer of u8; `None` where each element is one of
    /// `scalar`. Kernels see bytes, and take elements out and put them in by shifts.
    pub packed: Option<(DType, usize)>,
    /// The tensor of the optimised graph that the buffer holds once written, if it holds exactly one.
    pub tensor: Option<String>,
    /// Quantisation and dimensions of an input, an output or a state, for named constants in the emitted code.
    pub face: Option<Face>,
}

/// How a user reads an input or output buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// The tensor's dimensions, channels last.
    pub shape: Vec<usize>,
    /// Scale and zero point of a quantised tensor.
    pub quant: Option<(f32, i32)>,
}

/// Where a buffer lies. A memory region of the chip joins each variant when a target has more than one.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The user's input with this position.
    Input(u32),
    /// The user's output with this position.
    Output(u32),
    /// Constant data, in flash.
    Flash(Arc<Data>),
    /// The arena, at this offset in bytes. Buffers overlap where their lifetimes do not.
    Arena(u32),
    /// Memory that keeps its contents between runs, at this offset in bytes of the state.
    State(u32),
}

impl Program {
    /// Bytes of the memory that keeps its contents between runs; 0 if there is none.
    pub fn state_bytes(&self) -> usize {
        let end = |b: &BufferData| match b.place {
            Place::State(offset) => offset as usize + b.bytes(),
            _ => 0,
        };
        self.buffers.values().map(end).max().unwrap_or(0)
    }

    /// What the state holds before the first run: zeros, which in a quantised tensor are its zero points.
    pub fn initial_state(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.state_bytes()];
        for (buffer, offset) in self.states() {
            let data = &self.buffers[buffer];
            let zero = data.face.as_ref().and_then(|face| face.quant).map_or(0, |(_, zero_point)| zero_point);
            if zero != 0 {
                let (dtype, count) = data.elements();
                let whole = Data::from_ints(dtype, vec![i64::from(zero); count]).to_le_bytes();
                bytes[offset as usize..][..whole.len()].copy_from_slice(&whole);
            }
        }
        bytes
    }

    /// The buffers that carry a tensor from one run to the next, with their offsets, in the order of these. A layer may write
    /// such memory through another buffer of the same place.
    pub fn states(&self) -> Vec<(Buffer, u32)> {
        let kept = |(buffer, data): (Buffer, &BufferData)| match data.place {
            Place::State(offset) if data.face.is_some() => Some((buffer, offset)),
            _ => None,
        };
        let mut states: Vec<(Buffer, u32)> = self.buffers.iter().filter_map(kept).collect();
        states.sort_by_key(|&(_, offset)| offset);
        states
    }
}

impl BufferData {
    /// Bytes of the whole buffer.
    pub fn bytes(&self) -> usize {
        self.len * self.scalar.size()
    }

    /// The type and number of the elements that the buffer holds.
    pub fn elements(&self) -> (DType, usize) {
        self.packed.unwrap_or((self.scalar, self.len))
    }
}

/// One layer: a kernel applied to buffers.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub kernel: Kernel,
    /// One buffer per parameter, of the parameter's element type and length. An arena buffer may serve two
    /// parameters only where the kernel's parameters say that they may alias.
    pub args: Vec<Buffer>,
    /// Where in the user's model the layer came from.
    pub origin: Origin,
    /// Multiply-accumulates that the layer performs, for reports.
    pub macs: u64,
}
