//! Samples: what the inputs of a model are given for one run. Random ones, and those of a file behind the feature `cli`.

#[cfg(feature = "cli")]
mod select;

use crate::pipeline::Model;
use tinyc_ir::eval::Evaluation;
use tinyc_ir::op::gather::OUTSIDE;
use tinyc_ir::seeded::Seeded;
use tinyc_ir::{Data, Diagnostic, Graph, Tensor, TensorType};

#[cfg(feature = "cli")]
pub use select::{Samples, select};

/// A sample's numbers select data that do not exist.
const SELECTS: u16 = 709;

/// Inputs over the whole range of their types.
pub fn random(model: &Model, seed: u64, count: usize) -> Vec<Vec<Tensor>> {
    let mut stream = Seeded::new(seed);
    let graph = &model.reference;
    let mut sample = || {
        let types = model.states.supplied(graph).map(|(_, value)| graph.ty(value));
        types.map(|ty| stream.tensor(ty.dtype, ty.shape.clone())).collect()
    };
    (0..count).map(|_| sample()).collect()
}

/// The error of a sample for which a compiled network ends the run with an error.
pub fn failure(graph: &Graph, run: &Evaluation, sample: usize) -> Option<Diagnostic> {
    let (node, why) = run.failure()?;
    let data = &graph.nodes[node];
    let message = format!("sample {sample} selects data that do not exist: {why}");
    Some(
        Diagnostic::error(SELECTS, message)
            .note(format!("at {node} ({}), {}", data.op.name(), data.origin))
            .note(format!("the compiled network returns {OUTSIDE} for it")),
    )
}

/// The real numbers that a tensor's elements stand for.
pub fn reals(tensor: &Tensor, ty: &TensorType) -> Vec<f64> {
    match (&tensor.data, &ty.quant) {
        (Data::F32(values), _) => values.iter().map(|&v| f64::from(v)).collect(),
        (data, _) if data.dtype().is_float() => data.to_reals(),
        (data, quant) => {
            let (scale, zero) = quant.as_ref().and_then(|q| q.tensor_wide()).unwrap_or((1.0, 0));
            let ints = data.to_ints().unwrap_or_default();
            ints.iter().map(|&v| (v as f64 - f64::from(zero)) * f64::from(scale)).collect()
        }
    }
}
