//! What simulators share: memory of which every access is checked, the loading of objects, calls and what they must give
//! back, faults, and flash that waits. Registers and instructions are a backend's [`Processor`].

mod fault;
mod flash;
mod image;
mod machine;
mod memory;
mod pace;
mod run;
mod trace;

pub use fault::{Fault, Trap};
pub use flash::FlashModel;
pub use image::Image;
pub(crate) use image::{Decoded, Decoder, Reader, Relocation};
pub use machine::{Machine, OnChip, Outcome, Processor};
pub use memory::{Layout, Memory, RED_ZONE, Region, STACK_BYTES};
pub(crate) use pace::Pace;
pub use run::{Counts, Visit, Watch};
pub(crate) use run::{Frame, RETURN, push, returned};
pub use trace::{MARK, Trace};
