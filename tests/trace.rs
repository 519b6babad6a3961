//! Whole networks in the built-in simulator and under QEMU, instruction for instruction: the same object at the same addresses
//! executes the same instructions in the same order, and leaves the same bytes in all of its memory.
//!
//! (`backends/tests/thumb/steps.rs` compares registers and flags behind every instruction, on random programs.)
//!
//! Needs QEMU and a C compiler for the plugin that listens.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../backends/tests/thumb/board.rs"]
mod board;
mod support;

use board::Job;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::host::tool;
use support::models::{self, Model};
use support::vectors::Vectors;
use tinyc::pipeline::{self, Emit};
use tinyc_backends::thumb::sim::{Layout, MARK, Machine, STACK_BYTES};

/// How far behind the beginning of flash the code lies, for the vectors.
const OFFSET: u32 = 0x400;

#[test]
fn own_models_execute_as_under_qemu() {
    for model in models::own() {
        for core in ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33"] {
            compare(&model, core);
        }
    }
}

#[test]
fn networks_execute_as_under_qemu() {
    for network in ["ad_autoencoder", "ic_resnet8", "kws_dscnn", "sww_1dcnn", "vww_mobilenet"] {
        for model in models::mlperf(network, &["int8_qdq_b1"]) {
            compare(&model, "cortex-m4");
        }
    }
    for model in models::mlperf("kws_dscnn", &["int8_qdq_b1", "f32_b1"]) {
        for core in ["cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33"] {
            compare(&model, core);
        }
    }
}

/// The plugin, built once.
fn plugin() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trace.so");
        let mut command = Command::new("gcc");
        command.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
        tool(command.arg(&library).arg(root.join("tests/trace/trace.c")), "gcc");
        library
    })
}

fn compare(model: &Model, core: &str) {
    let target = tinyc_targets::find(core).unwrap();
    let options = pipeline::Options { target: target.clone(), emit: [Emit::Obj].into(), ..model.options() };
    let compiled = pipeline::compile(&model.file, &options).unwrap_or_else(|e| panic!("{}: {e}", model.name));
    let (program, object, core) = (&compiled.program, compiled.object.as_ref().unwrap(), &target.core);
    let name = format!("{} on {}", model.name, core.name);
    let arguments = program.inputs.len() + program.outputs.len() + 1;
    if arguments > 4 {
        return println!("{name}: has {arguments} arguments, the start-up code passes four");
    }

    // The first stored sample, or a random one.
    let (graph, vectors) = (&compiled.model.reference, Vectors::read(&model.vectors));
    let inputs = match vectors.count() {
        0 => tinyc::samples::random(&compiled.model, 1, 1).remove(0),
        _ => vectors.inputs(graph, 0),
    };
    let (flash, ram) = (core.qemu.flash.origin, core.qemu.ram.origin);
    let layout = Layout { flash: flash + OFFSET, ram };
    let mut machine = Machine::load_at(&object.elf, core, layout).unwrap();
    // Start-up code has its own words behind the stack.
    machine.alloc("start-up", (2 * STACK_BYTES) as usize, 4, None, false).unwrap();
    let mut data = Vec::new();
    let mut args = Vec::new();
    for (&buffer, tensor) in program.inputs.iter().zip(&inputs) {
        let (buffer, bytes) = (&program.buffers[buffer], tensor.data.to_le_bytes());
        let address = machine.alloc(&buffer.name, bytes.len(), buffer.align, Some(&bytes), false).unwrap();
        data.push((address, bytes));
        args.push(address);
    }
    let first = machine.alloc("first", 4, 4, None, false).unwrap();
    for &buffer in &program.outputs {
        let buffer = &program.buffers[buffer];
        args.push(machine.alloc(&buffer.name, buffer.bytes(), buffer.align, None, true).unwrap());
    }
    let arena = machine.alloc("arena", program.arena_bytes as usize, 8, None, true).unwrap();
    args.push(arena);

    let sections: Vec<_> = machine
        .regions()
        .iter()
        .filter(|region| (layout.flash..ram).contains(&region.start))
        .cloned()
        .collect();
    let mut code = Vec::new();
    for region in &sections {
        code.resize((region.start - layout.flash) as usize, 0);
        code.extend(machine.read(region.start, (region.end - region.start) as usize).unwrap());
    }
    let entry = machine.symbol(&object.entry).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trace").join(name.replace(' ', "-"));
    std::fs::create_dir_all(&folder).unwrap();
    let job = Job {
        core,
        machine: &core.qemu.machine,
        flash,
        ram,
        code: &code,
        offset: OFFSET,
        entry,
        args: &args,
        data: &data,
        result: (first, arena + program.arena_bytes - first),
    };
    let option =
        format!("{},lo={:x},hi={:x},out=trace.txt", plugin().display(), layout.flash, sections[0].end);
    let left = job.run(&folder, &["-plugin", &option]);
    let text = std::fs::read_to_string(folder.join("trace.txt")).unwrap();
    let (marks, total) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));

    machine.start_trace();
    machine.call_at(entry, &args, &mut |_, _| {}).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    let trace = machine.take_trace().unwrap();
    for (number, (ours, theirs)) in trace.marks.iter().zip(marks.lines()).enumerate() {
        let ours = format!("{ours:016x}");
        assert_eq!(ours, theirs, "{name}: another instruction among the {MARK} up to mark {number}");
    }
    let (hash, count) = trace.total();
    assert_eq!(format!("{hash:016x} {count:x}"), total, "{name}");
    let mut compared = 0;
    for (address, &byte) in (first..).zip(&left) {
        // What was never written is nobody's.
        if let Ok(found) = machine.read(address, 1) {
            assert_eq!(found[0], byte, "{name}: the byte at {address:#x}");
            compared += 1;
        }
    }
    assert!(compared >= program.outputs.iter().map(|&b| program.buffers[b].bytes()).sum::<usize>());
    println!("{name}: {count} instructions and {compared} bytes agree");
}
