//! The table of 64-bit cores: the quantised networks as object, as C and as Rust under QEMU, every byte compared. Of these cores no timing is
//! known; what QEMU counts are instructions.

use crate::subject::Subject;
use crate::support::bare;
use crate::support::vectors::Vectors;
use tinyc::pipeline::{Emit, Options, compile};
use tinyc::verify::{self, Method, Verification};
use tinyc::wording::grouped;
use tinyc_ir::Tensor;

const CORES: [&str; 2] = ["rv64gc", "cortex-a53"];

/// Stored samples that each form computes.
const SAMPLES: usize = 2;

/// One network on one core.
pub(crate) struct WideRow {
    title: String,
    core: &'static str,
    /// The object, the C, the Rust.
    forms: [Verification; 3],
}

/// Measures the quantised networks.
pub(crate) fn rows(subjects: &[Subject]) -> Vec<WideRow> {
    let quantised = || subjects.iter().filter(|subject| subject.form == "int8");
    CORES.into_iter().flat_map(|core| quantised().map(move |subject| row(subject, core))).collect()
}

fn row(subject: &Subject, core: &'static str) -> WideRow {
    eprintln!("{} on {core}: object, C, Rust", subject.title);
    let target = tinyc_targets::find(core).expect("the core is known");
    let emit = [Emit::Obj, Emit::C, Emit::Rust].into();
    let options = Options { target: target.clone(), emit, ..subject.model.options() };
    let compiled =
        compile(&subject.model.file, &options).unwrap_or_else(|e| panic!("{}:\n{e}", subject.title));
    let vectors = Vectors::read(&subject.model.vectors);
    let inputs = |sample| vectors.inputs(&compiled.model.reference, sample);
    let samples: Vec<Vec<Tensor>> = (0..vectors.count().min(SAMPLES)).map(inputs).collect();
    let rust = bare::compiler(&target.core.rust_target);
    let forms = [Method::QemuObject, Method::QemuC, Method::QemuRust].map(|method| {
        let options = verify::Options { method, rust: rust.clone(), ..Default::default() };
        let found = verify::verify(&compiled, &target, &samples, &options, &mut |_| {});
        found.unwrap_or_else(|e| panic!("{} on {core}: {e}", subject.title))
    });
    WideRow { title: subject.title.clone(), core, forms }
}

impl WideRow {
    /// What differs.
    pub(crate) fn missed(&self) -> Option<String> {
        let differs = self.forms.iter().find(|form| !form.is_proof())?;
        Some(format!("{} on {}: {} differs", self.title, self.core, differs.emit))
    }
}

const LEGEND: &str = "*Bytes equal*: for two stored samples, what object, C and Rust compute under QEMU is what `eval` does, byte for byte. Instructions of \
    one inference by QEMU's count, on AArch64 to some 16. *Code* with what a form takes of a compiler's library; *weights* with tables, as in the object. C by gcc 12 `-O2` for RISC-V, \
    by clang 19 `-O2` for AArch64; Rust by rustc 1.96 `opt-level=3`, without `tinyc-runtime`.";

/// All rows as a table.
pub(crate) fn markdown(rows: &[WideRow]) -> String {
    let mut out = String::from(
        "| core | network | bytes equal | instructions of the object | C | Rust | code of the object | C | Rust | weights | stack of the object | C | Rust |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let equal = if row.missed().is_none() { "yes" } else { "**no**" };
        let mut cells = vec![row.core.to_owned(), row.title.clone(), equal.to_owned()];
        cells.extend(row.forms.iter().map(|form| grouped(form.instructions.first)));
        cells.extend(row.forms.iter().map(|form| grouped(form.flash.code)));
        cells.push(grouped(row.forms[0].flash.constants));
        cells.extend(row.forms.iter().map(|form| grouped(form.stack_bytes)));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out + "\n" + LEGEND + "\n"
}
