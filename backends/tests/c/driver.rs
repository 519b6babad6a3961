//! Runs emitted code on the host and on a simulated Cortex-M4, and compares every output byte with the interpreter's.

use crate::tools::{folder, tool, write};
use std::fmt::Write as _;
use std::path::Path;
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, interpret};

/// A program and the inputs of several runs.
pub(crate) struct Case {
    pub(crate) program: Program,
    pub(crate) runs: Vec<Vec<Data>>,
}

const WARNINGS: [&str; 7] =
    ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wshadow", "-Wstrict-aliasing=2"];

/// Builds the case for the host with sanitizers, runs it and compares.
pub(crate) fn on_host(case: &Case, compiler: &str) {
    let program = &case.program;
    let dir = folder(&format!("host-{compiler}-{}", program.name));
    write(program, &dir);
    std::fs::write(dir.join("main.c"), main_c(case)).unwrap();
    let source = format!("{}.c", program.name);
    let mut args = WARNINGS.to_vec();
    args.extend(["-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]);
    args.extend([source.as_str(), "main.c", "-o", "main"]);
    tool(compiler, &args, &dir);
    let path = dir.join("main");
    compare(case, &tool(path.to_str().unwrap(), &[], &dir), compiler);
}

/// Builds the case for a Cortex-M4, runs it under QEMU and compares; `flags` go to the compiler.
pub(crate) fn on_cortex_m4(case: &Case, label: &str, flags: &[&str]) {
    let program = &case.program;
    let dir = folder(&format!("m4-{label}-{}", program.name));
    write(program, &dir);
    std::fs::write(dir.join("main.c"), main_c(case)).unwrap();
    std::fs::write(dir.join("board.ld"), BOARD).unwrap();
    let source = format!("{}.c", program.name);
    let mut args = vec!["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O2"];
    args.extend(flags);
    args.extend(["-nostartfiles", "-T", "board.ld", source.as_str(), "main.c", "-o", "main.elf"]);
    tool("arm-none-eabi-gcc", &args, &dir);
    let machine = ["-M", "mps2-an386", "-nographic", "-semihosting", "-monitor", "none", "-serial", "none"];
    let said = run_qemu(&machine, &dir);
    compare(case, &said, label);
}

fn run_qemu(machine: &[&str], dir: &Path) -> String {
    let mut args = machine.to_vec();
    args.extend(["-semihosting-config", "enable=on,target=native,chardev=out"]);
    args.extend(["-chardev", "file,id=out,path=out.txt", "-kernel", "main.elf"]);
    tool("qemu-system-arm", &args, dir);
    std::fs::read_to_string(dir.join("out.txt")).unwrap()
}

/// Each run prints its status and one line of hexadecimal bytes per output.
fn compare(case: &Case, said: &str, label: &str) {
    let name = &case.program.name;
    let mut lines = said.lines();
    for (r, inputs) in case.runs.iter().enumerate() {
        let status: i32 = lines.next().expect("a status line").parse().expect("a number");
        let outputs = match interpret::run(&case.program, inputs) {
            Ok(run) => run.outputs,
            Err(trap) => {
                let code =
                    trap.fail.unwrap_or_else(|| panic!("{name}, run {r}: the interpreter traps: {trap:?}"));
                assert_eq!(status, i32::from(code), "{name}, run {r} ({label})");
                case.program.outputs.iter().for_each(|_| _ = lines.next());
                continue;
            }
        };
        assert_eq!(status, 0, "{name}, run {r} ({label})");
        for (&buffer, want) in case.program.outputs.iter().zip(&outputs) {
            let hex = lines.next().expect("a line per output");
            let bytes: Vec<u8> =
                (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
            let got = canonical(&bytes, want);
            let want_bytes = canonical(&want.to_le_bytes(), want);
            let size = want.dtype().size();
            if let Some(at) =
                (0..want.len()).find(|i| got[i * size..][..size] != want_bytes[i * size..][..size])
            {
                panic!(
                    "{name}, run {r} ({label}): {}[{at}] is {:02x?}, the interpreter says {:02x?}",
                    case.program.buffers[buffer].name,
                    &got[at * size..][..size],
                    &want_bytes[at * size..][..size]
                );
            }
            assert_eq!(got.len(), want_bytes.len());
        }
    }
    assert_eq!(lines.next(), Some("end"), "{name} ({label}) ran to its end");
}

/// Every NaN becomes one and the same.
fn canonical(bytes: &[u8], like: &Data) -> Vec<u8> {
    match like {
        Data::F32(_) => bytes
            .chunks_exact(4)
            .map(|c| f32::from_le_bytes(c.try_into().unwrap()))
            .flat_map(|x| if x.is_nan() { f32::NAN.to_le_bytes() } else { x.to_le_bytes() })
            .collect(),
        Data::F64(_) => bytes
            .chunks_exact(8)
            .map(|c| f64::from_le_bytes(c.try_into().unwrap()))
            .flat_map(|x| if x.is_nan() { f64::NAN.to_le_bytes() } else { x.to_le_bytes() })
            .collect(),
        Data::F16(_) | Data::BF16(_) => bytes
            .chunks_exact(2)
            .map(|c| Data::from_le_bytes(like.dtype(), 1, c).unwrap())
            .flat_map(|x| if x.to_reals()[0].is_nan() { vec![0xff; 2] } else { x.to_le_bytes() })
            .collect(),
        _ => bytes.to_vec(),
    }
}

/// A main program that prints what [`compare`] reads, by stdio on the host and by semihosting on a Cortex-M.
fn main_c(case: &Case) -> String {
    let program = &case.program;
    let name = &program.name;
    let mut out = format!("#include \"{name}.h\"\n{PLATFORM}");
    for (r, inputs) in case.runs.iter().enumerate() {
        for (i, data) in inputs.iter().enumerate() {
            let numbers: Vec<String> = data.to_le_bytes().iter().map(u8::to_string).collect();
            let _ = writeln!(
                out,
                "static const uint8_t in_{r}_{i}[] __attribute__((aligned(8))) = {{{}}};",
                numbers.join(",")
            );
        }
    }
    let mut args: Vec<String> = Vec::new();
    for (o, &buffer) in program.outputs.iter().enumerate() {
        let bytes = program.buffers[buffer].bytes().max(1);
        let _ = writeln!(out, "static uint8_t out_{o}[{bytes}] __attribute__((aligned(8)));");
        args.push(format!("(void *)out_{o}"));
    }
    let _ = writeln!(
        out,
        "static uint8_t arena[{}] __attribute__((aligned(8)));\nint main(void)\n{{",
        program.arena_bytes.max(1)
    );
    args.push("arena".into());
    for (r, inputs) in case.runs.iter().enumerate() {
        let mut all: Vec<String> = (0..inputs.len()).map(|i| format!("(const void *)in_{r}_{i}")).collect();
        all.extend(args.iter().cloned());
        let _ = writeln!(out, "    number({name}_run({}));", all.join(", "));
        for (o, &buffer) in program.outputs.iter().enumerate() {
            let _ = writeln!(out, "    hex(out_{o}, {});", program.buffers[buffer].bytes());
        }
    }
    out.push_str("    text(\"end\\n\");\n    return 0;\n}\n");
    out
}

const PLATFORM: &str = r#"
#ifdef __arm__
extern uint32_t stack_top;
int main(void);
static void call_host(uint32_t op, const void *arg)
{
    register uint32_t r0 __asm__("r0") = op;
    register const void *r1 __asm__("r1") = arg;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void text(const char *s) { call_host(4, s); }
static void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb");
    (void)main();
    call_host(0x18, (const void *)0x20026u);
}
static void fault(void) { text("fault\n"); call_host(0x18, (const void *)0x20024u); }
__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};
#else
#include <stdio.h>
static void text(const char *s) { fputs(s, stdout); }
#endif
static void hex(const uint8_t *p, int n)
{
    static char line[65536];
    int i;
    for (i = 0; i < n; i++) {
        line[2 * i] = "0123456789abcdef"[p[i] >> 4];
        line[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    line[2 * n] = '\n';
    line[2 * n + 1] = 0;
    text(line);
}
static void number(int x)
{
    char line[5] = {(char)('0' + x / 100 % 10), (char)('0' + x / 10 % 10), (char)('0' + x % 10), '\n', 0};
    text(line);
}
"#;

const BOARD: &str = r#"
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .bss (NOLOAD) : { *(.data*) *(.bss*) *(COMMON) } > RAM
  stack_top = ORIGIN(RAM) + LENGTH(RAM);
}
"#;
