//! Objects for 64-bit cores, made by Cranelift: under QEMU, every byte is the evaluator's or the loop interpreter's. So it is with C and Rust for
//! these cores.
//!
//! Needs GCC, Clang, lld and QEMU; without them it fails with the way to get them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod firmware;
#[path = "../../backends/tests/c/net.rs"]
mod net;
#[path = "../../backends/tests/c/networks.rs"]
mod networks;
#[path = "../../backends/tests/c/operations.rs"]
mod operations;
#[path = "../support/mod.rs"]
mod support;

/// What the shared programs are made of.
mod driver {
    pub(crate) use crate::firmware::Case;
}

use firmware::{Bench, Case};
use object::{Object, ObjectSection, ObjectSymbol};
use support::models::{self, Model};
use support::vectors::samples;
use tinyc::pipeline::{self, Compiled, Emit};
use tinyc::verify::{self, Method, Options, RustCompiler, Verification};
use tinyc_ir::Data;
use tinyc_ir::testing::{random_graph, random_inputs};
use tinyc_passes::lower::{Features, lower};
use tinyc_targets::Target;

/// All cores that Cranelift makes code for.
const CORES: [&str; 2] = ["rv64gc", "cortex-a53"];

fn target(core: &str) -> Target {
    tinyc_targets::find(core).unwrap()
}

fn options(model: &Model, core: &str, emit: &[Emit]) -> pipeline::Options {
    pipeline::Options { target: target(core), emit: emit.iter().copied().collect(), ..model.options() }
}

fn compile(model: &Model, core: &str, emit: &[Emit]) -> Compiled {
    pipeline::compile(&model.file, &options(model, core, emit))
        .unwrap_or_else(|e| panic!("{}: {e}", model.name))
}

fn own(name: &str) -> Model {
    models::own().into_iter().find(|model| model.name == name).unwrap()
}

fn run(model: &Model, core: &str, method: Method, count: usize) -> Verification {
    let (compiled, target) = (compile(model, core, &[method.emit()]), target(core));
    let rust = match method {
        Method::QemuRust => support::bare::compiler(&target.core.rust_target),
        _ => RustCompiler::default(),
    };
    let options = Options { method, rust, ..Options::default() };
    let samples = samples(model, &compiled, count);
    let found = verify::verify(&compiled, &target, &samples, &options, &mut |_| {});
    let found = found.unwrap_or_else(|e| panic!("{} on {core}: {e}", model.name));
    assert!(found.is_proof() && found.instructions.least > 0, "{found}");
    println!(
        "{core:<12} {:<4} {:<26} {:>10} instructions {:>5} stack {:>6} code {:>6} ms",
        found.emit,
        model.name,
        found.instructions.first,
        found.stack_bytes,
        found.flash.code,
        found.milliseconds,
    );
    if let Some(object) = &compiled.object {
        // Seen from a caller's caller there, so with one frame more.
        let most = u64::from(object.stack_bytes) + 128;
        assert!(found.stack_bytes <= most, "{} on {core}: {} of {most}", model.name, found.stack_bytes);
        self_contained(&object.elf, &model.name);
        let again = compile(model, core, &[Emit::Obj]).object.unwrap();
        assert!(object.elf == again.elf, "{} on {core} has other bytes the second time", model.name);
    }
    found
}

/// Nothing is left undefined, one symbol is there for others, and there are no variables.
fn self_contained(elf: &[u8], name: &str) {
    let file = object::File::parse(elf).unwrap();
    let undefined = file.symbols().find(|symbol| symbol.is_undefined() && !symbol.name().unwrap().is_empty());
    assert!(undefined.is_none(), "{name} needs {undefined:?}");
    let global: Vec<_> = file.symbols().filter(|s| s.is_global()).map(|s| s.name().unwrap()).collect();
    assert_eq!(global, [format!("{name}_run")]);
    for section in file.sections().filter(|section| section.size() > 0) {
        let section = section.name().unwrap();
        let known = [".text.", ".rodata.", ".rela.", ".riscv.attributes", ".symtab", ".strtab", ".shstrtab"];
        assert!(known.iter().any(|known| section.starts_with(known)), "{name} has a section {section}");
    }
}

macro_rules! own_models_on {
    ($($test:ident: $core:literal,)*) => {
        $(
            #[test]
            fn $test() {
                for model in models::own() {
                    run(&model, $core, Method::QemuObject, 2);
                }
            }
        )*
    };
}

own_models_on! {
    own_models_on_rv64gc: "rv64gc",
    own_models_on_cortex_a53: "cortex-a53",
}

/// Integers, floats with `exp`, and a softmax, in the other forms.
#[test]
fn c_and_rust_compute_the_same() {
    for core in CORES {
        for name in ["digits_int8_io", "digits_f32", "attention_mix"] {
            run(&own(name), core, Method::QemuC, 2);
            run(&own(name), core, Method::QemuRust, 2);
        }
    }
}

#[test]
fn networks_as_objects() {
    for network in ["ad_autoencoder", "ic_resnet8", "kws_dscnn", "sww_1dcnn", "vww_mobilenet"] {
        for model in models::mlperf(network, &["int8_qdq_b1", "f32_b1"]) {
            for core in CORES {
                run(&model, core, Method::QemuObject, 1);
            }
        }
    }
}

#[test]
fn every_operation_agrees_with_the_interpreter() {
    let mut cases =
        vec![networks::quantized(), networks::softmax(), networks::control(), operations::packed()];
    cases.extend(operations::unary().into_iter().chain(operations::binary()).chain(operations::constants()));
    for core in CORES {
        Bench::new(core).prove(&cases);
    }
}

#[test]
fn random_networks_agree_with_the_interpreter() {
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let first = number("TINYC_SEED").unwrap_or(7_000_000);
    let case = |seed: u64| {
        let graph = random_graph(seed);
        let registers = [28, 64][(seed % 2) as usize];
        // What lowering may refuse is the matter of another test.
        let mut program = lower(&graph, Features { saturate: false, dsp: false, registers }).ok()?.program;
        program.name = format!("net{seed}");
        let inputs = |sample| random_inputs(&graph, seed * 2 + sample).into_iter().map(|tensor| tensor.data);
        let runs: Vec<Vec<Data>> = (0..2).map(|sample| inputs(sample).collect()).collect();
        Some(Case { program, runs })
    };
    let cases: Vec<Case> = (first..first + number("TINYC_GRAPHS").unwrap_or(120)).filter_map(case).collect();
    assert!(cases.len() > 60, "only {} networks", cases.len());
    for core in CORES {
        Bench::new(core).prove(&cases);
    }
}

#[test]
fn what_only_32_bit_cores_have_is_refused() {
    let model = own("digits_int8_io");
    for core in CORES {
        let listing = pipeline::compile(&model.file, &options(&model, core, &[Emit::Asm])).err().unwrap();
        let text = listing.to_string();
        assert!(text.contains("E0503") && text.contains("there is no listing for"), "{text}");
        let compiled = compile(&model, core, &[Emit::Obj]);
        let settings = Options { method: Method::Simulator, ..Options::default() };
        let samples = samples(&model, &compiled, 1);
        let simulated = verify::verify(&compiled, &target(core), &samples, &settings, &mut |_| {});
        let text = simulated.err().unwrap().to_string();
        assert!(text.contains("E0528") && text.contains("--with qemu"), "{text}");
    }
}
