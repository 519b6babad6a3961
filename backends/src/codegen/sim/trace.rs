//! What was executed, in which order, in few bytes: to compare with another simulator.

/// Instructions between two [marks](Trace::marks).
pub const MARK: u64 = 1 << 12;

/// A hash of the addresses of executed instructions (those included that a condition skipped), in order. FNV-1a over
/// halfwords from the beginning of the code on, one number for each instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    hash: u64,
    count: u64,
    /// The hash behind every [`MARK`] instructions.
    pub marks: Vec<u64>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, count: 0, marks: Vec::new() }
    }
}

impl Trace {
    /// Takes the next instruction, by its distance from the beginning of the code in halfwords.
    pub(crate) fn step(&mut self, index: usize) {
        self.hash = (self.hash ^ index as u64).wrapping_mul(0x0100_0000_01b3);
        self.count += 1;
        if self.count.is_multiple_of(MARK) {
            self.marks.push(self.hash);
        }
    }

    /// The hash over all instructions, and their number.
    pub fn total(&self) -> (u64, u64) {
        (self.hash, self.count)
    }
}
