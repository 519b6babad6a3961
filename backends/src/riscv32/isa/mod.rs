//! The instruction set: one table, from which the encoder, the decoder, the assembly text, the simulator and the timing
//! model are made.

mod decode;
mod encode;
mod extension;
mod form;
mod info;
mod inst;
mod reg;
mod table;
mod text;

pub use decode::decode;
pub use encode::{EncodeError, Encoding, encode};
pub use extension::{Extension, Extensions};
pub use form::Form;
pub use info::{Class, Info};
pub use inst::{Inst, Op};
pub use reg::Reg;
pub use text::text;
