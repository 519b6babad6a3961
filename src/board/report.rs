//! What a board's log shows: which samples came out right, and how the cycles compare with the predicted ones.

use super::Log;
use crate::pipeline::Compiled;
use crate::wording::{counted, grouped};
use serde::Serialize;
use std::fmt;
use tinyc_targets::Target;

/// A log beside the reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardReport {
    /// The network's name.
    pub network: String,
    /// The target's name.
    pub target: String,
    /// What ran: `c` or `obj`, or both where both were emitted.
    pub emit: String,
    /// What counted the cycles on the board.
    pub clock: String,
    /// How many samples ran.
    pub samples: usize,
    /// How many of them have outputs with the hash of the reference's.
    pub samples_equal: usize,
    /// Each sample.
    pub measured: Vec<Measured>,
    /// Cycles of one inference as predicted for the object, with memory that never waits.
    pub predicted_cycles: Option<u64>,
}

/// One sample. Hashes are FNV-1a of the output bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What the network returned: 0, or why it could not go on.
    pub status: i32,
    /// The hash that the board printed.
    pub hash: u32,
    /// The hash of the reference's outputs.
    pub expected: u32,
    /// Cycles on the board, if it could count them.
    pub cycles: Option<u32>,
}

impl BoardReport {
    /// `expected` has one hash per sample of the log.
    pub(super) fn new(compiled: &Compiled, target: &Target, log: &Log, expected: Vec<u32>) -> Self {
        let measured: Vec<Measured> = log
            .samples
            .iter()
            .zip(expected)
            .map(|(s, expected)| Measured { status: s.status, hash: s.hash, expected, cycles: s.cycles })
            .collect();
        Self {
            network: compiled.program.name.clone(),
            target: target.name().to_owned(),
            emit: log.identity.emit.clone(),
            clock: log.clock.clone(),
            samples: measured.len(),
            samples_equal: measured.iter().filter(|sample| sample.is_equal()).count(),
            measured,
            predicted_cycles: compiled.object.as_ref().and_then(|object| Some(object.total?.cycles)),
        }
    }

    /// Whether every sample came out as the reference says.
    pub fn is_proof(&self) -> bool {
        self.samples_equal == self.samples
    }
}

impl Measured {
    fn is_equal(&self) -> bool {
        self.status == 0 && self.hash == self.expected
    }
}

impl fmt::Display for BoardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_proof() { "verified" } else { "NOT EQUAL" };
        writeln!(f, "{verdict}: {} on a board with {}", self.network, self.target)?;
        write!(
            f,
            "  outputs       {} of {} with the reference's hash",
            self.samples_equal,
            counted(self.samples, "sample")
        )?;
        let cycles: Vec<u32> = self.measured.iter().filter_map(|sample| sample.cycles).collect();
        let (least, most) = (cycles.iter().min(), cycles.iter().max());
        if let (Some(&least), Some(&most)) = (least, most) {
            write!(f, "\n  cycles        {}", grouped(least))?;
            if least != most {
                write!(f, " to {}", grouped(most))?;
            }
            write!(f, " by {}", self.clock)?;
            if let Some(predicted) = self.predicted_cycles.filter(|&cycles| cycles > 0) {
                let ratio = f64::from(most) / predicted as f64;
                write!(
                    f,
                    ", {ratio:.3} times the {} predicted for the object with memory that never waits",
                    grouped(predicted)
                )?;
            }
        }
        for (i, sample) in self.measured.iter().enumerate().filter(|(_, sample)| !sample.is_equal()) {
            match sample.status {
                0 => {
                    let (got, expected) = (sample.hash, sample.expected);
                    write!(f, "\n  sample {i:<6} hash {got:08x}, expected {expected:08x}")?;
                }
                status => write!(f, "\n  sample {i:<6} the network returned {status}")?,
            }
        }
        Ok(())
    }
}
