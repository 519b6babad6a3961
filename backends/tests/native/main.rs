//! Functions of words from outside: built for several machines, verified, run, and compared with the loop interpreter;
//! and how often blocks ran with how often they were said to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../c/net.rs"]
mod net;
#[path = "../c/networks.rs"]
mod networks;
#[path = "../c/operations.rs"]
mod operations;

mod driver;

use driver::{Case, one_nan};
use machines::machines;
use tinyc_backends::native::execute::{check_counts, execute};
use tinyc_backends::native::{build, routines, verify};
use tinyc_ir::loops::interpret;

fn check(case: &Case) {
    for (name, machine) in machines() {
        let program = &case.program;
        let module = build(program, &machine);
        let routines = routines::closure(module.routines.iter().copied(), &machine);
        for function in &module.functions {
            verify(function).unwrap_or_else(|e| panic!("{} on {name}: {e}\n{function}", program.name));
        }
        for (r, inputs) in case.runs.iter().enumerate() {
            let context = || format!("{}, run {r} on {name}", program.name);
            let outcome =
                execute(program, &module, &routines, inputs).unwrap_or_else(|e| panic!("{}: {e}", context()));
            match interpret::run(program, inputs) {
                Ok(run) => {
                    assert_eq!(outcome.status, 0, "{}", context());
                    for (i, (got, want)) in outcome.outputs.iter().zip(&run.outputs).enumerate() {
                        let (got, want) = (one_nan(got), one_nan(want));
                        if got.to_le_bytes() != want.to_le_bytes() {
                            let output = &program.buffers[program.outputs[i]].name;
                            let size = got.dtype().size();
                            let (a, b) = (got.to_le_bytes(), want.to_le_bytes());
                            let at = a.iter().zip(&b).position(|(a, b)| a != b).unwrap() / size;
                            let text: String = module.functions.iter().map(ToString::to_string).collect();
                            let text = if text.len() > 20_000 { String::new() } else { text };
                            panic!(
                                "{}: {output}[{at}] is {:?}, not {:?}\n{text}",
                                context(),
                                got.gather(&[at]),
                                want.gather(&[at])
                            );
                        }
                    }
                    check_counts(program, &module, &outcome).unwrap_or_else(|e| panic!("{}: {e}", context()));
                }
                Err(trap) => {
                    let code = trap.fail.expect("only a fail stops a verified program");
                    assert_eq!(outcome.status, u32::from(code), "{}", context());
                }
            }
        }
    }
}

mod machines;

#[test]
fn programs_in_the_shape_of_layers() {
    for case in [networks::quantized(), networks::softmax(), networks::control()] {
        check(&case);
    }
}

#[test]
fn packed_operations() {
    check(&operations::packed());
}

#[test]
fn operations_on_one_operand_and_conversions() {
    operations::unary().iter().for_each(check);
}

#[test]
fn operations_on_two_operands() {
    operations::binary().iter().for_each(check);
}

#[test]
fn operations_with_constants() {
    operations::constants().iter().for_each(check);
}

#[test]
fn functions_read_like_this() {
    for (core, machine) in machines().into_iter().filter(|(core, _)| *core != "cortex-m3") {
        let module = build(&networks::quantized().program, &machine);
        let text: Vec<String> = module.functions.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(core, text.join("\n"));
    }
}
