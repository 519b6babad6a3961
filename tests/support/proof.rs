//! One network in all its forms: the reference graph, the optimised graph and the loop program must compute the same
//! bits, tensor by tensor.

use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::eval::eval;
use tinyc_ir::loops::interpret::Interpreter;
use tinyc_ir::loops::{Access, Program, normalize, verify};
use tinyc_ir::text::{parse_graph, parse_program, print_graph, print_program};
use tinyc_ir::{Data, Graph, Tensor};

/// The forms of one network.
pub(crate) struct Forms<'a> {
    pub(crate) reference: &'a Graph,
    pub(crate) optimised: &'a Graph,
    pub(crate) program: &'a Program,
}

impl Forms<'_> {
    /// Checks the program's invariants.
    pub(crate) fn verify(&self) -> Result<(), String> {
        verify(self.program).map_err(|faults| {
            let faults: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
            format!("the loop verifier says {}", faults.join("; "))
        })
    }

    /// Evaluates the sample in all forms, compares, and returns the outputs.
    pub(crate) fn outputs(&self, inputs: &[Tensor]) -> Result<Vec<Data>, String> {
        let expected: Vec<Tensor> = eval(self.reference, inputs).outputs(self.reference);
        let run = eval(self.optimised, inputs);
        if let Some((node, why)) = run.failure() {
            return Err(format!("the optimised graph fails at {node}: {why}"));
        }
        for (i, (got, want)) in run.outputs(self.optimised).iter().zip(&expected).enumerate() {
            if got.shape != want.shape {
                return Err(format!("output {i} has shape {} and {}", got.shape, want.shape));
            }
            same(&got.data, &want.data).map_err(|e| format!("optimised output {i}: {e}"))?;
        }
        let tensors: BTreeMap<&str, &Tensor> =
            self.optimised.values.iter().map(|(v, data)| (data.name.as_str(), run.tensor(v))).collect();
        let last = last_writers(self.program);
        let mut wrong = Ok(());
        let mut interpreter = Interpreter::new(self.program).map_err(|trap| trap.to_string())?;
        let data: Vec<Data> = inputs.iter().map(|t| t.data.clone()).collect();
        let outputs = interpreter.run_with(&data, |call, memory| {
            for (buffer, _) in self.program.buffers.iter().filter(|(b, _)| last[b.index()] == Some(call)) {
                let Some(name) = &self.program.buffers[buffer].tensor else { continue };
                let check = match (tensors.get(name.as_str()), memory.read(buffer)) {
                    (Some(want), Some(got)) => same(&got, &want.data),
                    (None, _) => Err("the optimised graph has no such tensor".into()),
                    (_, None) => Err("it is not written whole".into()),
                };
                if let (Ok(()), Err(e)) = (&wrong, check) {
                    wrong = Err(format!("tensor {name:?} after call {call}: {e}"));
                }
            }
        });
        wrong?;
        let outputs = outputs.map_err(|trap| trap.to_string())?.outputs;
        for (i, (got, want)) in outputs.iter().zip(&expected).enumerate() {
            same(got, &want.data).map_err(|e| format!("interpreted output {i}: {e}"))?;
        }
        Ok(outputs)
    }

    /// Prints all forms and reads them back.
    pub(crate) fn round_trip(&self) -> Result<(), String> {
        for graph in [self.reference, self.optimised] {
            let text = print_graph(graph);
            let back = parse_graph("printed", &text).map_err(|e| e.to_string())?;
            unchanged(&text, &print_graph(&back))?;
        }
        let text = print_program(self.program);
        let back = parse_program("printed", &text).map_err(|e| e.to_string())?;
        unchanged(&text, &print_program(&back))?;
        // A program with NaN in a constant does not even equal itself; its text has said all of it.
        let normal = normalize(self.program);
        if back != normal && normal == normal.clone() {
            return Err("the program that is read back is another".into());
        }
        Ok(())
    }
}

/// Two texts that must be equal; the error shows the first line that is not.
fn unchanged(text: &str, again: &str) -> Result<(), String> {
    match text.lines().zip(again.lines()).find(|(a, b)| a != b) {
        Some((a, b)) => Err(format!("printed, read and printed again,\n{a}\nbecomes\n{b}")),
        None if text != again => Err("printed, read and printed again, it is longer or shorter".into()),
        None => Ok(()),
    }
}

/// For each buffer, the last call that writes it.
fn last_writers(program: &Program) -> Vec<Option<usize>> {
    let mut last = vec![None; program.buffers.len()];
    for (position, call) in program.calls.iter().enumerate() {
        for (param, buffer) in program.kernels[call.kernel].params.values().zip(&call.args) {
            if param.access != Access::Read {
                last[buffer.index()] = Some(position);
            }
        }
    }
    last
}

/// Whether both hold the same bits, every NaN being the same; the error names the first element that differs.
pub(crate) fn same(got: &Data, want: &Data) -> Result<(), String> {
    if (got.dtype(), got.len()) != (want.dtype(), want.len()) {
        return Err(format!("{}[{}] instead of {}[{}]", got.dtype(), got.len(), want.dtype(), want.len()));
    }
    let at = match (got, want) {
        (Data::F32(a), Data::F32(b)) => {
            a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()))
        }
        (Data::F64(a), Data::F64(b)) => {
            a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()))
        }
        _ if got.dtype().is_half() => (0..got.len()).position(|i| {
            let nan = |data: &Data| data.gather(&[i]).to_reals()[0].is_nan();
            got.bits(i) != want.bits(i) && !(nan(got) && nan(want))
        }),
        _ if got.dtype().is_packed() => (0..got.len()).position(|i| got.bits(i) != want.bits(i)),
        _ => {
            let (a, b, size) = (got.to_le_bytes(), want.to_le_bytes(), got.dtype().size());
            a.iter().zip(&b).position(|(a, b)| a != b).map(|byte| byte / size)
        }
    };
    match at {
        None => Ok(()),
        Some(i) => Err(format!("element {i} is {:?} instead of {:?}", got.gather(&[i]), want.gather(&[i]))),
    }
}
