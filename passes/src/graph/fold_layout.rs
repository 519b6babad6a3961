//! Cancels, merges and moves transposes and reshapes. Exact: every element is computed from the same ones as before.
//!
//! Importers wrap channels-first operators in transposes. Here each chain of transposes and reshapes takes the
//! [`View`] normal form (which drops what moves nothing, and makes a reshape of a transpose that only moves axes of
//! size 1), constants are rearranged at once, and views sink through element-wise operators, pads and softmax until
//! they meet the opposite one. Of a `dequantize` a view stays on the integer side, before it.
//! Views into a `dense` are [`fold_flatten`](super::fold_flatten)'s.

use super::view::View;
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::op::{Dequantize, Pad, Reshape, Transpose};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Graph, Op, Origin, Quant, Shape, TensorType};

/// Moves all views as far down as they go.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, rewrite)
}

fn rewrite(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let old = rewriter.old;
    let data = &old.nodes[node];
    match &data.op {
        op @ (Op::Reshape(_) | Op::Transpose(_)) => {
            let x = rewriter.value(data.inputs[0]);
            Mover { graph: &mut rewriter.new, name: &old.values[data.outputs[0]].name, origin: &data.origin }
                .apply(x, op)
        }
        Op::Clamp(_) | Op::Quantize(_) | Op::Requantize(_) => sink_unary(rewriter, node, |_| true),
        // From and to half floats, which stand around every operator.
        Op::Map(map) if map.f.as_conversion().is_some() => sink_unary(rewriter, node, |_| true),
        Op::Softmax(_) => sink_unary(rewriter, node, |view| {
            let last = view.base.rank().checked_sub(1);
            view.base_axes().is_some_and(|axes| last.is_some() && axes.last() == Some(&last))
        }),
        Op::Pad(pad) => sink_pad(rewriter, node, pad),
        Op::Add(_) | Op::Mul(_) | Op::Map(_) => sink_elementwise(rewriter, node),
        _ => None,
    }
}

/// Replaces a unary node on a view by the same node on the view's base, then the view.
fn sink_unary(rewriter: &mut Rewriter<'_>, node: Node, legal: impl FnOnce(&View) -> bool) -> Option<Value> {
    let old = rewriter.old;
    let data = &old.nodes[node];
    let x = rewriter.value(data.inputs[0]);
    let ty = old.ty(data.outputs[0]);
    if ty.quant.as_ref().is_some_and(|q| q.axis().is_some()) {
        return None;
    }
    let mut mover = Mover::new(rewriter, node);
    let (x, view) = mover.peel(x)?;
    if !legal(&view) {
        return None;
    }
    mover.put(&data.op, &[x], view.base.clone(), ty, &view.ops())
}

fn sink_pad(rewriter: &mut Rewriter<'_>, node: Node, pad: &Pad) -> Option<Value> {
    let old = rewriter.old;
    let data = &old.nodes[node];
    let x = rewriter.value(data.inputs[0]);
    let mut mover = Mover::new(rewriter, node);
    let (x, view) = mover.peel(x)?;
    let axes = view.base_axes()?;
    let mut moved =
        Pad { before: vec![0; view.base.rank()], after: vec![0; view.base.rank()], value: pad.value };
    for (i, axis) in axes.iter().enumerate() {
        if (pad.before[i], pad.after[i]) != (0, 0) {
            let axis = (*axis)?;
            (moved.before[axis], moved.after[axis]) = (pad.before[i], pad.after[i]);
        }
    }
    let shape: Vec<usize> =
        (0..view.base.rank()).map(|i| moved.before[i] + view.base[i] + moved.after[i]).collect();
    // The same axes of the padded base: without those of size 1, in the view's order, then with its own again.
    let wide: Vec<usize> = (0..shape.len()).filter(|&i| view.base[i] != 1).collect();
    let order: Vec<usize> =
        axes.iter().flatten().map(|a| wide.iter().position(|w| w == a)).collect::<Option<_>>()?;
    let ty = old.ty(data.outputs[0]);
    let ops = [
        Reshape { shape: wide.iter().map(|&i| shape[i]).collect() }.into(),
        Transpose { perm: order }.into(),
        Reshape { shape: ty.shape.to_vec() }.into(),
    ];
    mover.put(&moved.into(), &[x], shape.into(), ty, &ops)
}

/// `op(view(x), y, …)` becomes `view(op(x, y', …))` where each `y'`, which is `y` seen from the other side, costs nothing.
fn sink_elementwise(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let old = rewriter.old;
    let data = &old.nodes[node];
    let ty = old.ty(data.outputs[0]);
    let inputs = rewriter.inputs(node);
    let mut mover = Mover::new(rewriter, node);
    for (first, &input) in inputs.iter().enumerate() {
        let Some((x, view)) = mover.peel(input) else { continue };
        if view.shape != ty.shape {
            continue;
        }
        let argument = |(i, &y)| if i == first { Some(x) } else { mover.seen_from_base(y, &view) };
        let Some(arguments) = inputs.iter().enumerate().map(argument).collect::<Option<Vec<_>>>() else {
            continue;
        };
        if let Some(value) = mover.put(&data.op, &arguments, view.base.clone(), ty, &view.ops()) {
            return Some(value);
        }
    }
    None
}

/// Builds views in the new graph on behalf of one node of the old one.
struct Mover<'a> {
    graph: &'a mut Graph,
    name: &'a str,
    origin: &'a Origin,
}

impl<'a> Mover<'a> {
    fn new(rewriter: &'a mut Rewriter<'_>, node: Node) -> Self {
        let data = &rewriter.old.nodes[node];
        Self {
            name: &rewriter.old.values[data.outputs[0]].name,
            origin: &data.origin,
            graph: &mut rewriter.new,
        }
    }

    /// `op` on other arguments, with a result of another shape than `ty`'s, then the views that restore `ty`'s.
    fn put(
        &mut self,
        op: &Op,
        inputs: &[Value],
        shape: Shape,
        ty: &TensorType,
        views: &[Op],
    ) -> Option<Value> {
        let to_nchw = |op: &Op| matches!(op, Op::Transpose(t) if t.perm == [0, 3, 1, 2]);
        let suffix = if views.iter().any(to_nchw) { "nhwc" } else { "moved" };
        let name = format!("{}/{suffix}", self.name);
        let result =
            self.graph.node_typed(op.clone(), inputs, name, ty.with_shape(shape), self.origin.clone());
        views.iter().try_fold(result.ok()?, |value, op| self.apply(value, op))
    }

    /// A reshape or transpose of a value in normal form; `None` if its types forbid it.
    fn apply(&mut self, x: Value, op: &Op) -> Option<Value> {
        if let Def::Const(tensor) = &self.graph.values[x].def {
            let ty = view_type(self.graph.ty(x), op)?;
            let viewed = op.eval(&[(self.graph.ty(x), tensor)], &ty);
            return Some(self.graph.constant(self.name, ty, viewed));
        }
        if let Some(stored) = dequantized(self.graph, x) {
            let name = format!("{}/stored", self.name);
            let viewed =
                Mover { graph: &mut *self.graph, name: &name, origin: self.origin }.apply(stored, op)?;
            return self.graph.node(Dequantize, &[viewed], self.name, self.origin.clone()).ok();
        }
        if self.graph.ty(x).quant.as_ref().is_some_and(|q| q.axis().is_some()) {
            return None; // views of axes of length 1 would lose which one the quantisation means
        }
        let (base, view) = look_through(self.graph, x)?;
        let (base, ops) = match view.then(op) {
            Some(view) => (base, view.ops()),
            None => (x, vec![op.clone()]),
        };
        let last = ops.len().saturating_sub(1);
        ops.into_iter().enumerate().try_fold(base, |value, (i, op)| {
            let name = if i == last { self.name.to_string() } else { format!("{}/order", self.name) };
            self.graph.node(op, &[value], name, self.origin.clone()).ok()
        })
    }

    /// The value below the views of `x` and what they do; a `dequantize` of views is seen as views of a `dequantize`.
    /// `None` if there is no view.
    fn peel(&mut self, x: Value) -> Option<(Value, View)> {
        if let Some(stored) = dequantized(self.graph, x) {
            let (base, view) = look_through(self.graph, stored)?;
            let per_tensor = self.graph.ty(stored).quant.as_ref()?.axis().is_none();
            if !per_tensor || view.is_identity() {
                return None;
            }
            let name = format!("{}/moved", self.graph.values[x].name);
            let origin = self.graph.node_of(x)?.1.origin.clone();
            return Some((self.graph.node(Dequantize, &[base], name, origin).ok()?, view));
        }
        let (base, view) = look_through(self.graph, x)?;
        (!view.is_identity()).then_some((base, view))
    }

    /// `y`, which broadcasts to the shape of the view, so rearranged that it broadcasts likewise to the view's base;
    /// `None` if a run-time transpose would be needed.
    fn seen_from_base(&mut self, y: Value, view: &View) -> Option<Value> {
        let Some(axes) = view.base_axes() else {
            let same = self.peel(y).filter(|(_, other)| other == view);
            return same.map(|(base, _)| base).or((self.graph.ty(y).shape.elements() == 1).then_some(y));
        };
        let rank = view.shape.rank();
        let mut dims = vec![1; rank - self.graph.ty(y).shape.rank()];
        dims.extend_from_slice(&self.graph.ty(y).shape);
        let mut perm: Vec<usize> = Vec::with_capacity(rank);
        let mut turned = vec![1; view.base.rank()];
        for (base_axis, size) in turned.iter_mut().enumerate() {
            if let Some(axis) = axes.iter().position(|a| *a == Some(base_axis)) {
                perm.push(axis);
                *size = dims[axis];
            }
        }
        perm.extend((0..rank).filter(|&axis| axes[axis].is_none()));
        let name = format!("{}/moved", self.graph.values[y].name);
        let mut mover = Mover { graph: &mut *self.graph, name: &name, origin: self.origin };
        let ops =
            [Reshape { shape: dims }.into(), Transpose { perm }.into(), Reshape { shape: turned }.into()];
        let y = ops.iter().try_fold(y, |y, op| mover.apply(y, op))?;
        let inner = dequantized(self.graph, y).unwrap_or(y);
        look_through(self.graph, inner)?.1.keeps_order().then_some(y)
    }
}

/// What a `dequantize` is made of.
fn dequantized(graph: &Graph, x: Value) -> Option<Value> {
    let (_, data) = graph.node_of(x)?;
    matches!(data.op, Op::Dequantize(_)).then(|| data.inputs[0])
}

/// The value below all reshapes and transposes, and what these do. `None` for tensors without elements.
pub(super) fn look_through(graph: &Graph, x: Value) -> Option<(Value, View)> {
    let mut chain = vec![x];
    while let Some((_, data)) = graph.node_of(chain[chain.len() - 1])
        && matches!(data.op, Op::Reshape(_) | Op::Transpose(_))
    {
        chain.push(data.inputs[0]);
    }
    let mut base = chain.pop()?;
    let mut view = View::identity(&graph.ty(base).shape)?;
    while let Some(value) = chain.pop() {
        match view.then(&graph.node_of(value)?.1.op) {
            Some(next) => view = next,
            None => (base, view) = (value, View::identity(&graph.ty(value).shape)?),
        }
    }
    Some((base, view))
}

/// The type of a reshaped or transposed constant, per-axis quantisation included as long as its axis stays whole.
fn view_type(x: &TensorType, op: &Op) -> Option<TensorType> {
    let (Op::Reshape(reshape), Some(quant)) = (op, &x.quant) else { return op.infer(&[x]).ok() };
    let Some(axis) = quant.axis() else { return op.infer(&[x]).ok() };
    let shape = Shape::new(reshape.shape.clone());
    let (outer, inner) =
        (x.shape[..axis].iter().product::<usize>(), x.shape[axis + 1..].iter().product::<usize>());
    let same = |i: &usize| {
        shape[..*i].iter().product::<usize>() == outer
            && shape[*i] == x.shape[axis]
            && shape[i + 1..].iter().product::<usize>() == inner
    };
    let axis = (0..shape.rank()).find(same)?;
    let quant = Quant::per_axis(axis, quant.scales().to_vec(), quant.zero_points().to_vec()).ok()?;
    Some(TensorType::quantized(x.dtype, shape, quant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{floats, ints, ops, q8, quantized};
    use tinyc_ir::formula::Formula;
    use tinyc_ir::op::{Add, Clamp, Conv2d, Map, Mul, Quantize};
    use tinyc_ir::{Activation, DType, Tensor, eval::eval};

    const NHWC: [usize; 4] = [0, 2, 3, 1];
    const NCHW: [usize; 4] = [0, 3, 1, 2];

    fn perm(perm: [usize; 4]) -> Transpose {
        Transpose { perm: perm.to_vec() }
    }

    fn pointwise() -> Conv2d {
        Conv2d { strides: [1, 1], pads: [0; 4], dilations: [1, 1], groups: 1, act: Activation::NONE }
    }

    fn ramp(shape: &[usize]) -> Tensor {
        let shape = Shape::new(shape);
        Tensor::f32(shape.clone(), (0..shape.elements()).map(|i| (i as f32 * 0.37).sin()).collect())
    }

    /// A 1×1 convolution as an importer of a channels-first format builds it.
    fn wrapped(graph: &mut Graph, x: Value, name: &str, channels: [usize; 2]) -> Value {
        let at = Origin::default;
        let x = graph.node(perm(NHWC), &[x], format!("{name}/x"), at()).unwrap();
        let weight = graph.constant(
            format!("{name}/w"),
            TensorType::f32([channels[1], channels[0], 1, 1]),
            ramp(&[channels[1], channels[0], 1, 1]),
        );
        let weight = graph.node(perm(NHWC), &[weight], format!("{name}/wt"), at()).unwrap();
        let bias = floats(graph, &format!("{name}/b"), [channels[1]], &vec![0.5; channels[1]]);
        let y = graph.node(pointwise(), &[x, weight, bias], format!("{name}/y"), at()).unwrap();
        graph.node(perm(NCHW), &[y], name, at()).unwrap()
    }

    fn same(before: &Graph, after: &Graph, inputs: &[Tensor]) {
        let expected = eval(before, inputs).outputs(before);
        let got = eval(after, inputs).outputs(after);
        assert!(expected.iter().zip(&got).all(|(a, b)| a.same_bits(b)));
    }

    #[test]
    fn a_channels_first_network_keeps_one_transpose_at_each_end() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1, 3, 4, 5]));
        let a = wrapped(&mut graph, x, "a", [3, 2]);
        let a = graph.node(Clamp { act: Activation::RELU }, &[a], "relu", at()).unwrap();
        let scale = floats(&mut graph, "scale", [2, 1, 1], &[2.0, -3.0]);
        let a = graph.node(Mul { act: Activation::NONE }, &[a, scale], "scaled", at()).unwrap();
        let b = wrapped(&mut graph, a, "b", [2, 2]);
        let sum = graph.node(Add { act: Activation::NONE }, &[a, b], "sum", at()).unwrap();
        let pad = Pad { before: vec![0, 0, 1, 0], after: vec![0, 0, 0, 2], value: 1.5 };
        let padded = graph.node(pad, &[sum], "padded", at()).unwrap();
        graph.outputs = vec![padded];
        let after = run(&graph);
        assert_eq!(ops(&after), ["transpose", "conv2d", "clamp", "mul", "conv2d", "add", "pad", "transpose"]);
        same(&graph, &after, &[ramp(&[1, 3, 4, 5])]);
    }

    #[test]
    fn formulas_are_computed_in_the_layout_of_their_arguments() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1, 3, 4, 5]));
        let a = wrapped(&mut graph, x, "a", [3, 2]);
        let shift = floats(&mut graph, "shift", [2, 1, 1], &[0.25, -0.5]);
        let f = Formula::write(&[DType::F32; 2], |x| (x[0] + x[1]).tanh());
        let a = graph.node(Map { f }, &[a, shift], "act", at()).unwrap();
        let f = Formula::write(&[DType::F32], |x| x[0] * x[0].sigmoid());
        let a = graph.node(Map { f }, &[a], "swish", at()).unwrap();
        let b = wrapped(&mut graph, a, "b", [2, 2]);
        graph.outputs = vec![b];
        let after = run(&graph);
        assert_eq!(ops(&after), ["transpose", "conv2d", "map", "map", "conv2d", "transpose"]);
        same(&graph, &after, &[ramp(&[1, 3, 4, 5])]);
    }

    #[test]
    fn channels_last_and_single_channel_inputs_need_no_transpose() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1, 4, 5, 3]));
        let first = graph.node(perm(NCHW), &[x], "first", at()).unwrap();
        let a = wrapped(&mut graph, first, "a", [3, 1]);
        let ty = TensorType::quantized(DType::I8, [1, 1, 4, 5], q8(0.1, 3));
        let stored = graph.node_typed(Quantize, &[a], "q", ty, at()).unwrap();
        let real = graph.node(Dequantize, &[stored], "dq", at()).unwrap();
        let b = wrapped(&mut graph, real, "b", [1, 2]);
        let last = graph.node(perm(NHWC), &[b], "last", at()).unwrap();
        graph.outputs = vec![last];
        let after = run(&graph);
        assert_eq!(ops(&after), ["conv2d", "quantize", "dequantize", "conv2d"]);
        same(&graph, &after, &[ramp(&[1, 4, 5, 3])]);
    }

    #[test]
    fn per_axis_weights_turn_with_their_axis() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let quant = Quant::per_axis(1, vec![0.5, 0.25], vec![0, 0]).unwrap();
        let ty = TensorType::quantized(DType::I8, [3, 2], quant);
        let weight = ints(&mut graph, "w", ty, &[1, 2, 3, 4, 5, 6]);
        let real = graph.node(Dequantize, &[weight], "dq", at()).unwrap();
        let turned = graph.node(Transpose { perm: vec![1, 0] }, &[real], "wt", at()).unwrap();
        let wide = graph.node(Reshape { shape: vec![1, 2, 3] }, &[turned], "wide", at()).unwrap();
        graph.outputs = vec![wide];
        let after = run(&graph);
        assert_eq!(ops(&after), ["dequantize"]);
        same(&graph, &after, &[]);
    }

    #[test]
    fn a_squeezed_pool_meets_the_next_one() {
        // Mean over one spatial axis, squeezed, then over the other, as some exporters write a global pool.
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 3, 1, 4], 0.5, 0));
        let first = graph.node(perm(NCHW), &[x], "first", at()).unwrap();
        let narrow = graph.node(Reshape { shape: vec![1, 4, 3] }, &[first], "narrow", at()).unwrap();
        let real = graph.node(Dequantize, &[narrow], "dq", at()).unwrap();
        let wide = graph.node(Reshape { shape: vec![1, 4, 3, 1] }, &[real], "wide", at()).unwrap();
        let last = graph.node(perm(NHWC), &[wide], "last", at()).unwrap();
        graph.outputs = vec![last];
        assert_eq!(ops(&run(&graph)), ["dequantize"]);
    }
}
