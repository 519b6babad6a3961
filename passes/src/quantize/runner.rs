//! How the quantiser runs graphs: many samples, on all cores, with results that do not depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use tinyc_ir::eval::eval;
use tinyc_ir::graph::Value;
use tinyc_ir::rewriter::compact;
use tinyc_ir::{Graph, Tensor};

/// A graph that is ready to run on samples: one tensor for each input, one for each output.
pub type Run<'r> = Box<dyn Fn(&[Tensor]) -> Vec<Tensor> + Sync + 'r>;

/// Makes graphs ready to run. This crate sees no backend; who calls it may have something faster than the evaluator.
pub trait Runner {
    /// The graph, ready to run; bit by bit what `eval` says.
    fn prepare<'r>(&self, graph: &'r Graph) -> Run<'r>;

    /// How many threads may run at once, at least 1.
    fn threads(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Some samples were run.
    fn step(&self, _samples: usize) {}

    /// What the next runs are for.
    fn stage(&self, _what: &str) {}
}

/// The evaluator: slow, and always there.
pub struct Evaluator;

impl Runner for Evaluator {
    fn prepare<'r>(&self, graph: &'r Graph) -> Run<'r> {
        Box::new(|inputs| eval(graph, inputs).outputs(graph))
    }
}

/// The graph with other outputs.
pub fn observing(graph: &Graph, values: &[Value]) -> Graph {
    let mut watched = graph.clone();
    watched.outputs = values.to_vec();
    compact(&watched)
}

/// Samples that one thread takes at once; a constant, so that sums have the same order on any machine.
const CHUNK: usize = 4;

/// Runs a prepared graph on samples and folds the outputs of each chunk of them into a `T`; returns those in the samples' order.
pub fn chunks<T: Send>(
    runner: &dyn Runner,
    run: &Run<'_>,
    samples: &[Vec<Tensor>],
    new: impl Fn() -> T + Sync,
    fold: impl Fn(&mut T, usize, Vec<Tensor>) + Sync,
) -> Vec<T> {
    let count = samples.len().div_ceil(CHUNK);
    let folded = each(runner.threads(), count, |chunk| {
        let mut folded = new();
        for (at, sample) in samples.iter().enumerate().skip(chunk * CHUNK).take(CHUNK) {
            fold(&mut folded, at, run(sample));
        }
        folded
    });
    runner.step(samples.len());
    folded
}

/// The results of `work` on 0 to `count`, in that order, made by so many threads.
pub fn each<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, work(at)));
        }
    };
    let mut all: Vec<(usize, T)> = match threads.min(count) {
        0 | 1 => some(),
        threads => std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<(usize, T)>>| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            workers.into_iter().flat_map(join).collect()
        }),
    };
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}

/// The outputs of each sample, as `keep` makes them smaller.
pub fn outputs<T: Send>(
    runner: &dyn Runner,
    graph: &Graph,
    samples: &[Vec<Tensor>],
    keep: impl Fn(Vec<Tensor>) -> T + Sync,
) -> Vec<T> {
    let run = runner.prepare(graph);
    let fold = |all: &mut Vec<T>, _, outputs| all.push(keep(outputs));
    chunks(runner, &run, samples, Vec::new, fold).into_iter().flatten().collect()
}
