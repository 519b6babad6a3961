//! Arrays from `.npz` files, cut into samples.

use super::models::Model;
use std::path::Path;
use tinyc::npz::{self, Array, Npz};
use tinyc::pipeline::Compiled;
use tinyc_ir::{Data, Graph, Tensor};

/// The numeric arrays of a file.
pub(crate) struct Vectors(Npz);

impl Vectors {
    /// Reads a file; arrays of strings are left out.
    pub(crate) fn read(path: &Path) -> Self {
        Self(npz::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    fn array(&self, name: &str) -> &Array {
        self.0.get(name).unwrap_or_else(|| panic!("{} has no array {name}", self.0.name))
    }

    /// An array's elements, if there is one of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Data> {
        self.0.get(name).map(|array| &array.data)
    }

    /// How many samples are stored for a graph.
    pub(crate) fn count(&self) -> usize {
        self.array("in_0").shape[0]
    }

    /// The inputs of one sample, in the graph's order.
    pub(crate) fn inputs(&self, graph: &Graph, sample: usize) -> Vec<Tensor> {
        let inputs = graph.inputs.iter().enumerate();
        inputs
            .map(|(i, &value)| {
                let shape = graph.ty(value).shape.clone();
                let data = cut(&self.array(&format!("in_{i}")).data, sample, shape.elements());
                Tensor::new(shape, data)
            })
            .collect()
    }

    /// The stored answers to one sample, each as long as the graph's output.
    pub(crate) fn outputs(&self, graph: &Graph, sample: usize) -> Vec<Data> {
        let lengths = graph.outputs.iter().map(|&value| graph.ty(value).shape.elements());
        lengths.enumerate().map(|(i, n)| cut(&self.array(&format!("out_{i}")).data, sample, n)).collect()
    }
}

/// Stored samples of a model, at most `count`, and as many random ones, which reach the ends of the types.
pub(crate) fn samples(model: &Model, compiled: &Compiled, count: usize) -> Vec<Vec<Tensor>> {
    let (graph, vectors) = (&compiled.model.reference, Vectors::read(&model.vectors));
    let stored = (0..vectors.count().min(count)).map(|sample| vectors.inputs(graph, sample));
    stored.chain(tinyc::samples::random(&compiled.model, 1, count)).collect()
}

/// The elements of one of several stacked samples.
pub(crate) fn cut(data: &Data, sample: usize, length: usize) -> Data {
    data.gather(&(sample * length..(sample + 1) * length).collect::<Vec<_>>())
}
