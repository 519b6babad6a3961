//! What GCC makes of C, in the simulator: code of many kinds, its library routines and its relocations. The results are
//! those of the host, and the cycles those of the reference model of the shared measuring bench, where that is there.

use std::path::{Path, PathBuf};

use tinyc_backends::thumb::isa::{Inst, Op, Reg};
use tinyc_backends::thumb::sim::Machine;
use tinyc_backends::thumb::timing::Model;
use tinyc_targets::Core;

use crate::tools::{folder, tool};

const SOURCE: &str = include_str!("work.c");
const OPTIONS: [&str; 3] = ["-ffreestanding", "-ffp-contract=off", "-fno-strict-aliasing"];

/// Prints what the functions leave, a line of words each.
const PRINT: &str = "
#include <stdio.h>
#include <string.h>
typedef void function(const signed char *in, int *out);
extern function *const work[];
extern const unsigned work_count;
int main(void) {
    static signed char in[1024];
    static int out[256];
    for (int at = 0; at < 1024; at++) in[at] = (signed char)(at * 37 + (at >> 3));
    for (unsigned which = 0; which < work_count; which++) {
        memset(out, 0, sizeof out);
        work[which](in, out);
        for (int at = 0; at < 256; at++) printf(\"%d \", out[at]);
        printf(\"\\n\");
    }
}
";

/// Runs each function within a segment of its own.
const MEASURE: &str = "
#include \"harness.h\"
typedef void function(const int8_t *in, int32_t *out);
extern function *const work[];
extern const unsigned work_count;
static int8_t in[1024];
static int32_t out[256];
int app_main(void) {
    for (int at = 0; at < 1024; at++) in[at] = (int8_t)(at * 37 + (at >> 3));
    roi_begin();
    for (unsigned which = 0; which < work_count; which++) {
        for (int at = 0; at < 256; at++) out[at] = 0;
        roi_mark(which + 2);
        work[which](in, out);
        roi_mark(1);
    }
    roi_end();
    return 0;
}
";

const NAMES: [&str; 9] =
    ["nothing", "products", "requantise", "sort", "divide", "calls", "choices", "bytes", "floats"];

/// The functions that a core has: without an FPU all but the last.
fn names(core: &Core) -> &'static [&'static str] {
    &NAMES[..NAMES.len() - usize::from(!core.features.fpu_f32)]
}

fn input() -> Vec<u8> {
    (0..1024u32).map(|at| (at * 37 + (at >> 3)) as u8).collect()
}

/// `work.c` as an object with the library routines that it calls.
fn compile(core: &Core, level: &str, tables: bool, folder: &Path) -> Vec<u8> {
    std::fs::write(folder.join("work.c"), SOURCE).unwrap();
    let flags: Vec<&str> = core.gcc.flags.iter().map(String::as_str).collect();
    let gcc = |args: &[&str]| tool("arm-none-eabi-gcc", &[&flags[..], &OPTIONS, args].concat(), folder);
    // On the smallest cores GCC chooses cases by moves to the program counter, which the table lacks, or when it is
    // to save bytes, by a routine.
    let small = core.architecture == "armv6-m" && level != "-Os";
    let jumps = if small || !tables { "-fno-jump-tables" } else { "-fjump-tables" };
    gcc(&["-c", level, jumps, "work.c", "-o", "alone.o"]);
    gcc(&["-r", "-nostdlib", "alone.o", "-lgcc", "-o", "work.o"]);
    std::fs::read(folder.join("work.o")).unwrap()
}

struct Run {
    out: Vec<i32>,
    cycles: u64,
    instructions: u64,
}

fn simulate(core: &Core, object: &[u8]) -> Vec<Run> {
    let model = Model::new(core);
    let mut machine = Machine::load(object, core).unwrap_or_else(|error| panic!("{}: {error}", core.name));
    let bytes = input();
    let input = machine.alloc("in", bytes.len(), 4, Some(&bytes), false).unwrap();
    let out = machine.alloc("out", 1024, 4, Some(&[0; 1024]), true).unwrap();
    let one = |name: &&str| {
        machine.write(out, &[0; 1024]).unwrap();
        let outcome = machine
            .call(&format!("work_{name}"), &[input, out], &mut |_, _| {})
            .unwrap_or_else(|fault| panic!("{}: {name}: {fault}", core.name));
        let words = machine.read(out, 1024).unwrap();
        let words = words.chunks_exact(4).map(|word| i32::from_le_bytes(word.try_into().unwrap())).collect();
        Run {
            out: words,
            cycles: outcome.cycles + call(&machine, &model, name),
            instructions: outcome.instructions,
        }
    };
    names(core).iter().map(one).collect()
}

/// The refill of the pipeline at a call through a register, which depends on how the function begins.
fn call(machine: &Machine, model: &Model, name: &str) -> u64 {
    let address = machine.symbol(&format!("work_{name}")).unwrap();
    let first = machine.code().iter().find(|placed| placed.address == address).unwrap();
    model.refill_to(&Inst { m: Some(Reg::r(3)), ..Inst::new(Op::Blx) }, first).into()
}

#[test]
fn compiled_code_gives_the_results_of_the_host() {
    let folder = folder("host");
    std::fs::write(folder.join("work.c"), SOURCE).unwrap();
    std::fs::write(folder.join("print.c"), PRINT).unwrap();
    tool("gcc", &[&OPTIONS[1..], &["-O1", "work.c", "print.c", "-o", "print"]].concat(), &folder);
    let said = tool("./print", &[], &folder);
    let expected: Vec<Vec<i32>> = said
        .lines()
        .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
        .collect();
    assert_eq!(expected.len(), NAMES.len());
    for name in ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m4-nofpu", "cortex-m7-sp", "cortex-m33"] {
        let core = tinyc_targets::find(name).unwrap().core;
        for level in ["-Os", "-O3"] {
            let runs = simulate(&core, &compile(&core, level, true, &folder));
            for ((what, run), expected) in NAMES.iter().zip(&runs).zip(&expected) {
                assert_eq!(&run.out, expected, "{name} {level}: {what}");
            }
        }
    }
}

/// The shared bench, if it is there.
fn bench() -> Option<PathBuf> {
    let root = match std::env::var_os("TINYC_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    Some(root.join("bench")).filter(|bench| bench.join("roi.c").exists())
}

/// Cycles of every function, less those of one that does nothing, are exactly those of the reference model. Without table
/// branches, for which it takes one cycle more than the manual's 2 and a refill of 3.
#[test]
fn cycles_are_those_of_the_reference_model() {
    let Some(bench) = bench() else {
        println!("SKIPPED: the measuring bench (bench/roi.c in TINYC_SHARED) not found");
        return;
    };
    let folder = folder("bench");
    tool("cp", &["-r", bench.to_str().unwrap(), "bench"], &folder);
    let bench = folder.join("bench");
    tool("chmod", &["-R", "u+w", "."], &bench);
    tool("gcc", &["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o", "roi.so", "roi.c"], &bench);
    std::fs::write(bench.join("measure.c"), MEASURE).unwrap();
    let cases = [
        ("cortex-m4", "m4", "mps2-an386", "m4"),
        ("cortex-m4-nofpu", "m4nofp", "mps2-an386", "m4"),
        ("cortex-m3", "m3", "mps2-an385", "m3"),
        ("cortex-m0plus", "m0p", "mps2-an385", "m0p"),
        ("cortex-m0", "m0p", "mps2-an385", "m0"),
    ];
    for (name, target, machine, model) in cases {
        let core = tinyc_targets::find(name).unwrap().core;
        for level in ["-Os", "-O2"] {
            let ours = simulate(&core, &compile(&core, level, false, &bench));
            tool("./build.sh", &[target, "measure.elf", "measure.c", "work.o"], &bench);
            let args = ["run.py", "--machine", machine, "--model", model, "measure.elf"];
            let reference = segments(&tool("python3", &args, &bench));
            assert_eq!(reference.len(), ours.len());
            for (at, what) in names(&core).iter().enumerate().skip(1) {
                let (instructions, cycles) = reference[at];
                let found = (ours[at].instructions, ours[at].cycles);
                let nothing = (ours[0].instructions, ours[0].cycles);
                let found = (found.0 - nothing.0, found.1 - nothing.1);
                let expected = (instructions - reference[0].0, cycles - reference[0].1);
                assert_eq!(found, expected, "{name} {level}: instructions and cycles of {what}");
            }
        }
    }
}

/// Instructions and cycles of the segments, in their order.
fn segments(text: &str) -> Vec<(u64, u64)> {
    let number = |line: &str, key: &str| -> Option<u64> {
        line.split_once(key)?.1.split_whitespace().next()?.parse().ok()
    };
    let lines = text.lines().skip_while(|line| line.trim() != "segments:").skip(1);
    let mut found: Vec<(u64, (u64, u64))> = lines
        .filter_map(|line| {
            let id = line.split_whitespace().next()?.parse().ok()?;
            Some((id, (number(line, "insns=")?, number(line, "cycles=")?)))
        })
        .filter(|&(id, _)| id >= 2)
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, counts)| counts).collect()
}
