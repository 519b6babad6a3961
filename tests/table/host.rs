//! How fast networks run on this machine: the evaluator, native code, and ONNX Runtime beside it.

use crate::subject::Subject;
use crate::support::vectors::Vectors;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tinyc::host::Network;
use tinyc_ir::Tensor;
use tinyc_ir::eval::eval;

/// One network. Times are those of one sample.
pub(crate) struct HostRow {
    title: String,
    form: &'static str,
    eval: Duration,
    compile: Duration,
    native: Duration,
    /// All cores together.
    parallel: Duration,
    /// One thread; `None` where it is not installed.
    onnx_runtime: Option<Duration>,
}

/// What the columns are.
const LEGEND: &str = "Samples per second. *eval* is the definition, on one core; *native* is Cranelift's code on one core and on all of \
    them; *ONNX Runtime* is its CPU provider with one thread, all optimisations on, in the same run of this table. *compile*: from the \
    reference graph to code in memory. Each time is the least of several slices of 100 ms, for both.";

/// How long a slice of a measurement is.
const SLICE: Duration = Duration::from_millis(100);

/// Measures networks; says on standard error what it is doing.
pub(crate) fn rows(subjects: &[Subject]) -> Vec<HostRow> {
    subjects.iter().map(row).collect()
}

fn row(subject: &Subject) -> HostRow {
    let Subject { title, form, model, .. } = subject;
    eprintln!("{title} {form}: on this machine");
    let loaded =
        tinyc::pipeline::load(&model.file, &model.options().shapes).unwrap_or_else(|e| panic!("{e}"));
    let graph = &loaded.reference;
    let inputs = Vectors::read(&model.vectors).inputs(graph, 0);
    let begin = Instant::now();
    let network = Network::compile(graph).unwrap();
    let compile = begin.elapsed();
    let native = least(10, || drop(network.run(&inputs).unwrap()));
    let onnx_runtime = onnx_runtime(&model.file, &model.vectors);
    // Measured around the other, so that a machine that becomes busy is seen.
    let native = native.min(least(10, || drop(network.run(&inputs).unwrap())));
    let count = (SLICE.as_secs_f64() * 4.0 / native.as_secs_f64()).ceil() as usize;
    let many: Vec<Vec<Tensor>> = vec![inputs.clone(); count.max(8)];
    let parallel = least(1, || drop(network.run_all(&many, || {}))) / many.len() as u32;
    let eval = least(1, || drop(eval(graph, &inputs)));
    HostRow { title: title.clone(), form, eval, compile, native, parallel, onnx_runtime }
}

/// The time of one call: the least mean of some slices.
fn least(slices: u32, mut work: impl FnMut()) -> Duration {
    let slice = |work: &mut dyn FnMut()| {
        let (begin, mut count) = (Instant::now(), 0);
        while begin.elapsed() < SLICE || count == 0 {
            work();
            count += 1;
        }
        begin.elapsed() / count
    };
    (0..slices).map(|_| slice(&mut work)).min().expect("there is a slice")
}

/// The time of one sample in ONNX Runtime, by a script and the interpreter that `TINYC_PYTHON` names.
fn onnx_runtime(model: &Path, vectors: &Path) -> Option<Duration> {
    let python = std::env::var("TINYC_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/table/onnx_runtime.py");
    let output = Command::new(&python).arg(script).args([model, vectors]).output().ok()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        eprintln!("no ONNX Runtime ({}): set TINYC_PYTHON", said.lines().last().unwrap_or_default());
        return None;
    }
    let seconds: f64 =
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("the script prints seconds");
    Some(Duration::from_secs_f64(seconds))
}

/// The table.
pub(crate) fn markdown(rows: &[HostRow]) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut out = format!(
        "| network | form | eval | native | native, {threads} cores | ONNX Runtime | native / eval | native / ONNX Runtime | compile |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    let rate = |time: Duration| figure(1.0 / time.as_secs_f64());
    for row in rows {
        let times = |other: Duration| figure(other.as_secs_f64() / row.native.as_secs_f64());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} ms |",
            row.title,
            row.form,
            rate(row.eval),
            rate(row.native),
            rate(row.parallel),
            row.onnx_runtime.map_or_else(|| "–".into(), rate),
            times(row.eval),
            row.onnx_runtime.map_or_else(|| "–".into(), times),
            row.compile.as_millis()
        );
    }
    out + "\n" + LEGEND + "\n"
}

/// Three digits, or all of a larger whole number.
fn figure(value: f64) -> String {
    match value {
        v if v >= 100.0 => tinyc::wording::grouped(v.round() as u64),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
