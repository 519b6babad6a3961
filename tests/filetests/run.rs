//! `; test run`: the outputs of a graph by the reference evaluator, or of a program by the interpreter.

use crate::SubTest;
use crate::case::Case;
use tinyc_ir::Data;
use tinyc_ir::loops::interpret;
use tinyc_ir::text::print_data;

pub(crate) struct Run;

impl SubTest for Run {
    const NAME: &'static str = "run";

    fn run(case: &Case, _argument: &str) -> Result<String, String> {
        if case.is_program() {
            let program = case.valid_program()?;
            let buffers = || program.inputs.iter().map(|&b| &program.buffers[b]);
            let inputs: Result<Vec<_>, _> = buffers().map(|b| case.input(&b.name, b.scalar, b.len)).collect();
            return match interpret::run(&program, &inputs?) {
                Ok(run) => Ok(program
                    .outputs
                    .iter()
                    .zip(&run.outputs)
                    .map(|(&b, data)| {
                        format!("{} = {}\n", program.buffers[b].name, print_data(&one_nan(data)))
                    })
                    .collect()),
                Err(trap) => Ok(format!("{trap}")),
            };
        }
        let graph = case.valid_graph()?;
        let inputs = case.graph_inputs(&graph)?;
        let run = tinyc_ir::eval::eval(&graph, &inputs);
        if let Some((node, why)) = run.failure() {
            return Ok(format!("{node} fails: {why}\n"));
        }
        let outputs = run.outputs(&graph);
        let line = |(&v, tensor): (&tinyc_ir::Value, &tinyc_ir::Tensor)| {
            let data = &graph.values[v];
            format!("{}: {} = {}\n", data.name, data.ty, print_data(&one_nan(&tensor.data)))
        };
        Ok(graph.outputs.iter().zip(&outputs).map(line).collect())
    }
}

/// The same data with one NaN for all: which bits an invalid operation gives is the host's choice.
pub(crate) fn one_nan(data: &Data) -> Data {
    match data {
        Data::F32(v) => Data::F32(v.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }).collect()),
        other => other.clone(),
    }
}
