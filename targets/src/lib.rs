//! Cores and chips as data: features, timing, memories, clock, energy.
//!
//! A target is one TOML file under `cores/` or `chips/`, embedded into the binary; this crate only reads and
//! checks them. It knows nothing of operators, loops or code: whoever lowers, encodes or simulates asks a
//! [`Core`] what it can do, and a [`Chip`] what it has.
//!
//! ```
//! let target = tinyc_targets::find("nucleo-l4r5zi").unwrap();
//! assert_eq!(target.core.name, "cortex-m4");
//! assert_eq!(target.flash_bytes(), Some(2 * 1024 * 1024));
//! ```

mod catalog;
mod check;
mod chip;
mod cpu;
mod error;
mod features;
mod figure;
mod file;
mod suggest;
mod target;
mod timing;
mod toolchain;

pub use catalog::{boards, chips, cores, find};
pub use chip::{Board, Chip, Energy, EnergyEstimate, Memory, MemoryKind, SUPPLY_VOLTS_ASSUMED};
pub use cpu::{Core, Isa};
pub use error::{FileProblem, TargetFileError, UnknownTarget};
pub use features::Features;
pub use figure::{Cycles, Figure, Source};
pub use target::Target;
pub use timing::{Fidelity, Timing};
pub use toolchain::{Gcc, Qemu, Region};
