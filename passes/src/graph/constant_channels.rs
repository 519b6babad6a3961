//! Drops channels of quantised tensors that always hold one value, and channels that nothing needs. Exact.
//!
//! [`ranges`] shows what each channel can hold. A constant `k` in channel `c` adds `(k − zx)·Σ(w − zw)`
//! to each sum of the next layer: its bias takes that in, its weights for `c` go, and the layer that computed `c` no
//! longer does. Backwards, a channel that only meets zero weights goes as well, and then what only it needed. In
//! the padding of a layer stands `zx`, so there a `k ≠ zx` is no constant; such a channel stays, unless its weights
//! at those taps are zero. A bias that would leave 32 bits keeps its channels. Inputs and outputs of the graph never change.
//!
//! A tensor that is constant as a whole becomes a constant.

use super::channel_groups::{self, Channels, Link, dropped_sums, link};
use super::ranges::{self, Ranges};
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::op::Reshape;
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Data, Graph, Op, Quant, Tensor, TensorType};

/// What the pass removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Multiplications with accumulate before.
    pub macs_before: u64,
    /// Multiplications with accumulate after.
    pub macs_after: u64,
    /// The tensors with fewer channels, in the graph's order.
    pub narrowed: Vec<Narrowed>,
    /// The computed tensors that became constants, in the graph's order.
    pub constant: Vec<String>,
}

/// A tensor that lost channels. In the new graph it is named `<name>/live`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// Its name in the old graph.
    pub name: String,
    /// The channels that are left, as numbered before.
    pub kept: Vec<usize>,
    /// How many there were.
    pub channels: usize,
}

/// The graph without constant and dead channels.
pub fn run(graph: &Graph) -> Graph {
    run_with_report(graph).0
}

/// The graph without constant and dead channels, and what was removed.
pub fn run_with_report(graph: &Graph) -> (Graph, Report) {
    let mut report = Report { macs_before: super::macs(graph), ..Report::default() };
    let folded = fold_whole(graph, &mut report);
    let narrowed = narrow(&folded, &mut report);
    report.macs_after = super::macs(&narrowed);
    (narrowed, report)
}

/// Makes constants of computed tensors that can only hold one value, and of what is computed from constants alone.
fn fold_whole(graph: &Graph, report: &mut Report) -> Graph {
    let ranges = ranges::analyze(graph);
    Rewriter::run(graph, |rewriter, node| {
        let result = graph.nodes[node].outputs[0];
        let (data, channels) = (&graph.values[result], ranges.of(result));
        if graph.outputs.contains(&result) || !data.ty.is_quantized() {
            return None;
        }
        let value = if !channels.is_empty() && channels.iter().all(|(lo, hi)| lo == hi) {
            let all = (0..data.ty.shape.elements()).map(|i| channels[i % channels.len()].0);
            let tensor = Tensor::new(data.ty.shape.clone(), Data::from_ints(data.ty.dtype, all));
            rewriter.constant(&data.name, data.ty.clone(), tensor)
        } else {
            super::fold_constants::evaluate(rewriter, node)?
        };
        report.constant.push(data.name.clone());
        Some(value)
    })
}

fn narrow(graph: &Graph, report: &mut Report) -> Graph {
    let ranges = ranges::analyze(graph);
    let channels = channel_groups::analyze(graph, &ranges);
    for data in graph.nodes.values() {
        let result = data.outputs[0];
        if let Some(kept) = channels.kept(graph, result) {
            let (name, count) = (graph.values[result].name.clone(), graph.ty(result).shape.last().copied());
            report.narrowed.push(Narrowed { name, kept, channels: count.unwrap_or(1) });
        }
    }
    let mut constants: Vec<Option<Value>> = vec![None; graph.values.len()];
    let mut pass = Narrow { graph, ranges: &ranges, channels: &channels, constants: &mut constants };
    Rewriter::run(graph, |rewriter, node| pass.rewrite(rewriter, node))
}

struct Narrow<'a> {
    graph: &'a Graph,
    ranges: &'a Ranges,
    channels: &'a Channels,
    /// Narrowed constants that nodes read as data.
    constants: &'a mut Vec<Option<Value>>,
}

impl Narrow<'_> {
    fn rewrite(&mut self, rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
        let graph = self.graph;
        let data = &graph.nodes[node];
        let link = link(graph, data);
        let (x, y) = (data.inputs[0], data.outputs[0]);
        let rows = self.channels.kept(graph, y);
        let columns = self.channels.kept(graph, x);
        if matches!(link, Link::Unknown) || (rows.is_none() && columns.is_none()) {
            return None;
        }
        let mut op = data.op.clone();
        let mut inputs = vec![self.argument(rewriter, x)];
        match &mut op {
            Op::Conv2d(_) | Op::Dense(_) => {
                let mut added = None;
                let mut weight_columns = None;
                if let (Link::Mixer, Some(columns)) = (&link, &columns) {
                    added = Some(dropped_sums(graph, self.ranges, node, columns));
                    weight_columns = Some(columns.as_slice());
                }
                let rows = rows.as_deref();
                inputs.push(narrowed_constant(rewriter, data.inputs[1], rows, weight_columns, None));
                inputs.push(narrowed_constant(rewriter, data.inputs[2], rows, None, added.as_deref()));
                if let (Op::Conv2d(conv), Link::Each(_), Some(rows)) = (&mut op, &link, rows) {
                    conv.groups = rows.len();
                }
            }
            Op::Reshape(Reshape { shape }) => {
                if let (Some(last), Some(rows)) = (shape.last_mut(), &rows) {
                    *last = rows.len();
                }
            }
            _ => inputs
                .extend(data.inputs[1..].iter().map(|&v| self.argument(rewriter, v)).collect::<Vec<_>>()),
        }
        let (mut ty, mut name) = (graph.ty(y).clone(), graph.values[y].name.clone());
        if let Some(rows) = &rows {
            ty = narrowed_type(&ty, ty.shape.rank() - 1, rows);
            name.push_str("/live");
        }
        let result = rewriter.new.node_typed(op, &inputs, name, ty, data.origin.clone());
        Some(result.expect("the same operator on fewer channels"))
    }

    /// An argument read channel by channel; constants are narrowed here.
    fn argument(&mut self, rewriter: &mut Rewriter<'_>, value: Value) -> Value {
        if let Some(narrowed) = self.constants[value.index()] {
            return narrowed;
        }
        let (Some(tensor), Some(kept)) = (self.graph.const_of(value), self.channels.kept(self.graph, value))
        else {
            return rewriter.value(value);
        };
        let data = &self.graph.values[value];
        let axis = data.ty.shape.rank() - 1;
        let narrowed = select(tensor, axis, &kept);
        let name = format!("{}/live", data.name);
        let narrowed = rewriter.constant(name, narrowed_type(&data.ty, axis, &kept), narrowed);
        self.constants[value.index()] = Some(narrowed);
        narrowed
    }
}

/// A weight or bias with only some rows (axis 0) and columns (last axis), and with numbers added to its old rows.
fn narrowed_constant(
    rewriter: &mut Rewriter<'_>,
    value: Value,
    rows: Option<&[usize]>,
    columns: Option<&[usize]>,
    added: Option<&[i64]>,
) -> Value {
    let data = &rewriter.old.values[value];
    let mut tensor = rewriter.old.const_of(value).expect("weights and biases are constant").as_ref().clone();
    let mut ty = data.ty.clone();
    if let Some(added) = added {
        let sums = (0..tensor.data.len()).map(|i| tensor.data.int(i) + added[i]);
        tensor.data = Data::from_ints(tensor.dtype(), sums.collect::<Vec<_>>());
    }
    if let Some(columns) = columns {
        let axis = ty.shape.rank() - 1;
        tensor = select(&tensor, axis, columns);
        ty = narrowed_type(&ty, axis, columns);
    }
    if let Some(rows) = rows {
        tensor = select(&tensor, 0, rows);
        ty = narrowed_type(&ty, 0, rows);
    }
    rewriter.constant(format!("{}/live", data.name), ty, tensor)
}

/// The type with only some indices of an axis, its quantisation along that axis included.
fn narrowed_type(ty: &TensorType, axis: usize, kept: &[usize]) -> TensorType {
    let mut shape = ty.shape.to_vec();
    shape[axis] = kept.len();
    let mut narrowed = ty.with_shape(shape);
    if let Some(quant) = ty.quant.as_ref().filter(|q| q.axis() == Some(axis)) {
        let scales = kept.iter().map(|&i| quant.scale(i)).collect();
        let zero_points = kept.iter().map(|&i| quant.zero_point(i)).collect();
        narrowed.quant =
            Some(Quant::per_axis(axis, scales, zero_points).expect("scales that were legal before"));
    }
    narrowed
}

/// The slices of a tensor at some indices of an axis.
fn select(tensor: &Tensor, axis: usize, kept: &[usize]) -> Tensor {
    let (count, inner) = (tensor.shape[axis], tensor.shape[axis + 1..].iter().product::<usize>());
    let outer = tensor.shape[..axis].iter().product::<usize>();
    let mut positions = Vec::with_capacity(outer * kept.len() * inner);
    for block in 0..outer {
        for &i in kept {
            let first = (block * count + i) * inner;
            positions.extend(first..first + inner);
        }
    }
    let mut shape = tensor.shape.to_vec();
    shape[axis] = kept.len();
    Tensor::new(shape, tensor.data.gather(&positions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{ints, ops, q8, quantized};
    use tinyc_ir::op::{Conv2d, Requantize};
    use tinyc_ir::{Activation, DType, Origin, eval::eval};

    fn conv(
        graph: &mut Graph,
        x: Value,
        name: &str,
        weight: (&[usize], &[i64]),
        bias: &[i64],
        pad: usize,
        zy: i32,
    ) -> Value {
        let [outputs, kh, kw, depth] = *weight.0 else { panic!("a weight has four axes") };
        let groups = graph.ty(x).shape[3] / depth;
        let op = Conv2d { strides: [1, 1], pads: [pad; 4], dilations: [1, 1], groups, act: Activation::NONE };
        let w = ints(graph, &format!("{name}/w"), quantized([outputs, kh, kw, depth], 1.0, 0), weight.1);
        let b =
            ints(graph, &format!("{name}/b"), TensorType::quantized(DType::I32, [outputs], q8(1.0, 0)), bias);
        let inferred = Op::from(op.clone()).infer(&graph.types(&[x, w, b])).unwrap();
        graph.node_typed(op, &[x, w, b], name, quantized(inferred.shape, 1.0, zy), Origin::default()).unwrap()
    }

    fn same(before: &Graph, after: &Graph) {
        for seed in 0..4u64 {
            let mut random = crate::graph::random::Random(seed);
            let inputs: Vec<Tensor> = before.inputs.iter().map(|&v| random.tensor(before.ty(v))).collect();
            assert_eq!(eval(before, &inputs).outputs(before), eval(after, &inputs).outputs(after));
        }
    }

    /// `x` → 1×1 with a constant channel 1 of stored value 40 → depthwise 3×3 with this padding → 1×1.
    fn stack(pad: usize, zero_point: i32, last_bias: i64) -> Graph {
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 4, 4, 1], 1.0, 0));
        let step = 40 - i64::from(zero_point);
        let a = conv(&mut graph, x, "a", (&[3, 1, 1, 1], &[1, 0, -1]), &[0, step, 3], 0, zero_point);
        let taps: Vec<i64> = (0..27).map(|i| i64::from(i % 4 == 0)).collect();
        let b = conv(&mut graph, a, "b", (&[3, 3, 3, 1], &taps), &[0, 0, 0], pad, 0);
        let c = conv(&mut graph, b, "c", (&[2, 1, 1, 3], &[1, 2, 0, 1, 1, 0]), &[last_bias, 0], 0, 0);
        graph.outputs = vec![c];
        graph
    }

    #[test]
    fn a_constant_channel_goes_through_a_depthwise_layer_and_a_dead_one_goes_too() {
        let graph = stack(0, 0, 7);
        let (after, report) = run_with_report(&graph);
        // Channel 1 is constant; channel 2 only meets zero weights in `c`.
        let kept: Vec<_> =
            report.narrowed.iter().map(|n| (n.name.as_str(), n.kept.clone(), n.channels)).collect();
        assert_eq!(kept, [("a", vec![0], 3), ("b", vec![0], 3)]);
        assert_eq!((report.macs_before, report.macs_after), (48 + 108 + 24, 16 + 36 + 8));
        assert_eq!(after.values[after.outputs[0]].name, "c");
        assert!(after.values.values().any(|v| v.name == "b/live"));
        same(&graph, &after);
    }

    #[test]
    fn padding_breaks_a_constant_unless_it_is_the_zero_point() {
        let (after, report) = run_with_report(&stack(1, 0, 7));
        assert_eq!(report.narrowed[0].kept, [0, 1], "40 beside padding of 0");
        same(&stack(1, 0, 7), &after);
        let (after, report) = run_with_report(&stack(1, 40, 7));
        assert_eq!(report.narrowed[0].kept, [0], "40 is what the padding holds");
        same(&stack(1, 40, 7), &after);
    }

    #[test]
    fn a_bias_that_would_overflow_keeps_its_channels() {
        let graph = stack(0, 0, i64::from(i32::MAX));
        let (after, report) = run_with_report(&graph);
        assert_eq!(report.narrowed[0].kept, [0, 1]);
        same(&graph, &after);
    }

    #[test]
    fn a_wholly_constant_tensor_becomes_a_constant() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 2, 2, 1], 1.0, 0));
        let a = conv(&mut graph, x, "a", (&[2, 1, 1, 1], &[0, 0]), &[5, -5], 0, 0);
        let b = conv(&mut graph, a, "b", (&[1, 3, 3, 2], &[1; 18]), &[0], 1, 0);
        let ty = quantized([1, 2, 2, 1], 1.0, 0);
        let add = tinyc_ir::op::Add { act: Activation::NONE };
        let y = graph.node_typed(add, &[b, x], "y", ty.clone(), Origin::default()).unwrap();
        let z =
            graph.node_typed(Requantize { act: Activation::RELU }, &[y], "z", ty, Origin::default()).unwrap();
        graph.outputs = vec![z];
        let (after, report) = run_with_report(&graph);
        assert_eq!(ops(&after), ["add", "requantize"]);
        assert_eq!(report.constant, ["a", "b"]);
        same(&graph, &after);
    }

    #[test]
    fn random_networks_lose_channels() {
        let reports = (0..200).map(|seed| run_with_report(&crate::graph::random::network(seed)).1);
        let (mut narrowed, mut constant) = (0, 0);
        for report in reports {
            narrowed += usize::from(!report.narrowed.is_empty());
            constant += usize::from(!report.constant.is_empty());
        }
        // The properties in `graph` rest on such networks; the exact numbers do not matter.
        assert!(narrowed > 20 && constant > 10, "{narrowed} {constant}");
    }
}
