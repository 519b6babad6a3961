//! No compiler has anything to say about emitted code, and an integer network needs no floats.

use crate::driver::Case;
use crate::tools::{folder, tool, write};
use crate::{cases, namesakes, networks};

const WARNINGS: [&str; 8] = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wpedantic",
    "-Wshadow",
    "-Wstrict-aliasing=2",
    "-Werror",
];

/// Each compiler with the flags of one kind of machine.
const COMPILERS: [(&str, &[&str]); 8] = [
    ("gcc", &["-O3"]),
    ("gcc", &["-O2", "-m32", "-mfpmath=sse", "-msse2", "-ffreestanding"]),
    ("clang-19", &["-O2"]),
    ("clang-19", &["-O2", "--target=arm-none-eabi", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-ffreestanding"]),
    ("arm-none-eabi-gcc", &["-O2", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
    ("arm-none-eabi-gcc", &["-O2", "-mthumb", "-mcpu=cortex-m0"]),
    ("arm-none-eabi-gcc", &["-O2", "-mthumb", "-mcpu=cortex-m3"]),
    ("riscv64-unknown-elf-gcc", &["-O2", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding"]),
];

#[test]
fn no_compiler_warns() {
    for Case { program, .. } in cases() {
        let dir = folder(&format!("matrix-{}", program.name));
        write(&program, &dir);
        let source = format!("{}.c", program.name);
        // The programs with every operation are long and alike: one compiler more than those that run them will do.
        let long = program.name.starts_with("constants") || program.name.starts_with("binary");
        for (compiler, flags) in COMPILERS.into_iter().filter(|c| !long || c.1.contains(&"-mcpu=cortex-m0")) {
            tool(compiler, &[&WARNINGS[..], flags, &["-c", &source, "-o", "x.o"]].concat(), &dir);
        }
    }
}

#[test]
fn headers_of_several_networks_serve_one_cpp_file_and_link() {
    let dir = folder("cpp");
    let programs = [networks::quantized().program, networks::softmax().program, networks::control().program];
    let mut main = String::new();
    for program in &programs {
        write(program, &dir);
        main.push_str(&format!("#include \"{}.h\"\n", program.name));
    }
    main.push_str(CPP_MAIN);
    std::fs::write(dir.join("main.cpp"), main).unwrap();
    let warnings =
        ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wshadow", "-Wno-old-style-cast", "-Werror"];
    for (c, cpp, standard) in [("gcc", "g++", "-std=c++11"), ("clang-19", "clang++-19", "-std=c++20")] {
        for program in &programs {
            tool(c, &["-std=c99", "-c", &format!("{}.c", program.name)], &dir);
        }
        let link = ["main.cpp", "blocks.o", "softmax.o", "control.o", "-o", "main"];
        tool(cpp, &[&[standard][..], &warnings, &link].concat(), &dir);
        let said = tool(dir.join("main").to_str().unwrap(), &[], &dir);
        assert_eq!(said, "-128 -3 -3 -2 -1 127 | -3 | 0.4 | 2 | 3\n");
    }
}

/// Rounds ties to even and saturates on the way in; reads scales on the way out; finds the greatest; sees an error code.
const CPP_MAIN: &str = r#"
#include <cstdio>
int main()
{
    static float real[BLOCKS_INPUT_LEN];
    static int8_t input[BLOCKS_INPUT_LEN];
    real[0] = -1e9f; real[1] = 0.0f; real[2] = BLOCKS_INPUT_SCALE * 0.5f; real[3] = BLOCKS_INPUT_SCALE * 1.0f;
    real[4] = BLOCKS_INPUT_SCALE * 1.5f; real[5] = 1e9f; real[6] = -real[2];
    blocks_quantize_input(real, input);
    for (int i = 0; i < 6; i++) {
        std::printf("%d ", input[i]);
    }
    std::printf("| %d ", input[6]);
    const int8_t output[BLOCKS_OUTPUT_LEN] = {8, 3, 8};
    float back[BLOCKS_OUTPUT_LEN];
    blocks_dequantize_output(output, back);
    std::printf("| %g ", static_cast<double>(back[0]));
    const float shares[SOFTMAX_SHARES_LEN] = {0, 1, 3, 2, 3, 0, 0, 0, 0, 0};
    std::printf("| %d ", static_cast<int>(softmax_argmax_shares(shares)));
    static const int32_t picks[CONTROL_SWITCH_X_LEN] = {0, 0, 9, 0};
    int16_t taken[CONTROL_INT_X_LEN];
    int8_t rolled[CONTROL_ROLLED_LEN];
    static union { uint64_t align; int8_t bytes[CONTROL_WORDS_LEN]; } words;
    std::printf("| %d\n", control_run(picks, taken, rolled, words.bytes, nullptr));
}
"#;

/// What other headers define may stand before the network's own, and even before its source.
#[test]
fn macros_of_other_headers_are_nowhere() {
    let dir = folder("macros");
    write(&namesakes::macros().program, &dir);
    let macros = [
        "PI", "OUTPUT", "EOF", "HIGH", "B0", "DEFAULT", "LSBFIRST", "RAND_MAX", "I", "SP", "GPIOA", "Serial",
    ];
    let poison: String = macros.iter().map(|name| format!("#define {name} @\n")).collect();
    std::fs::write(dir.join("poison.h"), poison).unwrap();
    std::fs::write(dir.join("main.cpp"), "#include \"macros.h\"\nint8_t sample[MACROS_PI_LEN];\n").unwrap();
    let flags = ["-include", "poison.h", "-Wall", "-Wextra", "-Werror", "-c"];
    tool("g++", &[&flags[..], &["main.cpp"]].concat(), &dir);
    tool("gcc", &[&flags[..], &["-std=c99", "macros.c"]].concat(), &dir);
}

#[test]
fn an_integer_network_has_no_float_instruction_and_calls_nothing() {
    let dir = folder("integer");
    let program = networks::quantized().program;
    write(&program, &dir);
    let build = |cpu: &[&str]| {
        let flags = ["-std=c99", "-O2", "-mthumb", "-c", "blocks.c", "-o", "blocks.o"];
        tool("arm-none-eabi-gcc", &[&flags[..], cpu].concat(), &dir);
    };
    build(&["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]);
    let code = tool("arm-none-eabi-objdump", &["-d", "--no-show-raw-insn", "blocks.o"], &dir);
    assert!(code.contains("smmla") && code.contains("ssat"), "the DSP instructions are used:\n{code}");
    let float = code.lines().find(|l| l.split('\t').nth(1).is_some_and(|word| word.starts_with('v')));
    assert_eq!(float, None);
    assert_eq!(tool("arm-none-eabi-nm", &["-u", "blocks.o"], &dir), "");
    build(&["-mcpu=cortex-m0"]);
    // A 64-bit product is the compiler's own routine there; no float routine is.
    let calls = tool("arm-none-eabi-nm", &["-u", "blocks.o"], &dir);
    assert!(calls.lines().all(|l| l.trim() == "U __aeabi_lmul"), "{calls}");
    let symbols = tool("arm-none-eabi-nm", &["-g", "--defined-only", "blocks.o"], &dir);
    assert!(symbols.trim().ends_with("T blocks_run") && symbols.lines().count() == 1, "{symbols}");
}

#[test]
fn a_program_that_calls_the_network_keeps_its_own_names() {
    let mut program = networks::quantized().program;
    let (input, output) = (program.inputs[0], program.outputs[0]);
    program.buffers[input].name = "hash".into();
    program.buffers[output].name = "y1".into();
    let call = tinyc_backends::c::call(&program, &|name| name == "hash");
    let names = ["static int8_t hash_buffer[BLOCKS_HASH_LEN];", "static int8_t y1_buffer[BLOCKS_Y1_LEN];"];
    assert_eq!(call.memory[..2], names);
    assert_eq!(call.run, "blocks_run(hash_buffer, y1_buffer, &arena)");
    assert_eq!(call.outputs[0].argmax.as_deref(), Some("blocks_argmax_y1"));
}

#[test]
fn without_the_dsp_option_no_arm_text_is_left() {
    let options = tinyc_backends::c::Options { arm_dsp: false, ..Default::default() };
    for file in tinyc_backends::c::emit(&networks::quantized().program, &options) {
        assert!(!file.text.contains("arm_acle") && !file.text.contains("__asm__"), "{}", file.text);
    }
}

#[test]
fn hooks_see_every_layer() {
    let dir = folder("hooks");
    let program = networks::quantized().program;
    write(&program, &dir);
    std::fs::write(
        dir.join("hooks.h"),
        "#include <stdio.h>\n#define BLOCKS_AFTER_LAYER(index) printf(\"%d:%d \", index, ((int8_t *)arena)[0])\n",
    )
    .unwrap();
    std::fs::write(
        dir.join("main.c"),
        "#include \"blocks.h\"\nstatic int8_t x[BLOCKS_INPUT_LEN], y[BLOCKS_OUTPUT_LEN];\n\
         static union { uint8_t bytes[BLOCKS_ARENA_BYTES]; uint64_t align; } arena;\n\
         int main(void) { return blocks_run(x, y, &arena); }\n",
    )
    .unwrap();
    tool("gcc", &["-std=c99", "-DBLOCKS_HOOKS=\"hooks.h\"", "blocks.c", "main.c", "-o", "main"], &dir);
    let said = tool(dir.join("main").to_str().unwrap(), &[], &dir);
    let layers: Vec<_> = said.split_whitespace().map(|w| w.split(':').next().unwrap()).collect();
    assert_eq!(layers, ["0", "1", "2", "3"]);
}

#[test]
fn the_same_program_gives_the_same_text() {
    for Case { program, .. } in cases() {
        let options = tinyc_backends::c::Options::default();
        let (a, b) = (
            tinyc_backends::c::emit(&program, &options),
            tinyc_backends::c::emit(&program.clone(), &options),
        );
        assert_eq!(a, b);
        for file in a {
            let wide = file.text.lines().find(|l| l.chars().count() > 110 && !l.starts_with(" *"));
            assert_eq!(wide, None, "{}", file.name);
        }
    }
}
