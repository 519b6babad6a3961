//! Random networks over all operators: exact passes change no bit, and the optimised graph, the loop program, the
//! emitted C under sanitizers, emitted Rust and machine code in the simulator compute what the reference graph says.
//!
//! A failure names the seed and shows the graph. `TINYC_SEED=1234` starts there, `TINYC_GRAPHS=1000` takes that many.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::Path;
use support::host::{self, Host};
use support::proof::{Forms, same};
use support::rust_host::{self, RustHost};
use support::simulated;
use tinyc_ir::eval::eval;
use tinyc_ir::testing::{random_graph, random_inputs};
use tinyc_ir::text::{PrintOptions, print_graph_with};
use tinyc_ir::{Data, Diagnostics, Graph, Tensor};
use tinyc_passes::graph::{optimise, passes, to_reference};
use tinyc_passes::lower::{Features, lower};

/// The seeds of a test that takes `count` of them unless told otherwise.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().expect("a number"));
    let first = number("TINYC_SEED").unwrap_or(0);
    first..first + number("TINYC_GRAPHS").unwrap_or(count)
}

/// Three samples for a graph.
fn samples(graph: &Graph, seed: u64) -> Vec<Vec<Tensor>> {
    (0..3).map(|i| random_inputs(graph, seed * 3 + i)).collect()
}

/// The graph as a person wants to see it.
fn show(graph: &Graph) -> String {
    print_graph_with(graph, &PrintOptions { most_elements: 64 })
}

#[test]
fn exact_passes_change_no_bit() {
    for seed in seeds(1500) {
        let graph = random_graph(seed);
        for pass in passes().filter(|pass| pass.exact) {
            let after = pass.apply(&graph, &mut Diagnostics::default());
            for inputs in samples(&graph, seed) {
                let (want, got) = (eval(&graph, &inputs), eval(&after, &inputs));
                for (want, got) in want.outputs(&graph).iter().zip(&got.outputs(&after)) {
                    assert_eq!(want.shape, got.shape, "seed {seed}, {}", pass.name);
                    same(&got.data, &want.data)
                        .unwrap_or_else(|e| panic!("seed {seed}, {}: {e}\n{}", pass.name, show(&graph)));
                }
            }
        }
    }
}

#[test]
fn all_forms_compute_the_same_bits() {
    const BATCH: usize = 60;
    let seeds: Vec<u64> = seeds(240).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("random");
    for (number, batch) in seeds.chunks(BATCH).enumerate() {
        prove(&folder.join(number.to_string()), batch);
    }
}

#[test]
fn the_interpreter_computes_what_eval_says() {
    for seed in seeds(1500).map(|seed| seed + 1_000_000) {
        if let Some(case) = Case::new(seed) {
            case.outputs();
        }
    }
}

/// Cores of all instruction sets; each network takes the first three and one of the others.
const CORES: [&str; 7] =
    ["cortex-m4", "cortex-m3", "cortex-m0plus", "cortex-m33", "cortex-m7", "cortex-m4-nofpu", "cortex-m0"];

#[test]
fn machine_code_computes_every_tensor() {
    // The last one has jumps that run more rarely than the comparisons before them; their count was once wrong.
    let seeds = seeds(100).map(|seed| seed + 2_000_000).chain([2_001_038]);
    for seed in seeds {
        let graph = random_graph(seed);
        let features = Features {
            saturate: seed.is_multiple_of(2),
            dsp: seed.is_multiple_of(4),
            registers: 14 * (seed % 3) as u32,
        };
        // What lowering may refuse is the matter of another test.
        let Ok(lowered) = lower(&graph, features) else { continue };
        let runs: Vec<Vec<Data>> = samples(&graph, seed)
            .into_iter()
            .take(2)
            .map(|sample| sample.into_iter().map(|t| t.data).collect())
            .collect();
        for at in [0, 1, 2, 3 + (seed % 4) as usize] {
            let core = tinyc_targets::find(CORES[at]).unwrap().core;
            simulated::check(&lowered.program, &core, &runs)
                .unwrap_or_else(|e| panic!("seed {seed} on {}: {e}\n{}", core.name, show(&graph)));
        }
    }
}

/// What lowering may refuse: scales that no network has, and a type that no network is computed in.
const REFUSED: [&str; 3] =
    ["this large, small or far apart", "elements with the effective scale", "run-time quantisation to i32"];

/// A random network in all its forms but C.
struct Case {
    seed: u64,
    reference: Graph,
    optimised: Graph,
    program: tinyc_ir::loops::Program,
}

impl Case {
    /// Every third graph is lowered as it was made, with operators that passes would fold away.
    ///
    /// `None` for the few that lowering refuses for a known reason; any other refusal is a fault.
    fn new(seed: u64) -> Option<Self> {
        let mut graph = random_graph(seed);
        graph.name = format!("random_{seed}");
        let (reference, optimised) = if seed.is_multiple_of(3) {
            (graph.clone(), graph)
        } else {
            let reference = to_reference(&graph, &mut Diagnostics::default());
            (reference.clone(), optimise(&reference))
        };
        let features = Features {
            saturate: seed.is_multiple_of(2),
            dsp: seed.is_multiple_of(4),
            registers: 14 * (seed % 3) as u32,
        };
        match lower(&optimised, features) {
            Ok(lowered) => Some(Self { seed, reference, optimised, program: lowered.program }),
            Err(e) if e.0.iter().all(|d| REFUSED.iter().any(|known| d.message.contains(known))) => None,
            Err(e) => panic!("seed {seed}:\n{e}\n{}", show(&optimised)),
        }
    }

    /// The outputs of the samples, equal in all forms.
    fn outputs(&self) -> Vec<Vec<Data>> {
        let Self { seed, reference, optimised, program } = self;
        let forms = Forms { reference, optimised, program };
        let check = || -> Result<Vec<Vec<Data>>, String> {
            forms.verify()?;
            forms.round_trip()?;
            samples(reference, *seed).iter().map(|inputs| forms.outputs(inputs)).collect()
        };
        check().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", show(optimised)))
    }
}

/// In Rust, every fourth graph is proven: rustc takes longest of all.
fn prove(folder: &Path, seeds: &[u64]) {
    let cases: Vec<Case> = seeds.iter().filter_map(|&seed| Case::new(seed)).collect();
    assert!(cases.len() * 10 >= seeds.len() * 9, "lowering refuses {} graphs", seeds.len() - cases.len());
    let programs: Vec<_> = cases.iter().map(|c| &c.program).collect();
    let host = Host::build(folder, &programs, host::STRICT);
    let in_rust: Vec<_> = programs.iter().copied().step_by(4).collect();
    let rust = RustHost::build(folder, &in_rust, rust_host::CHECKED).unwrap_or_else(|e| panic!("{e}"));
    for (i, case) in cases.iter().enumerate() {
        let expected = case.outputs();
        let inputs: Vec<Vec<Data>> = samples(&case.reference, case.seed)
            .into_iter()
            .map(|sample| sample.into_iter().map(|t| t.data).collect())
            .collect();
        let seed = case.seed;
        let mut runs = vec![("C", host.run(i, &inputs))];
        if i % 4 == 0 {
            runs.push(("Rust", rust.run(i / 4, &inputs)));
        }
        for (language, ran) in runs {
            let ran = ran.unwrap_or_else(|e| panic!("seed {seed} in {language}: {e}"));
            for (sample, (got, want)) in ran.iter().zip(&expected).enumerate() {
                for (output, (got, want)) in got.iter().zip(want).enumerate() {
                    same(got, want).unwrap_or_else(|e| {
                        panic!(
                            "seed {seed} in {language}, sample {sample}, output {output}: {e}\n{}",
                            show(&case.optimised)
                        )
                    });
                }
            }
        }
    }
}
