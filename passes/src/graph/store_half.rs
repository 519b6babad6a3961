//! Lets operators read and write half floats where importers put conversions around them, and moves what only moves elements
//! to their side. Exact: an operator converts the same numbers where it reads and writes them.
//!
//! In such a network constants are stored as half floats where every number of them is one, as weights are that came as half
//! floats and were rearranged.

use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::{Def, Graph, Node, Value};
use tinyc_ir::op::storage::is_exact;
use tinyc_ir::op::{Map, Pad};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{DType, Formula, Op, Tensor, TensorType};

/// Constants of fewer elements are not worth a conversion.
const FEW: usize = 4;

/// Puts conversions into operators. A graph without half floats comes out as it is.
pub fn run(graph: &Graph) -> Graph {
    let halves: BTreeSet<DType> =
        graph.values.values().map(|data| data.ty.dtype).filter(|dtype| dtype.is_half()).collect();
    if halves.is_empty() {
        return graph.clone();
    }
    let uses = graph.use_counts();
    Rewriter::run(graph, |rewriter, node| {
        let op = &graph.nodes[node].op;
        if let Op::Map(map) = op
            && let Some(to) = map.f.as_conversion()
        {
            let only = uses[graph.nodes[node].inputs[0].index()] == 1;
            return if to.is_half() && only { write(rewriter, node, to) } else { None };
        }
        if op.only_moves() || matches!(op, Op::Pad(_)) {
            return moved(rewriter, node);
        }
        read(rewriter, node, &halves)
    })
}

/// The half float of which a value is the f32.
pub(super) fn widened(graph: &Graph, value: Value) -> Option<Value> {
    let from = conversion(graph, value, |to| to == DType::F32)?;
    graph.ty(from).dtype.is_half().then_some(from)
}

/// The f32 that was rounded to this half float.
pub(super) fn narrowed(graph: &Graph, value: Value) -> Option<Value> {
    let from = conversion(graph, value, DType::is_half)?;
    (graph.ty(from).dtype == DType::F32).then_some(from)
}

fn conversion(graph: &Graph, value: Value, wanted: impl Fn(DType) -> bool) -> Option<Value> {
    let (_, data) = graph.node_of(value)?;
    let Op::Map(map) = &data.op else { return None };
    map.f.as_conversion().filter(|&to| wanted(to)).map(|_| data.inputs[0])
}

/// `op(f32(x))` as `f32(op(x))` for an operator that moves elements.
fn moved(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let inputs = rewriter.inputs(node);
    let op = &rewriter.old.nodes[node].op;
    // Positions stay what they are.
    let elements = if matches!(op, Op::Gather(_)) { 1 } else { inputs.len() };
    let mut halves = inputs.clone();
    for half in &mut halves[..elements] {
        *half = widened(&rewriter.new, *half)?;
    }
    let dtype = rewriter.new.ty(halves[0]).dtype;
    if let Op::Pad(Pad { value, .. }) = op
        && !is_exact(dtype, &tinyc_ir::Data::F32(vec![*value]))
    {
        return None;
    }
    let (name, origin) = (rewriter.name(node), rewriter.origin(node));
    let half = rewriter.new.node(op.clone(), &halves, format!("{name}/half"), origin.clone()).ok()?;
    let f = Formula::write(&[dtype], |x| x[0].to(DType::F32));
    rewriter.new.node(Map { f }, &[half], name, origin).ok()
}

/// The same node on half floats, where its arguments are f32 made of some, or constants that are some.
fn read(rewriter: &mut Rewriter<'_>, node: Node, halves: &BTreeSet<DType>) -> Option<Value> {
    let op = &rewriter.old.nodes[node].op;
    if !op.reads_half() && !matches!(op, Op::Map(_)) {
        return None;
    }
    let inputs = rewriter.inputs(node);
    let stored: Vec<Value> = inputs
        .iter()
        .map(|&v| widened(&rewriter.new, v).or_else(|| constant(rewriter, v, halves)).unwrap_or(v))
        .collect();
    if stored == inputs {
        return None;
    }
    let op = match op {
        Op::Map(map) => {
            let changed = inputs.iter().zip(&stored).map(|(a, b)| (a != b).then_some(DType::F32));
            Map { f: map.f.on_converted(&changed.collect::<Vec<_>>()) }.into()
        }
        other => other.clone(),
    };
    rewriter.replace(node, op, &stored).ok()
}

/// The node behind a conversion to half floats, writing those.
fn write(rewriter: &mut Rewriter<'_>, node: Node, to: DType) -> Option<Value> {
    let x = rewriter.inputs(node)[0];
    if rewriter.new.ty(x).dtype != DType::F32 {
        return None;
    }
    let (_, producer) = rewriter.new.node_of(x)?;
    let op = match &producer.op {
        Op::Map(map) if map.f.as_conversion().is_none() => Map { f: map.f.converted(to) }.into(),
        op if op.writes_half() => op.clone(),
        _ => return None,
    };
    let (inputs, origin) = (producer.inputs.clone(), producer.origin.clone());
    rewriter.new.node_typed(op, &inputs, rewriter.name(node), rewriter.ty(node).clone(), origin).ok()
}

fn constant(rewriter: &mut Rewriter<'_>, value: Value, halves: &BTreeSet<DType>) -> Option<Value> {
    let data = &rewriter.new.values[value];
    let Def::Const(tensor) = &data.def else { return None };
    if tensor.dtype() != DType::F32 || tensor.data.len() <= FEW {
        return None;
    }
    let half = *halves.iter().find(|&&half| is_exact(half, &tensor.data))?;
    let ty = TensorType::new(half, tensor.shape.clone());
    let tensor = Tensor::new(tensor.shape.clone(), tensor.data.narrowed(half));
    let name = data.name.clone();
    let same = rewriter.new.values.iter().find(|(_, other)| {
        other.name == name
            && other.ty == ty
            && matches!(&other.def, Def::Const(old) if old.same_bits(&tensor))
    });
    Some(same.map(|(v, _)| v).unwrap_or_else(|| rewriter.new.constant(name, ty, tensor)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{floats, ops};
    use crate::graph::{OPTIMISE, round_last};
    use tinyc_ir::op::{Clamp, Dense, Transpose};
    use tinyc_ir::{Activation, Diagnostics, Origin, eval::eval, half};

    fn convert(graph: &mut Graph, x: Value, to: DType, name: &str) -> Value {
        let f = Formula::write(&[graph.ty(x).dtype], |x| x[0].to(to));
        graph.node(Map { f }, &[x], name, Origin::default()).unwrap()
    }

    /// Two dense layers with a clamp between, each between conversions.
    fn network() -> Graph {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::new(DType::F16, [4, 8]));
        let wide = convert(&mut graph, x, DType::F32, "x/wide");
        let turned = graph.node(Transpose { perm: vec![1, 0] }, &[wide], "turned", at()).unwrap();
        let layer = |graph: &mut Graph, x: Value, n: usize, k: usize, name: &str| {
            let weights: Vec<f32> = (0..n * k).map(|i| (i as f32 * 37.0) % 11.0 / 8.0 - 0.5).collect();
            let w = floats(graph, &format!("{name}/w"), [n, k], &weights);
            let b = floats(graph, &format!("{name}/b"), [n], &vec![0.001; n]);
            let y = graph.node(Dense { act: Activation::NONE }, &[x, w, b], name, at()).unwrap();
            convert(graph, y, DType::F16, &format!("{name}/half"))
        };
        let a = layer(&mut graph, turned, 6, 4, "a");
        let a = convert(&mut graph, a, DType::F32, "a/wide");
        let relu = graph.node(Clamp { act: Activation::RELU }, &[a], "relu", at()).unwrap();
        let relu = convert(&mut graph, relu, DType::F16, "relu/half");
        let relu = convert(&mut graph, relu, DType::F32, "relu/wide");
        let y = layer(&mut graph, relu, 3, 6, "y");
        graph.outputs = vec![y];
        graph
    }

    #[test]
    fn layers_read_and_write_half_floats() {
        let graph = network();
        let reference = round_last::run(&graph);
        assert_eq!(ops(&reference), ["map", "transpose", "dense", "clamp", "map", "map", "dense", "map"]);
        let none = &mut Diagnostics::default();
        let after = OPTIMISE.iter().fold(reference.clone(), |graph, pass| pass.apply(&graph, none));
        assert_eq!(ops(&after), ["transpose", "dense", "dense"]);
        let dtype = |name: &str| after.values.values().find(|v| v.name.starts_with(name)).unwrap().ty.dtype;
        // 0.001 is no half float.
        assert_eq!((dtype("a/w"), dtype("a/b"), dtype("y/half")), (DType::F16, DType::F32, DType::F16));
        for seed in 0..20 {
            let inputs = [tinyc_ir::seeded::Seeded::new(seed).tensor(DType::F16, [4, 8])];
            let run = |graph: &Graph| eval(graph, &inputs).outputs(graph);
            assert!(run(&reference)[0].same_bits(&run(&after)[0]));
            // Before clamps were moved, zeros may have had another sign.
            let plain =
                |x: &Tensor| x.data.to_reals().iter().map(|x| (x + 0.0).to_bits()).collect::<Vec<_>>();
            assert_eq!(plain(&run(&graph)[0]), plain(&run(&reference)[0]));
        }
    }

    #[test]
    fn a_graph_of_floats_is_left_alone() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([8]));
        let w = floats(&mut graph, "w", [8], &[0.5; 8]);
        let act = Activation::NONE;
        let y = graph.node(tinyc_ir::op::Add { act }, &[x, w], "y", Origin::default()).unwrap();
        graph.outputs = vec![y];
        let after = run(&graph);
        assert_eq!(after.ty(after.nodes.values().next().unwrap().inputs[1]).dtype, DType::F32);
        assert_eq!(half::f32_to_f16(0.5), 0x3800);
    }
}
