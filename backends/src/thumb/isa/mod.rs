//! The instruction set: one table, from which the encoder, the decoder, the assembly text, the simulator and the timing
//! model are made.

mod inst;
mod reg;

pub use inst::{Cond, Inst, Op, Shift};
pub use reg::Reg;
