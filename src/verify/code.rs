//! The numbers of this room's diagnostics.

/// A compiler or simulator is not installed.
pub(super) const TOOL_MISSING: u16 = 520;
/// The compiler or linker refuses the firmware.
pub(super) const REFUSED: u16 = 521;
/// The simulated machine has too little memory.
pub(super) const TOO_LARGE: u16 = 522;
/// The firmware did not come to its end.
pub(super) const STOPPED: u16 = 523;
/// The simulation took too long.
pub(super) const TIMEOUT: u16 = 524;
/// A file of the firmware cannot be written or read.
pub(super) const FILES: u16 = 525;
/// The shared bench cannot measure this program.
pub(super) const BENCH: u16 = 526;
/// The form that is to be verified was not emitted.
pub(super) const NOT_EMITTED: u16 = 527;
/// The built-in simulator does not know the core.
pub(super) const NO_SIMULATOR: u16 = 528;
/// A sample does not fit the model.
pub(super) const SAMPLE: u16 = 708;
