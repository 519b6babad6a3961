//! The generated part of a verification firmware: `main.c`, the hook, the stand-in for the network, the linker script.
//! The emitted C itself is never touched.

use crate::verify::trace::Piece;
use std::fmt::Write as _;
use tinyc_backends::c::File;
use tinyc_ir::loops::{Buffer, Place, Program};
use tinyc_targets::{Isa, Qemu};

/// Which firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Computes and measures.
    Plain,
    /// Hands out tensors after each layer.
    Traced,
    /// The plain one with a network that does nothing: what is left is the harness.
    Stub,
}

impl Kind {
    /// The stem of its files.
    pub(super) fn stem(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Traced => "traced",
            Self::Stub => "stub",
        }
    }
}

/// The most bytes for the stack: several times what any emitted code takes, and an overflow is found.
const MOST_STACK_BYTES: u32 = 65_536;

/// Bytes with a pattern before and behind each piece of memory that the network writes, to find stray writes.
const MARGIN: usize = 32;

/// Everything but the network, its header and the names in them.
pub(super) fn files(
    program: &Program,
    prefix: &str,
    pieces: &[Vec<Piece>],
    isa: Isa,
    qemu: &Qemu,
) -> Vec<File> {
    let fixed = |name: &str, text: &str| File { name: name.into(), text: text.into() };
    let start = match isa {
        Isa::Arm => include_str!("firmware/start_arm.c"),
        Isa::Riscv32 | Isa::Riscv64 => include_str!("firmware/start_riscv.c"),
        Isa::Aarch64 => include_str!("firmware/start_aarch64.c"),
    };
    vec![
        fixed("harness.h", include_str!("firmware/harness.h")),
        fixed("harness.c", include_str!("firmware/harness.c")),
        fixed("memory.c", include_str!("firmware/memory.c")),
        fixed("start.c", start),
        File { name: "main_plain.c".into(), text: plain_main(program, prefix) },
        File { name: "main_traced.c".into(), text: traced_main(program, prefix, pieces) },
        File { name: "hooks.h".into(), text: hooks(prefix) },
        // Without the header, so that it needs no parameters: the linker only sees the name.
        File {
            name: "stub.c".into(),
            text: format!("int {prefix}_run(void);\nint {prefix}_run(void) {{\n    return 0;\n}}\n"),
        },
        File { name: "link.ld".into(), text: linker_script(qemu) },
    ]
}

/// The memory of the network: names in order of the parameters of `run`, with their bytes.
fn memories(program: &Program) -> Vec<(String, usize)> {
    let bytes = |&b: &Buffer| program.buffers[b].bytes();
    let mut memories = Vec::new();
    if program.state_bytes() > 0 {
        memories.push(("state".into(), program.state_bytes()));
    }
    memories.extend(program.inputs.iter().enumerate().map(|(i, b)| (format!("input{i}"), bytes(b))));
    memories.extend(program.outputs.iter().enumerate().map(|(i, b)| (format!("output{i}"), bytes(b))));
    memories.push(("arena".into(), program.arena_bytes as usize));
    memories
}

/// What both mains begin with.
fn head(program: &Program, prefix: &str) -> String {
    let mut out = format!("#include \"harness.h\"\n#include \"{prefix}.h\"\n\n");
    for (name, bytes) in memories(program) {
        // An array of no elements does not exist in C.
        let _ = writeln!(
            out,
            "static struct {{ uint8_t before[{MARGIN}], bytes[{}], after[{MARGIN}]; }} {name} __attribute__((aligned({MARGIN})));",
            bytes.next_multiple_of(MARGIN).max(MARGIN),
        );
    }
    out.push_str("\nstatic int report;\n\nstatic void run(void) {\n");
    let arguments: Vec<String> =
        memories(program).iter().map(|(name, _)| format!("(void *){name}.bytes")).collect();
    let _ = writeln!(out, "    int status = {prefix}_run({});", arguments.join(", "));
    out.push_str("    if (status != 0) {\n        harness_report(report, \"status\", (uint64_t)status);\n");
    out.push_str("        harness_exit(HARNESS_DONE);\n    }\n}\n\nstatic void spoil(void) {\n");
    for (name, _) in memories(program) {
        let _ = writeln!(out, "    harness_spoil(&{name}, sizeof {name});");
    }
    out.push_str("}\n\nstatic void read_inputs(int file) {\n");
    for (i, &buffer) in program.inputs.iter().enumerate() {
        let _ = writeln!(out, "    harness_read(file, input{i}.bytes, {});", program.buffers[buffer].bytes());
    }
    out.push_str("}\n\n/* Nothing may be written outside of what was given. */\nstatic void check(void) {\n");
    for (name, bytes) in memories(program) {
        let _ = writeln!(
            out,
            "    if (!harness_spoiled({name}.before, {MARGIN})\n        \
             || !harness_spoiled({name}.bytes + {bytes}, sizeof {name} - {MARGIN} - {bytes})) {{\n        \
             harness_report(report, \"outside {name}\", 0);\n        harness_exit(HARNESS_OUTSIDE);\n    }}",
        );
    }
    out.push_str("}\n\n");
    out
}

/// The beginning of a sequence.
fn begin(program: &Program, prefix: &str, indent: &str) -> String {
    match program.state_bytes() {
        0 => String::new(),
        _ => format!("{indent}{prefix}_init((void *)state.bytes);\n"),
    }
}

fn plain_main(program: &Program, prefix: &str) -> String {
    let mut out = head(program, prefix);
    out.push_str(
        "void firmware(void) {\n    \
         report = harness_open(\"plain.report\", 1);\n    \
         int inputs = harness_open(\"plain.inputs\", 0);\n    \
         int outputs = harness_open(\"plain.outputs\", 1);\n    \
         uint32_t samples;\n    \
         harness_read(inputs, &samples, sizeof samples);\n    \
         spoil();\n",
    );
    out.push_str(&begin(program, prefix, "    "));
    out.push_str(
        "    for (uint32_t sample = 0; sample < samples; sample++) {\n        read_inputs(inputs);\n",
    );
    // Interrupts of the clock use the same stack, so it is measured before the clock is started.
    out.push_str("        if (sample == 0) {\n            harness_paint_stack();\n            run();\n");
    out.push_str("            harness_report(report, \"stack\", harness_stack(harness_stack_pointer()));\n");
    out.push_str(&begin(program, prefix, "            "));
    out.push_str(
        "            harness_report(report, \"calibration\", harness_calibrate());\n            \
         uint64_t start = harness_ticks();\n            \
         harness_report(report, \"overhead\", harness_ticks() - start);\n        }\n        \
         uint64_t start = harness_ticks();\n        \
         run();\n        \
         harness_report(report, \"ticks\", harness_ticks() - start);\n        \
         check();\n",
    );
    for (i, &buffer) in program.outputs.iter().enumerate() {
        let bytes = program.buffers[buffer].bytes();
        let _ = writeln!(out, "        harness_write(outputs, output{i}.bytes, {bytes});");
    }
    out.push_str("    }\n}\n");
    out
}

fn traced_main(program: &Program, prefix: &str, pieces: &[Vec<Piece>]) -> String {
    let mut out = head(program, prefix);
    out.push_str("static int outputs;\n\nvoid after_layer(int index);\nvoid after_layer(int index) {\n    switch (index) {\n");
    for (layer, pieces) in pieces.iter().enumerate().filter(|(_, pieces)| !pieces.is_empty()) {
        let _ = writeln!(out, "    case {layer}:");
        for piece in pieces {
            let data = &program.buffers[piece.buffer];
            let place = match data.place {
                Place::Output(i) => format!("output{i}.bytes"),
                Place::State(offset) => format!("state.bytes + {offset}"),
                Place::Arena(offset) => format!("arena.bytes + {offset}"),
                Place::Input(_) | Place::Flash(_) => continue,
            };
            let _ = writeln!(out, "        harness_write(outputs, {place}, {});", data.bytes());
        }
        out.push_str("        break;\n");
    }
    out.push_str(
        "    default:\n        break;\n    }\n}\n\nvoid firmware(void) {\n    \
         report = harness_open(\"traced.report\", 1);\n    \
         int inputs = harness_open(\"traced.inputs\", 0);\n    \
         outputs = harness_open(\"traced.outputs\", 1);\n    \
         uint32_t samples;\n    \
         harness_read(inputs, &samples, sizeof samples);\n    \
         spoil();\n",
    );
    out.push_str(&begin(program, prefix, "    "));
    out.push_str(
        "    for (uint32_t sample = 0; sample < samples; sample++) {\n        \
         read_inputs(inputs);\n        run();\n        check();\n    }\n}\n",
    );
    out
}

fn hooks(prefix: &str) -> String {
    let upper = prefix.to_uppercase();
    format!("void after_layer(int index);\n#define {upper}_AFTER_LAYER(index) after_layer(index)\n")
}

/// Code and constants in flash; stack, data and memory in RAM. The stack comes first: where nothing lies below RAM, its
/// overflow is a fault.
fn linker_script(qemu: &Qemu) -> String {
    let stack = MOST_STACK_BYTES.min(qemu.ram.bytes / 4);
    let mut out = String::from("ENTRY(reset)\nMEMORY {\n");
    let mut region = |name: &str, region: &tinyc_targets::Region| {
        let _ = writeln!(out, "    {name} : ORIGIN = {:#x}, LENGTH = {}", region.origin, region.bytes);
    };
    region("FLASH", &qemu.flash);
    region("RAM", &qemu.ram);
    let vectors = match &qemu.vectors {
        Some(own) => {
            region("VECTORS", own);
            "VECTORS"
        }
        None => "FLASH",
    };
    let _ = write!(
        out,
        "}}\nSECTIONS {{\n    \
         .vectors : {{ KEEP(*(.vectors)) }} > {vectors}\n    \
         .text : {{ *(.text .text.*) }} > FLASH\n    \
         .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} > FLASH\n    \
         .stack (NOLOAD) : ALIGN(16) {{ _stack_bottom = .; . += {stack}; _stack_top = .; }} > RAM\n    \
         .data : ALIGN(16) {{ __global_pointer$ = . + 0x800; *(.data .data.* .sdata .sdata.*) }} > RAM\n    \
         .bss (NOLOAD) : ALIGN(16) {{\n        \
         _bss_start = .; *(.bss .bss.* .sbss .sbss.* COMMON) . = ALIGN(4); _bss_end = .;\n    }} > RAM\n    \
         /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame*) }}\n}}\n"
    );
    out
}
