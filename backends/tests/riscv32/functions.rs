//! Random functions of words on RISC-V cores.

use crate::prove::{prove, seeds};
use tinyc_backends::riscv32::sim::Cpu;

const CORES: [&str; 4] = ["rv32imc", "hazard3", "rv32imafc", "rv32ec"];

fn prove_all(seeds: std::ops::Range<u64>, size: impl Fn(u64) -> usize) {
    for seed in seeds {
        for core in CORES {
            prove::<Cpu>(seed, size(seed), &tinyc_targets::find(core).unwrap().core);
        }
    }
}

#[test]
fn small_functions() {
    prove_all(seeds(120), |seed| 3 + (seed % 60) as usize);
}

/// Long enough for far branches and large frames.
#[test]
fn long_functions() {
    prove_all(seeds(4), |seed| 300 + 150 * (seed % 9) as usize);
}
