//! `; test pass NAME`: the graph behind one pass, and what the pass tells. An exact pass changes no bit on random inputs.

use crate::SubTest;
use crate::case::Case;
use tinyc_ir::{Diagnostics, eval::eval, testing::random_inputs, verify::verify};
use tinyc_passes::graph::passes;

pub(crate) struct PassTest;

/// Random runs that an exact pass is put through.
const ROUNDS: u64 = 16;

impl SubTest for PassTest {
    const NAME: &'static str = "pass";

    fn run(case: &Case, argument: &str) -> Result<String, String> {
        let pass = passes().find(|p| p.name == argument).ok_or_else(|| {
            let names: Vec<_> = passes().map(|p| p.name).collect();
            format!("there is no pass `{argument}`; there are {}", names.join(", "))
        })?;
        let graph = case.valid_graph()?;
        let mut diagnostics = Diagnostics::default();
        let after = pass.apply(&graph, &mut diagnostics);
        verify(&after).map_err(|e| format!("the new graph is not valid:\n{e}\n{after}"))?;
        for seed in 0..if pass.exact { ROUNDS } else { 0 } {
            let inputs = random_inputs(&graph, seed);
            let (old, new) = (eval(&graph, &inputs).outputs(&graph), eval(&after, &inputs).outputs(&after));
            if let Some((old, new)) = old.iter().zip(&new).find(|(old, new)| !old.same_bits(new)) {
                return Err(format!(
                    "the exact pass changes bits: {old:?}\n{new:?}\nfor {inputs:?}\n{after}"
                ));
            }
        }
        let told = if diagnostics.0.is_empty() { String::new() } else { format!("{diagnostics}\n") };
        Ok(told + &after.to_string())
    }
}
