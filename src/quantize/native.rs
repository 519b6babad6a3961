//! Runs graphs of the quantiser as native code of this machine.

use crate::host::Network;
use tinyc_ir::Graph;
use tinyc_passes::quantize::runner::{Evaluator, Run, Runner};

/// Native code; the evaluator for what has none.
pub struct Native;

impl Runner for Native {
    fn prepare<'r>(&self, graph: &'r Graph) -> Run<'r> {
        let slow = Evaluator.prepare(graph);
        match Network::compile(graph) {
            // A run that selects data that do not exist has an answer there all the same.
            Ok(network) => Box::new(move |inputs| network.run(inputs).unwrap_or_else(|_| slow(inputs))),
            Err(_) => slow,
        }
    }
}
