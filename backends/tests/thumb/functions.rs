//! Random functions of words on Cortex-M.

use crate::prove::{prove, seeds};
use tinyc_backends::thumb::sim::Cpu;

/// Cores of all instruction sets; each seed takes the first three and one of the others.
const CORES: [&str; 7] =
    ["cortex-m4", "cortex-m3", "cortex-m0plus", "cortex-m33", "cortex-m7", "cortex-m4-nofpu", "cortex-m0"];

fn prove_all(seeds: std::ops::Range<u64>, size: impl Fn(u64) -> usize) {
    for seed in seeds {
        let others = CORES.len() as u64 - 3;
        for at in [0, 1, 2, 3 + (seed % others) as usize] {
            prove::<Cpu>(seed, size(seed), &tinyc_targets::find(CORES[at]).unwrap().core);
        }
    }
}

#[test]
fn small_functions() {
    prove_all(seeds(120), |seed| 3 + (seed % 60) as usize);
}

/// A value that is read twice by an instruction that changes it; once a fault.
#[test]
fn a_sum_that_is_also_a_factor() {
    prove::<Cpu>(11_276, 59, &tinyc_targets::find("cortex-m4").unwrap().core);
}

/// Long enough for far branches, islands of literals and large frames.
#[test]
fn long_functions() {
    prove_all(seeds(4), |seed| 300 + 150 * (seed % 9) as usize);
}
