//! The emitted Rust module around which others link: a function that C can call, and the compiler for it.

use super::Options;
use super::code;
use super::qemu::{no_tool, run};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use tinyc_backends::rust;
use tinyc_ir::loops::Program;
use tinyc_ir::{Diagnostic, Diagnostics};

/// The compiler for Rust. Its standard library must be there for what it compiles for.
#[derive(Clone, Debug)]
pub struct RustCompiler {
    /// The program.
    pub program: OsString,
    /// Arguments, before all others.
    pub flags: Vec<String>,
}

impl Default for RustCompiler {
    fn default() -> Self {
        Self { program: "rustc".into(), flags: Vec::new() }
    }
}

impl RustCompiler {
    /// As cargo chooses it: `RUSTC` and `RUSTFLAGS`, whose words are separated by spaces.
    pub fn from_environment() -> Self {
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        Self {
            program: std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
            flags: flags.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Compiles in a folder, optimised. `target` is none for this computer.
    pub(super) fn compile(
        &self,
        folder: &Path,
        target: Option<&str>,
        arguments: &[&str],
        options: &Options,
    ) -> Result<(), Diagnostics> {
        let name = self.program.to_string_lossy();
        let mut rustc = Command::new(&self.program);
        rustc.current_dir(folder).args(&self.flags).args(["--edition", "2024"]);
        rustc.args(["-C", "opt-level=3", "-C", "codegen-units=1", "-C", "panic=abort"]).args(arguments);
        if let Some(target) = target {
            rustc.args(["--target", target]);
        }
        if let Some(path) = &options.path {
            rustc.env("PATH", path);
        }
        let output = rustc.output().map_err(|error| no_tool(&error, &name, "rustc"))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let mut problem =
            Diagnostic::error(code::REFUSED, format!("{name} does not accept the emitted Rust"));
        /// Lines of the compiler that are shown.
        const SHOWN: usize = 12;
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(SHOWN) {
            problem = problem.note(line);
        }
        let missing =
            text.contains("can't find crate for `core`") || text.contains("can't find crate for `std`");
        Err(match target.filter(|_| missing) {
            Some(target) => problem.help(format!(
                "`rustup target add {target}`, or RUSTC and RUSTFLAGS that name one that has it"
            )),
            None => problem.help("keep the files with `--keep DIR` to look at them, and please report this"),
        }
        .into())
    }
}

/// The emitted module, and a function of the header's name and parameters that calls it.
fn exported(program: &Program) -> String {
    let module = rust::module(program);
    format!("include!(\"{module}.rs\");\n\n{}", rust::export(program))
}

/// A library for a firmware that has no Rust beside it.
pub(super) fn library(program: &Program) -> String {
    format!(
        "#![no_std]\n{}\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{\n    loop {{}}\n}}\n",
        exported(program)
    )
}

/// A program for this computer: samples come on the standard input, outputs go to the standard output. Working memory is filled with
/// garbage first.
pub(super) fn program(program: &Program) -> String {
    let prefix = tinyc_backends::c::prefix(program);
    let mut out = exported(program);
    out.push_str(
        "\nuse std::io::{Read, Write};\n\n\
         fn memory(bytes: usize, byte: u8) -> Vec<u64> {\n    vec![u64::from_ne_bytes([byte; 8]); bytes.div_ceil(8).max(1)]\n}\n\n\
         fn bytes(memory: &mut [u64], bytes: usize) -> &mut [u8] {\n    \
             // SAFETY: numbers are bytes, and so many are there.\n    \
             unsafe { std::slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), bytes) }\n}\n\n\
         fn main() {\n    \
             let mut samples = Vec::new();\n    std::io::stdin().read_to_end(&mut samples).unwrap();\n    \
             let mut samples = samples.as_slice();\n    let mut results = std::io::stdout().lock();\n",
    );
    let mut arguments = Vec::new();
    let _ = writeln!(out, "    let mut arena = memory({}, 0xa5);", program.arena_bytes);
    if program.state_bytes() > 0 {
        let _ = writeln!(out, "    let mut state = memory({}, 0xa5);", program.state_bytes());
        let _ = writeln!(out, "    unsafe {{ export::{prefix}_init(&mut *state.as_mut_ptr().cast()) }};");
        arguments.push("&mut *state.as_mut_ptr().cast()".to_owned());
    }
    let _ = writeln!(out, "    while !samples.is_empty() {{");
    for (i, &buffer) in program.inputs.iter().enumerate() {
        let count = program.buffers[buffer].bytes();
        let _ = writeln!(
            out,
            "        let mut input{i} = memory({count}, 0);\n        \
             bytes(&mut input{i}, {count}).copy_from_slice(samples.split_off(..{count}).unwrap());"
        );
        arguments.push(format!("&*input{i}.as_ptr().cast()"));
    }
    // A byte that is a value of every type, truth among them.
    for (i, &buffer) in program.outputs.iter().enumerate() {
        let _ = writeln!(out, "        let mut output{i} = memory({}, 1);", program.buffers[buffer].bytes());
        arguments.push(format!("&mut *output{i}.as_mut_ptr().cast()"));
    }
    arguments.push("&mut *arena.as_mut_ptr().cast()".into());
    let _ = writeln!(
        out,
        "        // SAFETY: each is as long as the parameter, aligned to 8 bytes and apart from the others.\n        \
         let status = unsafe {{ export::{prefix}_run({}) }};\n        \
         if status != 0 {{\n            std::process::exit(status);\n        }}",
        arguments.join(", ")
    );
    for (i, &buffer) in program.outputs.iter().enumerate() {
        let count = program.buffers[buffer].bytes();
        let _ = writeln!(out, "        results.write_all(bytes(&mut output{i}, {count})).unwrap();");
    }
    out.push_str("    }\n}\n");
    out
}

/// Runs a compiled [`program`].
pub(super) fn execute(
    folder: &Path,
    executable: &str,
    input: &Path,
    options: &Options,
) -> Result<std::process::Output, Diagnostics> {
    let file = std::fs::File::open(input).map_err(|e| super::qemu::cannot("read", input, &e))?;
    let mut command = Command::new(folder.join(executable));
    command.current_dir(folder).stdin(file);
    run(&mut command, options.path.as_deref(), executable, "rustc")
}
