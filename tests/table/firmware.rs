//! The table of complete firmware: what the examples take of a device, start-up code and stack included.

#[path = "../support/shell.rs"]
mod shell;

use shell::{command, run};
use std::path::Path;
use tinyc::pipeline::{Emit, Options, compile};
use tinyc::wording::grouped;

/// An example, built.
pub(crate) struct FirmwareRow {
    /// The folder in `examples`.
    example: &'static str,
    core: &'static str,
    /// The code that is linked, as `--emit` takes it.
    emit: Emit,
    flash: u64,
    ram: u64,
    stack: u64,
    /// What of flash and RAM the network takes.
    network: (u64, u64),
    /// What it prints under QEMU.
    said: String,
}

/// Builds and runs them.
pub(crate) fn rows() -> Vec<FirmwareRow> {
    vec![cortex_m4_c(Emit::Obj), cortex_m4_c(Emit::C)]
}

/// The Makefile's firmware. It compiles the model with the program; here the library puts the same files in their place, and in the
/// object's what GCC makes of the C, if that is wanted.
fn cortex_m4_c(emit: Emit) -> FirmwareRow {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (example, core) = ("cortex-m4-c", "cortex-m4");
    let build = tempfile::tempdir().unwrap();
    let options = Options {
        name: Some("digits".into()),
        emit: [emit, Emit::Obj].into(),
        ..Options::new(tinyc_targets::find(core).unwrap())
    };
    let model = root.join("examples/models/digits/digits_int8_io.onnx");
    let compiled = compile(&model, &options).unwrap_or_else(|e| panic!("{e}"));
    for (name, bytes) in compiled.artefacts() {
        std::fs::write(build.path().join(name), bytes).unwrap();
    }
    let make = |goal: &str| {
        let settings = [format!("BUILD={}", build.path().display()), "TINYC=false".into(), goal.into()];
        run(command("make", &settings).current_dir(root.join("examples").join(example)))
    };
    let mut code = u64::from(compiled.object.as_ref().unwrap().code_bytes);
    if emit == Emit::C {
        let flags =
            ["-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-std=c99", "-O2"];
        let mut gcc = command("arm-none-eabi-gcc", &flags);
        run(gcc.args(["-ffreestanding", "-c", "digits.c", "-o", "digits.o"]).current_dir(build.path()));
        let size = run(command("arm-none-eabi-size", &["digits.o"]).current_dir(build.path()));
        code = columns(&size)[0] - compiled.constant_bytes;
    }
    let said = make("run");
    let [text, data, bss] = columns(&make("size"));
    let image = build.path().join("firmware.elf");
    let sections = run(command("arm-none-eabi-size", &["-A"]).arg(image));
    let stack = sections.lines().find(|line| line.starts_with(".stack ")).unwrap();
    let stack = stack.split_whitespace().nth(1).unwrap().parse().unwrap();
    let program = &compiled.program;
    // The input lies in flash.
    let outputs: usize = program.outputs.iter().map(|&b| program.buffers[b].bytes()).sum();
    FirmwareRow {
        example,
        core,
        emit,
        flash: text + data,
        ram: data + bss,
        stack,
        network: (compiled.constant_bytes + code, u64::from(program.arena_bytes) + outputs as u64),
        said: said.lines().last().unwrap_or_default().to_owned(),
    }
}

/// Text, data and bss of the only row that `size` prints.
fn columns(said: &str) -> [u64; 3] {
    let row = said.lines().last().unwrap().split_whitespace().take(3);
    row.map(|number| number.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap()
}

/// The table.
pub(crate) fn markdown(rows: &[FirmwareRow]) -> String {
    let mut out = String::from(
        "| example | core | code | flash | of it the network | RAM | of it the network | of it the stack | prints |\n\
         |---|---|---|--:|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        let cells = [
            format!("[{0}](../examples/{0})", row.example),
            row.core.to_owned(),
            row.emit.name().to_owned(),
            grouped(row.flash),
            grouped(row.network.0),
            grouped(row.ram),
            grouped(row.network.1),
            grouped(row.stack),
            format!("`{}`", row.said),
        ];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out + "\nBytes by `size` of the linked file. *RAM* holds the network's arena and output, and the stack; the picture lies in flash. C by gcc 12 `-O2`.\n"
}
