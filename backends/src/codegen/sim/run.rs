//! Calls under way: what has been counted, what a caller expects back, and which jump is a return.

use super::fault::Trap;
use super::machine::{Machine, Processor};
use super::pace::Pace;

/// Where the outermost function returns to: an address at which nothing can be.
pub(crate) const RETURN: u32 = 0xffff_fffe;

/// A call that the outermost function made, when it came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visit {
    /// The first address of the function that was called.
    pub function: u32,
    /// The address to which it returned.
    pub return_address: u32,
    /// Instructions that it executed, with those of functions that it called.
    pub instructions: u64,
    /// Their cycles, with the refill behind its return and without that of the call.
    pub cycles: u64,
    /// The most that their operands can make of the cycles.
    pub worst_cycles: u64,
    /// Cycles that the flash of the chip waited besides; 0 without a chip.
    pub waits: u64,
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Instructions that may still be executed.
    pub(crate) left: u64,
    pub(crate) cycles: u64,
    /// What operands could add to the cycles.
    pub(crate) slack: u64,
    /// Cycles that flash had waited when a call was made.
    pub(crate) waited: u64,
}

impl Counts {
    /// An instruction has been executed.
    #[inline(always)]
    pub(crate) fn ran(&mut self, pace: &Pace) {
        self.left -= 1;
        self.cycles = self.cycles.wrapping_add(u64::from(pace.cycles));
        self.slack += u64::from(pace.slack);
    }

    /// It jumped, which costs so many cycles more.
    #[inline(always)]
    pub(crate) fn jumped(&mut self, cycles: i16) {
        self.cycles = self.cycles.wrapping_add_signed(i64::from(cycles));
    }
}

/// What a caller expects back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<K> {
    pub(crate) return_address: u32,
    pub(crate) function: u32,
    pub(crate) stack_pointer: u32,
    /// Registers that a function keeps.
    pub(crate) kept: K,
    pub(crate) at_call: Counts,
}

/// Called when a call of the outermost function returns.
pub type Watch<'a, P> = dyn FnMut(&mut Machine<P>, &Visit) + 'a;

/// The most calls that can be under way.
const DEPTH: usize = 100_000;

pub(crate) fn push<K>(frames: &mut Vec<Frame<K>>, frame: Frame<K>) -> Result<(), Trap> {
    // A call from the same place that is still open has gone elsewhere than back.
    let same = |open: &Frame<K>| {
        open.return_address == frame.return_address && open.stack_pointer == frame.stack_pointer
    };
    if frames.last().is_some_and(same) && frames.len() > 1 {
        frames.pop();
    }
    if frames.len() >= DEPTH {
        return Err(Trap::Host("calls are nested too deeply"));
    }
    frames.push(frame);
    Ok(())
}

/// The call from which a jump comes back, if it does. Calls above it never come back: small cores choose between cases
/// by calling a routine that changes its return address.
pub(crate) fn returned<K>(frames: &mut Vec<Frame<K>>, stack_pointer: u32, address: u32) -> Option<Frame<K>> {
    let is_it = |frame: &Frame<K>| frame.return_address == address;
    if !frames.last().is_some_and(is_it) {
        let goes_back = |frame: &Frame<K>| is_it(frame) && frame.stack_pointer == stack_pointer;
        let at = frames.iter().rposition(goes_back)?;
        frames.truncate(at + 1);
    }
    frames.pop()
}

impl<P: Processor> Machine<P> {
    /// A call of the outermost function has returned: it is put down, and who watches is told.
    pub(crate) fn visited<K>(&mut self, frame: &Frame<K>, counts: &Counts, watch: &mut Watch<'_, P>) {
        let cycles = counts.cycles - frame.at_call.cycles;
        let visit = Visit {
            function: frame.function,
            return_address: frame.return_address,
            instructions: frame.at_call.left - counts.left,
            cycles,
            worst_cycles: cycles + counts.slack - frame.at_call.slack,
            waits: self.waited() - frame.at_call.waited,
        };
        self.visits.push(visit);
        watch(self, &visit);
    }
}
