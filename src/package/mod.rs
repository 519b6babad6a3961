//! The network in the layout of a build system: a folder that its users take as it is. One file per system; which code
//! may lie in it, and what its files say, is there.
//!
//! Not here: `--package bench`, which is one more file beside the network's own ([`crate::board`]).

mod arduino;
mod cargo;
mod cmake;
mod sample;
mod zephyr;

use crate::pipeline::{Compiled, Emit};
use sample::Sample;
use std::collections::BTreeSet;
use tinyc_backends::c;
use tinyc_ir::loops::Program;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;

/// The code of a form or a name that a package cannot hold.
pub const WRONG_FORM: u16 = 505;

/// A build system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Package {
    /// A folder for `add_subdirectory`.
    Cmake,
    /// A module of Zephyr.
    Zephyr,
    /// A library of Arduino.
    Arduino,
    /// A crate of Rust.
    Cargo,
}

impl Package {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Cmake, Self::Zephyr, Self::Arduino, Self::Cargo];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cmake => "cmake",
            Self::Zephyr => "zephyr",
            Self::Arduino => "arduino",
            Self::Cargo => "cargo",
        }
    }

    /// Where the report lies in the folder.
    pub fn report(self, name: &str) -> String {
        match self {
            // What lies in `extras` is none of the build's business.
            Self::Arduino => format!("extras/{name}.report.json"),
            Self::Cmake | Self::Zephyr | Self::Cargo => format!("{name}.report.json"),
        }
    }

    /// The forms of code that the package can hold.
    fn forms(self) -> &'static [Emit] {
        match self {
            Self::Cmake | Self::Zephyr | Self::Arduino => &[Emit::C, Emit::Obj],
            Self::Cargo => &[Emit::Rust],
        }
    }
}

/// Paths in the package's folder, with `/`, and what the files hold.
pub type Files = Vec<(String, Vec<u8>)>;

/// The package's folder. Its program runs the network on one sample, which fits the reference graph.
///
/// # Errors
/// A form of code that the package cannot hold.
pub fn files(
    package: Package,
    compiled: &Compiled,
    target: &Target,
    sample: &[Tensor],
) -> Result<Files, Diagnostics> {
    check_forms(package, &compiled.emit)?;
    check_name(package, &compiled.program)?;
    let network = Network {
        prefix: c::prefix(&compiled.program),
        compiled,
        target,
        sample: Sample::new(compiled, sample),
    };
    match package {
        Package::Cmake => Ok(cmake::files(&network)),
        Package::Zephyr => Ok(zephyr::files(&network)),
        Package::Arduino => arduino::files(&network),
        Package::Cargo => Ok(cargo::files(&network)),
    }
}

fn check_forms(package: Package, emit: &BTreeSet<Emit>) -> Result<(), Diagnostics> {
    let Some(form) = emit.iter().find(|form| !package.forms().contains(form)) else { return Ok(()) };
    let what = format!("a package for {} does not hold --emit {form}", package.name());
    let forms: Vec<&str> = package.forms().iter().map(|form| form.name()).collect();
    Err(Diagnostic::error(WRONG_FORM, what)
        .help(format!("emit {}, or several of them, separated by commas", forms.join(" or ")))
        .into())
}

/// Names that a build system has for itself, in small letters; file systems may ignore case.
fn taken_names(package: Package) -> &'static [&'static str] {
    match package {
        Package::Cmake => &[
            "all",
            "clean",
            "depend",
            "edit_cache",
            "help",
            "install",
            "package",
            "preinstall",
            "rebuild_cache",
            "test",
        ],
        Package::Cargo => &["alloc", "build", "core", "proc_macro", "std", "test"],
        // Headers of its cores.
        Package::Arduino => &[
            "arduino",
            "binary",
            "client",
            "hardwareserial",
            "ipaddress",
            "new",
            "print",
            "printable",
            "server",
            "spi",
            "stream",
            "udp",
            "usbapi",
            "wire",
            "wstring",
        ],
        Package::Zephyr => &[],
    }
}

fn check_name(package: Package, program: &Program) -> Result<(), Diagnostics> {
    let name = c::prefix(program);
    if !taken_names(package).iter().any(|taken| taken.eq_ignore_ascii_case(&name)) {
        return Ok(());
    }
    let message = format!(
        "a package for {} cannot be named `{name}`, which means something else there",
        package.name()
    );
    Err(Diagnostic::error(WRONG_FORM, message).help("take another name: --name my_network").into())
}

/// What every package is made from.
struct Network<'a> {
    /// The network's name in C.
    prefix: String,
    compiled: &'a Compiled,
    target: &'a Target,
    sample: Sample,
}

impl Network<'_> {
    /// The name as macros have it.
    fn upper(&self) -> String {
        self.prefix.to_ascii_uppercase()
    }

    /// The header.
    fn header(&self) -> Vec<u8> {
        self.text(".h").expect("C and objects come with a header")
    }

    /// The C, if it was emitted.
    fn source(&self) -> Option<Vec<u8>> {
        self.text(".c")
    }

    fn text(&self, ending: &str) -> Option<Vec<u8>> {
        let file = self.compiled.files.iter().find(|file| file.name.ends_with(ending));
        file.map(|file| file.text.clone().into_bytes())
    }

    /// The object, if it was emitted.
    fn object(&self) -> Option<&[u8]> {
        let object = self.compiled.object.as_ref().filter(|_| self.compiled.emit.contains(&Emit::Obj));
        object.map(|object| object.elf.as_slice())
    }

    /// The object as a library, if it was emitted.
    fn library(&self) -> Option<Vec<u8>> {
        let member = |bytes| crate::archive::Member { name: format!("{}.o", self.prefix), bytes };
        let run = format!("{}_run", self.prefix);
        self.object().map(|bytes| crate::archive::write(&member(bytes), &[&run]))
    }

    /// Whether layers compute with floats.
    fn computes_with_floats(&self) -> bool {
        let program = &self.compiled.program;
        program.calls.iter().any(|call| program.kernels[call.kernel].computes_with_floats())
    }

    /// `made by tinyc 0.1.0 for cortex-m4`, for the first line of a file.
    fn made_by(&self) -> String {
        format!("made by tinyc {} for {}", env!("CARGO_PKG_VERSION"), self.target.core.name)
    }

    /// A README: what the folder is, how it is used, how the network is called, and how the code is proven.
    fn readme(&self, what: &str, usage: &str) -> Vec<u8> {
        let (prefix, call) = (&self.prefix, c::call(&self.compiled.program, &|_| false));
        let mut memory = call.memory.join("\n");
        memory.extend(call.begin.iter().flat_map(|begin| ["\n", begin]));
        let run = &call.run;
        format!(
            "# {prefix}\n\nA neural network as {what}, {}. It needs no heap and no library.\n\n{}\n\n## The call\n\n\
             ```c\n#include \"{prefix}.h\"\n\n{memory}\n\nint status = {run};\n```\n\n\
             `{prefix}.h` says the rest: sizes, scales, what the status means.\n",
            self.made_by(),
            usage.trim_end()
        )
        .into_bytes()
    }
}

/// Lines, two columns further to the right.
fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}
