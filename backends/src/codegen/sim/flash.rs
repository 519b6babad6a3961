//! Flash that waits: a simple model of a chip's memory, for a second figure beside the cycles of memory that never waits.
//!
//! Flash delivers one line per access and waits a fixed number of cycles for it. Code and constants each come through a cache,
//! if the chip has one (two ways, the older line replaced), else through a buffer of one line. Nothing is fetched ahead, and
//! nothing overlaps with waiting; RAM never waits. So the figure is rather too high, more so on chips that fetch ahead.

use std::fmt;

use tinyc_targets::{Chip, MemoryKind};

/// The memory model of a chip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlashModel {
    chip: String,
    waits: u32,
    line_bytes: u32,
    code_cache_bytes: u32,
    data_cache_bytes: u32,
}

impl FlashModel {
    /// The model of a chip; `None` where nobody knows how long its flash waits, or where it has none of its own.
    pub fn of(chip: &Chip) -> Option<Self> {
        let flash = chip.memories.iter().find(|memory| memory.kind == MemoryKind::Flash)?;
        let bytes =
            |figure: &Option<tinyc_targets::Figure<u32>>| figure.as_ref().map_or(0, |figure| figure.value);
        // A line of unknown size is taken as the word that the core asks for.
        let line_bytes = flash.line_bytes.as_ref().map_or(4, |figure| figure.value).clamp(4, 4096);
        Some(Self {
            chip: chip.name.clone(),
            waits: flash.wait_states.as_ref()?.value,
            line_bytes: 1 << line_bytes.ilog2(),
            code_cache_bytes: bytes(&chip.instruction_cache_bytes),
            data_cache_bytes: bytes(&chip.data_cache_bytes),
        })
    }

    /// Empty caches for code and for data.
    pub(crate) fn lines(&self) -> [Lines; 2] {
        [self.code_cache_bytes, self.data_cache_bytes].map(|bytes| Lines::new(self, bytes))
    }
}

impl fmt::Display for FlashModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flash of {}: {} wait states per {} bytes", self.chip, self.waits, self.line_bytes)?;
        for (name, bytes) in [("instruction", self.code_cache_bytes), ("data", self.data_cache_bytes)] {
            match bytes {
                0 => write!(f, ", no {name} cache known")?,
                bytes => write!(f, ", {name} cache of {bytes} bytes")?,
            }
        }
        Ok(())
    }
}

/// The lines that are at hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lines {
    shift: u32,
    waits: u32,
    /// Whether sets have two ways; a buffer has one line.
    cached: bool,
    /// The lines of each set, the newest first.
    sets: Vec<[u32; 2]>,
    /// Cycles waited so far.
    pub(crate) waited: u64,
}

/// No line: addresses are at least 4 times as large.
const EMPTY: u32 = u32::MAX;

impl Lines {
    fn new(model: &FlashModel, bytes: u32) -> Self {
        let lines = bytes / model.line_bytes;
        let sets = (lines / 2).clamp(1, 1 << 20) as usize;
        Self {
            shift: model.line_bytes.ilog2(),
            waits: model.waits,
            cached: lines >= 2,
            sets: vec![[EMPTY; 2]; sets],
            waited: 0,
        }
    }

    /// Gets the line of an address.
    #[inline]
    pub(crate) fn touch(&mut self, address: u32) {
        let line = address >> self.shift;
        let count = self.sets.len();
        let set = &mut self.sets[line as usize % count];
        if set[0] == line {
            return;
        }
        if !self.cached || set[1] != line {
            self.waited += u64::from(self.waits);
        }
        *set = [line, set[0]];
        if !self.cached {
            set[1] = EMPTY;
        }
    }
}
