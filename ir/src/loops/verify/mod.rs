//! Checks that a program keeps every invariant that its types document; all faults are collected.
//!
//! What is proven here (types, scopes, accesses inside their buffers, alignment, aliasing) no backend checks again.
//! Not proven: that plain sums do not overflow, that a [`Dynamic`](super::Dynamic) value stays in its range unless it is an
//! affine one shifted right (both are the lowering's promise and checked by the interpreter), and that buffers are written before they are read.

mod kernel;
mod types;

use super::identifier::is_identifier;
use super::{Access, Buffer, Kernel, Param, Place, Program};
use crate::DType;
use crate::entity::Entity;
use std::collections::BTreeSet;
use std::fmt;

/// One broken invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// `kernel conv1, 0.oy.2.then.1` (statements by position in their block, loops by name), `buffer b3 x` or
    /// `call 4 of conv1`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for VerifyError {}

/// Checks a whole program; the errors are in the order of buffers, kernels, calls.
pub fn verify(program: &Program) -> Result<(), Vec<VerifyError>> {
    let mut verifier = Verifier { program, errors: Vec::new() };
    verifier.names();
    for buffer in program.buffers.keys() {
        verifier.buffer(buffer);
    }
    verifier.faces();
    for kernel in program.kernels.values() {
        kernel::verify(kernel, &mut verifier.errors);
    }
    for position in 0..program.calls.len() {
        verifier.call(position);
    }
    if verifier.errors.is_empty() { Ok(()) } else { Err(verifier.errors) }
}

struct Verifier<'a> {
    program: &'a Program,
    errors: Vec<VerifyError>,
}

impl Verifier<'_> {
    fn error(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.errors.push(VerifyError { place: place.into(), message: message.into() });
    }

    fn names(&mut self) {
        let program = self.program;
        if !is_identifier(&program.name) {
            self.error("program", format!("{:?} is not an identifier", program.name));
        }
        let mut seen = BTreeSet::new();
        let kernels = program.kernels.iter().map(|(k, data)| (format!("kernel {k}"), &data.name));
        let buffers = program.buffers.iter().map(|(b, data)| (format!("buffer {b}"), &data.name));
        for (place, name) in kernels.chain(buffers) {
            if !is_identifier(name) {
                self.error(place, format!("{name:?} is not an identifier"));
            } else if !seen.insert(name) {
                self.error(place, format!("the name {name} is taken"));
            }
        }
    }

    fn buffer(&mut self, buffer: Buffer) {
        let data = &self.program.buffers[buffer];
        let place = format!("buffer {buffer} {}", data.name);
        let align = data.align;
        if !align.is_power_of_two() || (align as usize) < data.scalar.size() {
            self.error(&place, format!("alignment {align} does not suit {}", data.scalar));
        }
        if data.len.checked_mul(data.scalar.size()).is_none_or(|bytes| bytes > i32::MAX as usize) {
            self.error(&place, format!("{} elements are too many", data.len));
            return;
        }
        if data.scalar.is_packed() {
            self.error(&place, format!("elements of type {} share bytes: it is a buffer of u8", data.scalar));
        }
        if let Some((dtype, count)) = data.packed
            && (!dtype.is_packed() || data.scalar != DType::U8 || dtype.bytes_of(count) != Some(data.len))
        {
            let held = format!("{count} of {dtype}");
            self.error(&place, format!("{} of {} do not hold {held}", data.len, data.scalar));
        }
        let listed = |list: &[Buffer], position: u32| list.get(position as usize) == Some(&buffer);
        match &data.place {
            Place::Input(position) if !listed(&self.program.inputs, *position) => {
                self.error(place, format!("input {position} of the program is not this buffer"));
            }
            Place::Output(position) if !listed(&self.program.outputs, *position) => {
                self.error(place, format!("output {position} of the program is not this buffer"));
            }
            Place::Input(_) | Place::Output(_) => {}
            Place::Flash(constant) => {
                if (constant.dtype(), constant.len()) != (data.scalar, data.len) {
                    let (dtype, len) = (constant.dtype(), constant.len());
                    let expected = format!("{} of {}", data.len, data.scalar);
                    self.error(place, format!("its constant has {len} of {dtype}, not {expected}"));
                }
            }
            Place::Arena(offset) | Place::State(offset) => {
                if align > 0 && !offset.is_multiple_of(align) {
                    self.error(&place, format!("offset {offset} is not aligned to {align}"));
                }
                let end = *offset as usize + data.bytes();
                let arena = self.program.arena_bytes;
                if matches!(data.place, Place::Arena(_)) && end > arena as usize {
                    self.error(place, format!("it ends at {end} in an arena of {arena}"));
                }
            }
        }
    }

    /// Each input and output has the place with its position.
    fn faces(&mut self) {
        let program = self.program;
        let inputs = program.inputs.iter().enumerate().map(|(i, &b)| ("input", b, Place::Input(i as u32)));
        let outputs =
            program.outputs.iter().enumerate().map(|(i, &b)| ("output", b, Place::Output(i as u32)));
        for (kind, buffer, place) in inputs.chain(outputs) {
            match program.buffers.get(buffer) {
                None => self.error("program", format!("{kind} {buffer} does not exist")),
                Some(data) if data.place != place => {
                    self.error(
                        format!("buffer {buffer} {}", data.name),
                        format!("it is not placed at {place:?}"),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn call(&mut self, position: usize) {
        let program = self.program;
        let call = &program.calls[position];
        let Some(kernel) = program.kernels.get(call.kernel) else {
            return self.error(format!("call {position}"), format!("kernel {} does not exist", call.kernel));
        };
        let place = format!("call {position} of {}", kernel.name);
        if call.args.len() != kernel.params.len() {
            let (args, params) = (call.args.len(), kernel.params.len());
            return self.error(place, format!("{args} arguments for {params} parameters"));
        }
        if let Some(missing) = call.args.iter().find(|&&b| program.buffers.get(b).is_none()) {
            return self.error(place, format!("buffer {missing} does not exist"));
        }
        for ((_, param), &buffer) in kernel.params.iter().zip(&call.args) {
            let data = &program.buffers[buffer];
            let mut error =
                |message| self.error(&place, format!("argument {} for {}: {message}", data.name, param.name));
            if (data.scalar, data.len) != (param.scalar, param.len) {
                error(format!("{} of {}, not {} of {}", data.len, data.scalar, param.len, param.scalar));
            }
            if data.align < param.align {
                error(format!("aligned to {}, not {}", data.align, param.align));
            }
            if param.access != Access::Read && matches!(data.place, Place::Flash(_) | Place::Input(_)) {
                error("an input or a constant cannot be written".into());
            }
        }
        for written in kernel.params.keys().filter(|&p| kernel.params[p].access != Access::Read) {
            for other in kernel.params.keys().filter(|&p| p != written) {
                self.overlap(&place, call.kernel, (written, other), &call.args);
            }
        }
    }

    /// A written argument shares memory with another only as its parameter declares.
    fn overlap(&mut self, place: &str, kernel: Kernel, (written, other): (Param, Param), args: &[Buffer]) {
        let kernel = &self.program.kernels[kernel];
        let both_written = kernel.params[other].access != Access::Read;
        if both_written && other < written {
            return; // the pair was judged from the other side
        }
        let (a, b) = (args[written.index()], args[other.index()]);
        let Some((from_a, from_b)) = self.shared(a, b) else { return };
        let names = format!("{} and {}", kernel.params[written].name, kernel.params[other].name);
        if kernel.params[written].may_alias != Some(other) {
            self.error(place, format!("{names} overlap in memory, which they may not"));
        } else if from_a != from_b {
            self.error(place, format!("{names} share memory, but start at {from_a} and {from_b}"));
        }
    }

    /// The starts of two buffers that have a byte in common.
    fn shared(&self, a: Buffer, b: Buffer) -> Option<(usize, usize)> {
        let (x, y) = (&self.program.buffers[a], &self.program.buffers[b]);
        let (start_x, start_y) = match (&x.place, &y.place) {
            (Place::Arena(p), Place::Arena(q)) | (Place::State(p), Place::State(q)) => {
                (*p as usize, *q as usize)
            }
            _ if a == b => (0, 0),
            _ => return None,
        };
        let apart =
            start_x.saturating_add(x.bytes()) <= start_y || start_y.saturating_add(y.bytes()) <= start_x;
        (!apart).then_some((start_x, start_y))
    }
}

#[cfg(test)]
mod tests;
