//! One row of a table: everything that is measured of one network.

use crate::subject::{Score, Subject};
use crate::support::host::{FAST, Host};
use crate::support::models::{Model, shared_folder};
use crate::support::proof::same;
use crate::support::vectors::Vectors;
use std::path::Path;
use std::time::{Duration, Instant};
use tinyc::agreement::Agreement;
use tinyc::pipeline::{Compiled, compile};
use tinyc::samples::reals;
use tinyc::verify::shared_bench::{self, Form};
use tinyc::verify::{self, Verification};
use tinyc_ir::eval::eval;
use tinyc_ir::{DType, Data, Tensor};

/// What was measured.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) form: &'static str,
    pub(crate) model: String,
    pub(crate) verification: Verification,
    pub(crate) vectors: Agreement,
    /// How many stored samples there are, and for how many both agree on the first class.
    pub(crate) first_class: (usize, usize),
    /// The largest difference from ONNX Runtime that is allowed; `None` for integers.
    pub(crate) limit: Option<f64>,
    pub(crate) ours: Score,
    pub(crate) theirs: Score,
    /// Instructions and cycles by the shared bench, where it is.
    pub(crate) bench: Option<(u64, u64)>,
    pub(crate) arena: (u32, u32),
    pub(crate) compile: Duration,
}

/// Measures a network; says on standard error what it is doing.
pub(crate) fn row(subject: &Subject) -> Row {
    let Subject { title, form, model, .. } = subject;
    let say = |what: &str| eprintln!("{title} {form}: {what}");
    say("compiling");
    let (compiled, compile) = timed(model);
    let vectors = Vectors::read(&model.vectors);
    let graph = &compiled.model.reference;
    let stored: Vec<Vec<Tensor>> = (0..vectors.count()).map(|i| vectors.inputs(graph, i)).collect();
    let target = tinyc_targets::find("cortex-m4").expect("the core is known");
    let options = verify::Options::default();
    let verification = verify::verify(&compiled, &target, &stored, &options, &mut |what| say(what))
        .unwrap_or_else(|e| panic!("{e}"));
    say("comparing with ONNX Runtime");
    let (agreement, first_class, limit) = agreement(&compiled, &vectors, &stored);
    let bench = shared_folder().map(|shared| {
        say("counting cycles");
        let figures = shared_bench::measure(&compiled, Form::C("-O2"), &target.core, &shared.join("bench"))
            .unwrap_or_else(|e| panic!("{e}"));
        (figures.instructions, figures.cycles.expect("the bench has a model of this core"))
    });
    let ours = score(subject, &compiled, &say);
    Row {
        title: title.clone(),
        form,
        model: model.name.clone(),
        verification,
        vectors: agreement,
        first_class,
        limit,
        ours,
        theirs: subject.theirs,
        bench,
        arena: (compiled.memory.arena_bytes, compiled.memory.lower_bound),
        compile,
    }
}

/// The compiled network and the median of five compile times.
fn timed(model: &Model) -> (Compiled, Duration) {
    let options = model.options();
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..5 {
        let start = Instant::now();
        last = Some(compile(&model.file, &options).unwrap_or_else(|e| panic!("{}:\n{e}", model.name)));
        times.push(start.elapsed());
    }
    times.sort();
    (last.expect("it was compiled"), times[2])
}

/// Evaluates the stored samples: agreement over all elements, first classes, and the limit for floats.
fn agreement(
    compiled: &Compiled,
    vectors: &Vectors,
    stored: &[Vec<Tensor>],
) -> (Agreement, (usize, usize), Option<f64>) {
    let graph = &compiled.model.reference;
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    for (i, inputs) in stored.iter().enumerate() {
        let outputs = eval(graph, inputs).outputs(graph);
        for (output, data) in outputs.iter().zip(vectors.outputs(graph, i)) {
            expected.push(Tensor::new(output.shape.clone(), data));
        }
        got.extend(outputs);
    }
    let ty = graph.ty(graph.outputs[0]);
    let agree =
        got.iter().zip(&expected).filter(|(a, b)| first(&reals(a, ty)) == first(&reals(b, ty))).count();
    let largest = expected.iter().flat_map(|t| reals(t, ty)).fold(1.0, |most: f64, x| most.max(x.abs()));
    let limit = (ty.dtype == DType::F32).then_some(1e-5 * largest);
    (Agreement::of(&got, &expected), (agree, got.len()), limit)
}

/// The score on all labelled data, evaluated by the emitted C on the host.
fn score(subject: &Subject, compiled: &Compiled, say: &dyn Fn(&str)) -> Score {
    const CHECKED: usize = 3;
    const CHUNK: usize = 100;
    let folder = std::env::temp_dir().join(format!("tinyc-table-{}", std::process::id()));
    let host = Host::build(&folder, &[&compiled.program], FAST);
    let graph = &compiled.model.reference;
    let (input, output) = (graph.ty(graph.inputs[0]), graph.ty(graph.outputs[0]));
    let samples = subject.labelled.samples(input);
    let mut outputs: Vec<Data> = Vec::new();
    for chunk in samples.chunks(CHUNK) {
        say(&format!("labelled sample {} of {}", outputs.len(), samples.len()));
        let inputs: Vec<Vec<Data>> = chunk.iter().map(|(x, _)| vec![x.clone()]).collect();
        let ran = host.run(0, &inputs).unwrap_or_else(|e| panic!("{}: {e}", subject.model.name));
        outputs.extend(ran.into_iter().flatten());
    }
    remove(&folder);
    for ((x, _), got) in samples.iter().zip(&outputs).take(CHECKED) {
        let inputs = [Tensor::new(input.shape.clone(), x.clone())];
        let want = &eval(graph, &inputs).outputs(graph)[0];
        same(got, &want.data).unwrap_or_else(|e| panic!("{} on the host: {e}", subject.model.name));
    }
    let results = outputs.into_iter().map(|y| reals(&Tensor::new(output.shape.clone(), y), output));
    match subject.theirs {
        Score::Top1 { .. } => {
            let right = results.zip(&samples).filter(|(y, (_, label))| first(y) == *label).count();
            Score::Top1 { right, of: samples.len() }
        }
        Score::Error { .. } => {
            let mut clips = [(0.0, 0usize); 2];
            for ((y, x), (_, clip)) in results.zip(subject.labelled.targets()).zip(&samples) {
                let squares = y.iter().zip(&x).map(|(y, x)| (y - f64::from(*x)).powi(2)).sum::<f64>();
                clips[*clip].0 += squares / x.len() as f64;
                clips[*clip].1 += 1;
            }
            let [normal, anomaly] = clips.map(|(sum, count)| sum / count as f64);
            Score::Error { normal, anomaly }
        }
    }
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap_or_else(|e| eprintln!("{} stays: {e}", folder.display()));
}

/// The position of the greatest number, the first of equals.
fn first(numbers: &[f64]) -> usize {
    (1..numbers.len()).fold(0, |best, i| if numbers[i] > numbers[best] { i } else { best })
}

impl Row {
    /// Promises that the figures do not keep.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut unless = |kept: bool, what: String| {
            if !kept {
                missed.push(format!("{}: {what}", self.model));
            }
        };
        unless(self.verification.is_proof(), "is not verified".into());
        let difference = self.vectors.max_abs_difference;
        if let Some(limit) = self.limit {
            unless(difference <= limit, format!("differs by {difference:e} of at most {limit:e}"));
        }
        match (self.ours, self.theirs) {
            (Score::Top1 { right, of }, Score::Top1 { right: theirs, .. }) => {
                // Half a point of all samples, but at least one sample.
                let allowed = (of / 200).max(1);
                unless(
                    right + allowed >= theirs,
                    format!("has {right} right, ONNX Runtime {theirs} of {of}"),
                );
            }
            (ours, theirs) => {
                let (Score::Error { normal, anomaly }, Score::Error { normal: n, anomaly: a }) =
                    (ours, theirs)
                else {
                    unreachable!("both are scored alike")
                };
                let close = |x: f64, y: f64| (x - y).abs() <= 0.005 * y;
                unless(close(normal, n) && close(anomaly, a), format!("has errors {normal} and {anomaly}"));
            }
        }
        let milliseconds = self.compile.as_millis();
        unless(milliseconds < 1000 || cfg!(debug_assertions), format!("compiles in {milliseconds} ms"));
        missed
    }
}
