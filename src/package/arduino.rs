//! A library of Arduino, in the layout of its library specification 2.2: code in `src`, which is compiled as it is, a sketch
//! in `examples`, `library.properties` and `keywords.txt`. An object is a precompiled library in `src/MCU`.

use super::{Files, Network};
use std::fmt::Write as _;
use tinyc_ir::{Diagnostic, Diagnostics};

/// The code of a network that cannot be a library of Arduino.
const NO_LIBRARY: u16 = 506;

/// Sketches have names of at most 63 characters.
const LONGEST: usize = 63 - SKETCH.len();
/// What the sketch's name ends with.
const SKETCH: &str = "_sample";

pub(super) fn files(network: &Network<'_>) -> Result<Files, Diagnostics> {
    let prefix = &network.prefix;
    if prefix.len() > LONGEST || !prefix.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Diagnostic::error(
            NO_LIBRARY,
            format!("{prefix} cannot be the name of an Arduino library"),
        )
        .note(format!("its names begin with a letter and have at most {LONGEST} characters here"))
        .help("choose another with --name")
        .into());
    }
    let precompiled =
        network.library().map(|library| Ok::<_, Diagnostics>((mcu(network)?, library))).transpose()?;
    let text = |path: String, text: String| (path, text.into_bytes());
    let sketch = format!("{prefix}{SKETCH}");
    let mut files = vec![
        text("library.properties".into(), properties(network)),
        text("keywords.txt".into(), keywords(network)),
        ("README.md".to_owned(), readme(network)),
        (format!("src/{prefix}.h"), network.header()),
        text(format!("examples/{sketch}/{sketch}.ino"), program(network)),
    ];
    files.extend(network.source().map(|text| (format!("src/{prefix}.c"), text)));
    files.extend(precompiled.map(|(mcu, bytes)| (format!("src/{mcu}/lib{prefix}.a"), bytes)));
    Ok(files)
}

/// What Arduino calls the core: its `build.mcu` is what GCC's `-mcpu` takes.
fn mcu(network: &Network<'_>) -> Result<String, Diagnostics> {
    let core = &network.target.core;
    let flag = core.gcc.flags.iter().find_map(|flag| flag.strip_prefix("-mcpu=cortex-m"));
    let name = flag.and_then(|flag| flag.split('+').next());
    name.map(|name| format!("cortex-m{name}")).ok_or_else(|| {
        Diagnostic::error(NO_LIBRARY, format!("no folder for precompiled code is known for {}", core.name))
            .note("Arduino looks for it in src/MCU; only Cortex-M cores have one name there")
            .help("`--emit c` makes a library of source")
            .into()
    })
}

fn properties(network: &Network<'_>) -> String {
    let prefix = &network.prefix;
    let mut out = format!(
        "name={prefix}\nversion=1.0.0\nauthor=tinyc {}\nmaintainer=nobody <nobody@example.com>\n\
         sentence=The neural network {prefix} as one function.\n\
         paragraph=Compiled ahead of time: no interpreter, no heap, the same bytes as on the host. {}.\n\
         category=Data Processing\nurl=https://example.com/\narchitectures=*\nincludes={prefix}.h\n",
        env!("CARGO_PKG_VERSION"),
        capital(&network.made_by()),
    );
    if network.object().is_some() {
        // `full`: source only where there is no precompiled code for the board.
        let kind = if network.source().is_some() { "full" } else { "true" };
        let _ = write!(out, "precompiled={kind}\nldflags=-l{prefix}\n");
    }
    out
}

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// Functions and constants of the header, for colours in the editor; fields are separated by tabs.
fn keywords(network: &Network<'_>) -> String {
    let (prefix, upper) = (&network.prefix, network.upper());
    let header = String::from_utf8(network.header()).expect("the header is text");
    let mut out = format!("# Syntax colouring of {prefix}\n\n");
    if network.compiled.program.state_bytes() > 0 {
        let _ = write!(out, "# Datatypes (KEYWORD1)\n{prefix}_state\tKEYWORD1\n\n");
    }
    out.push_str("# Functions (KEYWORD2)\n");
    for kind in ["run", "init", "quantize_", "dequantize_", "argmax_"] {
        for name in declared(&header, &format!("{prefix}_{kind}")) {
            let _ = writeln!(out, "{name}\tKEYWORD2");
        }
    }
    out.push_str("\n# Constants (LITERAL1)\n");
    for line in header.lines() {
        let name = line.strip_prefix("#define ").and_then(|rest| rest.split_once(' '));
        if let Some((name, _)) = name.filter(|(name, _)| name.starts_with(&format!("{upper}_"))) {
            let _ = writeln!(out, "{name}\tLITERAL1");
        }
    }
    out
}

/// Names in a declaration or a definition that begin so, in order; a whole word if `start` does not end in `_`.
fn declared<'a>(header: &'a str, start: &str) -> Vec<&'a str> {
    let begins = |line: &&str| ["int ", "void ", "static inline "].iter().any(|word| line.starts_with(word));
    let name = |line: &'a str| line.split('(').next().and_then(|head| head.rsplit(' ').next());
    let fits = |name: &&str| if start.ends_with('_') { name.starts_with(start) } else { *name == start };
    header.lines().filter(begins).filter_map(name).filter(fits).collect()
}

fn program(network: &Network<'_>) -> String {
    let prefix = &network.prefix;
    let class = network.sample.class().map_or(String::new(), |class| {
        format!("  Serial.print(\"class \");\n  Serial.println((long){class});\n")
    });
    format!(
        "/* Runs the network {prefix} on a stored sample, again and again: {}. */\n\
         #include <{prefix}.h>\n#include <string.h>\n\n{}\n\
         void setup()\n{{\n  Serial.begin(115200);\n  while (!Serial) {{\n    /* boards with a USB port of their own wait for a listener */\n  }}\n}}\n\n\
         void loop()\n{{\n  uint32_t hash;\n  const unsigned long start = micros();\n  const int status = run_sample(&hash);\n  \
         const unsigned long time = micros() - start;\n{class}  \
         Serial.print(\"status \");\n  Serial.print(status);\n  \
         Serial.print(\", hash \");\n  Serial.print((unsigned long)hash, HEX);\n  \
         Serial.print(status == 0 && hash == EXPECTED_HASH ? \", equal to\" : \", different from\");\n  \
         Serial.print(\" the reference, microseconds: \");\n  Serial.println(time);\n  delay(1000);\n}}\n",
        network.made_by(),
        network.sample.definitions(),
    )
}

fn readme(network: &Network<'_>) -> Vec<u8> {
    let prefix = &network.prefix;
    let usage = format!(
        "## Using it\n\nCopy this folder, named `{prefix}`, into the `libraries` folder of the sketchbook, or zip it and take the \
         menu's Sketch > Include Library > Add .ZIP Library. The sketch is at File > Examples > {prefix}.\n\n\
         Before you publish it, put your own name, address and version into `library.properties`, and add a licence.\n"
    );
    network.readme("a library for Arduino", &usage)
}
