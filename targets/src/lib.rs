//! Cores and chips as data: features, timing, memories, clock, energy.
