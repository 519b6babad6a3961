//! What a layer's weights are multiplied with: rows of its input, one for each position of its output.

use tinyc_ir::graph::Node;
use tinyc_ir::op::Conv2d;
use tinyc_ir::{Graph, Op};

/// How a layer reads its input.
pub(super) struct Taps {
    /// Groups of output channels that read different channels of the input.
    pub(super) groups: usize,
    /// Numbers of a row that belong to one group: what one output channel's weights are multiplied with, in their order.
    pub(super) depth: usize,
    /// Positions of the output in one sample.
    pub(super) positions: usize,
    window: Option<Window>,
}

/// A convolution's geometry.
struct Window {
    op: Conv2d,
    /// Rows, columns, channels of the input.
    input: [usize; 3],
    /// Rows and columns of the kernel.
    kernel: [usize; 2],
    /// Rows and columns of the output.
    output: [usize; 2],
}

impl Taps {
    /// Of a layer: a `conv2d` or a `dense`.
    pub(super) fn of(graph: &Graph, node: Node) -> Option<Self> {
        let data = &graph.nodes[node];
        let dims = |at: usize| graph.ty(data.inputs[at]).shape.to_vec();
        let result = graph.ty(data.outputs[0]).shape.to_vec();
        let (input, weight) = (dims(0), dims(1));
        match &data.op {
            Op::Dense(_) => Some(Self { groups: 1, depth: weight[1], positions: result[0], window: None }),
            Op::Conv2d(op) => Some(Self {
                groups: op.groups,
                depth: weight[1] * weight[2] * weight[3],
                positions: result[..3].iter().product(),
                window: Some(Window {
                    op: op.clone(),
                    input: [input[1], input[2], input[3]],
                    kernel: [weight[1], weight[2]],
                    output: [result[1], result[2]],
                }),
            }),
            _ => None,
        }
    }

    /// Of rows as they are.
    #[cfg(test)]
    pub(super) fn plain(groups: usize, depth: usize) -> Self {
        Self { groups, depth, positions: 1, window: None }
    }

    /// Numbers in a row, all groups together.
    pub(super) fn width(&self) -> usize {
        self.groups * self.depth
    }

    /// Appends the row of a position: group by group, each in the order of an output channel's weights. Padding is 0.
    pub(super) fn row(&self, x: &[f32], position: usize, row: &mut Vec<f32>) {
        let Some(Window { op, input: [height, width, channels], kernel, output }) = &self.window else {
            row.extend_from_slice(&x[position * self.depth..(position + 1) * self.depth]);
            return;
        };
        let (image, at) = (position / (output[0] * output[1]), position % (output[0] * output[1]));
        let corner = [at / output[1] * op.strides[0], at % output[1] * op.strides[1]];
        let per_group = channels / self.groups;
        for group in 0..self.groups {
            for ky in 0..kernel[0] {
                for kx in 0..kernel[1] {
                    let y = (corner[0] + ky * op.dilations[0]).checked_sub(op.pads[0]).filter(|y| y < height);
                    let x_at =
                        (corner[1] + kx * op.dilations[1]).checked_sub(op.pads[1]).filter(|x| x < width);
                    match (y, x_at) {
                        (Some(y), Some(x_at)) => {
                            let first = ((image * height + y) * width + x_at) * channels + group * per_group;
                            row.extend_from_slice(&x[first..first + per_group]);
                        }
                        _ => row.extend(std::iter::repeat_n(0.0, per_group)),
                    }
                }
            }
        }
    }
}

/// `wanted` of `total` positions, or all of them: one out of each of so many equal parts, at a place in it that changes from part to part, so that
/// no row or column of an image is preferred.
pub(super) fn spread(total: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(total);
    let part = |at: usize| (at as u128 * total as u128 / wanted as u128) as usize;
    (0..wanted)
        .map(|at| {
            let (first, end) = (part(at), part(at + 1));
            // Multiples of the golden ratio fill an interval evenly.
            let place = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            first + ((place * (end - first) as u64) >> 32) as usize
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::text::parse_graph;
    use tinyc_ir::{Tensor, eval::eval};

    /// Rows times weights are what the layer makes.
    fn check(text: &str) {
        let graph = parse_graph("test", text).expect("the text is a graph");
        let node = graph.nodes.keys().next().expect("there is a layer");
        let taps = Taps::of(&graph, node).expect("it is a layer");
        let shape = graph.ty(graph.inputs[0]).shape.clone();
        let x: Vec<f32> = (0..shape.elements()).map(|i| (i * 37 % 23) as f32 - 11.0).collect();
        let expected = eval(&graph, &[Tensor::f32(shape, x.clone())]).outputs(&graph).remove(0);
        let weight =
            graph.const_of(graph.nodes[node].inputs[1]).and_then(|t| t.data.as_f32()).expect("floats");
        let outputs = weight.len() / taps.depth;
        let mut found = Vec::new();
        for position in 0..taps.positions {
            let mut row = Vec::new();
            taps.row(&x, position, &mut row);
            assert_eq!(row.len(), taps.width());
            for channel in 0..outputs {
                let group = &row[channel / (outputs / taps.groups) * taps.depth..][..taps.depth];
                let own = &weight[channel * taps.depth..][..taps.depth];
                found.push(group.iter().zip(own).map(|(a, b)| a * b).sum::<f32>());
            }
        }
        let expected = expected.data.as_f32().expect("floats").to_vec();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
    }

    #[test]
    fn rows_are_what_weights_are_multiplied_with() {
        check(
            "graph @conv {
                in x: f32[2,7,6,4]
                const w: f32[6,3,2,2] = seeded(1)
                const b: f32[6] = splat(0.0)
                y = conv2d x, w, b {strides=[2,1], pads=[1,1,2,0], dilations=[2,1], groups=2} : f32[2,3,6,6]
                out y
            }",
        );
        check(
            "graph @depthwise {
                in x: f32[1,5,5,3]
                const w: f32[3,3,3,1] = seeded(2)
                const b: f32[3] = splat(0.0)
                y = conv2d x, w, b {pads=[1,1,1,1], groups=3} : f32[1,5,5,3]
                out y
            }",
        );
        check(
            "graph @dense {
                in x: f32[3,8]
                const w: f32[5,8] = seeded(3)
                const b: f32[5] = splat(0.0)
                y = dense x, w, b : f32[3,5]
                out y
            }",
        );
    }

    #[test]
    fn positions_are_spread_over_all() {
        assert_eq!(spread(5, 9), [0, 1, 2, 3, 4]);
        let some = spread(1000, 100);
        assert!(some.iter().enumerate().all(|(at, &p)| p / 10 == at));
        // No column of an image of ten columns is left out.
        assert!((0..10).all(|column| some.iter().any(|p| p % 10 == column)));
        assert_eq!(spread(0, 4), []);
    }
}
