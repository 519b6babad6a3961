//! A folder for CMake: `add_subdirectory` or `FetchContent` takes it, and a target links `NAME::NAME`.
//!
//! With C and an object both, an option says which is linked: the object where CMake builds for another machine, the C
//! else. Built for itself, the folder has a program that compares the network with the reference.

use super::{Files, Network, indented};

pub(super) fn files(network: &Network<'_>) -> Files {
    let prefix = &network.prefix;
    let mut files = vec![
        ("CMakeLists.txt".to_owned(), lists(network).into_bytes()),
        ("README.md".to_owned(), readme(network)),
        (format!("include/{prefix}.h"), network.header()),
        (format!("example/{prefix}_example.c"), example(network).into_bytes()),
    ];
    files.extend(network.source().map(|text| (format!("src/{prefix}.c"), text)));
    files.extend(network.object().map(|bytes| (format!("lib/{prefix}.o"), bytes.to_vec())));
    files
}

fn lists(network: &Network<'_>) -> String {
    let (prefix, upper, core) = (&network.prefix, network.upper(), &network.target.core.name);
    let mut out = format!(
        "# The network {prefix}: {}; do not edit.\n\
         #\n\
         #     add_subdirectory({prefix})\n\
         #     target_link_libraries(firmware PRIVATE {prefix}::{prefix})\n\
         cmake_minimum_required(VERSION 3.16)\nproject({prefix} LANGUAGES C)\n\n",
        network.made_by()
    );
    let object = format!(
        "add_library({prefix} STATIC lib/{prefix}.o)\n\
         set_source_files_properties(lib/{prefix}.o PROPERTIES EXTERNAL_OBJECT TRUE)\n\
         set_target_properties({prefix} PROPERTIES LINKER_LANGUAGE C)\n"
    );
    let source = format!(
        "add_library({prefix} STATIC src/{prefix}.c)\n\
         set_target_properties({prefix} PROPERTIES C_STANDARD 99)\n\
         target_compile_options({prefix} PRIVATE $<$<C_COMPILER_ID:GNU,Clang>:-O2>)\n"
    );
    match (network.source(), network.object()) {
        (Some(_), Some(_)) => {
            out.push_str(&format!(
                "option({upper}_OBJECT \"Link the machine code for {core} instead of compiling the C\" ${{CMAKE_CROSSCOMPILING}})\n\
                 if({upper}_OBJECT)\n{}else()\n{}endif()\n",
                indented(&object),
                indented(&source)
            ));
        }
        (None, _) => out.push_str(&format!("# Machine code for {core}.\n{object}")),
        (_, None) => out.push_str(&source),
    }
    out.push_str(&format!(
        "add_library({prefix}::{prefix} ALIAS {prefix})\n\
         target_include_directories({prefix} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}}/include)\n"
    ));
    if network.source().is_some() {
        out.push_str(&format!(
            "\n# Built for itself, on this machine: a program that compares the network with the reference.\n\
             if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR AND NOT CMAKE_CROSSCOMPILING)\n  \
               add_executable({prefix}_example example/{prefix}_example.c)\n  \
               target_link_libraries({prefix}_example PRIVATE {prefix}::{prefix})\n  \
               enable_testing()\n  \
               add_test(NAME {prefix} COMMAND {prefix}_example)\n\
             endif()\n"
        ));
    }
    out
}

fn example(network: &Network<'_>) -> String {
    let prefix = &network.prefix;
    format!(
        "/* Runs the network {prefix} on a stored sample: {}. The exit code is 0 if the outputs are those of the\n \
         * reference, byte for byte. */\n\
         #include \"{prefix}.h\"\n\n#include <stdio.h>\n#include <string.h>\n\n{}\n\
         int main(void)\n{{\n    uint32_t hash;\n    int status = run_sample(&hash);\n    \
         int equal = status == 0 && hash == EXPECTED_HASH;\n{}    \
         printf(\"{prefix}: status %d, hash %08lx, %s\\n\", status, (unsigned long)hash,\n           \
         equal ? \"equal to the reference\" : \"NOT equal to the reference\");\n    \
         return equal ? 0 : 1;\n}}\n",
        network.made_by(),
        network.sample.definitions(),
        network
            .sample
            .class()
            .map_or(String::new(), |class| format!("    printf(\"class %ld\\n\", (long){class});\n")),
    )
}

fn readme(network: &Network<'_>) -> Vec<u8> {
    let (prefix, upper) = (&network.prefix, network.upper());
    let mut usage = format!(
        "## Using it\n\n```cmake\nadd_subdirectory({prefix})\ntarget_link_libraries(firmware PRIVATE {prefix}::{prefix})\n```\n\n"
    );
    if network.source().is_some() && network.object().is_some() {
        usage.push_str(&format!(
            "`{upper}_OBJECT` says what is linked: `ON` the machine code for {}, `OFF` the C. It is `ON` where CMake builds \
             for another machine.\n\n",
            network.target.core.name
        ));
    }
    if network.source().is_some() {
        usage.push_str(&format!(
            "On this machine, by itself, it is compared with the reference:\n\n```\ncmake -S . -B build\ncmake --build build\nbuild/{prefix}_example\n```\n\n"
        ));
    }
    network.readme("a folder for CMake", &usage)
}
