//! For `build.rs`: a model becomes Rust code, or a native object, in cargo's `OUT_DIR`.
//!
//! ```no_run
//! // build.rs, with `tinyc = { …, default-features = false }` under [build-dependencies]
//! fn main() {
//!     tinyc::build("model.onnx").target_from_cargo().emit();
//! }
//! ```
//!
//! ```ignore
//! // src/main.rs
//! include!(concat!(env!("OUT_DIR"), "/model.rs"));
//! ```
//!
//! What cargo must be told (when to run again, what to link) is printed. A model that is refused ends the script with the
//! messages that `tinyc compile` prints.

#![allow(clippy::needless_doctest_main, reason = "a build script has one")]

mod script;
mod triple;

use self::script::{Script, fault, finish};
use crate::archive;
use crate::budget::Budget;
use crate::pipeline::{self, Emit, Options};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tinyc_backends::{c, rust};
use tinyc_ir::Diagnostics;
use tinyc_ir::wording::words;
use tinyc_targets::Target;

/// Begins the compilation of a model, a path relative to the package's folder.
pub fn build(model: impl AsRef<Path>) -> Build {
    Build {
        model: model.as_ref().to_path_buf(),
        target: None,
        name: None,
        shapes: BTreeMap::new(),
        states: Vec::new(),
        ram: None,
        flash: None,
        runtime: false,
        #[cfg(feature = "lock")]
        lock: None,
    }
}

/// What is compiled, and for what. Made by [`build`].
#[derive(Clone, Debug)]
#[must_use = "nothing is compiled before `emit` or `emit_object`"]
pub struct Build {
    model: PathBuf,
    target: Option<String>,
    name: Option<String>,
    shapes: BTreeMap<String, Vec<usize>>,
    states: Vec<(String, String)>,
    ram: Option<u64>,
    flash: Option<u64>,
    runtime: bool,
    #[cfg(feature = "lock")]
    lock: Option<PathBuf>,
}

impl Build {
    /// The core, chip or board that the code is for, as in `tinyc targets`. A chip's memories are limits.
    pub fn target(mut self, name: &str) -> Self {
        self.target = Some(name.into());
        self
    }

    /// The core that cargo's target stands for: `thumbv7em-none-eabihf` is a Cortex-M4. This is what happens unless
    /// [`target`](Self::target) says more.
    pub fn target_from_cargo(mut self) -> Self {
        self.target = None;
        self
    }

    /// The module's and the file's name; by default made from the model's file name.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The shape of an input whose dimensions the model leaves open.
    pub fn shape(mut self, input: &str, dims: &[usize]) -> Self {
        self.shapes.insert(input.into(), dims.to_vec());
        self
    }

    /// An input that is an output of the run before: memory that the model keeps. As `--state INPUT=OUTPUT`.
    pub fn state(mut self, input: &str, output: &str) -> Self {
        self.states.push((input.into(), output.into()));
        self
    }

    /// Bytes of RAM that arena, inputs, outputs and state may take.
    pub fn ram(mut self, bytes: u64) -> Self {
        self.ram = Some(bytes);
        self
    }

    /// Bytes of flash that weights and code may take.
    pub fn flash(mut self, bytes: u64) -> Self {
        self.flash = Some(bytes);
        self
    }

    /// Let the module call the crate `tinyc-runtime`, which must then be among the firmware's dependencies: it has single
    /// instructions of Arm's DSP extension, where the module alone has portable code. Never changes a result.
    pub fn with_runtime(mut self) -> Self {
        self.runtime = true;
        self
    }

    /// A file that `tinyc compile --calibrate samples.npz --lock tinyc.lock` wrote: the integer model that it stands for is
    /// compiled, without samples. Needs tinyc's feature `lock`.
    #[cfg(feature = "lock")]
    pub fn lock(mut self, path: impl AsRef<Path>) -> Self {
        self.lock = Some(path.as_ref().to_path_buf());
        self
    }

    /// Writes `NAME.rs` into `OUT_DIR`.
    pub fn emit(self) {
        finish(Script::from_cargo().and_then(|script| self.write(Emit::Rust, script)));
    }

    /// Writes `NAME.rs` into `OUT_DIR`, which calls machine code, and has cargo link that.
    ///
    /// The module looks as that of [`emit`](Self::emit); it holds one `unsafe` call. Needs tinyc's feature `native` for Cortex-M and
    /// 32-bit RISC-V, `native64` for 64-bit RISC-V and AArch64.
    pub fn emit_object(self) {
        finish(Script::from_cargo().and_then(|script| self.write(Emit::Obj, script)));
    }

    fn write(&self, form: Emit, mut script: Script) -> Result<String, Diagnostics> {
        let path = self.model.to_string_lossy().into_owned();
        let _ = writeln!(script.said, "cargo::rerun-if-changed={path}");
        let nothing = match self.target {
            None if triple::is_host(&script.triple) => Some("it is a machine with an operating system"),
            _ => triple::no_object(&script.triple),
        };
        if let Some(why) = nothing.filter(|_| form == Emit::Obj) {
            return Err(fault(
                format!("there is no machine code for cargo's target {}: {why}", script.triple),
                "`emit()` writes Rust with the same face, which computes the same bytes",
            ));
        }
        let target = self.find_target(&script.triple)?;
        let own = Budget::of(&target);
        let options = Options {
            name: self.name.clone(),
            shapes: self.shapes.clone(),
            states: self.states.clone(),
            budget: Budget { ram: self.ram.or(own.ram), flash: self.flash.or(own.flash) },
            emit: [form].into(),
            rust: rust::Options { runtime: self.runtime, ..rust::Options::default() },
            ..Options::new(target)
        };
        #[cfg(feature = "lock")]
        if let Some(lock) = &self.lock {
            let _ = writeln!(script.said, "cargo::rerun-if-changed={}", lock.display());
        }
        let compiled = pipeline::compile_model(self.load()?, &options)?;
        for file in &compiled.model.data_files {
            let _ = writeln!(
                script.said,
                "cargo::rerun-if-changed={}",
                self.model.with_file_name(file).display()
            );
        }
        for warning in &compiled.model.warnings.0 {
            for line in warning.to_string().lines() {
                let _ = writeln!(script.said, "cargo::warning={line}");
            }
        }
        let save = |name: &str, bytes: &[u8]| {
            let path = script.out_dir.join(name);
            std::fs::write(&path, bytes).map_err(|e| {
                let what = format!("{} cannot be written: {}", path.display(), words(&e));
                fault(what, "see whether the disk is full")
            })
        };
        match &compiled.object {
            None => {
                for file in &compiled.files {
                    save(&file.name, file.text.as_bytes())?;
                }
            }
            Some(object) => {
                let prefix = c::prefix(&compiled.program);
                let library = format!("{prefix}_network");
                let file = rust::emit_binding(&compiled.program, &options.rust);
                save(&file.name, file.text.as_bytes())?;
                let member = archive::Member { name: format!("{prefix}.o"), bytes: &object.elf };
                let bytes = archive::write(&member, &[&format!("{prefix}_run")]);
                save(&format!("lib{library}.a"), &bytes)?;
                let _ = writeln!(script.said, "cargo::rustc-link-search=native={}", script.out_dir.display());
                let _ = writeln!(script.said, "cargo::rustc-link-lib=static={library}");
            }
        }
        Ok(script.said)
    }

    /// The model, on integers if there is a lock.
    fn load(&self) -> Result<pipeline::Model, Diagnostics> {
        #[cfg(feature = "lock")]
        if let Some(path) = &self.lock {
            let lock = crate::lock::Lock::read(path)?;
            lock.check_options(&[], self.target.as_deref())?;
            let float = pipeline::load_fixed(&self.model, &self.shapes)?.keeping(&self.states)?;
            return lock.replay(&self.model, &float);
        }
        pipeline::load(&self.model, &self.shapes)?.keeping(&self.states)
    }

    fn find_target(&self, triple: &str) -> Result<Target, Diagnostics> {
        let name = match (&self.target, triple::core(triple)) {
            (Some(name), _) => name.as_str(),
            (None, Some(core)) => core,
            (None, None) => {
                return Err(fault(
                    format!("no core is known for cargo's target {triple}"),
                    "name one: `.target(\"cortex-m4\")`; `tinyc targets` lists them",
                ));
            }
        };
        tinyc_targets::find(name).map_err(|unknown| fault(unknown.to_string(), "`tinyc targets` lists them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(folder: &str, triple: &str) -> Script {
        let out_dir = std::env::temp_dir().join(format!("tinyc-build-{}-{folder}", std::process::id()));
        std::fs::create_dir_all(&out_dir).unwrap();
        Script { out_dir, triple: triple.into(), said: String::new() }
    }

    const MODEL: &str = "examples/models/digits/digits_int8_io.onnx";

    #[test]
    fn the_module_is_named_after_the_model_and_cargo_hears_of_it() {
        let script = script("rust", "thumbv6m-none-eabi");
        let out = script.out_dir.clone();
        let said = build(MODEL).target_from_cargo().write(Emit::Rust, script).unwrap();
        assert!(said.contains(&format!("cargo::rerun-if-changed={MODEL}\n")), "{said}");
        let text = std::fs::read_to_string(out.join("digits_int8_io.rs")).unwrap();
        assert!(text.contains("pub mod digits_int8_io {"));
        std::fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn cargo_hears_of_files_with_weights() {
        let script = script("external", "thumbv7em-none-eabihf");
        let out = script.out_dir.clone();
        let said = build("examples/models/bad/external_ok.onnx").write(Emit::Rust, script).unwrap();
        assert!(said.contains("cargo::rerun-if-changed=examples/models/bad/external_ok.bin\n"), "{said}");
        std::fs::remove_dir_all(out).unwrap();
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_lock_stands_for_samples() {
        use crate::lock::{Lock, Made};
        use crate::quantize::{self, Evaluator};
        const FLOAT: &str = "examples/models/digits/digits_f32.onnx";
        let script = script("lock", "thumbv7em-none-eabihf");
        let out = script.out_dir.clone();
        let model = pipeline::load_fixed(Path::new(FLOAT), &BTreeMap::new()).unwrap();
        let samples = Path::new("examples/models/digits/digits_samples.npz");
        let mut sets = quantize::load(&model, samples, None, None).unwrap();
        for set in [&mut sets.fit, &mut sets.select, &mut sets.evaluate] {
            set.truncate(8);
        }
        sets.labels = None;
        let options =
            quantize::Options { methods: vec![quantize::Method::MinMax], ..quantize::Options::default() };
        let found = quantize::quantise(&model, &sets, &options, None, &Evaluator).unwrap();
        let decided = found.1.unwrap().decided;
        let path = out.join("tinyc.lock");
        let lock = Lock::new(Path::new(FLOAT), &model, &decided, &Made::default()).unwrap();
        std::fs::write(&path, lock.text()).unwrap();
        let said = build(FLOAT).lock(&path).write(Emit::Rust, script).unwrap();
        assert!(said.contains(&format!("cargo::rerun-if-changed={}\n", path.display())), "{said}");
        let text = std::fs::read_to_string(out.join("digits_f32.rs")).unwrap();
        assert!(text.contains("i8; 64]") && !text.contains("f32; 64]"), "{text}");
        std::fs::remove_dir_all(out).unwrap();
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_lock_stands_for_samples_of_a_network_with_states() {
        use crate::lock::{Lock, Made};
        use crate::npz::{self, Array};
        use crate::quantize::{self, Evaluator};
        const STREAM: &str = "examples/models/twins/stream.onnx";
        let pairs = [("past", "past_next"), ("hidden", "hidden_next"), ("older", "older_next")];
        let pairs = pairs.map(|(from, to)| (from.to_owned(), to.to_owned()));
        let script = script("lock_state", "thumbv7em-none-eabihf");
        let out = script.out_dir.clone();
        let model = pipeline::load_fixed(Path::new(STREAM), &BTreeMap::new()).unwrap();
        let model = model.keeping(&pairs).unwrap();
        let data = tinyc_ir::Data::F32((0..3 * 48).map(|i| (i as f32 * 0.7).sin()).collect());
        let frames = vec![("frame".to_owned(), Array { shape: vec![4, 12, 1, 3, 1], data })];
        let samples = out.join("frames.npz");
        std::fs::write(&samples, npz::to_bytes(&frames).unwrap()).unwrap();
        let sets = quantize::load(&model, &samples, None, None).unwrap();
        let options =
            quantize::Options { methods: vec![quantize::Method::MinMax], ..quantize::Options::default() };
        let found = quantize::quantise(&model, &sets, &options, None, &Evaluator).unwrap();
        let decided = found.1.unwrap().decided;
        let path = out.join("tinyc.lock");
        let lock = Lock::new(Path::new(STREAM), &model, &decided, &Made::default()).unwrap();
        std::fs::write(&path, lock.text()).unwrap();
        let locked = build(STREAM).lock(&path);
        let other = Script { out_dir: out.clone(), triple: script.triple.clone(), said: String::new() };
        let refused = locked.write(Emit::Rust, other).unwrap_err().to_string();
        assert!(refused.contains("other states") && refused.contains(".state("), "{refused}");
        let keeping = pairs.iter().fold(locked, |build, (from, to)| build.state(from, to));
        keeping.write(Emit::Rust, script).unwrap();
        let text = std::fs::read_to_string(out.join("stream.rs")).unwrap();
        assert!(text.contains("state: &mut [u8; STATE_BYTES]") && text.contains("i8; 3]"), "{text}");
        std::fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn an_object_is_linked_by_name() {
        for triple in ["thumbv7em-none-eabihf", "riscv64gc-unknown-none-elf", "aarch64-unknown-none"] {
            let script = script("object", triple);
            let out = script.out_dir.clone();
            let written = build(MODEL).name("digits").target_from_cargo().write(Emit::Obj, script);
            if !cfg!(feature = "native64") && !triple.starts_with("thumb") {
                let text = written.unwrap_err().to_string();
                assert!(text.contains("features = [\"native64\"]"), "{text}");
                continue;
            }
            let said = written.unwrap();
            assert!(said.contains("cargo::rustc-link-lib=static=digits_network\n"), "{said}");
            assert!(std::fs::read(out.join("libdigits_network.a")).unwrap().starts_with(b"!<arch>\n"));
            assert!(std::fs::read_to_string(out.join("digits.rs")).unwrap().contains("digits_run"));
            std::fs::remove_dir_all(out).unwrap();
        }
    }

    #[test]
    fn a_state_comes_first_in_both_forms() {
        let stream = build("examples/models/twins/stream_qdq.onnx");
        let stream = stream.state("past", "past_next").state("level", "level_next");
        for (form, function) in [(Emit::Rust, "pub fn run(\n"), (Emit::Obj, "fn machine_code(\n")] {
            let script = script("state", "thumbv7em-none-eabihf");
            let out = script.out_dir.clone();
            stream.write(form, script).unwrap();
            let text = std::fs::read_to_string(out.join("stream_qdq.rs")).unwrap();
            let behind = text.rsplit(function).next().unwrap().trim_start();
            assert!(behind.starts_with("state: &mut [u8; STATE_BYTES],\n"), "{text}");
            std::fs::remove_dir_all(out).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused =
            |build: Build, triple| build.write(Emit::Rust, script("bad", triple)).unwrap_err().to_string();
        let text = refused(build(MODEL), "xtensa-esp32-none-elf");
        assert!(text.contains("no core is known") && text.contains(".target("), "{text}");
        let text = refused(build("missing.onnx"), "thumbv6m-none-eabi");
        assert!(text.contains("missing.onnx"), "{text}");
        let text = refused(build(MODEL).ram(100), "thumbv6m-none-eabi");
        assert!(text.contains("ram: needs"), "{text}");
        let soft = script("bad", "aarch64-unknown-none-softfloat");
        let text = build(MODEL).write(Emit::Obj, soft).unwrap_err().to_string();
        assert!(text.contains("float registers") && text.contains("`emit()`"), "{text}");
    }
}
