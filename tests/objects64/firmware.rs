//! Many programs in one firmware under QEMU: their objects, called one after the other on inputs from a file, and outputs into another.

use crate::support::host::tool;
use crate::support::vectors::samples;
use std::fmt::Write as _;
use std::process::Command;
use tinyc::pipeline::{self, Emit};
use tinyc::verify::{self, Method, Options};
use tinyc_backends::c;
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, interpret};
use tinyc_targets::Target;

/// A program and the inputs of several runs.
pub(crate) struct Case {
    pub(crate) program: Program,
    pub(crate) runs: Vec<Vec<Data>>,
}

/// A folder with the start-up code and the linker script of a verification.
pub(crate) struct Bench {
    target: Target,
    folder: tempfile::TempDir,
}

/// The most code with constants that one firmware takes.
const FLASH: usize = 6 << 20;

impl Bench {
    pub(crate) fn new(core: &str) -> Self {
        let (target, folder) = (tinyc_targets::find(core).unwrap(), tempfile::tempdir().unwrap());
        let model = crate::own("digits_int8_io");
        let options =
            pipeline::Options { target: target.clone(), emit: [Emit::Obj].into(), ..model.options() };
        let compiled = pipeline::compile(&model.file, &options).unwrap_or_else(|e| panic!("{e}"));
        let samples = samples(&model, &compiled, 1);
        let keep = Some(folder.path().to_path_buf());
        let options = Options { method: Method::QemuObject, keep, ..Options::default() };
        verify::verify(&compiled, &target, &samples, &options, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"));
        Self { target, folder }
    }

    /// Compares every run with the interpreter's.
    pub(crate) fn prove(&self, cases: &[Case]) {
        let object = |case: &Case| {
            let object = tinyc_backends::compile(&case.program, &self.target.core);
            object.unwrap_or_else(|e| panic!("{}: {e}", case.program.name)).elf
        };
        let objects: Vec<Vec<u8>> = cases.iter().map(object).collect();
        let (mut from, mut bytes) = (0, 0);
        for at in 0..cases.len() {
            if bytes + objects[at].len() > FLASH {
                self.some(&cases[from..at], &objects[from..at]);
                (from, bytes) = (at, 0);
            }
            bytes += objects[at].len();
        }
        self.some(&cases[from..], &objects[from..]);
    }

    fn some(&self, cases: &[Case], objects: &[Vec<u8>]) {
        let (folder, core) = (self.folder.path(), &self.target.core);
        let mut link = vec!["start.o".to_owned(), "harness.o".into(), "memory.o".into(), "many.o".into()];
        for (at, object) in objects.iter().enumerate() {
            link.push(format!("case{at}.o"));
            std::fs::write(folder.join(&link[link.len() - 1]), object).unwrap();
        }
        std::fs::write(folder.join("many.c"), main(cases)).unwrap();
        let inputs = cases.iter().flat_map(|case| case.runs.iter().flatten()).flat_map(Data::to_le_bytes);
        std::fs::write(folder.join("many.inputs"), inputs.collect::<Vec<u8>>()).unwrap();

        let gcc = |args: &[&str]| {
            let mut gcc = Command::new(&core.gcc.compiler);
            tool(gcc.current_dir(folder).args(&core.gcc.flags).args(args), &core.gcc.package);
        };
        gcc(&["-std=c99", "-ffreestanding", "-O1", "-c", "many.c", "-o", "many.o"]);
        let link: Vec<&str> = link.iter().map(String::as_str).collect();
        gcc(&[&["-nostdlib", "-T", "link.ld", "-o", "many.elf"], &link[..]].concat());
        let mut qemu = Command::new(&core.qemu.program);
        qemu.current_dir(folder)
            .args(["-M", &core.qemu.machine, "-nographic", "-monitor", "none", "-serial", "none"])
            .args(["-semihosting-config", "enable=on,target=native"])
            .args(&core.qemu.arguments)
            .args(["-kernel", "many.elf"]);
        tool(&mut qemu, &core.qemu.package);
        compare(cases, &std::fs::read(folder.join("many.outputs")).unwrap(), &core.name);
    }
}

/// Sizes of what a run of the program is lent: inputs, outputs, arena.
fn memories(program: &Program) -> Vec<usize> {
    let faces = program.inputs.iter().chain(&program.outputs);
    faces.map(|&buffer| program.buffers[buffer].bytes()).chain([program.arena_bytes as usize]).collect()
}

fn main(cases: &[Case]) -> String {
    let mut out = String::from("#include \"harness.h\"\n\n");
    let mut largest = 0;
    let mut body = String::new();
    for case in cases {
        let (program, name) = (&case.program, c::prefix(&case.program));
        assert_eq!(program.state_bytes(), 0, "{name}: a state is not lent here");
        let sizes = memories(program);
        let params = vec!["void *"; sizes.len()].join(", ");
        let _ = writeln!(out, "int {name}_run({params});");
        let mut end = 0usize;
        let places: Vec<usize> = sizes
            .iter()
            .map(|size| {
                let place = end;
                end = (end + size).next_multiple_of(64);
                place
            })
            .collect();
        largest = largest.max(end);
        let arguments: Vec<String> = places.iter().map(|place| format!("memory + {place}")).collect();
        for _ in &case.runs {
            body += "    harness_spoil(memory, sizeof memory);\n";
            let (inputs, outputs) = (program.inputs.len(), program.outputs.len());
            for input in 0..inputs {
                let _ = writeln!(body, "    harness_read(inputs, {}, {});", arguments[input], sizes[input]);
            }
            let _ = writeln!(body, "    status = {name}_run({});", arguments.join(", "));
            body += "    harness_write(outputs, &status, sizeof status);\n";
            for output in inputs..inputs + outputs {
                let _ =
                    writeln!(body, "    harness_write(outputs, {}, {});", arguments[output], sizes[output]);
            }
        }
    }
    let _ = write!(
        out,
        "\nstatic uint8_t memory[{}] __attribute__((aligned(64)));\n\nvoid firmware(void) {{\n    \
         int inputs = harness_open(\"many.inputs\", 0), outputs = harness_open(\"many.outputs\", 1), status;\n{body}}}\n",
        largest.max(64)
    );
    out
}

fn compare(cases: &[Case], mut said: &[u8], core: &str) {
    for case in cases {
        let name = &case.program.name;
        for (r, inputs) in case.runs.iter().enumerate() {
            let mut take =
                |bytes| said.split_off(..bytes).unwrap_or_else(|| panic!("{core} stopped in {name}"));
            let status = i32::from_le_bytes(take(4).try_into().unwrap());
            let outputs = case.program.outputs.iter().map(|&buffer| {
                let data = &case.program.buffers[buffer];
                let (dtype, count) = data.elements();
                Data::from_le_bytes(dtype, count, take(data.bytes()))
            });
            let outputs: Vec<Option<Data>> = outputs.collect();
            let want = match interpret::run(&case.program, inputs) {
                Ok(run) => run.outputs,
                Err(trap) => {
                    assert_eq!(Some(status), trap.fail.map(i32::from), "{name}, run {r} on {core}: {trap}");
                    continue;
                }
            };
            assert_eq!(status, 0, "{name}, run {r} on {core}");
            for (got, want) in outputs.iter().zip(&want) {
                let got = got.as_ref().expect("as many bytes as elements");
                crate::support::proof::same(got, want)
                    .unwrap_or_else(|e| panic!("{name}, run {r} on {core}: {e}"));
            }
        }
    }
    assert!(said.is_empty(), "{} bytes too many", said.len());
}
