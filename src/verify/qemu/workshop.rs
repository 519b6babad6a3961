//! The folder in which a firmware comes to be: writes the sources, calls GCC, and starts the simulator there.

use super::image::Image;
use super::running::Running;
use super::source::{self, Kind};
use crate::pipeline::Compiled;
use crate::verify::trace::Piece;
use crate::verify::{Method, Options, code, rust};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tinyc_ir::wording::words;
use tinyc_ir::{Diagnostic, Diagnostics, Tensor};
use tinyc_targets::Target;

/// How the network is compiled.
const OPTIMISATION: &str = "-O2";

/// What every file is compiled with: no C library is asked for, and each function and each array is a section, so that
/// what is not used costs nothing.
pub(in crate::verify) const FLAGS: [&str; 4] =
    ["-std=c99", "-ffreestanding", "-ffunction-sections", "-fdata-sections"];

/// Sources, objects and firmwares of one program for one target.
pub(super) struct Workshop<'a> {
    target: &'a Target,
    options: &'a Options,
    folder: Folder,
    prefix: String,
}

/// A folder of generated files.
pub(in crate::verify) struct Folder {
    path: PathBuf,
    /// Removes the folder when dropped, if it is not to be kept.
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// The folder in which the user wants to find the files, or one that vanishes.
    pub(in crate::verify) fn new(keep: Option<&Path>) -> Result<Self, Diagnostics> {
        let Some(folder) = keep else {
            let temporary = tempfile::Builder::new().prefix("tinyc-verify-").tempdir();
            let temporary = temporary.map_err(|e| cannot("create", &std::env::temp_dir(), &e))?;
            return Ok(Self { path: temporary.path().to_path_buf(), _temporary: Some(temporary) });
        };
        std::fs::create_dir_all(folder).map_err(|e| cannot("create", folder, &e))?;
        // The tools run inside the folder.
        let path = folder.canonicalize().map_err(|e| cannot("open", folder, &e))?;
        Ok(Self { path, _temporary: None })
    }

    /// Where it is.
    pub(in crate::verify) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file; its path.
    pub(in crate::verify) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Diagnostics> {
        let path = self.path.join(name);
        std::fs::write(&path, bytes).map_err(|e| cannot("write", &path, &e))?;
        Ok(path)
    }
}

impl<'a> Workshop<'a> {
    /// Writes all sources.
    pub(super) fn new(
        compiled: &Compiled,
        target: &'a Target,
        options: &'a Options,
        pieces: &[Vec<Piece>],
    ) -> Result<Self, Diagnostics> {
        let folder = Folder::new(options.keep.as_deref())?;
        let prefix = tinyc_backends::c::prefix(&compiled.program);
        let core = &target.core;
        let generated = source::files(&compiled.program, &prefix, pieces, core.isa, &core.qemu);
        let generated = generated.into_iter().map(|file| (file.name, file.text.into_bytes()));
        for (name, bytes) in compiled.artefacts().into_iter().chain(generated) {
            folder.write(&name, &bytes)?;
        }
        if options.method == Method::QemuRust {
            // C calls it by the header's names.
            let header = tinyc_backends::c::header(&compiled.program, &tinyc_backends::c::Options::default());
            folder.write(&header.name, header.text.as_bytes())?;
            folder.write("network.rs", rust::library(&compiled.program).as_bytes())?;
        }
        Ok(Self { target, options, folder, prefix })
    }

    /// Compiles everything but the network with hooks, which is needed last.
    pub(super) fn compile(&self) -> Result<(), Diagnostics> {
        match self.options.method {
            Method::QemuC => {
                let network = format!("{}.c", self.prefix);
                self.gcc(&[OPTIMISATION, "-c", &network, "-o", "network_plain.o"])?;
            }
            Method::QemuRust => {
                // An archive holds what the compiler's own library adds, too.
                let arguments = ["--crate-type", "staticlib", "network.rs", "-o", "libnetwork.a"];
                let target = Some(self.target.core.rust_target.as_str());
                self.options.rust.compile(self.folder.path(), target, &arguments, self.options)?;
            }
            _ => {}
        }
        // Loops that copy must not become calls of the functions that they are the body of.
        let sources = ["harness.c", "memory.c", "start.c", "main_plain.c", "main_traced.c", "stub.c"];
        let apart =
            if self.target.core.gcc.is_gcc() { "-fno-tree-loop-distribute-patterns" } else { "-fno-builtin" };
        let mut arguments = vec!["-O2", apart, "-c"];
        arguments.extend(sources);
        self.gcc(&arguments)
    }

    /// Links one of the firmwares.
    pub(super) fn link(&self, kind: Kind) -> Result<Image, Diagnostics> {
        let shipped = format!("{}.o", self.prefix);
        let (network, main) = match kind {
            Kind::Plain if self.options.method == Method::QemuObject => (shipped.as_str(), "main_plain.o"),
            Kind::Plain if self.options.method == Method::QemuRust => ("libnetwork.a", "main_plain.o"),
            Kind::Plain => ("network_plain.o", "main_plain.o"),
            Kind::Stub => ("stub.o", "main_plain.o"),
            Kind::Traced => {
                let network = format!("{}.c", self.prefix);
                let hooked = [OPTIMISATION, "-include", "hooks.h", "-c", &network, "-o", "network_traced.o"];
                self.gcc(&hooked)?;
                ("network_traced.o", "main_traced.o")
            }
        };
        let elf = format!("{}.elf", kind.stem());
        let objects = ["start.o", "harness.o", main, network, "memory.o"];
        let mut arguments = vec!["-nostdlib", "-Wl,--gc-sections", "-T", "link.ld"];
        arguments.extend(objects);
        // Clang for bare metal has no library of what it calls of its own accord, and calls nothing on a 64-bit core.
        arguments.extend(self.target.core.gcc.is_gcc().then_some("-lgcc"));
        arguments.extend(["-o", &elf]);
        self.gcc(&arguments)?;
        Image::read(&self.folder.path().join(elf))
    }

    /// Starts the simulator on the samples.
    pub(super) fn start(&self, kind: Kind, samples: &[Vec<Tensor>]) -> Result<Running, Diagnostics> {
        let mut bytes = u32::try_from(samples.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.extend(samples.iter().flatten().flat_map(|tensor| tensor.data.to_le_bytes()));
        self.folder.write(&format!("{}.inputs", kind.stem()), &bytes)?;
        let patience = self.options.timeout * u32::try_from(samples.len() + 1).unwrap_or(u32::MAX);
        let qemu = &self.target.core.qemu;
        Running::start(qemu, self.options.path.as_deref(), self.folder.path(), kind.stem(), patience)
    }

    fn gcc(&self, arguments: &[&str]) -> Result<(), Diagnostics> {
        let gcc = &self.target.core.gcc;
        let mut command = Command::new(&gcc.compiler);
        command.current_dir(self.folder.path()).args(&gcc.flags);
        command.args(FLAGS).args(arguments);
        let output = run(&mut command, self.options.path.as_deref(), &gcc.compiler, &gcc.package)?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(self.refusal(&text).into())
    }

    fn refusal(&self, text: &str) -> Diagnostic {
        let core = &self.target.core;
        let overflow = text.lines().find_map(|line| line.split_once("overflowed by "));
        if let Some((head, by)) = overflow {
            let (memory, region) =
                if head.contains("FLASH") { ("flash", &core.qemu.flash) } else { ("RAM", &core.qemu.ram) };
            return Diagnostic::error(
                code::TOO_LARGE,
                format!("the firmware does not fit into the {memory} of the simulated machine"),
            )
            .note(format!("{} has {} bytes of {memory}; {by} too few", core.qemu.machine, region.bytes))
            .help("this limits only the simulation; `tinyc compile` still writes the code");
        }
        let mut problem =
            Diagnostic::error(code::REFUSED, format!("{} does not accept the firmware", core.gcc.compiler));
        /// Lines of the compiler that are shown.
        const SHOWN: usize = 12;
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(SHOWN) {
            problem = problem.note(line);
        }
        problem.help("keep the files with `--keep DIR` to look at them, and please report this")
    }
}

/// Runs a tool to its end.
pub(in crate::verify) fn run(
    command: &mut Command,
    path: Option<&std::ffi::OsStr>,
    tool: &str,
    package: &str,
) -> Result<Output, Diagnostics> {
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().map_err(|error| no_tool(&error, tool, package))
}

/// Why a tool cannot be started, and how to get it.
pub(in crate::verify) fn no_tool(error: &std::io::Error, tool: &str, package: &str) -> Diagnostics {
    let problem = match error.kind() {
        std::io::ErrorKind::NotFound => {
            Diagnostic::error(code::TOOL_MISSING, format!("`{tool}` is not installed"))
                .help(format!("on Debian and Ubuntu: `sudo apt-get install {package}`"))
        }
        _ => Diagnostic::error(code::TOOL_MISSING, format!("`{tool}` cannot be started: {}", words(error))),
    };
    problem.into()
}

/// A file or folder that cannot be had.
pub(in crate::verify) fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(code::FILES, format!("cannot {verb} `{}`: {}", path.display(), words(error)))
}
