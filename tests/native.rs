//! Functions of words for whole networks: built for several machines, verified, run on stored samples, and compared with
//! the loop interpreter; and how often blocks ran with how often they were said to. Random networks likewise.
//!
//! `TINYC_FUNCTIONS=folder` writes the functions of each network there, to be read.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../backends/tests/native/machines.rs"]
mod machines;
mod support;

use machines::machines;
use support::models::{self, Model};
use support::proof::same;
use support::vectors::Vectors;
use tinyc::pipeline::compile;
use tinyc_backends::native::execute::{check_counts, execute};
use tinyc_backends::native::{Machine, Module, build, routines, verify};
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, interpret};
use tinyc_ir::testing::{random_graph, random_inputs};
use tinyc_passes::lower::{Features, lower};

/// Builds, verifies, and runs on each input; the module, for a closer look.
fn check(program: &Program, machine: &Machine, runs: &[Vec<Data>]) -> Result<Module, String> {
    let module = build(program, machine);
    for function in &module.functions {
        verify(function).map_err(|e| format!("{e}\n{function}"))?;
    }
    let routines = routines::closure(module.routines.iter().copied(), machine);
    for inputs in runs {
        let outcome = execute(program, &module, &routines, inputs).map_err(|fault| fault.to_string())?;
        let wanted = interpret::run(program, inputs).map_err(|trap| trap.to_string())?;
        for (i, (got, want)) in outcome.outputs.iter().zip(&wanted.outputs).enumerate() {
            same(got, want).map_err(|e| format!("output {i}: {e}"))?;
        }
        check_counts(program, &module, &outcome)?;
    }
    Ok(module)
}

/// Everything that this file says, of some models.
fn prove(models: &[Model]) {
    for model in models {
        for (core, machine) in machines() {
            let mut options = model.options();
            options.target = tinyc_targets::find(core).unwrap();
            let name = &model.name;
            let compiled = match compile(&model.file, &options) {
                Ok(compiled) => compiled,
                Err(e) => panic!("{name} for {core}:\n{e}"),
            };
            let inputs = Vectors::read(&model.vectors).inputs(&compiled.model.reference, 0);
            let inputs: Vec<Data> = inputs.into_iter().map(|t| t.data).collect();
            let module = check(&compiled.program, &machine, &[inputs])
                .unwrap_or_else(|e| panic!("{name} for {core}: {e}"));
            if let Some(folder) = std::env::var_os("TINYC_FUNCTIONS") {
                let text: String = module.functions.iter().map(|f| format!("{f}\n")).collect();
                std::fs::write(std::path::Path::new(&folder).join(format!("{name}.{core}.txt")), text)
                    .unwrap();
            }
        }
    }
}

#[test]
fn own_models() {
    prove(&models::own());
}

#[test]
fn integer_networks() {
    for network in ["kws_dscnn", "ic_resnet8", "vww_mobilenet", "ad_autoencoder", "sww_1dcnn"] {
        prove(&models::mlperf(network, &["int8_qdq_b1"]));
    }
}

#[test]
fn small_networks() {
    let names =
        ["hello_world_float", "hello_world_int8", "keypoint_classifier", "micro_speech_int8", "mnist8"];
    prove(&models::small(&names));
}

#[test]
fn random_networks() {
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().expect("a number"));
    let first = number("TINYC_SEED").unwrap_or(5000);
    for seed in first..first + number("TINYC_GRAPHS").unwrap_or(600) {
        let graph = random_graph(seed);
        let features = Features {
            saturate: seed.is_multiple_of(2),
            dsp: seed.is_multiple_of(4),
            registers: 14 * (seed % 3) as u32,
        };
        // What lowering may refuse is the matter of another test.
        let Ok(lowered) = lower(&graph, features) else { continue };
        let runs: Vec<Vec<Data>> = (0..2)
            .map(|i| random_inputs(&graph, seed * 2 + i).into_iter().map(|t| t.data).collect())
            .collect();
        for (core, machine) in machines() {
            check(&lowered.program, &machine, &runs)
                .unwrap_or_else(|e| panic!("seed {seed} for {core}: {e}"));
        }
    }
}
