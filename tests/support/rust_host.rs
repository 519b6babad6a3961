//! Emitted Rust on the host: several networks as modules of one program, compiled by rustc and run on samples.
//!
//! Working memory and outputs are filled with garbage before a run.

use super::host::try_tool;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use tinyc_backends::rust;
use tinyc_ir::Data;
use tinyc_ir::loops::{Program, Scalar, Stmt};

/// With every check that rustc has: arithmetic that is proven not to overflow is watched.
pub(crate) const CHECKED: &[&str] = &["-C", "opt-level=1", "-C", "overflow-checks=on"];

/// As a user builds it.
pub(crate) const FAST: &[&str] = &["-C", "opt-level=3"];

/// Networks in one executable.
pub(crate) struct RustHost {
    folder: PathBuf,
    /// The type and length of each output of each network.
    outputs: Vec<Vec<(Scalar, usize)>>,
}

/// Networks by index, each with samples of inputs.
type Runs<'a> = [(usize, &'a [Vec<Data>])];

/// rustc with these arguments; the error is what it said.
pub(crate) fn rustc(folder: &Path, args: &[&str]) -> Result<String, String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    try_tool(rustc.current_dir(folder).args(["--edition", "2021"]).args(args), "rustc")
}

/// Writes each program's module into the folder and returns the modules' names.
pub(crate) fn write_modules(folder: &Path, programs: &[&Program]) -> Vec<String> {
    std::fs::create_dir_all(folder).unwrap();
    let mut modules = Vec::new();
    for program in programs {
        let file = rust::emit(program, &rust::Options::default());
        std::fs::write(folder.join(&file.name), &file.text).unwrap();
        let module = rust::module(program);
        assert!(!modules.contains(&module), "two networks are called {module}");
        modules.push(module);
    }
    modules
}

impl RustHost {
    /// Compiles programs of different names; warnings are errors.
    pub(crate) fn build(folder: &Path, programs: &[&Program], flags: &[&str]) -> Result<Self, String> {
        let modules = write_modules(folder, programs);
        std::fs::write(folder.join("main.rs"), driver(programs, &modules)).unwrap();
        let mut args = vec!["main.rs", "-o", "rust_networks", "-D", "warnings", "-C", "debuginfo=0"];
        args.extend(flags);
        rustc(folder, &args)?;
        let outputs = programs.iter().map(|p| faces(p)).collect();
        Ok(Self { folder: folder.to_path_buf(), outputs })
    }

    /// The outputs of one network for several samples of inputs.
    pub(crate) fn run(&self, network: usize, samples: &[Vec<Data>]) -> Result<Vec<Vec<Data>>, String> {
        let runs: &Runs<'_> = &[(network, samples)];
        let (inputs, outputs) = (self.folder.join("rust_inputs.bin"), self.folder.join("rust_outputs.bin"));
        let samples = runs.iter().flat_map(|(_, samples)| samples.iter().flatten());
        std::fs::write(&inputs, samples.flat_map(Data::to_le_bytes).collect::<Vec<u8>>()).unwrap();
        let counts =
            runs.iter().flat_map(|(network, samples)| [network.to_string(), samples.len().to_string()]);
        let mut networks = Command::new(self.folder.join("rust_networks"));
        try_tool(networks.stdin(File::open(&inputs).unwrap()).arg(&outputs).args(counts), "rustc")?;
        let bytes = std::fs::read(&outputs).unwrap();
        let mut rest = bytes.as_slice();
        let mut take = |n: usize| rest.split_off(..n).expect("the driver writes everything");
        let mut one = |network: usize, sample: usize| {
            let status = take(1)[0];
            let data = self.outputs[network].iter().map(|&(scalar, len)| {
                Data::from_le_bytes(scalar, len, take(scalar.bytes_of(len).unwrap())).unwrap()
            });
            let data = data.collect();
            if status == 0 { Ok(data) } else { Err(format!("sample {sample} returns {status}")) }
        };
        (0..runs[0].1.len()).map(|sample| one(network, sample)).collect()
    }
}

fn faces(program: &Program) -> Vec<(Scalar, usize)> {
    program.outputs.iter().map(|&b| program.buffers[b].elements()).collect()
}

/// A main program: `rust_networks OUTPUT-FILE INDEX SAMPLES < inputs`.
fn driver(programs: &[&Program], modules: &[String]) -> String {
    let mut out = String::from(
        "#![deny(missing_docs)]\n//! Networks.\nuse std::io::{Read, Write};\n\
         fn numbers(n: usize) -> Vec<u8> {\n    let mut bytes = vec![0; n];\n    \
             std::io::stdin().read_exact(&mut bytes).unwrap();\n    bytes\n}\n",
    );
    for module in modules {
        let _ = writeln!(out, "include!(\"{module}.rs\");");
    }
    for (program, module) in programs.iter().zip(modules) {
        let state = match program.state_bytes() {
            0 => String::new(),
            _ => format!(", state: &mut [u8; {module}::STATE_BYTES]"),
        };
        let _ = writeln!(out, "fn run_{module}(results: &mut std::fs::File{state}) {{");
        let _ = writeln!(out, "    let mut memory = Box::new([0xa5u8; {module}::ARENA_BYTES]);");
        let mut args = Vec::new();
        for (i, &buffer) in program.inputs.iter().enumerate() {
            let data = &program.buffers[buffer];
            let _ = writeln!(out, "    let bytes = numbers({});", data.bytes());
            let each = match data.scalar {
                Scalar::Bool => "bytes[i] != 0".to_owned(),
                scalar => {
                    let (ty, size) = (rust_type(scalar), scalar.size());
                    format!("{ty}::from_le_bytes(bytes[{size} * i..][..{size}].try_into().unwrap())")
                }
            };
            let _ = writeln!(
                out,
                "    let i{i}: Box<[_; {}]> = (0..{}).map(|i| {each}).collect::<Vec<_>>().try_into().unwrap();",
                data.len, data.len
            );
            args.push(format!("&i{i}"));
        }
        for (o, &buffer) in program.outputs.iter().enumerate() {
            let data = &program.buffers[buffer];
            let garbage = match data.scalar {
                Scalar::Bool => "true".to_owned(),
                scalar => format!("77 as {}", rust_type(scalar)),
            };
            let _ = writeln!(out, "    let mut o{o} = Box::new([{garbage}; {}]);", data.len);
            args.push(format!("&mut o{o}"));
        }
        if program.state_bytes() > 0 {
            args.insert(0, "state".into());
        }
        args.push("&mut memory".into());
        let fails = program.kernels.values().any(|k| contains_fail(&k.body));
        let call = format!("{module}::run({})", args.join(", "));
        match fails {
            true => _ = writeln!(out, "    let status = {call}.map_or_else(|e| e.0, |()| 0);"),
            false => _ = writeln!(out, "    {call};\n    let status = 0u8;"),
        }
        let _ = writeln!(out, "    results.write_all(&[status]).unwrap();");
        for (o, &buffer) in program.outputs.iter().enumerate() {
            let bytes = match program.buffers[buffer].scalar {
                Scalar::Bool => "[*x as u8]",
                _ => "x.to_le_bytes()",
            };
            let _ = writeln!(
                out,
                "    results.write_all(&o{o}.iter().flat_map(|x| {bytes}).collect::<Vec<u8>>()).unwrap();"
            );
        }
        out.push_str("}\n");
    }
    out.push_str(
        "fn main() {\n    let args: Vec<String> = std::env::args().collect();\n    \
             let mut results = std::fs::File::create(&args[1]).unwrap();\n    \
             for run in args[2..].chunks(2) {\n        \
             let samples: usize = run[1].parse().unwrap();\n        match run[0].as_str() {\n",
    );
    for (i, (program, module)) in programs.iter().zip(modules).enumerate() {
        // The samples of one network are one sequence.
        let (state, arg) = match program.state_bytes() {
            0 => (String::new(), ""),
            _ => (format!("let mut state = Box::new({module}::INITIAL_STATE); "), ", &mut state"),
        };
        let _ = writeln!(
            out,
            "            \"{i}\" => {{ {state}for _ in 0..samples {{ run_{module}(&mut results{arg}); }} }}"
        );
    }
    out.push_str("            _ => std::process::exit(1),\n        }\n    }\n}\n");
    out
}

/// The type of an element in an emitted module.
fn rust_type(scalar: Scalar) -> String {
    match scalar {
        scalar if scalar.is_half() => "u16".into(),
        scalar => scalar.to_string(),
    }
}

fn contains_fail(block: &[Stmt]) -> bool {
    block.iter().any(|stmt| match stmt {
        Stmt::Fail { .. } => true,
        Stmt::For { body, .. } => contains_fail(body),
        Stmt::If { then, otherwise, .. } => contains_fail(then) || contains_fail(otherwise),
        _ => false,
    })
}
