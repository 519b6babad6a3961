//! Emitted objects: in the built-in simulator and, linked by two linkers, under QEMU, on every core that there is a
//! backend for. Every byte is the evaluator's, and integer models take the cycles that were predicted.
//!
//! Needs GCC, lld and QEMU; without them it fails with the way to get them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::path::Path;
use std::process::Command;
use support::host::tool;
use support::models::{self, Model};
use support::vectors::samples;
use tinyc::pipeline::{self, Compiled, Emit};
use tinyc::verify::shared_bench::{self, Form};
use tinyc::verify::{self, Method, Options, Verification};
use tinyc_ir::Tensor;
use tinyc_targets::{Fidelity, Isa, Target};

fn target(core: &str) -> Target {
    tinyc_targets::find(core).unwrap()
}

fn compile(model: &Model, core: &str, emit: &[Emit]) -> Compiled {
    let options =
        pipeline::Options { target: target(core), emit: emit.iter().copied().collect(), ..model.options() };
    // Memory is the user's matter: a bare core has no limits.
    pipeline::compile(&model.file, &options).unwrap_or_else(|e| panic!("{}: {e}", model.name))
}

fn run(compiled: &Compiled, core: &Target, method: Method, samples: &[Vec<Tensor>]) -> Verification {
    let options = Options { method, ..Options::default() };
    let found = verify::verify(compiled, core, samples, &options, &mut |_| {});
    found.unwrap_or_else(|e| panic!("{} on {}: {e}", compiled.program.name, core.name()))
}

/// Simulator and QEMU on the same object; says what it cost.
fn prove(model: &Model, core: &str, count: usize) {
    let compiled = compile(model, core, &[Emit::Obj]);
    let (name, target) = (&model.name, target(core));
    let samples = samples(model, &compiled, count);
    let simulated = run(&compiled, &target, Method::Simulator, &samples);
    assert!(simulated.is_proof(), "{simulated}");
    assert!(simulated.tensors_compared > 0, "{name} on {core} compared no tensor");
    let cycles = simulated.cycles.clone().expect("the simulator counts cycles");
    let object = compiled.object.as_ref().unwrap();
    if cycles.exact && computes_with_integers(&compiled) {
        for (layer, found) in object.layers.iter().zip(&simulated.layers) {
            assert_eq!(found.cycles, layer.cost.unwrap().cycles, "{} of {name} on {core}", found.name);
        }
        assert_eq!((cycles.least, cycles.most), (cycles.predicted, cycles.predicted), "{name} on {core}");
    } else if cycles.exact {
        // Where loops of floats end, the pipeline may hold a cycle more or less than is counted.
        assert!(
            cycles.most.abs_diff(cycles.predicted) * 1000 <= cycles.predicted,
            "{name} on {core}: {cycles:?}"
        );
    } else {
        assert!(cycles.most <= cycles.predicted, "{name} on {core}: {cycles:?}");
    }
    // A choice may take another number of instructions either way, and as many cycles.
    assert!(simulated.instructions.most <= object.total.unwrap().instructions, "{name} on {core}");
    assert!(simulated.stack_bytes <= object.stack_bytes.into(), "{name} on {core}");
    assert_eq!(simulated.layers.len(), compiled.program.calls.len(), "{name} on {core}");
    let emulated = run(&compiled, &target, Method::QemuObject, &samples);
    assert!(emulated.is_proof(), "{emulated}");
    // QEMU's clock has ticks of 40 instructions; on RISC-V of 100, and what a tick is was measured over 40,000 of them.
    let (ours, theirs) = (simulated.instructions.first, emulated.instructions.first);
    let unsure = if target.core.isa == Isa::Riscv32 { ours / 40_000 } else { 0 };
    assert!(
        ours.abs_diff(theirs) <= 80 + unsure,
        "{name} on {core}: {ours} instructions, under QEMU {theirs}"
    );
    // Seen from a caller's caller there, so with one frame more, and what does not fit into four registers.
    let arguments = compiled.program.inputs.len() + compiled.program.outputs.len() + 1;
    let frame = 64 + 4 * arguments.saturating_sub(4) as u64;
    let (ours, theirs) = (simulated.stack_bytes, emulated.stack_bytes);
    assert!(theirs <= ours + frame, "{name} on {core}: {ours} bytes of stack, under QEMU {theirs}");
    println!(
        "{core:<14} {name:<26} {:>10} cycles {:>10} instructions {:>5} stack {:>6} code {:>5} ms",
        cycles.first, simulated.instructions.first, ours, simulated.flash.code, simulated.milliseconds,
    );
}

fn computes_with_integers(compiled: &Compiled) -> bool {
    !compiled.program.kernels.values().any(|kernel| kernel.computes_with_floats())
}

macro_rules! own_models_on {
    ($($test:ident: $core:literal,)*) => {
        $(
            #[test]
            fn $test() {
                for model in models::own() {
                    prove(&model, $core, 2);
                }
            }
        )*
    };
}

own_models_on! {
    own_models_on_cortex_m0: "cortex-m0",
    own_models_on_cortex_m0plus: "cortex-m0plus",
    own_models_on_cortex_m3: "cortex-m3",
    own_models_on_cortex_m4: "cortex-m4",
    own_models_on_cortex_m4_without_fpu: "cortex-m4-nofpu",
    own_models_on_cortex_m7: "cortex-m7",
    own_models_on_cortex_m33: "cortex-m33",
    own_models_on_cortex_m55: "cortex-m55",
    own_models_on_rv32ec: "rv32ec",
    own_models_on_rv32imc: "rv32imc",
    own_models_on_rv32imac: "rv32imac",
    own_models_on_rv32imafc: "rv32imafc",
    own_models_on_hazard3: "hazard3",
}

/// The MLPerf Tiny networks, quantised and in floats.
const NETWORKS: [&str; 5] = ["ad_autoencoder", "ic_resnet8", "kws_dscnn", "sww_1dcnn", "vww_mobilenet"];

#[test]
fn networks_on_every_core() {
    for network in NETWORKS {
        for model in models::mlperf(network, &["int8_qdq_b1"]) {
            for core in
                ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc", "hazard3"]
            {
                prove(&model, core, 1);
            }
        }
    }
}

#[test]
fn networks_in_floats() {
    for network in ["kws_dscnn", "ad_autoencoder"] {
        for model in models::mlperf(network, &["f32_b1"]) {
            for core in ["cortex-m0plus", "cortex-m4", "rv32imac", "rv32imafc"] {
                prove(&model, core, 1);
            }
        }
    }
}

#[test]
fn integer_models_have_exact_cycles_where_the_core_is_documented() {
    let model = models::own().into_iter().find(|model| model.name == "matmul_chain_qdq").unwrap();
    // Not on a Cortex-M3, whose long products end early, nor on a Cortex-M0, where a branch takes longer than what it skips.
    for core in ["cortex-m0plus", "cortex-m4", "cortex-m33"] {
        let compiled = compile(&model, core, &[Emit::Obj]);
        let documented = target(core).core.timing.unwrap().fidelity == Fidelity::Exact;
        assert_eq!(compiled.object.unwrap().total.unwrap().exact, documented, "{core}");
    }
}

#[test]
fn a_cycle_model_that_is_not_ours_agrees() {
    let Some(shared) = models::shared_folder() else { return };
    for network in NETWORKS {
        for model in models::mlperf(network, &["int8_qdq_b1"]) {
            for core in ["cortex-m4", "rv32imc"] {
                let compiled = compile(&model, core, &[Emit::Obj]);
                let core = &target(core).core;
                let theirs = shared_bench::measure(&compiled, Form::Object, core, &shared.join("bench"));
                let theirs = theirs.unwrap_or_else(|e| panic!("{network}: {e}"));
                let cycles = theirs.cycles.expect("the bench has a model of this core");
                let ours = compiled.object.as_ref().unwrap().total.unwrap();
                println!(
                    "{network:<16} {:<10} {:>10} cycles, by the other model {:>10}",
                    core.name, ours.cycles, cycles
                );
                // Its count begins before the call and ends behind it. Ours has every saturation where that takes an instruction.
                let saturations = if core.isa == Isa::Riscv32 { ours.instructions / 20 } else { 0 };
                assert!(
                    ours.instructions.abs_diff(theirs.instructions) < 100 + saturations,
                    "{ours:?} and {theirs:?}"
                );
                assert!(ours.cycles.abs_diff(cycles) * 50 <= cycles, "{ours:?} and {theirs:?}");
            }
        }
    }
}

/// A small model whose every value is an integer.
fn digits() -> Model {
    models::own().into_iter().find(|model| model.name == "digits_int8_io").unwrap()
}

#[test]
fn a_firmware_linked_by_lld_computes_the_same() {
    let cores = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"];
    for core in [&cores[..], &["rv32ec", "rv32imc", "rv32imafc", "hazard3", "rv64gc"]].concat() {
        let (model, target) = (digits(), target(core));
        let compiled = compile(&model, core, &[Emit::Obj]);
        let folder = tempfile::tempdir().unwrap();
        let keep = folder.path().to_path_buf();
        let options = Options { method: Method::QemuObject, keep: Some(keep.clone()), ..Options::default() };
        let samples = samples(&model, &compiled, 2);
        let found = verify::verify(&compiled, &target, &samples, &options, &mut |_| {}).unwrap();
        assert!(found.is_proof(), "{found}");
        let object = format!("{}.o", model.name);
        assert_eq!(
            std::fs::read(keep.join(&object)).unwrap(),
            compiled.object.as_ref().unwrap().elf,
            "what runs is what is shipped"
        );
        let outputs = std::fs::read(keep.join("plain.outputs")).unwrap();
        std::fs::remove_file(keep.join("plain.outputs")).unwrap();
        relink(&keep, &object, &target);
        assert_eq!(std::fs::read(keep.join("plain.outputs")).unwrap(), outputs, "{core}");
    }
}

/// Links the kept firmware again, with lld, and runs it.
fn relink(folder: &Path, object: &str, target: &Target) {
    let (gcc, qemu) = (&target.core.gcc, &target.core.qemu);
    let library =
        tool(Command::new(&gcc.compiler).args(&gcc.flags).arg("-print-libgcc-file-name"), &gcc.package);
    let mut lld = Command::new("ld.lld-19");
    lld.current_dir(folder).args(["--fatal-warnings", "--gc-sections", "-T", "link.ld"]).args([
        "start.o",
        "harness.o",
        "main_plain.o",
        object,
        "memory.o",
        library.trim(),
        "-o",
        "plain.elf",
    ]);
    tool(&mut lld, "lld-19");
    let mut command = Command::new(&qemu.program);
    command
        .current_dir(folder)
        .args(["-M", &qemu.machine, "-nographic", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-icount", "shift=0"])
        .args(&qemu.arguments)
        .args(["-kernel", "plain.elf"]);
    tool(&mut command, &qemu.package);
}

#[test]
fn a_real_cortex_m0_runs_it() {
    // QEMU's only M0 is a board with 16 KiB.
    let mut board = target("cortex-m0");
    let qemu = &mut board.core.qemu;
    qemu.machine = "microbit".into();
    qemu.stands_in = None;
    (qemu.flash.bytes, qemu.ram.bytes) = (256 * 1024, 16 * 1024);
    let (model, compiled) = (digits(), compile(&digits(), "cortex-m0", &[Emit::Obj]));
    let found = run(&compiled, &board, Method::QemuObject, &samples(&model, &compiled, 3));
    assert!(found.is_proof(), "{found}");
}

#[test]
fn the_listing_assembles_to_the_object() {
    let cores = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33"];
    for core in [&cores[..], &["rv32ec", "rv32imc", "rv32imafc", "hazard3"]].concat() {
        let compiled = compile(&digits(), core, &[Emit::Obj, Emit::Asm]);
        let riscv = target(core).core.isa == Isa::Riscv32;
        let tools = if riscv { RISCV } else { ARM };
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in compiled.artefacts() {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let mut assembler = Command::new(tools.assembler);
        if riscv {
            // This version of as has names for the bit manipulation, GCC has not.
            let name = target(core).core.architecture.replace("_zbs", "");
            let abi =
                target(core).core.gcc.flags.iter().find(|flag| flag.starts_with("-mabi")).unwrap().clone();
            assembler.args([format!("-march={name}"), abi]);
        }
        let assemble = ["digits_int8_io.s", "-o", "again.o"];
        tool(assembler.current_dir(folder.path()).args(assemble), tools.package);
        // Linked, so that it does not matter which symbol a relocation names.
        let linked = |object| linked(folder.path(), object, &tools);
        let (ours, theirs) = (linked("digits_int8_io.o"), linked("again.o"));
        for ((section, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            assert!(!ours.is_empty() && theirs.len().abs_diff(ours.len()) < 4, "{core}: {section}");
            let pairs = ours.chunks_exact(2).zip(theirs.chunks_exact(2));
            let differs = |(ours, theirs): (&[u8], &[u8])| {
                // The assembler fills the gap before a literal with an instruction, the object with zeros.
                let filler = ours == [0, 0] && [[0xc0, 0x46], [0x00, 0xbf]].contains(&[theirs[0], theirs[1]]);
                ours != theirs && !filler
            };
            let first = pairs.clone().position(differs).map(|at| 2 * at);
            assert_eq!(first, None, "{core}: {section} differs");
        }
    }
}

/// An assembler and a linker, and what installs them.
struct Tools {
    assembler: &'static str,
    linker: &'static [&'static str],
    package: &'static str,
}

const ARM: Tools =
    Tools { assembler: "arm-none-eabi-as", linker: &["arm-none-eabi-ld"], package: "binutils-arm-none-eabi" };
const RISCV: Tools = Tools {
    assembler: "riscv64-unknown-elf-as",
    linker: &["riscv64-unknown-elf-ld", "-m", "elf32lriscv"],
    package: "binutils-riscv64-unknown-elf",
};

/// Code and constants of an object at fixed addresses.
fn linked(folder: &Path, object: &str, tools: &Tools) -> [(&'static str, Vec<u8>); 2] {
    use object::{Object, ObjectSection};
    const SCRIPT: &str = "SECTIONS {\n.text 0x1000 : { *(.text.*) }\n.rodata 0x40000 : { *(.rodata.*) }\n}\n";
    std::fs::write(folder.join("link.ld"), SCRIPT).unwrap();
    let link = ["-T", "link.ld", "-e", "0x1000", object, "-o", "linked.elf"];
    let (linker, options) = tools.linker.split_first().unwrap();
    tool(Command::new(linker).args(options).current_dir(folder).args(link), tools.package);
    let bytes = std::fs::read(folder.join("linked.elf")).unwrap();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    [".text", ".rodata"].map(|name| (name, file.section_by_name(name).unwrap().data().unwrap().to_vec()))
}

#[test]
fn a_core_without_a_backend_is_refused() {
    let mut target = target("rv32imc");
    target.core.architecture = "rv64imac".into();
    let options = pipeline::Options { emit: [Emit::Obj].into(), ..pipeline::Options::new(target) };
    let problems =
        pipeline::compile(&digits().file, &options).err().expect("there is no backend").to_string();
    assert!(problems.contains("E0503") && problems.contains("--emit c"), "{problems}");
}

#[test]
fn a_changed_weight_is_found_where_it_acts_first() {
    use object::{Object, ObjectSection};
    let mut compiled = compile(&digits(), "cortex-m4", &[Emit::Obj]);
    let elf = &mut compiled.object.as_mut().unwrap().elf;
    let (start, bytes) = {
        let file = object::File::parse(elf.as_slice()).unwrap();
        file.section_by_name(".rodata.digits_int8_io").unwrap().file_range().unwrap()
    };
    for byte in &mut elf[start as usize..(start + bytes) as usize] {
        *byte ^= 1;
    }
    let samples = samples(&digits(), &compiled, 1);
    let found = run(&compiled, &target("cortex-m4"), Method::Simulator, &samples);
    let mismatch = found.mismatch.as_ref().expect("weights were changed");
    assert_eq!(mismatch.layer, "/conv1/Conv", "{found}");
    assert!(found.to_string().starts_with("NOT EQUAL"), "{found}");
}

#[test]
fn what_was_not_emitted_is_not_verified() {
    let compiled = compile(&digits(), "cortex-m4", &[Emit::C]);
    let samples = samples(&digits(), &compiled, 1);
    let options = Options { method: Method::Simulator, ..Options::default() };
    let problems = verify::verify(&compiled, &target("cortex-m4"), &samples, &options, &mut |_| {});
    let text = problems.expect_err("there is no object").to_string();
    assert!(text.contains("E0527") && text.contains("--emit obj"), "{text}");
}
