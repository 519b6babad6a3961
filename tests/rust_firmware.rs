//! Emitted Rust on bare metal: the examples' firmware, built by cargo with its build script, and single instructions against
//! portable functions, all under QEMU.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::bare::{build, compiler, folder, qemu, rustc, sysroot};
use support::host::try_tool;
use support::loops::{Loop, innermost};
use support::{models, rust_host};
use tinyc::pipeline::{self, Compiled, Emit, Options, compile};
use tinyc::verify::{self, Method};
use tinyc_ir::eval::eval;
use tinyc_ir::{Data, Tensor};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The digit of the examples: 8 by 8 pixels from -128 to 127.
fn image() -> Vec<i8> {
    let example = std::fs::read_to_string(repository("examples/cortex-m4-rust/src/main.rs")).unwrap();
    let image = example.split("IMAGE_LEN] = [").nth(1).unwrap().split(']').next().unwrap();
    let image = image.split(',').map(str::trim).filter(|pixel| !pixel.is_empty());
    image.map(|pixel| pixel.parse().unwrap()).collect()
}

/// What the examples print, by the evaluator.
fn expected() -> String {
    let path = repository("examples/models/digits/digits_int8_io.onnx");
    let graph = pipeline::load(&path, &Default::default()).unwrap().reference;
    let input = Tensor::new(graph.ty(graph.inputs[0]).shape.clone(), Data::I8(image()));
    let Data::I8(output) = eval(&graph, &[input]).outputs(&graph).remove(0).data else { panic!("not int8") };
    let class = (0..output.len()).max_by_key(|&i| (output[i], std::cmp::Reverse(i))).unwrap();
    assert_eq!(class, 3, "the digit is a 3");
    format!("class {class}, {output:?}")
}

/// Builds an example for a target and runs it on a machine; nothing in it panics.
fn recognises(example: &str, binary: &str, target: &str, machine: &str) {
    let image = build(&repository("examples").join(example), target, binary);
    assert_eq!(qemu(machine, &image).trim(), expected(), "{example} for {target}");
    // Not even start-up code and the console can panic but for formatting, which the network does not use.
    let (nm, package) = match target.starts_with("riscv") {
        true => ("riscv64-unknown-elf-nm", "gcc-riscv64-unknown-elf"),
        false => ("arm-none-eabi-nm", "gcc-arm-none-eabi"),
    };
    let symbols = try_tool(Command::new(nm).arg(&image), package).unwrap_or_else(|e| panic!("{e}"));
    assert!(!symbols.contains("panic_bounds_check"), "{example} for {target}: {symbols}");
}

/// One test after the other: they share a folder in which cargo builds one thing at a time.
#[test]
fn the_examples_recognise_their_digit() {
    sysroot(&["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"]);
    recognises("cortex-m4-rust", "digits-firmware", "thumbv7em-none-eabihf", "mps2-an386");
    // A true Armv6-M core, which faults on any instruction that a Cortex-M0+ does not have.
    recognises("cortex-m0plus-rust", "digits-m0plus", "thumbv6m-none-eabi", "microbit");
    recognises("riscv32-rust", "digits-riscv", "riscv32imc-unknown-none-elf", "virt");
}

/// A file of `tests/support/firmware`, copied into the folder.
fn copy(folder: &Path, name: &str) {
    std::fs::copy(repository("tests/support/firmware").join(name), folder.join(name)).unwrap();
}

#[test]
fn instructions_compute_what_the_portable_functions_do() {
    let target = "thumbv7em-none-eabihf";
    let folder = folder("packed");
    std::fs::create_dir_all(&folder).unwrap();
    copy(&folder, "packed.rs");
    copy(&folder, "m4.ld");
    let runtime = repository("runtime/src/lib.rs");
    let runtime = runtime.to_str().unwrap();
    let library = ["--crate-type", "lib", "--crate-name", "tinyc_runtime", "--cfg", "tinyc_dsp", runtime];
    rustc(&folder, target, &[&library[..], &["-o", "libtinyc_runtime.rlib"]].concat());
    let program = ["-C", "link-arg=-Tm4.ld", "--extern", "tinyc_runtime=libtinyc_runtime.rlib", "packed.rs"];
    rustc(&folder, target, &[&program[..], &["-o", "packed.elf"]].concat());
    assert_eq!(qemu("mps2-an386", &folder.join("packed.elf")).trim(), "all alike");
}

/// The committed networks of convolutions and matrix products for a core.
fn layers(core: &str) -> Vec<Compiled> {
    let names = ["digits_int8_io", "dw_stack_qdq", "matmul_chain_qdq", "residual_qdq", "u8u8_qdq"];
    let models: Vec<_> = models::own().into_iter().filter(|m| names.contains(&m.name.as_str())).collect();
    assert_eq!(models.len(), names.len());
    let target = || tinyc_targets::find(core).unwrap();
    let options =
        |model: &models::Model| Options { target: target(), emit: [Emit::Rust].into(), ..model.options() };
    models
        .iter()
        .map(|model| compile(&model.file, &options(model)).unwrap_or_else(|e| panic!("{e}")))
        .collect()
}

/// The innermost loops of Rust that is compiled for a bare target.
fn compiled_loops(name: &str, target: &str, source: &str, objdump: &str, package: &str) -> Vec<Loop> {
    let folder = folder(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("lib.rs"), source).unwrap();
    rustc(
        &folder,
        target,
        &["--crate-type", "lib", "--emit", "obj", "-C", "codegen-units=1", "lib.rs", "-o", "lib.o"],
    );
    let mut disassemble = Command::new(objdump);
    disassemble.current_dir(&folder).args(["-d", "--no-show-raw-insn", "lib.o"]);
    let listing = try_tool(&mut disassemble, package).unwrap_or_else(|e| panic!("{e}"));
    // Positions in sections are resolved by the linker: a reference to a panic would be a relocation.
    let mut symbols = Command::new(objdump);
    let symbols = try_tool(symbols.current_dir(&folder).args(["-r", "-t", "lib.o"]), package).unwrap();
    let panics = symbols.lines().any(|line| line.contains("panic"));
    assert!(!panics || name == "bounds", "{name} for {target} refers to a panic");
    innermost(&listing)
}

const DISASSEMBLERS: [(&str, &str, &str, &str); 2] = [
    ("cortex-m4", "thumbv7em-none-eabihf", "arm-none-eabi-objdump", "gcc-arm-none-eabi"),
    ("rv32imc", "riscv32imc-unknown-none-elf", "riscv64-unknown-elf-objdump", "gcc-riscv64-unknown-elf"),
];

/// By disassembly: a loop that multiplies ends in one place, so nothing in it asks whether a position fits.
#[test]
fn hot_loops_have_no_bounds_check() {
    for (core, target, objdump, package) in DISASSEMBLERS {
        let compiled = layers(core);
        let programs: Vec<_> = compiled.iter().map(|c| &c.program).collect();
        let name = format!("loops/{core}");
        let modules = rust_host::write_modules(&folder(&name), &programs);
        let source: String = modules.iter().map(|module| format!("include!(\"{module}.rs\");\n")).collect();
        let loops = compiled_loops(&name, target, &format!("#![no_std]\n{source}"), objdump, package);
        let hot: Vec<&Loop> = loops.iter().filter(|l| l.multiplications > 0).collect();
        println!("{core}: {} innermost loops multiply", hot.len());
        assert!(hot.len() >= modules.len(), "{core}: {} hot loops in {} networks", hot.len(), modules.len());
        let asking: Vec<&&Loop> = hot.iter().filter(|l| asks(l)).collect();
        assert!(asking.is_empty(), "{core}: {asking:#?}");
    }
}

/// Whether a loop asks for each element whether its position fits. One way out is its end. Where rustc unrolls the loop over a window, as it
/// does those of depthwise convolutions, the one around it is innermost: it asks once for a window.
fn asks(l: &Loop) -> bool {
    let windows = if l.function.contains("depthwise") { l.multiplications / 4 } else { 0 };
    l.exits > 1 + windows
}

#[test]
fn a_bounds_check_would_be_seen() {
    let source = "#![no_std]\n#[inline(never)]\npub fn dot(x: &[i8], w: &[i8], at: &[u16]) -> i32 {\n    \
                  at.iter().map(|&i| i32::from(x[i as usize]) * i32::from(w[i as usize])).sum()\n}\n";
    for (core, target, objdump, package) in DISASSEMBLERS {
        let loops = compiled_loops("bounds", target, source, objdump, package);
        assert!(loops.iter().any(|l| l.multiplications > 0 && asks(l)), "{core}: {loops:#?}");
    }
}

/// What `tinyc verify --emit rust --with qemu` does, on the cores that other tests compile Rust for.
#[test]
fn modules_compute_the_bytes_of_the_reference() {
    for core in ["cortex-m0plus", "cortex-m4", "rv32imc"] {
        let target = tinyc_targets::find(core).unwrap();
        let rust = compiler(&target.core.rust_target);
        for name in ["digits_int8_io", "digits_f32", "stream_qdq"] {
            let model = models::own().into_iter().find(|model| model.name == name).unwrap();
            let states: &[(&str, &str)] = match name {
                "stream_qdq" => &[("past", "past_next"), ("level", "level_next")],
                _ => &[],
            };
            let states = states.iter().map(|(i, o)| (i.to_string(), o.to_string())).collect();
            let options =
                Options { target: target.clone(), emit: [Emit::Rust].into(), states, ..model.options() };
            let compiled = compile(&model.file, &options).unwrap_or_else(|e| panic!("{e}"));
            let samples = tinyc::samples::random(&compiled.model, 1, 3);
            let options =
                verify::Options { method: Method::QemuRust, rust: rust.clone(), ..Default::default() };
            let found = verify::verify(&compiled, &target, &samples, &options, &mut |_| {});
            let found = found.unwrap_or_else(|e| panic!("{name} on {core}: {e}"));
            assert!(found.is_proof(), "{found}");
            assert!(found.instructions.least > 0 && found.flash.code > 0 && found.stack_bytes > 0, "{found}");
        }
    }
}
