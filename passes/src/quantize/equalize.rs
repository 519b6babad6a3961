//! Cross-layer equalisation: channels of a tensor are brought to like ranges, one layer's weights divided and the next one's
//! multiplied by the same factors, so that one scale serves all channels.
//!
//! Factors are powers of two, so the float graph computes the same bits as before (unless numbers become subnormal). Between the two
//! layers may be what commutes with factors above zero: ReLU, pools, padding with zeros.

use super::plan::{Form, form};
use super::range::statistics::Statistics;
use std::collections::BTreeMap;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::{Activation, Graph, Op, Tensor};

/// A layer, what it makes, and the one layer that reads it.
struct Pair {
    first: Node,
    made: Value,
    second: Node,
}

/// Powers of two by which the channels of tensors are divided.
pub type Exponents = Vec<(Value, Vec<i32>)>;

/// The graph with like channels, and how it became so; `None` if no pair of layers would change. `seen` are statistics of what
/// layers make.
pub fn equalised(graph: &Graph, seen: &BTreeMap<Value, Statistics>) -> Option<(Graph, Exponents)> {
    let mut found = Exponents::new();
    let new = scaled(graph, |made, reach, depthwise| {
        let ends = &seen.get(&made)?.channel_ends;
        let own: Vec<f32> = ends.iter().map(|&(lo, hi)| lo.abs().max(hi.abs())).collect();
        if own.len() != reach.len() {
            return None;
        }
        // A depthwise layer has a scale for each channel anyway; else channels share one with their row.
        let exponents = exponents(&own, if depthwise { None } else { Some(reach) });
        exponents.iter().any(|&e| e != 0).then(|| {
            found.push((made, exponents.clone()));
            exponents
        })
    });
    (!found.is_empty()).then_some((new, found))
}

/// The graph with channels divided as it was found once; `None` if the exponents do not fit it.
pub fn divided(graph: &Graph, known: &Exponents) -> Option<Graph> {
    let mut used = 0;
    let new = scaled(graph, |made, reach, _| {
        let (_, exponents) = known.iter().find(|(value, _)| *value == made)?;
        let fits = exponents.len() == reach.len() && exponents.iter().all(|e| e.abs() <= MOST);
        used += usize::from(fits);
        fits.then(|| exponents.clone())
    });
    (used == known.len()).then_some(new)
}

/// The graph with channels divided by powers of two: `choose` gives exponents for what a layer makes, from the reach of the
/// weights that read each channel, and whether those are of a depthwise layer.
fn scaled(graph: &Graph, mut choose: impl FnMut(Value, &[f32], bool) -> Option<Vec<i32>>) -> Graph {
    let mut constants: BTreeMap<Value, Vec<f32>> = BTreeMap::new();
    let uses = graph.use_counts();
    let weight_of = |constants: &BTreeMap<Value, Vec<f32>>, value: Value| -> Vec<f32> {
        let original = || graph.const_of(value).and_then(|t| t.data.as_f32()).unwrap_or_default().to_vec();
        constants.get(&value).cloned().unwrap_or_else(original)
    };
    for pair in pairs(graph, &uses) {
        let (first, second) = (&graph.nodes[pair.first], &graph.nodes[pair.second]);
        let mut next = weight_of(&constants, second.inputs[1]);
        let dims = graph.ty(second.inputs[1]).shape.to_vec();
        let (outputs, depth) = (dims[0], dims[dims.len() - 1]);
        let channels = Statistics::channels_of(&graph.ty(pair.made).shape);
        let depthwise = depth == 1 && channels == outputs && channels > 1;
        if !depthwise && depth != channels {
            continue;
        }
        let taps = next.len() / outputs;
        let column = |at: usize| if depthwise { at / taps } else { at % depth };
        let mut reach = vec![0.0f32; channels];
        next.iter().enumerate().for_each(|(at, w)| reach[column(at)] = reach[column(at)].max(w.abs()));
        let Some(exponents) = choose(pair.made, &reach, depthwise) else { continue };
        let factors: Vec<f32> = exponents.iter().map(|&e| (e as f32).exp2()).collect();
        next.iter_mut().enumerate().for_each(|(at, w)| *w *= factors[column(at)]);
        let (mut weight, mut bias) =
            (weight_of(&constants, first.inputs[1]), weight_of(&constants, first.inputs[2]));
        let row = weight.len() / channels;
        weight.iter_mut().enumerate().for_each(|(at, w)| *w /= factors[at / row]);
        bias.iter_mut().zip(&factors).for_each(|(b, f)| *b /= f);
        constants.insert(first.inputs[1], weight);
        constants.insert(first.inputs[2], bias);
        constants.insert(second.inputs[1], next);
    }
    with_constants(graph, &constants)
}

/// The graph with other numbers in some constants.
fn with_constants(graph: &Graph, constants: &BTreeMap<Value, Vec<f32>>) -> Graph {
    let mut new = graph.clone();
    for (&value, numbers) in constants {
        let shape = graph.ty(value).shape.clone();
        new.values[value].def = tinyc_ir::Def::Const(Tensor::f32(shape, numbers.clone()).into());
    }
    new
}

/// The greatest exponent: 256 to one is more than any layer needs.
const MOST: i32 = 8;

/// Exponents of the powers of two by which channels are divided: the root of their reach over that of the weights behind them, with
/// 1 in the middle.
fn exponents(own: &[f32], behind: Option<&[f32]>) -> Vec<i32> {
    let wanted: Vec<Option<f32>> = (0..own.len())
        .map(|c| match behind {
            None if own[c] > 0.0 => Some(own[c].log2()),
            Some(behind) if own[c] > 0.0 && behind[c] > 0.0 => Some((own[c] / behind[c]).log2() / 2.0),
            _ => None,
        })
        .collect();
    let known: Vec<f32> = wanted.iter().flatten().copied().collect();
    let middle = known.iter().sum::<f32>() / known.len().max(1) as f32;
    let most = MOST as f32;
    wanted.iter().map(|w| w.map_or(0, |w| (w - middle).round().clamp(-most, most) as i32)).collect()
}

/// Layers of which one other layer reads all that they make, and nothing else does.
fn pairs(graph: &Graph, uses: &[u32]) -> Vec<Pair> {
    use tinyc_ir::entity::Entity;
    let mut readers: BTreeMap<Value, Node> = BTreeMap::new();
    for (node, data) in graph.nodes.iter() {
        data.inputs.iter().for_each(|&v| _ = readers.insert(v, node));
    }
    let single = |value: Value| uses[value.index()] == 1;
    let mut found = Vec::new();
    for (node, data) in graph.nodes.iter() {
        let made = data.outputs[0];
        let own = [data.inputs.get(1), data.inputs.get(2)];
        let shared = own.into_iter().flatten().any(|&v| !single(v));
        if form(graph, node) != Form::Layer || shared || !scales(&data.op) {
            continue;
        }
        let mut value = made;
        while single(value)
            && let Some(&next) = readers.get(&value)
        {
            let other = &graph.nodes[next];
            if form(graph, next) == Form::Layer && other.inputs[0] == value {
                if single(other.inputs[1]) {
                    found.push(Pair { first: node, made, second: next });
                }
                break;
            }
            let last = |v: Value| graph.ty(v).shape.last().copied();
            let keeps = last(other.outputs[0]) == last(value);
            let commutes = match &other.op {
                Op::MaxPool2d(_) | Op::AvgPool2d(_) | Op::Clamp(_) => scales(&other.op),
                Op::Reshape(_) => keeps,
                _ => false,
            };
            if !commutes || !keeps {
                break;
            }
            value = other.outputs[0];
        }
    }
    found
}

/// Whether an operator's clamp commutes with factors above zero.
fn scales(op: &Op) -> bool {
    let plain = |act: Activation| act == Activation::NONE || act == Activation::RELU;
    match op {
        Op::Conv2d(op) => plain(op.act),
        Op::Dense(op) => plain(op.act),
        Op::AvgPool2d(op) => plain(op.act),
        Op::Clamp(op) => plain(op.act),
        Op::MaxPool2d(_) => true,
        _ => false,
    }
}
