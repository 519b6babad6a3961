//! Emitted C on the host: several networks compiled, linked into one program and run on samples.
//!
//! All buffers are blocks of their exact size from the heap, so that the address sanitizer sees every access beside
//! them, and are filled with garbage before a run.

use super::merged::merge;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use tinyc_backends::c;
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, Scalar};

/// What every user may ask of emitted code: no warning, no undefined behaviour.
pub(crate) const STRICT: &[&str] = &[
    "-std=c99",
    "-O1",
    "-g1",
    "-fsanitize=undefined,address",
    "-fno-sanitize-recover=all",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wpedantic",
    "-Werror",
];

/// For evaluating many samples.
pub(crate) const FAST: &[&str] = &["-std=c99", "-O2"];

/// Networks in one executable.
pub(crate) struct Host {
    folder: PathBuf,
    /// The type and length of each output of each network.
    outputs: Vec<Vec<(Scalar, usize)>>,
}

/// Networks by index, each with samples of inputs.
pub(crate) type Runs<'a> = [(usize, &'a [Vec<Data>])];

/// Runs a tool; panics with what it said if it fails, with the line that installs it if it is not there.
pub(crate) fn tool(command: &mut Command, package: &str) -> String {
    try_tool(command, package).unwrap_or_else(|e| panic!("{e}"))
}

/// Runs a tool; the error is what it said. Panics with the line that installs it if it is not there.
pub(crate) fn try_tool(command: &mut Command, package: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{name}: {e}; install it with: apt-get install -y {package}"));
    let said = String::from_utf8_lossy(&output.stderr);
    let most = said.char_indices().nth(6000).map_or(said.len(), |(at, _)| at);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}\n{}", output.status, &said[..most]))
    }
}

impl Host {
    /// Compiles programs of different names with GCC, as many at a time as there are processors, and links them.
    pub(crate) fn build(folder: &Path, programs: &[&Program], flags: &[&str]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut sources = Vec::new();
        let mut prefixes = Vec::new();
        for program in programs {
            for file in c::emit(program, &c::Options::default()) {
                if let Some(prefix) = file.name.strip_suffix(".c") {
                    assert!(!prefixes.contains(&prefix.to_owned()), "two networks are called {prefix}");
                    prefixes.push(prefix.to_owned());
                    sources.push(file.name.clone());
                }
                std::fs::write(folder.join(&file.name), &file.text).unwrap();
            }
        }
        std::fs::write(folder.join("driver.c"), driver(programs, &prefixes)).unwrap();
        sources.push("driver.c".into());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(sources.len()) {
                scope.spawn(|| {
                    while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                        tool(Command::new("gcc").current_dir(folder).args(flags).args(["-c", source]), "gcc");
                    }
                });
            }
        });
        let objects = sources.iter().map(|s| s.replace(".c", ".o"));
        tool(
            Command::new("gcc").current_dir(folder).args(flags).args(objects).args(["-o", "networks"]),
            "gcc",
        );
        Self { folder: folder.to_path_buf(), outputs: programs.iter().map(|p| faces(p)).collect() }
    }

    /// Compiles small programs of different names with GCC as one file; the error is what the compiler said.
    pub(crate) fn build_as_one(folder: &Path, programs: &[&Program], flags: &[&str]) -> Result<Self, String> {
        std::fs::create_dir_all(folder).unwrap();
        let (mut sources, mut prefixes) = (Vec::new(), Vec::new());
        for program in programs {
            for file in c::emit(program, &c::Options::default()) {
                match file.name.strip_suffix(".c") {
                    Some(prefix) => {
                        assert!(!prefixes.contains(&prefix.to_owned()), "two networks are called {prefix}");
                        prefixes.push(prefix.to_owned());
                        sources.push(file);
                    }
                    None => std::fs::write(folder.join(&file.name), &file.text).unwrap(),
                }
            }
        }
        let parts: Vec<_> = prefixes.iter().zip(&sources).map(|(p, f)| (&**p, &*f.name, &*f.text)).collect();
        let text = format!("{}#line 1 \"driver\"\n{}", merge(&parts), driver(programs, &prefixes));
        std::fs::write(folder.join("networks.c"), text).unwrap();
        let mut gcc = Command::new("gcc");
        try_tool(gcc.current_dir(folder).args(flags).args(["networks.c", "-o", "networks"]), "gcc")?;
        Ok(Self { folder: folder.to_path_buf(), outputs: programs.iter().map(|p| faces(p)).collect() })
    }

    /// The outputs of one network for several samples of inputs; an error names the status that a run returned.
    pub(crate) fn run(&self, network: usize, samples: &[Vec<Data>]) -> Result<Vec<Vec<Data>>, String> {
        self.run_several(&[(network, samples)]).map(|mut ran| ran.remove(0))
    }

    /// The outputs of several networks in one process; an error names the status that a run returned, or is what a
    /// sanitizer said.
    pub(crate) fn run_several(&self, runs: &Runs<'_>) -> Result<Vec<Vec<Vec<Data>>>, String> {
        let (inputs, outputs) = (self.folder.join("inputs.bin"), self.folder.join("outputs.bin"));
        let samples = runs.iter().flat_map(|(_, samples)| samples.iter().flatten());
        std::fs::write(&inputs, samples.flat_map(Data::to_le_bytes).collect::<Vec<u8>>()).unwrap();
        let counts =
            runs.iter().flat_map(|(network, samples)| [network.to_string(), samples.len().to_string()]);
        let mut networks = Command::new(self.folder.join("networks"));
        try_tool(networks.stdin(File::open(&inputs).unwrap()).arg(&outputs).args(counts), "gcc")?;
        let bytes = std::fs::read(&outputs).unwrap();
        let mut rest = bytes.as_slice();
        let mut take = |n: usize| rest.split_off(..n).expect("the driver writes everything");
        let mut one = |network: usize, sample: usize| {
            let status = i32::from_le_bytes(take(4).try_into().unwrap());
            let data = self.outputs[network].iter().map(|&(scalar, len)| {
                Data::from_le_bytes(scalar, len, take(scalar.bytes_of(len).unwrap())).unwrap()
            });
            let data = data.collect();
            if status == 0 { Ok(data) } else { Err(format!("sample {sample} returns {status}")) }
        };
        let mut all = |&(network, samples): &(usize, &[Vec<Data>])| {
            (0..samples.len()).map(|sample| one(network, sample)).collect()
        };
        runs.iter().map(&mut all).collect()
    }
}

/// The type and length of each output.
fn faces(program: &Program) -> Vec<(Scalar, usize)> {
    program.outputs.iter().map(|&b| program.buffers[b].elements()).collect()
}

/// A main program: `networks OUTPUT-FILE (INDEX SAMPLES)… < inputs`.
fn driver(programs: &[&Program], prefixes: &[String]) -> String {
    let mut out = String::from(
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n\
         static void *block(size_t n)\n{\n    void *p = malloc(n);\n    \
             if (p == NULL) {\n        exit(2);\n    }\n    return memset(p, 0xa5, n);\n}\n",
    );
    if programs.iter().any(|program| !program.inputs.is_empty()) {
        out.push_str(
            "\nstatic void *input(size_t n)\n{\n    void *p = block(n);\n    \
                 if (fread(p, 1, n, stdin) != n) {\n        exit(3);\n    }\n    return p;\n}\n",
        );
    }
    for (program, prefix) in programs.iter().zip(prefixes) {
        let upper = prefix.to_uppercase();
        let _ = writeln!(
            out,
            "\n#include \"{prefix}.h\"\nstatic int run_{prefix}(FILE *results)\n{{\n    int status;"
        );
        let mut names = Vec::new();
        for (kind, buffers) in [("input", &program.inputs), ("block", &program.outputs)] {
            for &buffer in buffers {
                let name = format!("b{}", names.len());
                let _ = writeln!(out, "    void *{name} = {kind}({});", program.buffers[buffer].bytes());
                names.push(name);
            }
        }
        let _ = writeln!(out, "    void *arena = block({upper}_ARENA_BYTES);");
        let _ = writeln!(out, "    status = {prefix}_run({}, arena);", names.join(", "));
        let _ = writeln!(out, "    fwrite(&status, 1, 4, results);");
        for (name, &buffer) in names[program.inputs.len()..].iter().zip(&program.outputs) {
            let _ = writeln!(out, "    fwrite({name}, 1, {}, results);", program.buffers[buffer].bytes());
        }
        names.push("arena".into());
        names.iter().for_each(|name| _ = writeln!(out, "    free({name});"));
        out.push_str("    return status;\n}\n");
    }
    out.push_str(
        "\nint main(int argc, char **argv)\n{\n    int i, run;\n    FILE *results;\n    \
             if (argc < 2) {\n        return 1;\n    }\n    results = fopen(argv[1], \"wb\");\n    \
             if (results == NULL) {\n        return 1;\n    }\n    \
             for (run = 2; run + 1 < argc; run += 2)\n    \
             for (i = 0; i < atoi(argv[run + 1]); i++) {\n        switch (atoi(argv[run])) {\n",
    );
    for (i, prefix) in prefixes.iter().enumerate() {
        let _ = writeln!(out, "        case {i}:\n            run_{prefix}(results);\n            break;");
    }
    out.push_str(
        "        default:\n            return 1;\n        }\n    }\n    return fclose(results);\n}\n",
    );
    out
}
