//! `--package arduino`: the rules of the library specification that a program can check, and the sketch, compiled as Arduino
//! compiles it (sources as C, the sketch as C++ behind `Arduino.h`), with a stand-in for the core.

use super::shell::{command, qemu, run};
use super::{MODELS, board, package};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/arduino")
}

/// Compiles a library's sketch and what is around it, with programs and flags for a machine.
fn build(out: &Path, name: &str, gcc: &str, flags: &[&str], sources: &[PathBuf], last: &[String]) -> PathBuf {
    let build = out.parent().unwrap().join("build");
    std::fs::create_dir_all(&build).unwrap();
    let mut objects = Vec::new();
    let sketch = out.join(format!("examples/{name}_sample/{name}_sample.ino"));
    let own = [sketch, stand_in().join("main.cpp")];
    for (i, source) in own.iter().chain(sources).enumerate() {
        let cpp = !source.to_str().unwrap().ends_with(".c");
        let object = build.join(format!("{i}.o"));
        let mut compile = Command::new(if cpp { gcc.replace("gcc", "g++") } else { gcc.into() });
        compile.args(flags).args(["-c", "-O2", "-Wall", "-Wextra", "-Werror", "-I"]).arg(out.join("src"));
        compile.arg("-I").arg(board());
        if cpp {
            compile
                .args(["-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-I"])
                .arg(stand_in());
            compile.args(["-include", "Arduino.h", "-x", "c++"]);
        }
        run(compile.arg(source).arg("-o").arg(&object));
        objects.push(object);
    }
    let program = build.join("sketch");
    run(command(gcc, flags).args(&objects).args(last).arg("-o").arg(&program));
    program
}

/// The sources that Arduino finds below `src`.
fn sources(out: &Path) -> Vec<PathBuf> {
    super::shell::files(&out.join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "c"))
        .collect()
}

#[test]
fn the_sketch_runs_on_this_machine() {
    for model in MODELS {
        let out = package("arduino", "host", model, "c");
        let mut all = sources(&out);
        all.push(board().parent().unwrap().join("cmake-c/host.c"));
        let program = build(&out, model.0, "gcc", &[], &all, &[]);
        let said = run(&mut command::<&str>(program.to_str().unwrap(), &[]));
        assert!(said.contains("status 0, hash ") && said.contains(", equal to the reference"), "{said}");
    }
}

#[test]
fn the_sketch_runs_on_a_cortex_m4() {
    let flags = ["-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"];
    for (emit, precompiled) in [("c", None), ("obj", Some("true")), ("c,obj", Some("full"))] {
        let out = package("arduino", &format!("m4-{emit}"), MODELS[0], emit);
        let properties = properties(&out);
        assert_eq!(properties.get("precompiled").map(String::as_str), precompiled);
        // What `full` means: no source is compiled where there is a library for the board.
        let mut all = if emit == "c" { sources(&out) } else { Vec::new() };
        all.push(board().join("startup.c"));
        let mut last = vec![format!("-L{}", out.join("src/cortex-m4").display())];
        last.extend(properties.get("ldflags").cloned());
        last.extend(["-nostdlib", "-lgcc", "-lc", "-T"].map(str::to_owned));
        last.push(board().join("mps2.ld").display().to_string());
        let said = qemu(&build(&out, "digits", "arm-none-eabi-gcc", &flags, &all, &last));
        assert!(said.contains(", equal to the reference"), "{emit}: {said}");
    }
}

fn properties(out: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(out.join("library.properties")).unwrap();
    let pairs = text.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}")));
    let map: BTreeMap<String, String> = pairs.map(|(key, value)| (key.into(), value.into())).collect();
    assert_eq!(map.len(), text.lines().count(), "a field is there twice: {text}");
    map
}

#[test]
fn the_library_is_as_the_specification_says() {
    for model in MODELS {
        let (name, ..) = model;
        let out = package("arduino", "rules", model, "c,obj");
        let fields = properties(&out);
        for field in [
            "name",
            "version",
            "author",
            "maintainer",
            "sentence",
            "paragraph",
            "category",
            "url",
            "architectures",
        ] {
            assert!(fields.get(field).is_some_and(|value| !value.is_empty()), "{field} is required");
        }
        assert_eq!(fields["name"], name);
        assert_eq!(fields["category"], "Data Processing", "one of the nine that are allowed");
        assert!(fields["version"].split('.').all(|part| part.parse::<u32>().is_ok()));
        assert!(fields["maintainer"].contains('@') && fields["url"].starts_with("https://"));
        // The header that is included is the library's, and the only one outside of folders.
        assert_eq!(fields["includes"], format!("{name}.h"));
        let headers: Vec<_> = super::shell::files(&out)
            .into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "h"))
            .collect();
        assert_eq!(headers, [out.join(format!("src/{name}.h"))]);
        assert_eq!(fields["ldflags"], format!("-l{name}"));
        assert!(out.join(format!("src/cortex-m4/lib{name}.a")).is_file());
        keywords(&out, name);
    }
}

/// Words, one tab, the kind; each word is in the header, and none is there twice.
fn keywords(out: &Path, name: &str) {
    let text = std::fs::read_to_string(out.join("keywords.txt")).unwrap();
    let header = std::fs::read_to_string(out.join(format!("src/{name}.h"))).unwrap();
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut words = BTreeMap::new();
    for row in rows {
        let (word, kind) = row.split_once('\t').unwrap_or_else(|| panic!("{row}"));
        assert!(["KEYWORD1", "KEYWORD2", "LITERAL1"].contains(&kind), "{row}");
        assert!(header.contains(word) && words.insert(word.to_owned(), kind).is_none(), "{row}");
    }
    assert_eq!(words.get(&format!("{name}_run")), Some(&"KEYWORD2"));
    assert_eq!(words.get(&format!("{}_ARENA_BYTES", name.to_uppercase())), Some(&"LITERAL1"));
}
