//! What cargo builds: build scripts, with several networks in one firmware under QEMU, machine code among them; when a script runs again,
//! and what it says of a model that is refused; and crates that `--package cargo` writes.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::bare::{build, cargo, folder, qemu, sysroot};
use support::host::try_tool;
use support::models;
use support::vectors::Vectors;
use tinyc::package::{self, Package};
use tinyc::pipeline::{Emit, Options, compile};
use tinyc_ir::loops::interpret::Interpreter;
use tinyc_ir::{Data, Tensor};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The same numbers as in `tests/build_script/firmware/src/main.rs`.
fn byte(i: usize) -> i8 {
    (i * 37 % 256) as u8 as i8
}

/// What a model computes of one or several inputs, one after the other.
fn computed(name: &str, states: &[(&str, &str)], inputs: &[Data]) -> Vec<Data> {
    let model = models::own().into_iter().find(|model| model.name == name).unwrap();
    let states = states.iter().map(|(input, output)| (input.to_string(), output.to_string())).collect();
    let compiled = compile(&model.file, &Options { states, ..model.options() }).unwrap();
    let mut interpreter = Interpreter::new(&compiled.program).unwrap();
    let mut run = |input: &Data| {
        let ran = interpreter.run(std::slice::from_ref(input)).unwrap_or_else(|trap| panic!("{trap:?}"));
        ran.outputs.into_iter().next().unwrap()
    };
    inputs.iter().map(&mut run).collect()
}

/// What the firmware prints.
fn expected() -> String {
    let bytes = |from: usize, count: usize| Data::I8((from..from + count).map(byte).collect());
    let integers = |data: &Data| {
        let Data::I8(numbers) = data else { panic!("not int8") };
        format!("{numbers:?}\n")
    };
    let digits = computed("digits_int8_io", &[], &[bytes(0, 64)]);
    let mut out = format!("digits {}", integers(&digits[0]));
    let floats = Data::F32((0..80).map(|i| f32::from(byte(i)) / 64.0).collect());
    let Data::F32(numbers) = computed("conv1d", &[], &[floats]).remove(0) else { panic!("not floats") };
    let bits: Vec<u32> = numbers.into_iter().map(f32::to_bits).collect();
    out += &format!("conv1d {bits:08x?}\n");
    let steps: Vec<Data> = (0..3).map(|step| bytes(3 * step, 3)).collect();
    for score in computed("stream_qdq", &[("past", "past_next"), ("level", "level_next")], &steps) {
        out += &format!("stream {}", integers(&score));
    }
    out
}

/// Machine code of two networks is linked by cargo, beside a third as Rust.
#[test]
fn several_models_in_one_firmware() {
    let package = repository("tests/build_script/firmware");
    sysroot(&["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"]);
    for (target, machine, nm, gcc) in [
        ("thumbv7em-none-eabihf", "mps2-an386", "arm-none-eabi-nm", "gcc-arm-none-eabi"),
        ("riscv32imc-unknown-none-elf", "virt", "riscv64-unknown-elf-nm", "gcc-riscv64-unknown-elf"),
    ] {
        let image = build(&package, target, "several-models");
        assert_eq!(qemu(machine, &image), expected(), "{target}");
        let symbols = try_tool(Command::new(nm).arg(&image), gcc).unwrap_or_else(|e| panic!("{e}"));
        for symbol in ["T digits_run", "T conv1d_run"] {
            assert!(symbols.contains(symbol), "{target} has no `{symbol}`");
        }
        assert!(!symbols.contains("stream_run"), "{target}: the third is Rust");
    }
}

/// A copy of the package for the host, with a model and with a text replaced in its build script.
fn package(name: &str, replace: (&str, &str)) -> PathBuf {
    let (from, to) = (repository("tests/build_script/host"), folder(name));
    std::fs::remove_dir_all(&to).ok();
    std::fs::create_dir_all(to.join("src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "build.rs", "src/main.rs"] {
        let text = std::fs::read_to_string(from.join(file)).unwrap();
        // In one target folder, packages are told apart by their names.
        let text = text.replace("../../..", env!("CARGO_MANIFEST_DIR")).replace("one-model", name);
        let text = if replace.0.is_empty() { text } else { text.replace(replace.0, replace.1) };
        std::fs::write(to.join(file), text).unwrap();
    }
    model(&to, "digits/digits_int8_io");
    to
}

fn model(package: &Path, name: &str) {
    std::fs::copy(repository(&format!("examples/models/{name}.onnx")), package.join("model.onnx")).unwrap();
}

/// `cargo run`, for the host.
fn run(package: &Path) -> Output {
    cargo(package).args(["run", "--release", "--locked", "--target", &host()]).output().unwrap()
}

/// What this computer is called.
fn host() -> String {
    let said = try_tool(Command::new(support::bare::RUSTC).arg("-vV"), support::bare::PACKAGES).unwrap();
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_model_is_compiled_again_when_it_changes() {
    let package = package("changing", ("", ""));
    let runs = || std::fs::read_to_string(package.join("runs")).map_or(0, |runs| runs.lines().count());
    let printed = |output: Output| {
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = printed(run(&package));
    assert_eq!(runs(), 1);
    // A file of no interest.
    std::fs::write(package.join("notes.txt"), "nothing").unwrap();
    assert_eq!((printed(run(&package)), runs()), (first.clone(), 1), "nothing has changed");
    model(&package, "twins/conv1d");
    assert_ne!(printed(run(&package)), first, "the model has changed");
    assert_eq!(runs(), 2);

    // Refused models: cargo shows what `tinyc compile` would, and nothing panics.
    model(&package, "bad/wrong_channels");
    let refused = run(&package);
    assert!(!refused.status.success());
    let text = said(&refused);
    assert!(text.contains("error[E0") && text.contains("--> model.onnx"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    model(&package, "digits/digits_int8_io");
    assert_eq!(printed(run(&package)), first, "the model is right again");
}

#[test]
fn machine_code_says_what_it_needs() {
    let object = package(
        "object",
        ("tinyc::build(\"model.onnx\").emit()", "tinyc::build(\"model.onnx\").emit_object()"),
    );
    let text = said(&run(&object));
    // On the host there are no objects to link.
    assert!(text.contains("error[E0504]") && text.contains("`emit()`"), "{text}");
    let script = "tinyc::build(\"model.onnx\").target(\"cortex-m4\").emit_object()";
    let object = package("object-of-a-core", ("tinyc::build(\"model.onnx\").emit()", script));
    let text = said(&run(&object));
    assert!(text.contains("error[E0503]") && text.contains("features = [\"native\"]"), "{text}");
    let script = "tinyc::build(\"model.onnx\").target(\"rv64gc\").emit_object()";
    let object = package("object-of-64-bits", ("tinyc::build(\"model.onnx\").emit()", script));
    let text = said(&run(&object));
    assert!(text.contains("error[E0503]") && text.contains("features = [\"native64\"]"), "{text}");
}

/// Their tests pass on the host, and they build for bare metal. A network with two inputs, one with a state, one whose run can fail.
#[test]
fn packaged_crates_test_themselves() {
    // Outside of this repository, whose workspace would claim them.
    let above = std::env::temp_dir().join(format!("tinyc-crates-{}", std::process::id()));
    for name in ["digits_int8_io", "two_inputs", "stream_qdq", "selection"] {
        let model = models::own().into_iter().find(|model| model.name == name).unwrap();
        let states: &[(&str, &str)] = match name {
            "stream_qdq" => &[("past", "past_next"), ("level", "level_next")],
            _ => &[],
        };
        let states = states.iter().map(|(i, o)| (i.to_string(), o.to_string())).collect();
        let target = tinyc_targets::find("cortex-m0plus").unwrap();
        let options =
            Options { target: target.clone(), emit: [Emit::Rust].into(), states, ..model.options() };
        let compiled = compile(&model.file, &options).unwrap_or_else(|e| panic!("{e}"));
        let graph = &compiled.model.reference;
        let sample: Vec<Tensor> = match compiled.model.states.is_empty() {
            true => Vectors::read(&model.vectors).inputs(graph, 0),
            false => tinyc::samples::random(&compiled.model, 1, 1).remove(0),
        };
        let folder = above.join(name);
        let write = |path: &str, bytes: &[u8]| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        for (path, bytes) in package::files(Package::Cargo, &compiled, &target, &sample).unwrap() {
            write(&path, &bytes);
        }
        let mut test = cargo(&folder);
        test.args(["test", "--target", &host()]).env("RUSTFLAGS", "-D warnings");
        let said = try_tool(&mut test, support::bare::PACKAGES).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(said.contains("test a_sample_gives_the_bytes_of_the_reference ... ok"), "{name}: {said}");
        build(&folder, "thumbv6m-none-eabi", "");

        // Other bytes are found.
        let expected = std::fs::read(folder.join("tests/expected.bin")).unwrap();
        write("tests/expected.bin", &expected.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>());
        let mut test = cargo(&folder);
        test.args(["test", "--target", &host()]).env("RUSTFLAGS", "-D warnings");
        let said = try_tool(&mut test, support::bare::PACKAGES).unwrap_err();
        assert!(said.contains("101"), "{name}: {said}");
    }
    std::fs::remove_dir_all(above).unwrap();
}
