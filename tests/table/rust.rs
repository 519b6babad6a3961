//! The table of emitted Rust: the quantised networks on five cores, every byte compared, and where the shared bench has a model of the core,
//! cycles and code beside the object and the C.

use crate::subject::Subject;
use crate::support::bare;
use crate::support::models::shared_folder;
use crate::support::vectors::Vectors;
use std::path::Path;
use tinyc::pipeline::{Compiled, Emit, Options, compile};
use tinyc::verify::shared_bench::{self, BenchFigures, Form};
use tinyc::verify::{self, Method, RustCompiler, Verification};
use tinyc::wording::grouped;
use tinyc_ir::Tensor;
use tinyc_targets::Target;

/// The cores, and whether the shared bench counts cycles of them and the object is compared.
const CORES: [(&str, bool); 5] = [
    ("cortex-m0plus", false),
    ("cortex-m4", true),
    ("cortex-m33", false),
    ("rv32imc", true),
    ("rv32imac", false),
];

/// Stored samples that each module computes.
const SAMPLES: usize = 2;

/// One network on one core.
pub(crate) struct RustRow {
    title: String,
    core: &'static str,
    /// The module alone, under QEMU.
    proof: Verification,
    /// The object, the C, the Rust, and the Rust with `tinyc-runtime` where that differs.
    forms: Option<[Option<BenchFigures>; 4]>,
}

/// Measures; none without the shared bench.
pub(crate) fn rows(subjects: &[Subject]) -> Vec<RustRow> {
    let Some(shared) = shared_folder() else { return Vec::new() };
    let quantised = || subjects.iter().filter(|subject| subject.form == "int8");
    let row = |(core, timed), subject| row(subject, core, timed, &shared.join("bench"));
    CORES.into_iter().flat_map(|core| quantised().map(move |subject| row(core, subject))).collect()
}

fn row(subject: &Subject, core: &'static str, timed: bool, bench: &Path) -> RustRow {
    eprintln!("{} on {core}: Rust", subject.title);
    let target = tinyc_targets::find(core).expect("the core is known");
    let rust = named(bare::compiler(&target.core.rust_target), core);
    let compiled = emitted(subject, &target, false);
    let graph = &compiled.model.reference;
    let vectors = Vectors::read(&subject.model.vectors);
    let samples: Vec<Vec<Tensor>> =
        (0..vectors.count().min(SAMPLES)).map(|i| vectors.inputs(graph, i)).collect();
    let options = verify::Options { method: Method::QemuRust, rust: rust.clone(), ..Default::default() };
    let proof = verify::verify(&compiled, &target, &samples, &options, &mut |_| {});
    let proof = proof.unwrap_or_else(|e| panic!("{} on {core}: {e}", subject.title));
    let forms = timed.then(|| forms(subject, &target, &compiled, rust, bench));
    RustRow { title: subject.title.clone(), core, proof, forms }
}

/// A compiler that knows for which core it compiles, as the examples have it; LLVM has names for those of Arm.
fn named(mut rust: RustCompiler, core: &str) -> RustCompiler {
    rust.flags.extend(core.starts_with("cortex").then(|| format!("-Ctarget-cpu={core}")));
    rust
}

/// Object, C, Rust, Rust with the runtime, which only a core with packed instructions has a use for.
fn forms(
    subject: &Subject,
    target: &Target,
    compiled: &Compiled,
    rust: RustCompiler,
    bench: &Path,
) -> [Option<BenchFigures>; 4] {
    let measured = |compiled: &Compiled, form| {
        let found = shared_bench::measure(compiled, form, &target.core, bench);
        Some(found.unwrap_or_else(|e| panic!("{} on {}: {e}", subject.title, target.core.name)))
    };
    let with_runtime = target.core.features.dsp.then(|| {
        let rust = named(bare::compiler_with_runtime(&target.core.rust_target), &target.core.name);
        measured(&emitted(subject, target, true), Form::Rust(rust))
    });
    let forms = [
        measured(compiled, Form::Object),
        measured(compiled, Form::C("-O3")),
        measured(compiled, Form::Rust(rust)),
        with_runtime.flatten(),
    ];
    let hashes: Vec<&String> = forms.iter().flatten().map(|figures| &figures.output_hash).collect();
    assert!(hashes.windows(2).all(|two| two[0] == two[1]), "{}: {hashes:?}", subject.title);
    forms
}

fn emitted(subject: &Subject, target: &Target, runtime: bool) -> Compiled {
    let mut options = Options { target: target.clone(), ..subject.model.options() };
    options.emit = [Emit::Rust, Emit::C, Emit::Obj].into();
    options.rust.runtime = runtime;
    compile(&subject.model.file, &options).unwrap_or_else(|e| panic!("{}:\n{e}", subject.title))
}

impl RustRow {
    /// What the figures do not keep of what is promised.
    pub(crate) fn missed(&self) -> Option<String> {
        (!self.proof.is_proof()).then(|| format!("{} on {}: the Rust differs", self.title, self.core))
    }
}

const LEGEND: &str = "*Bytes equal*: for two stored samples, what the module computes under QEMU is what `eval` does, byte for byte. *Instructions*: of \
    one inference by QEMU's count; *code* with what the module takes of the compiler's library; *stack* in bytes. *Cycles* and their code, without that \
    library: the shared bench on its own input, C by gcc 12 `-O3`, Rust by rustc 1.96 `opt-level=3`, \
    for Arm with `-C target-cpu`.";

/// All rows as tables.
pub(crate) fn markdown(rows: &[RustRow]) -> String {
    let mut out = String::from(
        "| core | network | bytes equal | instructions | code | stack |\n|---|---|---|--:|--:|--:|\n",
    );
    for row in rows {
        let cells = [
            row.core.to_owned(),
            row.title.clone(),
            if row.proof.is_proof() { "yes" } else { "**no**" }.into(),
            grouped(row.proof.instructions.first),
            grouped(row.proof.flash.code),
            grouped(row.proof.stack_bytes),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out += "\n| core | network | cycles of the object | C | Rust, `tinyc-runtime` | Rust alone | code of the object | C | Rust, `tinyc-runtime` | Rust alone |\n\
            |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for row in rows {
        let Some([object, c, alone, runtime]) = &row.forms else { continue };
        let cycles = |figures: &Option<BenchFigures>| figures.as_ref().and_then(|f| f.cycles);
        let own = cycles(object).expect("the bench counts them") as f64;
        let cell = |figures| match cycles(figures) {
            Some(cycles) => format!("{} ({:.2})", grouped(cycles), cycles as f64 / own),
            None => "–".into(),
        };
        let code =
            |figures: &Option<BenchFigures>| figures.as_ref().map_or("–".into(), |f| grouped(f.code));
        let mut cells = vec![row.core.to_owned(), row.title.clone(), grouped(own as u64)];
        cells.extend([c, runtime, alone].map(cell));
        cells.extend([object, c, runtime, alone].map(code));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out + "\n" + LEGEND + "\n"
}
