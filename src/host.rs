//! A network as native code of this machine: what `eval` says, bit for bit (every NaN is one), many times as fast, and on all cores.
//!
//! The graph is optimised and lowered as for a target, and Cranelift makes its code in this process. Not here: what a
//! graph means (`tinyc_ir::eval`), and what the code looks like (`tinyc_host`).

use crate::state::Sequence;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tinyc_host::{Host, Session};
use tinyc_ir::{Data, Graph, Shape, Tensor};
use tinyc_passes::graph::optimise;
use tinyc_passes::lower::{Features, lower};

pub use tinyc_host::Failure;

/// What lowering is told of this machine: sixteen vectors of four registers, and nothing that a microcontroller has.
const FEATURES: Features = Features { saturate: false, dsp: false, registers: 64 };

/// A graph that this machine executes. Many threads may use it at the same time.
#[derive(Clone, Debug)]
pub struct Network {
    host: Host,
    outputs: Vec<Shape>,
}

/// Why a graph has no native code; `eval` evaluates it all the same.
#[derive(Debug)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

impl Network {
    /// Makes code of a verified graph, with all its inputs and outputs.
    ///
    /// # Errors
    /// A graph that lowering refuses, or a machine that there is no code for.
    pub fn compile(graph: &Graph) -> Result<Self, Unavailable> {
        let lowered = lower(&optimise(graph), FEATURES).map_err(|e| Unavailable(e.to_string()))?;
        let host = Host::compile(&lowered.program).map_err(|e| Unavailable(e.to_string()))?;
        let outputs = graph.outputs.iter().map(|&value| graph.ty(value).shape.clone()).collect();
        Ok(Self { host, outputs })
    }

    /// Runs the network once on one tensor per input; the outputs in the graph's order.
    ///
    /// # Errors
    /// Tensors that are not the network's inputs; numbers that select data that do not exist.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
        self.run_in(&mut self.host.session(), inputs)
    }

    /// Runs each sample on its own, as many at a time as the machine has cores; calls `done` after each. The
    /// results are in the order of the samples.
    pub fn run_all(
        &self,
        samples: &[Vec<Tensor>],
        done: impl Fn() + Sync,
    ) -> Vec<Result<Vec<Tensor>, Failure>> {
        let results: Vec<Mutex<Option<_>>> = samples.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut session = self.host.session();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(inputs) = samples.get(at) else { break };
                *results[at].lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(self.run_in(&mut session, inputs));
                done();
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(samples.len());
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let result = |slot: Mutex<Option<_>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().map(|slot| result(slot).expect("every sample was run")).collect()
    }

    /// Runs samples one after the other, each from the state that the one before it left; calls `done` after each.
    /// Ends after the first that fails.
    pub fn run_sequence(
        &self,
        mut sequence: Sequence<'_>,
        samples: &[Vec<Tensor>],
        mut done: impl FnMut(),
    ) -> Vec<Result<Vec<Tensor>, Failure>> {
        let mut session = self.host.session();
        let mut results = Vec::new();
        for supplied in samples {
            let result = self.run_in(&mut session, &sequence.inputs(supplied));
            done();
            let failed = result.is_err();
            if let Ok(outputs) = &result {
                sequence.keep(outputs);
            }
            results.push(result);
            if failed {
                break;
            }
        }
        results
    }

    fn run_in(&self, session: &mut Session, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
        let data: Vec<&Data> = inputs.iter().map(|tensor| &tensor.data).collect();
        let outputs = session.run_on(&data)?;
        Ok(outputs
            .into_iter()
            .zip(&self.outputs)
            .map(|(data, shape)| Tensor::new(shape.clone(), data))
            .collect())
    }
}
