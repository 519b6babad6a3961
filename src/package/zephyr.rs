//! A module of Zephyr: `zephyr/module.yml` names it, `Kconfig` has `CONFIG_TINYC_NAME`, `CMakeLists.txt` adds the code to the
//! build, and `samples/NAME` is an application. The layout and the functions are those of Zephyr's documentation
//! (Modules, CMake extensions); headers are included by the network's name, as it asks of modules.

use super::{Files, Network, indented};
use std::fmt::Write as _;
use tinyc_targets::Isa;

pub(super) fn files(network: &Network<'_>) -> Files {
    let prefix = &network.prefix;
    let sample = format!("samples/{prefix}");
    let text = |path: String, text: String| (path, text.into_bytes());
    let mut files = vec![
        text("zephyr/module.yml".into(), module(network)),
        text("CMakeLists.txt".into(), lists(network)),
        text("Kconfig".into(), kconfig(network)),
        ("README.md".to_owned(), readme(network)),
        (format!("include/{prefix}/{prefix}.h"), network.header()),
        text(format!("{sample}/CMakeLists.txt"), sample_lists(prefix)),
        text(format!("{sample}/prj.conf"), configuration(network)),
        text(format!("{sample}/sample.yaml"), sample_yaml(network)),
        text(format!("{sample}/src/main.c"), main(network)),
    ];
    files.extend(network.source().map(|text| (format!("src/{prefix}.c"), text)));
    files.extend(network.library().map(|bytes| (format!("lib/lib{prefix}.a"), bytes)));
    files
}

/// Kconfig's name of the network; models have names that Zephyr itself may use.
fn symbol(network: &Network<'_>) -> String {
    format!("TINYC_{}", network.upper())
}

fn first_line(network: &Network<'_>) -> String {
    format!("# The network {}: {}; do not edit.\n", network.prefix, network.made_by())
}

fn module(network: &Network<'_>) -> String {
    // Zephyr's names are lowercase letters and dashes.
    let name = network.prefix.to_ascii_lowercase().replace('_', "-");
    format!(
        "{}name: tinyc-{name}\nbuild:\n  cmake: .\n  kconfig: Kconfig\nsamples:\n  - samples\n",
        first_line(network)
    )
}

fn lists(network: &Network<'_>) -> String {
    let (prefix, symbol) = (&network.prefix, symbol(network));
    let source = format!(
        "zephyr_library_named(tinyc_{prefix})\n\
         zephyr_library_sources(src/{prefix}.c)\n\
         zephyr_library_include_directories(include/{prefix})\n\
         zephyr_library_compile_options(-O2)\n"
    );
    let object =
        format!("zephyr_library_import(tinyc_{prefix} ${{CMAKE_CURRENT_SOURCE_DIR}}/lib/lib{prefix}.a)\n");
    let code = match (network.source(), network.object()) {
        (Some(_), Some(_)) => {
            format!("if(CONFIG_{symbol}_OBJECT)\n{}else()\n{}endif()\n", indented(&object), indented(&source))
        }
        (None, _) => object,
        (_, None) => source,
    };
    format!(
        "{}if(CONFIG_{symbol})\n  zephyr_include_directories(include)\n{}endif()\n",
        first_line(network),
        indented(&code)
    )
}

fn kconfig(network: &Network<'_>) -> String {
    let (prefix, symbol, core) = (&network.prefix, symbol(network), &network.target.core.name);
    let cpu = cpu(network);
    let fpu = if needs_fpu(network) { "\tselect FPU\n" } else { "" };
    let both = network.source().is_some() && network.object().is_some();
    let mut out = first_line(network);
    let _ = writeln!(out, "config {symbol}\n\tbool \"Neural network {prefix}\"");
    if network.source().is_none() {
        let _ = write!(out, "\tdepends on {cpu}\n{fpu}");
    }
    let _ = writeln!(
        out,
        "\thelp\n\t  Adds the network {prefix}: include <{prefix}/{prefix}.h> and call {prefix}_run."
    );
    if both {
        let _ = write!(
            out,
            "\nchoice {symbol}_CODE\n\
             \tprompt \"Code of the network {prefix}\"\n\
             \tdepends on {symbol}\n\
             \tdefault {symbol}_OBJECT if {cpu}\n\
             \tdefault {symbol}_SOURCE\n\n\
             config {symbol}_OBJECT\n\
             \tbool \"Machine code for {core}\"\n\
             \tdepends on {cpu}\n{fpu}\n\
             config {symbol}_SOURCE\n\
             \tbool \"C, compiled with the application\"\n\n\
             endchoice\n"
        );
    }
    out
}

/// Zephyr's condition for the core that an object is for.
fn cpu(network: &Network<'_>) -> String {
    let core = &network.target.core;
    let cpu = match core.isa {
        Isa::Riscv32 => "RISCV && !64BIT".to_owned(),
        Isa::Riscv64 => "RISCV && 64BIT".to_owned(),
        Isa::Arm | Isa::Aarch64 => {
            let name = core.name.strip_suffix("-nofpu").unwrap_or(&core.name);
            format!("CPU_{}", name.replace('-', "_").to_ascii_uppercase())
        }
    };
    if needs_fpu(network) { cpu + " && CPU_HAS_FPU" } else { cpu }
}

/// Whether the object has instructions of an FPU; vectors are some.
fn needs_fpu(network: &Network<'_>) -> bool {
    let core = &network.target.core;
    core.isa == Isa::Aarch64 || core.features.fpu_f32 && network.computes_with_floats()
}

fn sample_lists(prefix: &str) -> String {
    format!(
        "cmake_minimum_required(VERSION 3.20.0)\n\n\
         # The module that this folder lies in.\n\
         list(APPEND EXTRA_ZEPHYR_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)\n\
         find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})\n\
         project({prefix}_sample)\n\n\
         target_sources(app PRIVATE src/main.c)\n"
    )
}

fn configuration(network: &Network<'_>) -> String {
    let mut out = format!("CONFIG_{}=y\nCONFIG_MAIN_STACK_SIZE=2048\n", symbol(network));
    if needs_fpu(network) {
        out.push_str("CONFIG_FPU=y\n");
    }
    out
}

fn sample_yaml(network: &Network<'_>) -> String {
    let prefix = &network.prefix;
    format!(
        "sample:\n  name: Neural network {prefix}\ntests:\n  sample.tinyc.{prefix}:\n    harness: console\n    \
         harness_config:\n      type: one_line\n      regex:\n        - \"{prefix}: .* equal to the reference\"\n"
    )
}

fn main(network: &Network<'_>) -> String {
    let prefix = &network.prefix;
    format!(
        "/* Runs the network {prefix} on a stored sample: {}. */\n\
         #include <{prefix}/{prefix}.h>\n#include <string.h>\n#include <zephyr/sys/printk.h>\n\n{}\n\
         int main(void)\n{{\n    uint32_t hash;\n    int status = run_sample(&hash);\n    \
         int equal = status == 0 && hash == EXPECTED_HASH;\n{}    \
         printk(\"{prefix}: status %d, hash %08x, %s\\n\", status, (unsigned int)hash,\n           \
         equal ? \"equal to the reference\" : \"different from the reference\");\n    \
         return 0;\n}}\n",
        network.made_by(),
        network.sample.definitions(),
        network
            .sample
            .class()
            .map_or(String::new(), |class| format!("    printk(\"class %d\\n\", (int){class});\n")),
    )
}

fn readme(network: &Network<'_>) -> Vec<u8> {
    let (prefix, symbol) = (&network.prefix, symbol(network));
    let mut usage = format!(
        "## Using it\n\nTell the build where this folder is, in the application's `CMakeLists.txt` before `find_package(Zephyr)`:\n\n\
         ```cmake\nlist(APPEND EXTRA_ZEPHYR_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/{prefix})\n```\n\n\
         and switch the network on in `prj.conf`:\n\n```\nCONFIG_{symbol}=y\n```\n\n\
         The program includes `<{prefix}/{prefix}.h>`. `samples/{prefix}` is a whole application; from this folder:\n\n\
         ```\nwest build -b BOARD samples/{prefix}\n```\n"
    );
    if network.source().is_some() && network.object().is_some() {
        let _ = write!(
            usage,
            "\n`CONFIG_{symbol}_OBJECT` links machine code, `CONFIG_{symbol}_SOURCE` compiles the C. The first is the default on the \
             core that it is for.\n"
        );
    }
    network.readme("a module of Zephyr", &usage)
}
