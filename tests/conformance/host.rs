//! The level of emitted C: many small programs in one source file and one process, with sanitizers on.

use crate::outcome::{Failure, Level, Lowered, Outcome};
use crate::parallel;
use crate::support::host::{Host, STRICT};
use crate::support::proof::same;
use std::path::Path;
use std::sync::Mutex;
use tinyc_ir::loops::Program;

/// Programs in one source file: more cost the compiler less in all, fewer keep all processors busy to the end.
const BATCH: usize = 40;

/// Unoptimised code compiles twice as fast, and sanitizers see no less in it. (Other tests run optimised code.)
fn flags() -> Vec<&'static str> {
    [STRICT, &["-O0"]].concat()
}

/// Compiles and runs every test that got so far, and puts down what became of it.
pub(crate) fn run(outcomes: &mut [Outcome<'_>]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance/host");
    let mut ready: Vec<&mut Outcome<'_>> = outcomes.iter_mut().filter(|o| o.lowered.is_some()).collect();
    let batches: Vec<Mutex<&mut [&mut Outcome<'_>]>> = ready.chunks_mut(BATCH).map(Mutex::new).collect();
    parallel::each(batches.len(), |number| {
        let mut batch = batches[number].lock().expect("each batch is taken once");
        let lowered: Vec<&Lowered> = batch.iter().filter_map(|o| o.lowered.as_ref()).collect();
        let results = check(&folder.join(number.to_string()), &lowered);
        for (outcome, result) in batch.iter_mut().zip(results) {
            match result {
                Ok(()) => outcome.reached = Some(Level::C),
                Err(e) => outcome.failure = Some(Failure::Wrong(format!("in C: {e}"))),
            }
        }
    });
}

/// Whether each program in C repeats its run. Halves what does not compile or does not run, until it is clear which.
fn check(folder: &Path, batch: &[&Lowered]) -> Vec<Result<(), String>> {
    let programs: Vec<&Program> = batch.iter().map(|l| &l.program).collect();
    let samples: Vec<_> = batch.iter().map(|l| [l.inputs.clone()]).collect();
    let runs: Vec<_> = samples.iter().enumerate().map(|(i, samples)| (i, samples.as_slice())).collect();
    let ran = Host::build_as_one(folder, &programs, &flags()).and_then(|host| host.run_several(&runs));
    match ran {
        Ok(ran) => batch
            .iter()
            .zip(&ran)
            .map(|(lowered, samples)| {
                let mut pairs = samples[0].iter().zip(&lowered.outputs).enumerate();
                pairs.try_for_each(|(output, (got, want))| {
                    same(got, want).map_err(|e| format!("output {output}: {e}"))
                })
            })
            .collect(),
        Err(e) if batch.len() == 1 => vec![Err(e)],
        Err(_) => {
            let (left, right) = batch.split_at(batch.len() / 2);
            let mut results = check(folder, left);
            results.extend(check(folder, right));
            results
        }
    }
}
