//! A crate for cargo: a path in `[dependencies]` takes it, on the host and on bare metal. Its test compares the network with the
//! reference.

use super::{Files, Network};
use std::fmt::Write as _;
use tinyc_backends::rust;

pub(super) fn files(network: &Network<'_>) -> Files {
    let module = rust::module(&network.compiled.program);
    vec![
        ("Cargo.toml".to_owned(), manifest(network, &module).into_bytes()),
        ("README.md".to_owned(), readme(network, &module).into_bytes()),
        ("src/lib.rs".to_owned(), library(network, &module).into_bytes()),
        (format!("src/{module}.rs"), network.text(".rs").expect("the form was checked")),
        ("tests/reference.rs".to_owned(), test(network, &module).into_bytes()),
        ("tests/sample.bin".to_owned(), network.sample.inputs()),
        ("tests/expected.bin".to_owned(), network.sample.outputs()),
    ]
}

fn manifest(network: &Network<'_>, module: &str) -> String {
    format!(
        "# The network {module}: {}.\n\
         [package]\nname = \"{module}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.88\"\n\
         publish = false\ndescription = \"A compiled neural network, no_std and without dependencies\"\n\n\
         [lib]\n# The example in the documentation is to be read.\ndoctest = false\n",
        network.made_by()
    )
}

fn library(network: &Network<'_>, module: &str) -> String {
    format!(
        "//! A compiled neural network: {}; do not edit.\n//!\n//! See [`Model`].\n#![no_std]\n\n\
         include!(\"{module}.rs\");\n\npub use {module}::*;\n",
        network.made_by()
    )
}

/// The types of the arrays are those of the function's parameters, so the test need not name them.
fn test(network: &Network<'_>, module: &str) -> String {
    let program = &network.compiled.program;
    let mut arguments = Vec::new();
    let mut out = String::from(
        "//! The network computes, of a stored sample, the bytes of the reference.\n\n\
         const SAMPLE: &[u8] = include_bytes!(\"sample.bin\");\n\
         const EXPECTED: &[u8] = include_bytes!(\"expected.bin\");\n\n\
         /// What an array of the network holds.\ntrait Element: Copy {\n    \
             fn read(bytes: &mut &[u8]) -> Self;\n    fn is(self, other: Self) -> bool;\n    fn other(self) -> Self;\n}\n\n\
         macro_rules! element {\n    ($($ty:ident)*) => {$(impl Element for $ty {\n        \
             fn read(bytes: &mut &[u8]) -> Self {\n            \
                 let number = bytes.split_off(..size_of::<Self>()).expect(\"the file is complete\");\n            \
                 Self::from_le_bytes(number.try_into().expect(\"as long as it must be\"))\n        }\n        \
             // All NaNs are one.\n        #[allow(clippy::eq_op, reason = \"what a NaN differs from\")]\n        \
             fn is(self, other: Self) -> bool {\n            \
                 self.to_le_bytes() == other.to_le_bytes() || (self != self && other != other)\n        }\n        \
             fn other(self) -> Self {\n            Self::from_le_bytes(self.to_le_bytes().map(|byte| !byte))\n        }\n    \
         })*};\n}\n\nelement!(i8 u8 i16 u16 i32 u32 i64 u64 f32 f64);\n\n\
         impl Element for bool {\n    fn read(bytes: &mut &[u8]) -> Self {\n        u8::read(bytes) != 0\n    }\n    \
             fn is(self, other: Self) -> bool {\n        self == other\n    }\n    fn other(self) -> Self {\n        !self\n    }\n}\n\n\
         fn array<T: Element, const N: usize>(bytes: &mut &[u8]) -> [T; N] {\n    \
             std::array::from_fn(|_| T::read(bytes))\n}\n\n\
         fn equal<T: Element, const N: usize>(got: &[T; N], want: &[T; N]) -> bool {\n    \
             got.iter().zip(want).all(|(got, want)| got.is(*want))\n}\n\n\
         #[test]\nfn a_sample_gives_the_bytes_of_the_reference() {\n    \
             let (mut sample, mut expected) = (SAMPLE, EXPECTED);\n",
    );
    if program.state_bytes() > 0 {
        let _ = writeln!(out, "    let mut state = {module}::INITIAL_STATE;");
        arguments.push("&mut state".to_owned());
    }
    for i in 0..program.inputs.len() {
        let _ = writeln!(out, "    let input{i} = array(&mut sample);");
        arguments.push(format!("&input{i}"));
    }
    for i in 0..program.outputs.len() {
        let _ = writeln!(
            out,
            "    let want{i} = array(&mut expected);\n    let mut output{i} = want{i}.map(Element::other);"
        );
        arguments.push(format!("&mut output{i}"));
    }
    let _ = writeln!(out, "    let mut memory = [0; {module}::ARENA_BYTES];");
    arguments.push("&mut memory".into());
    let end = if rust::is_fallible(program) { ".expect(\"the sample selects what exists\")" } else { "" };
    let _ = writeln!(out, "    {module}::run({}){end};", arguments.join(", "));
    for i in 0..program.outputs.len() {
        let _ = writeln!(
            out,
            "    assert!(equal(&output{i}, &want{i}), \"output {i}: {{output{i}:?}}, not {{want{i}:?}}\");"
        );
    }
    out.push_str("    assert!(sample.is_empty() && expected.is_empty());\n}\n");
    out
}

fn readme(network: &Network<'_>, module: &str) -> String {
    let target = &network.target.core.rust_target;
    format!(
        "# {module}\n\nA neural network as a crate, {}. It is `no_std` and needs no heap and no other crate; nothing in it is \
         `unsafe` or panics.\n\n\
         ## Using it\n\n```toml\n[dependencies]\n{module} = {{ path = \"{module}\" }}\n```\n\n\
         ```rust\nlet outputs = {};\n```\n\n\
         The documentation says the rest: sizes, scales, what an error means (`cargo doc --open`).\n\n\
         ## Trying it\n\n\
         ```\ncargo test\ncargo build --release --target {target}\n```\n\n\
         The test runs a stored sample and compares the outputs with those of the reference, byte for byte.\n",
        network.made_by(),
        rust::call(&network.compiled.program),
    )
}
