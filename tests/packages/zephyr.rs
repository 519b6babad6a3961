//! `--package zephyr`: its sample as an application of a stand-in for Zephyr, with the C on this machine and with the object
//! on a Cortex-M4. Zephyr evaluates Kconfig, the stand-in does not: what is in the file is checked as text.

use super::shell::{command, qemu, run};
use super::{MODELS, board, package};
use std::path::{Path, PathBuf};

/// Builds the sample of a module.
fn build(out: &Path, name: &str, options: &[String]) -> PathBuf {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/zephyr");
    let mut configure = command("cmake", &["-S", &format!("samples/{name}"), "-B", "build"]);
    configure.arg(format!("-DBOARD={}", board().display())).args(options);
    run(configure.current_dir(out).env("ZEPHYR_BASE", base).env("CMAKE_PREFIX_PATH", ""));
    run(command("cmake", &["--build", "build"]).current_dir(out));
    out.join("build/image")
}

#[test]
fn the_sample_runs_on_this_machine() {
    for model in MODELS {
        let out = package("zephyr", "host", model, "c");
        let image = build(&out, model.0, &["-DCMAKE_C_FLAGS=-Wall -Wextra -Werror".into()]);
        let said = run(&mut command::<&str>(image.to_str().unwrap(), &[]));
        assert!(said.contains(&format!("{}: status 0, hash ", model.0)), "{said}");
        assert!(said.contains("equal to the reference"), "{said}");
    }
}

#[test]
fn the_sample_runs_on_a_cortex_m4() {
    let toolchain = board().parent().unwrap().join("cmake-c/cortex-m4.cmake");
    let toolchain = format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display());
    for (emit, option) in [
        ("obj", "-DNOTHING=y"),
        ("c,obj", "-DCONFIG_TINYC_DIGITS_OBJECT=y"),
        ("c,obj", "-DCONFIG_TINYC_DIGITS_SOURCE=y"),
    ] {
        let out = package("zephyr", &format!("m4-{emit}"), MODELS[0], emit);
        let image = build(&out, "digits", &[toolchain.clone(), option.into()]);
        let said = qemu(&image);
        assert!(said.contains("equal to the reference"), "{emit} {option}: {said}");
    }
}

#[test]
fn every_setting_is_in_kconfig() {
    for (model, emit) in [(MODELS[0], "c"), (MODELS[0], "c,obj"), (MODELS[1], "obj"), (MODELS[1], "c,obj")] {
        let out = package("zephyr", "kconfig", model, emit);
        let read = |file: &str| std::fs::read_to_string(out.join(file)).unwrap();
        let kconfig = read("Kconfig");
        let lists = read("CMakeLists.txt");
        let used: Vec<&str> =
            lists.split("if(CONFIG_").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
        assert!(!used.is_empty());
        for symbol in used {
            assert!(kconfig.contains(&format!("\nconfig {symbol}\n")), "{symbol} in\n{kconfig}");
        }
        // Machine code is for its core, and has the FPU where it computes with floats.
        let with_object = emit.contains("obj");
        let cpu = if model.0 == "floats" { "CPU_CORTEX_M4 && CPU_HAS_FPU" } else { "CPU_CORTEX_M4" };
        assert_eq!(kconfig.contains(&format!("depends on {cpu}\n")), with_object, "{kconfig}");
        assert_eq!(kconfig.contains("select FPU\n"), with_object && model.0 == "floats", "{kconfig}");
        let depth = |word: &str| kconfig.lines().filter(|line| line.split(' ').next() == Some(word)).count();
        assert_eq!(depth("choice"), depth("endchoice"), "{kconfig}");
        let name = model.0.to_uppercase();
        assert!(read(&format!("samples/{}/prj.conf", model.0)).contains(&format!("CONFIG_TINYC_{name}=y\n")));
    }
}
