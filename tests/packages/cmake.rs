//! `--package cmake`: by itself, and in a project of somebody else's.

use super::shell::{command, qemu, run};
use super::{MODELS, board, package};
use std::path::Path;

/// Configures and builds a project in its folder `build`.
fn build(project: &Path, options: &[String]) {
    run(command("cmake", &["-S", ".", "-B", "build"]).args(options).current_dir(project));
    run(command("cmake", &["--build", "build"]).current_dir(project));
}

#[test]
fn by_itself_it_is_compared_with_the_reference() {
    for model in MODELS {
        let out = package("cmake", "itself", model, "c");
        build(&out, &["-DCMAKE_C_FLAGS=-Wall -Wextra -Werror".into()]);
        run(command("ctest", &["--output-on-failure"]).current_dir(out.join("build")));
        let said =
            run(&mut command::<&str>(out.join(format!("build/{}_example", model.0)).to_str().unwrap(), &[]));
        assert!(said.contains("equal to the reference") && !said.contains("NOT"), "{said}");
    }
}

#[test]
fn a_wrong_result_is_seen() {
    let out = package("cmake", "wrong", MODELS[0], "c");
    let example = out.join("example/digits_example.c");
    let text = std::fs::read_to_string(&example).unwrap();
    std::fs::write(&example, text.replace("EXPECTED_HASH 0x", "EXPECTED_HASH 1 + 0x")).unwrap();
    build(&out, &[]);
    let said = command::<&str>(out.join("build/digits_example").to_str().unwrap(), &[]).output().unwrap();
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stdout).contains("NOT equal"));
}

#[test]
fn a_project_links_it() {
    let example = board();
    let toolchain = example.parent().unwrap().join("cmake-c/cortex-m4.cmake");
    // C on this machine, then on the device: the object, the C on request, and where there is no C.
    for (folder, emit, cross, options) in [
        ("host", "c,obj", false, ""),
        ("object", "c,obj", true, ""),
        ("source", "c,obj", true, "-DDIGITS_OBJECT=OFF"),
        ("only", "obj", true, ""),
    ] {
        let out = package("cmake", folder, MODELS[0], emit);
        let project = out.parent().unwrap();
        let sources = if cross { "startup.c" } else { "../cmake-c/host.c" };
        let link =
            if cross { "target_link_options(app PRIVATE -nostartfiles -T ${BOARD}/mps2.ld)" } else { "" };
        let take = match cross {
            true => "add_subdirectory(digits)",
            false => {
                "include(FetchContent)\nFetchContent_Declare(digits SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/digits)\n\
                 FetchContent_MakeAvailable(digits)"
            }
        };
        let lists = format!(
            "cmake_minimum_required(VERSION 3.16)\nproject(app C)\n{take}\n\
             add_executable(app ${{BOARD}}/main.c ${{BOARD}}/{sources})\n\
             target_include_directories(app PRIVATE ${{BOARD}})\n\
             target_link_libraries(app PRIVATE digits::digits)\n{link}\n"
        );
        std::fs::write(project.join("CMakeLists.txt"), lists).unwrap();
        let mut settings = vec![format!("-DBOARD={}", example.display())];
        if cross {
            settings.push(format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display()));
        }
        settings.extend((!options.is_empty()).then(|| options.to_owned()));
        build(project, &settings);
        let program = project.join("build/app");
        let said =
            if cross { qemu(&program) } else { run(&mut command::<&str>(program.to_str().unwrap(), &[])) };
        assert_eq!(said.trim(), "class 3, hash a7e29098", "{folder}");
    }
}
