//! The table of all models there are: each as an object for a Cortex-M4, proven in the simulator and compared with the stored
//! outputs of ONNX Runtime.

use crate::support::models::{self, ALLOWANCES, Model};
use crate::support::vectors::Vectors;
use std::fmt::Write as _;
use tinyc::agreement::Agreement;
use tinyc::pipeline::{Compiled, Emit, Options, compile};
use tinyc::verify::{self, Method, Verification};
use tinyc::wording::grouped;
use tinyc_ir::eval::eval;
use tinyc_ir::{DType, Tensor};

/// Stored samples that are run, and for networks of more cycles than this only one.
const SAMPLES: usize = 4;
const LONG: u64 = 30_000_000;

/// What was found of a model.
pub(crate) struct ModelRow {
    model: Model,
    compiled: Compiled,
    verification: Verification,
    agreement: Option<Agreement>,
    /// By how much it may differ from ONNX Runtime.
    limit: f64,
}

/// Measures every model.
pub(crate) fn rows() -> Vec<ModelRow> {
    models::own().into_iter().chain(models::all_shared()).map(row).collect()
}

fn row(model: Model) -> ModelRow {
    eprintln!("{}: compiling and verifying", model.name);
    let target = tinyc_targets::find("cortex-m4").expect("the core is known");
    let options = Options { target: target.clone(), emit: [Emit::Obj].into(), ..model.options() };
    let compiled = compile(&model.file, &options).unwrap_or_else(|e| panic!("{}:\n{e}", model.name));
    let (graph, vectors) = (&compiled.model.reference, Vectors::read(&model.vectors));
    let cycles = compiled.object.as_ref().expect("it was emitted").total.expect("the core is timed").cycles;
    let count = vectors.count().min(if cycles > LONG { 1 } else { SAMPLES });
    let samples: Vec<Vec<Tensor>> = (0..count).map(|i| vectors.inputs(graph, i)).collect();
    let simulated = verify::Options { method: Method::Simulator, ..verify::Options::default() };
    let verification = verify::verify(&compiled, &target, &samples, &simulated, &mut |_| {})
        .unwrap_or_else(|e| panic!("{}: {e}", model.name));
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    for (i, inputs) in samples.iter().enumerate().filter(|_| model.answered) {
        for (output, data) in eval(graph, inputs).outputs(graph).into_iter().zip(vectors.outputs(graph, i)) {
            expected.push(Tensor::new(output.shape.clone(), data));
            got.push(output);
        }
    }
    let agreement = model.answered.then(|| Agreement::of(&got, &expected));
    let largest =
        expected.iter().filter_map(|t| t.data.as_f32()).flatten().fold(1.0f32, |most, x| most.max(x.abs()));
    let float = graph.outputs.iter().any(|&v| graph.ty(v).dtype == DType::F32);
    let allowance = ALLOWANCES.iter().find(|(name, ..)| *name == model.name);
    let limit = allowance.map_or(0.0, |(_, steps, scale, _)| steps * scale)
        + if float { 1e-5 * f64::from(largest) } else { 0.0 };
    ModelRow { model, compiled, verification, agreement, limit }
}

impl ModelRow {
    /// Promises that the figures do not keep.
    pub(crate) fn missed(&self) -> Option<String> {
        let far = self.agreement.is_some_and(|agreement| agreement.max_abs_difference > self.limit);
        let what = match (self.verification.is_proof(), far) {
            (false, _) => "is not verified",
            (true, true) => "differs from ONNX Runtime by more than is allowed",
            (true, false) => return None,
        };
        Some(format!("{} {what}", self.model.name))
    }

    fn agreement(&self) -> String {
        match &self.agreement {
            None => "–".into(),
            Some(found) if found.equal == found.elements => format!("equal ({})", found.elements),
            Some(found) => {
                format!("{} of {}, ≤ {:.1e}", found.equal, found.elements, found.max_abs_difference)
            }
        }
    }
}

/// The table.
pub(crate) fn markdown(rows: &[ModelRow]) -> String {
    let mut text = String::from(
        "| model | ONNX nodes | layers | MACs | verified | ONNX Runtime's outputs | cycles | arena | weights | code | stack |\n\
         |---|--:|--:|--:|---|---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let ModelRow { model, compiled, verification, .. } = row;
        let object = compiled.object.as_ref().expect("it was emitted");
        let total = object.total.expect("the core is timed");
        let (equal, all) = (verification.samples_equal, verification.samples);
        let cells = [
            model.name.clone(),
            compiled.model.onnx_nodes.to_string(),
            compiled.program.calls.len().to_string(),
            grouped(compiled.macs),
            format!("{}{equal}/{all}", if verification.is_proof() { "" } else { "**no** " }),
            row.agreement(),
            format!("{}{}", if total.exact { "" } else { "~ " }, grouped(total.cycles)),
            grouped(compiled.memory.arena_bytes),
            grouped(object.constant_bytes),
            grouped(object.code_bytes),
            object.stack_bytes.to_string(),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
