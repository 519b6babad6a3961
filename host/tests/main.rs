//! Native code of this machine against the loop interpreter: every operation on numbers that hurt, whole programs, and random
//! networks as they are lowered for cores of all kinds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../backends/tests/native/driver.rs"]
mod driver;
#[path = "../../backends/tests/c/net.rs"]
mod net;
#[path = "../../backends/tests/c/networks.rs"]
mod networks;
#[path = "../../backends/tests/c/operations.rs"]
mod operations;

use driver::{Case, one_nan};
use tinyc_host::{Failure, Host};
use tinyc_ir::Data;
use tinyc_ir::loops::interpret::{self, Interpreter};
use tinyc_ir::testing::{random_graph, random_inputs};
use tinyc_passes::lower::{Features, lower};

/// The first element in which outputs differ, as text.
fn difference(got: &[Data], want: &[Data]) -> Option<String> {
    assert_eq!(got.len(), want.len(), "outputs");
    got.iter().zip(want).enumerate().find_map(|(output, (got, want))| {
        let (a, b) = (one_nan(got).to_le_bytes(), one_nan(want).to_le_bytes());
        assert_eq!(a.len(), b.len(), "bytes of output {output}");
        let at = a.iter().zip(&b).position(|(a, b)| a != b)?;
        let at = [at * got.len() / a.len()];
        Some(format!("output {output}[{}] is {:?}, not {:?}", at[0], got.gather(&at), want.gather(&at)))
    })
}

/// The shared programs have names that C reserves, or have them twice, which the verifier refuses.
fn renamed(case: Case) -> Case {
    let rename = |name: &mut String| name.insert_str(0, "the_");
    let mut program = case.program;
    for (at, buffer) in program.buffers.values_mut().enumerate() {
        buffer.name = format!("the_{}_{at}", buffer.name);
    }
    for kernel in program.kernels.values_mut() {
        rename(&mut kernel.name);
        kernel.params.values_mut().for_each(|param| rename(&mut param.name));
        kernel.loops.values_mut().for_each(|counter| rename(&mut counter.name));
        kernel.vars.values_mut().for_each(|var| rename(&mut var.name));
    }
    Case { program, runs: case.runs }
}

fn check(case: Case) {
    let case = renamed(case);
    let name = &case.program.name;
    let host = Host::compile(&case.program).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (r, inputs) in case.runs.iter().enumerate() {
        match (host.run(inputs), interpret::run(&case.program, inputs)) {
            (Ok(got), Ok(want)) => assert_eq!(difference(&got, &want.outputs), None, "{name}, run {r}"),
            (Err(Failure::Fail(code)), Err(trap)) => {
                assert_eq!(Some(code), trap.fail, "{name}, run {r}: {trap}")
            }
            (got, want) => panic!("{name}, run {r}: {got:?}, not {want:?}"),
        }
    }
}

#[test]
fn every_operation_agrees_with_the_interpreter() {
    for case in operations::unary().into_iter().chain(operations::binary()).chain(operations::constants()) {
        check(case);
    }
    check(operations::packed());
}

#[test]
fn whole_programs_agree_with_the_interpreter() {
    for case in [networks::quantized(), networks::softmax(), networks::control()] {
        check(case);
    }
}

#[test]
fn random_networks_agree_with_the_interpreter() {
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let first = number("TINYC_SEED").unwrap_or(0);
    let mut ran = 0;
    for seed in first..first + number("TINYC_GRAPHS").unwrap_or(300) {
        let graph = random_graph(seed);
        let registers = [0, 28, 64][(seed % 3) as usize];
        let features = Features { saturate: seed % 2 == 0, dsp: seed % 4 == 0, registers };
        // What lowering may refuse is the matter of another test.
        let Ok(lowered) = lower(&graph, features) else { continue };
        let host = Host::compile(&lowered.program).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let (mut session, mut interpreter) = (host.session(), Interpreter::new(&lowered.program).unwrap());
        for sample in 0..3 {
            let inputs = random_inputs(&graph, seed * 3 + sample);
            let inputs: Vec<Data> = inputs.into_iter().map(|tensor| tensor.data).collect();
            match (session.run(&inputs), interpreter.run(&inputs)) {
                (Ok(got), Ok(want)) => {
                    assert_eq!(difference(&got, &want.outputs), None, "seed {seed}, sample {sample}");
                    ran += 1;
                }
                (Err(Failure::Fail(code)), Err(trap)) => {
                    assert_eq!(Some(code), trap.fail, "seed {seed}: {trap}")
                }
                (got, want) => panic!("seed {seed}, sample {sample}: {got:?}, not {want:?}"),
            }
        }
    }
    assert!(ran > 100, "only {ran} runs");
}

#[test]
fn a_host_serves_many_threads_and_refuses_foreign_inputs() {
    let case = renamed(networks::quantized());
    let host = Host::compile(&case.program).unwrap();
    let want = interpret::run(&case.program, &case.runs[0]).unwrap().outputs;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut session = host.session();
                for _ in 0..20 {
                    assert_eq!(difference(&session.run(&case.runs[0]).unwrap(), &want), None);
                }
            });
        }
    });
    assert!(matches!(host.run(&[]), Err(Failure::Inputs(_))));
    let short = vec![Data::U8(vec![1]); case.runs[0].len()];
    assert!(matches!(host.run(&short), Err(Failure::Inputs(_))));
}
