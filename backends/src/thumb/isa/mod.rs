//! The instruction set: one table, from which the encoder, the decoder, the assembly text, the simulator and the timing
//! model are made.

mod decode;
mod encode;
mod extension;
mod form;
mod immediate;
mod info;
mod inst;
mod operands;
mod reg;
mod table;
mod text;

pub use decode::decode;
pub use encode::{EncodeError, Encoding, encode, encode_for, form, size};
pub use extension::{Extension, Extensions};
pub use form::Form;
pub use immediate::{expand_float, expand_modified_immediate, float_immediate, modified_immediate};
pub use info::{Address, Class, Field, Flags, Info, Role, Sets};
pub use inst::{Cond, Inst, Op, Shift};
pub use reg::Reg;
pub use text::text;
