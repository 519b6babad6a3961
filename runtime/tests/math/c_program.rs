//! A C program around the C twins: bits of arguments in, bits of results out.

use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tinyc_runtime::c_twin;

/// Flags a user may build with. The code must not warn.
const FLAGS: [&str; 9] = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wpedantic",
    "-Wshadow",
    "-Wdouble-promotion",
    "-Werror",
    "-ffp-contract=off",
];

#[derive(Clone)]
/// Compiled program. Which function and which arguments are told on its command line.
pub(crate) struct CProgram {
    path: PathBuf,
}

impl CProgram {
    /// Compiles all of `names`; `None` if `compiler` is not installed and not `required`.
    pub(crate) fn compile(
        compiler: &str,
        optimise: &str,
        names: &[&str],
        required: bool,
    ) -> Option<CProgram> {
        let stem = format!("math_{compiler}{optimise}_{}", names.len());
        let path = build(compiler, optimise, &stem, &source_text(names), required)?;
        Some(CProgram { path })
    }

    /// Results for the bit patterns in `arguments`.
    pub(crate) fn list(&self, function: usize, arguments: &[u32]) -> Vec<u32> {
        let file = self.path.with_extension(format!("{function}.in"));
        let bytes: Vec<u8> = arguments.iter().flat_map(|x| x.to_ne_bytes()).collect();
        std::fs::write(&file, bytes).expect("the test folder is writable");
        let mut results = Vec::with_capacity(arguments.len());
        self.run(&[&function.to_string(), &file.to_string_lossy()], |x| results.push(x));
        results
    }

    /// Results for every float of one of the 256 leading bytes, in order.
    pub(crate) fn slice(&self, function: usize, leading: u32, each: impl FnMut(u32)) {
        self.run(&[&function.to_string(), "-", &leading.to_string()], each);
    }

    fn run(&self, arguments: &[&str], mut each: impl FnMut(u32)) {
        let mut child = Command::new(&self.path)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("was just compiled");
        let mut out = child.stdout.take().expect("was asked for");
        let mut buffer = vec![0; 4 << 16];
        loop {
            let mut filled = 0;
            while filled < buffer.len() {
                match out.read(&mut buffer[filled..]).expect("a pipe is readable") {
                    0 => break,
                    n => filled += n,
                }
            }
            for word in buffer[..filled].chunks_exact(4) {
                each(u32::from_ne_bytes(word.try_into().expect("chunks of four")));
            }
            if filled < buffer.len() {
                break;
            }
        }
        assert!(child.wait().expect("was started").success());
    }
}

/// Compiles a source; `None` if `compiler` is not installed and not `required`.
fn build(compiler: &str, optimise: &str, stem: &str, text: &str, required: bool) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, path) = (folder.join(format!("{stem}.c")), folder.join(stem));
    std::fs::write(&source, text).expect("the test folder is writable");
    let output = Command::new(compiler).args(FLAGS).arg(optimise).arg(&source).arg("-o").arg(&path).output();
    match output {
        Err(_) if !required => {
            println!("SKIPPED: {compiler} not found (apt-get install {compiler})");
            return None;
        }
        Err(e) => panic!("{compiler} does not start: {e}. Install it: apt-get install {compiler}"),
        Ok(o) => assert!(o.status.success(), "{compiler}: {}", String::from_utf8_lossy(&o.stderr)),
    }
    Some(path)
}

/// The functions on binary64.
pub(crate) struct Doubles {
    path: PathBuf,
}

impl Doubles {
    /// Compiles all of them; `None` if `compiler` is not installed and not `required`.
    pub(crate) fn compile(compiler: &str, optimise: &str, required: bool) -> Option<Self> {
        let mut text = String::from("#include <stdint.h>\n#include <stdio.h>\n\n");
        c_twin::write(&["f64_exp", "f64_log"], "twin_", &mut text).expect("strings take everything");
        text.push_str(
            "\nint main(int argc, char **argv)\n{\n    double x;\n    (void)argv;\n    \
             while (fread(&x, sizeof x, 1, stdin) == 1) {\n        \
             x = argc > 1 ? twin_f64_log(x) : twin_f64_exp(x);\n        \
             fwrite(&x, sizeof x, 1, stdout);\n    }\n    return 0;\n}\n",
        );
        let path = build(compiler, optimise, &format!("math64_{compiler}{optimise}"), &text, required)?;
        Some(Self { path })
    }

    /// The bits of a function's results.
    pub(crate) fn results(&self, name: &str, arguments: &[f64]) -> Vec<u64> {
        let file = self.path.with_extension(format!("{name}.in"));
        let bytes: Vec<u8> = arguments.iter().flat_map(|x| x.to_ne_bytes()).collect();
        std::fs::write(&file, bytes).expect("the test folder is writable");
        let mut command = Command::new(&self.path);
        if name == "f64_log" {
            command.arg("log");
        }
        let input = std::fs::File::open(&file).expect("was just written");
        let output = command.stdin(input).output().expect("was just compiled");
        assert!(output.status.success());
        output
            .stdout
            .chunks_exact(8)
            .map(|c| u64::from_ne_bytes(c.try_into().expect("chunks of eight")))
            .collect()
    }
}

fn source_text(names: &[&str]) -> String {
    let mut text = String::from("#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n\n");
    c_twin::write(names, "twin_", &mut text).expect("strings take everything");
    if !text.contains("twin_float_from_bits(") {
        c_twin::write(&["float_from_bits"], "twin_", &mut text).expect("strings take everything");
    }
    text.push_str("\nstatic uint32_t compute(int function, uint32_t bits)\n{\n");
    text.push_str("    const float x = twin_float_from_bits(bits);\n    switch (function) {\n");
    for (i, name) in names.iter().enumerate() {
        let call = format!("twin_{name}(x)");
        let bits = if name.ends_with("i32") {
            format!("(uint32_t){call}")
        } else {
            format!("twin_float_bits({call})")
        };
        writeln!(text, "    case {i}: return {bits};").expect("strings take everything");
    }
    text.push_str("    default: exit(2);\n    }\n}\n");
    text.push_str(MAIN);
    text
}

const MAIN: &str = r#"
static uint32_t buffer[1 << 16];

int main(int argc, char **argv)
{
    const int function = argc > 2 ? atoi(argv[1]) : -1;
    size_t i, count;
    if (argc > 3) {
        const uint32_t leading = (uint32_t)atoi(argv[3]);
        uint32_t block;
        for (block = 0; block < 256u; block++) {
            for (i = 0; i < 65536u; i++) {
                buffer[i] = compute(function, leading << 24 | block << 16 | (uint32_t)i);
            }
            if (fwrite(buffer, 4, 65536u, stdout) != 65536u) {
                return 1;
            }
        }
    } else if (argc > 2) {
        FILE *in = fopen(argv[2], "rb");
        if (in == NULL) {
            return 1;
        }
        while ((count = fread(buffer, 4, 65536u, in)) > 0) {
            for (i = 0; i < count; i++) {
                buffer[i] = compute(function, buffer[i]);
            }
            if (fwrite(buffer, 4, count, stdout) != count) {
                return 1;
            }
        }
        fclose(in);
    }
    return 0;
}
"#;
