//! The examples in C: built as their pages say, on this machine and for a Cortex-M4 under QEMU.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "program/mod.rs"]
mod program;
#[path = "support/shell.rs"]
mod shell;

use shell::{command, qemu, run};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const TINYC: &str = env!("CARGO_BIN_EXE_tinyc");
/// What FNV-1a makes of the ten bytes that the network computes: -128, but 127 for the 3.
const RECOGNISED: &str = "class 3, hash a7e29098";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn make(build: &Path, goal: &str) -> String {
    let settings = [format!("BUILD={}", build.display()), format!("TINYC={TINYC}"), goal.to_owned()];
    run(command("make", &settings).current_dir(example("cortex-m4-c")))
}

#[test]
fn the_makefile_builds_a_firmware_that_recognises_its_digit() {
    let build = program::folder("c-firmware-make");
    let said = make(&build, "run");
    assert!(said.contains(RECOGNISED), "{said}");
    // A second time there is nothing to do.
    assert!(make(&build, "WAY=again").contains("up to date"));
    let bytes = (0..10).map(|class| if class == 3 { 127u8 } else { 128 });
    let hash = bytes.fold(2_166_136_261u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    assert!(RECOGNISED.ends_with(&format!("{hash:08x}")));
}

/// `size`'s columns text, data and bss of the only row.
fn sizes(said: &str) -> [u32; 3] {
    let row = said.lines().last().unwrap().split_whitespace();
    let numbers: Vec<u32> = row.take(3).map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn its_page_says_what_it_takes() {
    let build = program::folder("c-firmware-size");
    make(&build, "run");
    let [text, data, bss] = sizes(&make(&build, "size"));
    let page = std::fs::read_to_string(example("cortex-m4-c").join("README.md")).unwrap();
    let grouped = |n: u32| format!("{},{:03}", n / 1000, n % 1000);
    let claim = format!("{} bytes of flash and {} bytes of RAM", grouped(text + data), grouped(data + bss));
    assert!(page.contains(&claim), "examples/cortex-m4-c/README.md: put in: {claim}");
}

fn cmake(build: &Path, settings: &[String]) {
    let source = example("cmake-c");
    let mut configure = command("cmake", &["-S", source.to_str().unwrap(), "-B", build.to_str().unwrap()]);
    run(configure.arg(format!("-DTINYC_EXECUTABLE={TINYC}")).args(settings));
}

fn build(folder: &Path) -> String {
    run(&mut command("cmake", &["--build", folder.to_str().unwrap()]))
}

#[test]
fn cmake_builds_for_both_machines_and_both_print_the_same() {
    let host = program::folder("c-firmware-cmake-host");
    cmake(&host, &[]);
    build(&host);
    let here = run(&mut command::<&str>(host.join("firmware").to_str().unwrap(), &[]));
    assert!(here.starts_with("class 3\nscores "), "{here}");

    let device = program::folder("c-firmware-cmake-m4");
    cmake(&device, &["-DCMAKE_TOOLCHAIN_FILE=cortex-m4.cmake".into()]);
    build(&device);
    assert_eq!(qemu(&device.join("firmware.elf")), here);
    assert_eq!(here.lines().nth(1).unwrap().split(' ').count(), 1 + 8, "{here}");
}

#[test]
fn a_changed_model_is_compiled_again_and_only_then() {
    let folder = program::folder("c-firmware-cmake-changed");
    let (model, out) = (folder.join("digits.onnx"), folder.join("build"));
    let models = example("models/digits");
    std::fs::copy(models.join("digits_int8_io.onnx"), &model).unwrap();
    cmake(&out, &[format!("-DDIGITS_MODEL={}", model.display())]);
    assert!(build(&out).contains("Compiling the network digits for cortex-m4"));
    let header = out.join("tinyc/digits/digits.h");
    let first = std::fs::read_to_string(&header).unwrap();
    assert!(!build(&out).contains("Compiling the network"), "nothing has changed");

    std::fs::copy(models.join("digits_int8_qop.onnx"), &model).unwrap();
    let later = SystemTime::now() + std::time::Duration::from_secs(2);
    std::fs::File::options().append(true).open(&model).unwrap().set_modified(later).unwrap();
    let said = command("cmake", &["--build", out.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("Compiling the network digits") && !said.contains("the network stream"), "{said}");
    assert_ne!(std::fs::read_to_string(&header).unwrap(), first, "the header is the new model's");
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    let folder = program::folder("c-firmware-cmake-wrong");
    let file = example("cmake-c/tinyc.cmake");
    for (call, program, what) in [
        ("tinyc_add_model(net TARGET cortex-m4)", TINYC, "MODEL is missing"),
        ("tinyc_add_model(net MODEL a.onnx TARGET cortex-m4 EMIT rust)", TINYC, "EMIT is c or obj"),
        ("tinyc_add_model(net MODEL a.onnx TARGET cortex-m4 FAST)", TINYC, "cannot make sense of: FAST"),
        ("tinyc_add_model(net MODEL a.onnx TARGET cortex-m4)", "", "the program tinyc is not in PATH"),
    ] {
        let lists = format!(
            "cmake_minimum_required(VERSION 3.16)\nproject(wrong C)\ninclude({})\n{call}\n",
            file.display()
        );
        std::fs::write(folder.join("CMakeLists.txt"), lists).unwrap();
        let mut configure = command("cmake", &["-B", "build", "-S", "."]);
        configure.arg(format!("-DTINYC_EXECUTABLE={}", if program.is_empty() { "NO" } else { program }));
        let output = configure.current_dir(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!output.status.success() && said.contains(what), "{call}: {said}");
    }
}
