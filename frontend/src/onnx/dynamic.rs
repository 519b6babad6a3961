//! Layers that measure the range of their input in each run (`DynamicQuantizeLinear`), and the float layers that they stand for.
//!
//! `(MatMulInteger or ConvInteger) → Cast → Mul` by the product of both scales becomes `MatMul` or `Conv` on floats, with the weights
//! that the stored integers mean. Ranges can then be chosen once, from samples. Layers of other forms stay as they are.

use super::proto::{GraphProto, NodeProto, TensorProto};
use super::tensor;
use std::collections::BTreeMap;
use tinyc_ir::Tensor;

/// A layer and the nodes that it is made of.
struct Layer {
    /// The products of integers, their conversion, and the scaling.
    product: usize,
    cast: usize,
    scaling: usize,
    /// What was quantised.
    input: String,
    weight: Tensor,
}

/// How many layers of a graph measure their input.
pub(super) fn count(graph: &GraphProto) -> usize {
    layers(graph).len()
}

/// Replaces such layers by float ones; returns how many.
pub(super) fn undo(graph: &mut GraphProto) -> usize {
    let layers = layers(graph);
    for layer in &layers {
        let weight = graph.node[layer.product].input[1].clone();
        let result = graph.node[layer.scaling].output[0].clone();
        // The result's name has no other part like this.
        let name = format!("{weight}/of/{result}");
        let convolution = graph.node[layer.product].op_type() == "ConvInteger";
        let product = &graph.node[layer.product];
        let node = NodeProto {
            input: vec![layer.input.clone(), name.clone()],
            output: vec![result],
            name: product.name.clone(),
            op_type: Some(if convolution { "Conv" } else { "MatMul" }.to_owned()),
            attribute: product.attribute.clone(),
            ..NodeProto::default()
        };
        graph.initializer.push(tensor::write(&name, &layer.weight));
        graph.node[layer.scaling] = node;
    }
    let mut gone: Vec<usize> = layers.iter().flat_map(|layer| [layer.product, layer.cast]).collect();
    gone.sort_unstable();
    for at in gone.into_iter().rev() {
        graph.node.remove(at);
    }
    layers.len()
}

fn layers(graph: &GraphProto) -> Vec<Layer> {
    let initializers: BTreeMap<&str, &TensorProto> =
        graph.initializer.iter().map(|t| (t.name(), t)).collect();
    let mut makers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        for (i, name) in node.output.iter().enumerate() {
            makers.insert(name, (at, i));
        }
        node.input.iter().for_each(|name| readers.entry(name).or_default().push(at));
    }
    for output in &graph.output {
        // An output is read by the user, too.
        readers.entry(output.name()).or_default().push(usize::MAX);
    }
    let find = Find { graph, initializers, makers, readers };
    (0..graph.node.len()).filter_map(|at| find.layer(at)).collect()
}

/// The graph and who makes and reads its tensors.
struct Find<'g> {
    graph: &'g GraphProto,
    initializers: BTreeMap<&'g str, &'g TensorProto>,
    makers: BTreeMap<&'g str, (usize, usize)>,
    readers: BTreeMap<&'g str, Vec<usize>>,
}

impl Find<'_> {
    /// The layer whose products a node computes.
    fn layer(&self, product: usize) -> Option<Layer> {
        let node = &self.graph.node[product];
        let axis = match node.op_type() {
            "MatMulInteger" => None,
            "ConvInteger" => Some(0),
            _ => return None,
        };
        let (measured, place) = *self.makers.get(node.input.first()?.as_str())?;
        let quantise = &self.graph.node[measured];
        let zero_point = node.input.get(2)?;
        if quantise.op_type() != "DynamicQuantizeLinear"
            || place != 0
            || quantise.output.get(2)? != zero_point
        {
            return None;
        }
        let cast = self.only_reader(node.output.first()?, "Cast")?;
        let to_float = self.graph.node[cast].attribute.iter().any(|a| a.name() == "to" && a.i() == 1);
        let scaling = self.only_reader(self.graph.node[cast].output.first()?, "Mul").filter(|_| to_float)?;
        let scale = self.other(scaling, self.graph.node[cast].output.first()?)?;
        let (maker, _) = *self.makers.get(scale)?;
        if self.graph.node[maker].op_type() != "Mul" {
            return None;
        }
        let weight_scale = self.known(self.other(maker, quantise.output.get(1)?)?)?;
        let weight = self.known(node.input.get(1)?)?;
        let weight_zero = match node.input.get(3).filter(|name| !name.is_empty()) {
            Some(name) => Some(self.known(name)?),
            None => None,
        };
        let weight = real(&weight, &weight_scale, weight_zero.as_ref(), axis)?;
        Some(Layer { product, cast, scaling, input: quantise.input.first()?.clone(), weight })
    }

    /// The one node that reads a tensor, if it is of that operator.
    fn only_reader(&self, name: &str, op: &str) -> Option<usize> {
        match self.readers.get(name)?.as_slice() {
            &[at] if self.graph.node.get(at)?.op_type() == op => Some(at),
            _ => None,
        }
    }

    /// The other operand of a node with two.
    fn other(&self, at: usize, name: &str) -> Option<&str> {
        match self.graph.node[at].input.as_slice() {
            [a, b] if a == name => Some(b),
            [a, b] if b == name => Some(a),
            _ => None,
        }
    }

    fn known(&self, name: &str) -> Option<Tensor> {
        tensor::read(self.initializers.get(name)?, None).ok()
    }
}

/// The weights that integers mean, with one scale and zero point or one for each output: along `axis`, or the last one.
fn real(stored: &Tensor, scale: &Tensor, zero: Option<&Tensor>, axis: Option<usize>) -> Option<Tensor> {
    let shape = &stored.shape;
    let axis = axis.or(shape.rank().checked_sub(1))?;
    let (count, stride) = (*shape.get(axis)?, shape.strides()[axis]);
    let scales = scale.data.as_f32()?;
    let zeros = zero.map_or(Some(vec![0]), |zero| zero.data.to_ints())?;
    let fits = |n: usize| n == 1 || n == count;
    if !fits(scales.len()) || !fits(zeros.len()) || stored.data.dtype().is_float() {
        return None;
    }
    let value = |at: usize| {
        let output = at / stride % count;
        let (scale, zero) = (scales[output % scales.len()], zeros[output % zeros.len()]);
        (stored.data.int(at) - zero) as f32 * scale
    };
    Some(Tensor::f32(shape.clone(), (0..stored.data.len()).map(value).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, ValueInfoProto};
    use tinyc_ir::Data;

    fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        NodeProto {
            op_type: Some(op.into()),
            input: names(inputs),
            output: names(outputs),
            ..NodeProto::default()
        }
    }

    /// As ONNX Runtime's dynamic quantiser writes a matrix product with a zero point and a scale for each column.
    fn graph() -> GraphProto {
        let to = AttributeProto { name: Some("to".into()), i: Some(1), ..AttributeProto::default() };
        let cast = NodeProto { attribute: vec![to], ..node("Cast", &["acc"], &["real"]) };
        let output = ValueInfoProto { name: Some("y".into()), ..ValueInfoProto::default() };
        GraphProto {
            node: vec![
                node("DynamicQuantizeLinear", &["x"], &["q", "s", "z"]),
                node("MatMulInteger", &["q", "w", "z", "wz"], &["acc"]),
                cast,
                node("Mul", &["s", "ws"], &["scale"]),
                node("Mul", &["real", "scale"], &["y"]),
            ],
            initializer: vec![
                tensor::write("w", &Tensor::new([2, 2], Data::U8(vec![1, 2, 3, 4]))),
                tensor::write("wz", &Tensor::new([2], Data::U8(vec![1, 4]))),
                tensor::write("ws", &Tensor::f32([2], vec![0.5, 0.25])),
            ],
            output: vec![output],
            ..GraphProto::default()
        }
    }

    #[test]
    fn a_product_is_one_of_floats() {
        let mut graph = graph();
        assert_eq!((count(&graph), undo(&mut graph), count(&graph)), (1, 1, 0));
        let last = graph.node.last().unwrap();
        assert_eq!((last.op_type(), last.input[0].as_str(), last.output[0].as_str()), ("MatMul", "x", "y"));
        let weight = graph.initializer.iter().find(|t| t.name() == last.input[1]).unwrap();
        assert_eq!(tensor::read(weight, None).unwrap(), Tensor::f32([2, 2], vec![0.0, -0.5, 1.0, 0.0]));
    }

    #[test]
    fn other_forms_stay() {
        // The sums are an output, too; the zero point is another's; the weights are not known.
        let mut seen = graph();
        seen.output.push(ValueInfoProto { name: Some("acc".into()), ..ValueInfoProto::default() });
        let mut other = graph();
        other.node[1].input[2] = "wz".into();
        let mut unknown = graph();
        unknown.initializer.remove(0);
        for mut graph in [seen, other, unknown] {
            let before = graph.clone();
            assert_eq!(undo(&mut graph), 0);
            assert_eq!(graph, before);
        }
    }
}
