//! Which channels of which tensors the network can do without: the analysis behind
//! [`constant_channels`](super::constant_channels). It changes no graph.
//!
//! Tensors that operators connect channel by channel (depthwise convolutions, pools, element-wise operators, …) form
//! a group, and a channel is dropped from the whole group or not at all. A group ends at *mixers*: ordinary
//! convolutions and dense layers, which read it and whose results begin other groups. A channel may go if each
//! mixer that reads it, for each of its own results that stay, has only zero weights for it, or sees a constant
//! there that its bias can take in. A constant other than the zero point is none where a tap may lie in the padding.

use super::ranges::{Ranges, padded_taps};
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::{Def, Node, NodeData, Value};
use tinyc_ir::{Graph, Op, TensorType};

/// The channels that stay, for all values of a graph.
pub(super) struct Channels {
    group: Vec<usize>,
    /// For each group, which of its channels stay.
    keep: Vec<Vec<bool>>,
}

impl Channels {
    /// The indices of a value's last axis that stay; `None` if all do.
    pub(super) fn kept(&self, graph: &Graph, value: Value) -> Option<Vec<usize>> {
        let keep = &self.keep[self.group[value.index()]];
        if keep.iter().all(|&k| k) {
            return None;
        }
        let count = *graph.ty(value).shape.last()?;
        Some((0..count).filter(|i| keep[i % keep.len()]).collect())
    }
}

/// How an operator connects the channels of its arguments and result.
pub(super) enum Link {
    /// Each result channel depends on all channels of argument 0, through constant weights and bias.
    Mixer,
    /// Each result channel depends on the same channel of these arguments.
    Each(Vec<Value>),
    /// Anything else.
    Unknown,
}

/// The link of a node.
pub(super) fn link(graph: &Graph, data: &NodeData) -> Link {
    let y = graph.ty(data.outputs[0]);
    let constant = |i: usize| graph.const_of(data.inputs[i]).is_some();
    if !data
        .inputs
        .iter()
        .chain(&data.outputs)
        .all(|&v| graph.ty(v).is_quantized() && graph.ty(v).shape.elements() > 0)
    {
        return Link::Unknown;
    }
    let last = |ty: &TensorType| ty.shape.last().copied();
    match &data.op {
        Op::Conv2d(conv) if constant(1) && constant(2) => {
            let weight = graph.ty(data.inputs[1]);
            if conv.groups == 1 {
                Link::Mixer
            } else if weight.shape[3] == 1 && weight.shape[0] == conv.groups {
                Link::Each(vec![data.inputs[0]])
            } else {
                Link::Unknown
            }
        }
        Op::Dense(_) if constant(1) && constant(2) => Link::Mixer,
        Op::Requantize(_) | Op::MaxPool2d(_) | Op::AvgPool2d(_) | Op::Reshape(_) => {
            Link::Each(data.inputs.clone())
        }
        Op::Pad(pad) if pad.before.last() == Some(&0) && pad.after.last() == Some(&0) => {
            Link::Each(data.inputs.clone())
        }
        Op::Add(_) | Op::Mul(_) if data.inputs.iter().all(|&v| last(graph.ty(v)) == last(y)) => {
            Link::Each(data.inputs.clone())
        }
        _ => Link::Unknown,
    }
}

/// Decides which channels stay.
pub(super) fn analyze(graph: &Graph, ranges: &Ranges) -> Channels {
    let (mut group, counts) = groups(graph);
    let mixers: Vec<Mixer> = graph
        .nodes
        .iter()
        .filter(|(_, data)| matches!(link(graph, data), Link::Mixer))
        .map(|(node, _)| Mixer::new(graph, ranges, node))
        .collect();
    // `None`: all channels of the group stay.
    let mut banned: Vec<Option<Vec<bool>>> = counts.iter().map(|c| c.map(|n| vec![false; n])).collect();
    loop {
        let keep = settle(&group, &counts, &banned, &mixers);
        let channels = Channels { group, keep };
        let mut grew = false;
        for mixer in &mixers {
            let of = channels.group[mixer.x.index()];
            let Some(banned) = &mut banned[of] else { continue };
            for j in mixer.overflowing(graph, &channels) {
                let c = j % banned.len();
                grew |= !std::mem::replace(&mut banned[c], true);
            }
        }
        if !grew {
            return channels;
        }
        group = channels.group;
    }
}

/// The group of each value, and each group's number of channels; `None` where all have to stay.
fn groups(graph: &Graph) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut parent: Vec<usize> = (0..graph.values.len()).collect();
    let channels = |v: Value| graph.ty(v).shape.last().copied().filter(|_| graph.ty(v).is_quantized());
    let mut counts: Vec<Option<usize>> = graph.values.keys().map(channels).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for &value in graph.inputs.iter().chain(&graph.outputs) {
        counts[value.index()] = None;
    }
    for data in graph.nodes.values() {
        match link(graph, data) {
            Link::Mixer => {}
            Link::Each(inputs) => {
                for input in inputs {
                    let (a, b) =
                        (root(&mut parent, input.index()), root(&mut parent, data.outputs[0].index()));
                    let count = match (counts[a], counts[b]) {
                        (Some(a), Some(b)) if a.is_multiple_of(b) || b.is_multiple_of(a) => Some(a.min(b)),
                        _ => None,
                    };
                    parent[a] = b;
                    counts[b] = count;
                }
            }
            Link::Unknown => {
                for value in data.inputs.iter().chain(&data.outputs) {
                    let group = root(&mut parent, value.index());
                    counts[group] = None;
                }
            }
        }
    }
    let group = (0..parent.len()).map(|i| root(&mut parent, i)).collect();
    (group, counts)
}

/// Drops channels until none can go: each drop can only make others possible.
fn settle(
    group: &[usize],
    counts: &[Option<usize>],
    banned: &[Option<Vec<bool>>],
    mixers: &[Mixer],
) -> Vec<Vec<bool>> {
    let mut keep: Vec<Vec<bool>> = counts.iter().map(|c| vec![true; c.unwrap_or(1)]).collect();
    loop {
        let mut needed: Vec<Vec<bool>> = counts
            .iter()
            .zip(banned)
            .map(|(c, b)| match (c, b) {
                (Some(_), Some(banned)) => banned.clone(),
                _ => vec![true],
            })
            .collect();
        for mixer in mixers {
            let (x, y) = (group[mixer.x.index()], group[mixer.y.index()]);
            let count = needed[x].len();
            for (o, row) in mixer.needs.iter().enumerate() {
                if keep[y][o % keep[y].len()] {
                    row.iter().enumerate().for_each(|(j, &need)| needed[x][j % count] |= need);
                }
            }
        }
        for group in &mut needed {
            if !group.is_empty() && group.iter().all(|&n| !n) {
                group[0] = true; // A tensor has at least one channel.
            }
        }
        if needed == keep {
            return keep;
        }
        keep = needed;
    }
}

/// An ordinary convolution or dense layer.
struct Mixer {
    node: Node,
    x: Value,
    y: Value,
    /// For each result channel and each channel of `x`, whether the former needs the latter.
    needs: Vec<Vec<bool>>,
    /// For each result channel and each channel of `x`, what the constant in it adds to the sum; 0 if it is none.
    adds: Vec<Vec<i64>>,
}

impl Mixer {
    fn new(graph: &Graph, ranges: &Ranges, node: Node) -> Self {
        let data = &graph.nodes[node];
        let (x, weight) = (data.inputs[0], data.inputs[1]);
        let padded = match &data.op {
            Op::Conv2d(conv) => padded_taps(graph, data, conv),
            _ => vec![false],
        };
        let wt = graph.ty(weight);
        let (outputs, depth) = (wt.shape[0], *wt.shape.last().expect("weights have axes"));
        let zx = i64::from(graph.ty(x).quant.as_ref().map_or(0, |q| q.zero_point(0)));
        let Def::Const(stored) = &graph.values[weight].def else {
            unreachable!("a mixer's weights are constant")
        };
        let (mut needs, mut adds) = (vec![vec![false; depth]; outputs], vec![vec![0; depth]; outputs]);
        for o in 0..outputs {
            let zw = i64::from(wt.quant.as_ref().map_or(0, |q| q.zero_point(o)));
            for (tap, &may_be_padding) in padded.iter().enumerate() {
                for j in 0..depth {
                    let w = stored.data.int((o * padded.len() + tap) * depth + j) - zw;
                    let (lo, hi) = ranges.of(x)[j];
                    let varies = lo != hi || (may_be_padding && lo != zx);
                    needs[o][j] |= w != 0 && varies;
                    if lo == hi {
                        adds[o][j] += (lo - zx) * w;
                    }
                }
            }
        }
        Self { node, x, y: data.outputs[0], needs, adds }
    }

    /// The dropped channels that change a bias which then leaves 32 bits.
    fn overflowing(&self, graph: &Graph, channels: &Channels) -> Vec<usize> {
        let Some(kept) = channels.kept(graph, self.x) else { return Vec::new() };
        let bias = graph.const_of(graph.nodes[self.node].inputs[2]).expect("a mixer's bias is constant");
        let rows = channels.kept(graph, self.y).unwrap_or_else(|| (0..self.adds.len()).collect());
        let dropped: Vec<usize> =
            (0..self.adds[0].len()).filter(|j| kept.binary_search(j).is_err()).collect();
        let bad = rows.into_iter().filter(|&o| {
            let sum = bias.data.int(o) + dropped.iter().map(|&j| self.adds[o][j]).sum::<i64>();
            i32::try_from(sum).is_err()
        });
        bad.flat_map(|o| dropped.iter().copied().filter(move |&j| self.adds[o][j] != 0)).collect()
    }
}

/// What the dropped channels of argument 0 add to each sum of a mixer.
pub(super) fn dropped_sums(graph: &Graph, ranges: &Ranges, node: Node, kept: &[usize]) -> Vec<i64> {
    let mixer = Mixer::new(graph, ranges, node);
    let sum =
        |row: &Vec<i64>| (0..row.len()).filter(|j| kept.binary_search(j).is_err()).map(|j| row[j]).sum();
    mixer.adds.iter().map(sum).collect()
}
