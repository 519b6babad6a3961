//! `; test interpret`: a graph, lowered and interpreted on the file's inputs and on random ones, gives the bytes of `eval`.

use crate::SubTest;
use crate::case::Case;
use crate::run::one_nan;
use tinyc_ir::loops::{interpret, verify};
use tinyc_ir::op::gather::OUTSIDE;
use tinyc_ir::{Data, Graph, Tensor, eval::eval, testing::random_inputs};
use tinyc_passes::lower::{Features, lower};

pub(crate) struct Interpret;

/// Random runs besides the one on the file's inputs.
const ROUNDS: u64 = 8;

impl SubTest for Interpret {
    const NAME: &'static str = "interpret";

    fn run(case: &Case, _argument: &str) -> Result<String, String> {
        let graph = case.valid_graph()?;
        let mut runs = vec![case.graph_inputs(&graph)?];
        runs.extend((0..ROUNDS).map(|seed| random_inputs(&graph, seed)));
        for (saturate, dsp) in [(false, false), (true, false), (true, true)] {
            let program =
                lower(&graph, Features { saturate, dsp, registers: 14 }).map_err(|e| e.to_string())?.program;
            verify(&program).map_err(|e| format!("the lowered program is not valid: {}\n{program}", e[0]))?;
            for inputs in &runs {
                let data: Vec<Data> = inputs.iter().map(|t| t.data.clone()).collect();
                let run = interpret::run(&program, &data);
                match (eval(&graph, inputs).failure(), run) {
                    (None, Ok(run)) => compare(&graph, inputs, &run.outputs)?,
                    (Some(_), Err(trap)) if trap.fail == Some(OUTSIDE) => {}
                    (Some((node, why)), _) => return Err(format!("only eval fails, at {node}: {why}")),
                    (None, Err(trap)) => return Err(format!("{trap}\n{program}")),
                }
            }
        }
        Ok("same bytes as eval".into())
    }
}

fn compare(graph: &Graph, inputs: &[Tensor], outputs: &[Data]) -> Result<(), String> {
    for ((&value, expected), got) in graph.outputs.iter().zip(eval(graph, inputs).outputs(graph)).zip(outputs)
    {
        if one_nan(&expected.data).to_le_bytes() != one_nan(got).to_le_bytes() {
            let name = &graph.values[value].name;
            return Err(format!("{name} is {got:?}, not {:?}, for {inputs:?}", expected.data));
        }
    }
    Ok(())
}
