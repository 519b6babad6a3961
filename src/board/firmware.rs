//! `bench_main.c`: a source file that runs the network on stored samples on any board and prints what came out. The
//! start-up code and a function that sends a character are the user's.

use super::Identity;
use super::hash;
use super::log::{FORMAT, WORD};
use std::fmt::Write as _;
use tinyc_ir::Tensor;
use tinyc_ir::loops::{Program, Scalar};

/// The file's name.
pub(super) const NAME: &str = "bench_main.c";

/// The whole file.
pub(super) fn source(program: &Program, identity: &Identity, samples: &[Vec<Tensor>]) -> String {
    let prefix = &identity.model;
    let mut out = format!(
        "/* The network {prefix} on a board: made by tinyc {}; do not edit.\n *\n \
         * Build this file with the network's own into a firmware with the board's start-up code. Supply\n *\n \
         *     void tinyc_putchar(char c);\n *\n \
         * which sends a character to a serial port, waiting while there is no room, and call tinyc_bench() once the\n \
         * clock and the port are set up (or define TINYC_BENCH_MAIN, and main is here). Store what the board sends, and\n *\n \
         *     tinyc verify MODEL --target TARGET --log FILE\n *\n \
         * compares it with the reference. Interrupts, if there are any, count as cycles of the network. */\n\
         #include \"{prefix}.h\"\n\n\
         void tinyc_putchar(char c);\nvoid tinyc_bench(void);\n\n",
        identity.tinyc
    );
    out.push_str(hash::BYTES_IN_C.trim_start());
    if program.outputs.iter().any(|&b| program.buffers[b].scalar == Scalar::F32) {
        out.push_str(hash::FLOATS_IN_C);
    }
    out.push('\n');
    out.push_str(include_str!("firmware/bench.c"));
    out.push('\n');
    inputs(&mut out, program, samples);
    memory(&mut out, program, prefix);
    hash_outputs(&mut out, program);
    bench(&mut out, program, identity, samples.len());
    out.push_str(
        "#ifdef TINYC_BENCH_MAIN\nint main(void)\n{\n    tinyc_bench();\n    for (;;) {\n    }\n}\n#endif\n",
    );
    out
}

/// The samples, one array per input.
fn inputs(out: &mut String, program: &Program, samples: &[Vec<Tensor>]) {
    let _ = writeln!(out, "#define SAMPLES {}u\n", samples.len());
    for (i, &buffer) in program.inputs.iter().enumerate() {
        let bytes = program.buffers[buffer].bytes();
        let _ = writeln!(out, "static const uint8_t samples{i}[SAMPLES][{}] = {{", bytes.max(1));
        for sample in samples {
            out.push_str("    {\n");
            let data = sample[i].data.to_le_bytes();
            // An initialiser of nothing does not exist in C.
            let data = if data.is_empty() { vec![0] } else { data };
            for line in data.chunks(24) {
                let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
                let _ = writeln!(out, "        {},", numbers.join(", "));
            }
            out.push_str("    },\n");
        }
        out.push_str("};\n\n");
    }
}

/// Names and bytes of all memory that is written, in the order of the parameters of `run`.
fn memories(program: &Program) -> Vec<(String, usize)> {
    let face = |kind: &str, buffers: &[tinyc_ir::loops::Buffer]| {
        let one = |(i, &b): (usize, &_)| (format!("{kind}{i}"), program.buffers[b].bytes());
        buffers.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    if program.state_bytes() > 0 {
        all.push(("state".into(), program.state_bytes()));
    }
    all.extend(face("input", &program.inputs));
    all.extend(face("output", &program.outputs));
    all.push(("arena".into(), program.arena_bytes as usize));
    all
}

fn memory(out: &mut String, program: &Program, prefix: &str) {
    for (name, bytes) in memories(program) {
        if name == "state" {
            let _ = writeln!(out, "static {prefix}_state state;");
            continue;
        }
        // As the header's own example does; an array of no elements does not exist in C.
        let _ = writeln!(out, "static union {{ uint8_t bytes[{}]; uint64_t align; }} {name};", bytes.max(1));
    }
    out.push('\n');
}

/// The hash of the outputs.
fn hash_outputs(out: &mut String, program: &Program) {
    out.push_str("static uint32_t hash_outputs(void)\n{\n    uint32_t hash = HASH_START;\n");
    for (i, &buffer) in program.outputs.iter().enumerate() {
        let data = &program.buffers[buffer];
        let what = if data.scalar == Scalar::F32 { "floats" } else { "bytes" };
        let _ = writeln!(out, "    hash = hash_{what}(hash, output{i}.bytes, {}u);", data.bytes());
    }
    out.push_str("    return hash;\n}\n\n");
}

/// A piece of memory as an argument of `run`.
fn argument(name: &str) -> String {
    if name == "state" { "&state".into() } else { format!("(void *){name}.bytes") }
}

fn bench(out: &mut String, program: &Program, identity: &Identity, samples: usize) {
    let Identity { model, tinyc, core, emit, files, inputs } = identity;
    // The samples are one sequence.
    let begin = match program.state_bytes() {
        0 => String::new(),
        _ => format!("{model}_init(&state);\n    "),
    };
    let _ = write!(
        out,
        "void tinyc_bench(void)\n{{\n    \
             const enum clock clock = find_clock();\n    \
             uint32_t sample, overhead = 0;\n    \
             printed = HASH_START;\n    \
             put(\"{WORD} {FORMAT} model={model} tinyc={tinyc} core={core} emit={emit}\");\n    \
             put(\" files={files:08x} inputs={inputs:08x} samples={samples} clock=\");\n    \
             put(clock_names[clock]);\n    \
             end_line();\n    \
             start_clock(clock);\n    \
             (void)stop_clock(clock, &overhead);\n    \
             {begin}for (sample = 0; sample < SAMPLES; sample++) {{\n        \
             uint32_t cycles = 0;\n        \
             int status, known;\n"
    );
    for (i, &buffer) in program.inputs.iter().enumerate() {
        let bytes = program.buffers[buffer].bytes();
        let _ = writeln!(out, "        copy(input{i}.bytes, samples{i}[sample], {bytes}u);");
    }
    for (name, bytes) in
        memories(program).iter().filter(|(name, _)| !name.starts_with("input") && name != "state")
    {
        let _ = writeln!(out, "        fill({name}.bytes, 0xa5, {bytes}u);");
    }
    let arguments: Vec<String> = memories(program).iter().map(|(name, _)| argument(name)).collect();
    let _ = write!(
        out,
        "        start_clock(clock);\n        \
         status = {model}_run({});\n        \
         known = stop_clock(clock, &cycles);\n        \
         put(\"{WORD} sample \");\n        \
         put_number(sample);\n        \
         put(\" status=\");\n        \
         put_number((uint32_t)status);\n        \
         put(\" hash=\");\n        \
         put_hex(hash_outputs());\n        \
         put(\" cycles=\");\n        \
         if (known) {{\n            put_number(cycles > overhead ? cycles - overhead : 0u);\n        }} else {{\n            put(\"-\");\n        }}\n        \
         end_line();\n    }}\n    \
         sample = printed;\n    \
         put(\"{WORD} end check=\");\n    \
         put_hex(sample);\n    \
         end_line();\n}}\n\n",
        arguments.join(", ")
    );
}
