//! Random valid graphs and inputs for them, for property tests of this crate and of those above it (feature `testing`).
//! Not for users: what a seed stands for changes whenever the generator learns something.
//!
//! A test draws a seed, makes a graph and says something that holds of every graph; a failure names the seed.
//! ```
//! # use tinyc_ir::{eval::eval, testing};
//! let graph = testing::random_graph(7);
//! let run = eval(&graph, &testing::random_inputs(&graph, 1));
//! assert_eq!(run.outputs(&graph).len(), graph.outputs.len());
//! ```

mod general;
mod images;
mod layers;
mod numbers;
mod trees;

use crate::graph::{Graph, Value};
use crate::seeded::Seeded;
use crate::{DType, Data, Op, Origin, Tensor, TensorType};
use numbers::{float, quant, storage};

/// No tensor of a random graph has more elements.
pub const MOST_ELEMENTS: usize = 1500;

/// No node of a random graph does more multiplications.
const MOST_MACS: u64 = 60_000;

/// A valid graph of one to twelve nodes over all operators, on floats, quantised integers and both; the same for the
/// same seed.
///
/// Among its shapes and numbers are those that break compilers: strides, dilations, groups and depthwise filters with
/// borders; channels of zero weights with biases near 2^30; scales that are powers of two (ties), tiny or huge;
/// zero points at the ends of their ranges, also of weights; broadcasts; outputs that are used inside, inputs
/// and constants that are outputs, inputs that nothing uses; names that no C compiler takes.
pub fn random_graph(seed: u64) -> Graph {
    let mut generator =
        Generator { random: Seeded::new(seed), graph: Graph::new("random"), pool: Vec::new() };
    generator.inputs();
    let nodes = 1 + generator.random.below(12);
    for _ in 0..nodes {
        generator.grow();
    }
    generator.choose_outputs();
    generator.graph
}

/// Tensors for a graph's inputs, in its order: uniform, all extremes, constant, or (floats) with infinities, NaN,
/// subnormals and both zeros among them.
pub fn random_inputs(graph: &Graph, seed: u64) -> Vec<Tensor> {
    let mut random = Seeded::new(seed ^ 0x5eed_0f1e_9475);
    graph.inputs.iter().map(|&input| random_tensor(&mut random, graph.ty(input))).collect()
}

fn random_tensor(random: &mut Seeded, ty: &TensorType) -> Tensor {
    let count = ty.shape.elements();
    let manner = random.below(6);
    let data = match ty.dtype.int_range() {
        None if ty.dtype == DType::F32 || ty.dtype.is_half() => {
            let special =
                [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, -1e-39, f32::MAX, 0.5, -2.5];
            let step = 2.0f32.powi(random.range(-6, 3) as i32);
            let same = float(random);
            let value = |random: &mut Seeded| match manner {
                0 if random.once_in(8) => *random.pick(&special),
                1 => random.range(-20, 20) as f32 * step,
                2 => same,
                _ => float(random),
            };
            Data::F32((0..count).map(|_| value(random)).collect()).narrowed(ty.dtype)
        }
        None => return random.tensor(ty.dtype, ty.shape.clone()),
        Some((lo, hi)) => {
            let (lo, hi) = (lo.max(i64::MIN.into()) as i64, hi.min(i64::MAX.into()) as i64);
            let zero = ty.quant.as_ref().map_or(0, |q| i64::from(q.zero_point(0)));
            let same = random.range(lo, hi);
            let value = |random: &mut Seeded| match manner {
                0 => *random.pick(&[lo, hi]),
                1 => (zero + random.range(-3, 3)).clamp(lo, hi),
                2 => same,
                _ => random.range(lo, hi),
            };
            Data::from_ints(ty.dtype, (0..count).map(|_| value(random)))
        }
    };
    Tensor::new(ty.shape.clone(), data)
}

/// A graph that grows.
struct Generator {
    random: Seeded,
    graph: Graph,
    /// What later nodes may use: inputs and results.
    pool: Vec<Value>,
}

impl Generator {
    fn inputs(&mut self) {
        for _ in 0..1 + self.random.below(2) + u64::from(self.random.once_in(6)) {
            let shape = self.shape();
            let ty = match self.random.below(16) {
                0 => TensorType::new(*self.random.pick(&DType::ALL), shape),
                1..=6 => TensorType::f32(shape),
                _ => {
                    let dtype = storage(&mut self.random);
                    TensorType::quantized(dtype, shape, quant(&mut self.random, dtype))
                }
            };
            let name = self.name("x");
            let input = self.graph.input(name, ty);
            self.pool.push(input);
        }
    }

    /// Mostly an image, else a matrix or another rank.
    fn shape(&mut self) -> Vec<usize> {
        let random = &mut self.random;
        let mut up_to = |most: u64| 1 + random.below(most) as usize;
        match up_to(8) {
            1..=5 => vec![if up_to(6) == 1 { 2 } else { 1 }, up_to(8), up_to(8), up_to(7)],
            6 | 7 => vec![up_to(3), up_to(20)],
            _ => (0..up_to(5) - 1).map(|_| up_to(5)).collect(),
        }
    }

    /// Adds one node to a value of the pool, if one of some tries fits.
    fn grow(&mut self) {
        for _ in 0..40 {
            // Recent values more often: depth makes better tests than width.
            let back = self.random.below(self.pool.len() as u64).min(self.random.below(3)) as usize;
            let x = self.pool[self.pool.len() - 1 - back];
            let added = match self.random.below(20) {
                0..=3 => self.conv2d(x),
                4 | 5 => self.dense(x),
                6 => self.avg_pool2d(x),
                7 => self.max_pool2d(x),
                8 => self.add(x),
                9 => self.mul(x),
                10 => self.clamp_or_requantize(x),
                11 => self.softmax(x),
                12 => self.reshape(x),
                13 => self.transpose(x),
                14 => self.pad(x),
                15..=18 => self.general(x),
                _ => self.quantize_or_dequantize(x),
            };
            if added.is_some() {
                return;
            }
        }
    }

    /// Adds a node whose arguments exist, if it is valid and small; `None` leaves the graph as it is.
    fn node(&mut self, op: impl Into<Op>, inputs: &[Value], ty: Option<TensorType>) -> Option<Value> {
        let op = op.into();
        let types = self.graph.types(inputs);
        let ty = ty.map_or_else(|| op.infer(&types), Ok).ok()?;
        if !acceptable(&op, &types, &ty) {
            return None;
        }
        let (name, origin) = (self.name("t"), self.origin());
        let value = self.graph.node_typed(op, inputs, name, ty, origin).ok()?;
        self.pool.push(value);
        Some(value)
    }

    /// As [`node`](Self::node), for an operator on `x` and new constants, which join the graph only with it.
    fn node_with(
        &mut self,
        op: impl Into<Op>,
        x: Value,
        constants: Vec<(TensorType, Data)>,
        ty: TensorType,
    ) -> Option<Value> {
        let op = op.into();
        let mut types = vec![self.graph.ty(x)];
        types.extend(constants.iter().map(|(ty, _)| ty));
        if !acceptable(&op, &types, &ty) {
            return None;
        }
        let mut inputs = vec![x];
        for (ty, data) in constants {
            let (name, tensor) = (self.name("c"), Tensor::new(ty.shape.clone(), data));
            inputs.push(self.graph.constant(name, ty, tensor));
        }
        self.node(op, &inputs, Some(ty))
    }

    /// Everything unused, and a few values more.
    fn choose_outputs(&mut self) {
        let counts = self.graph.use_counts();
        for (value, uses) in self.graph.values.keys().zip(counts) {
            let is_input = self.graph.inputs.contains(&value);
            let chance = if uses == 0 && !is_input {
                1
            } else if is_input {
                10
            } else {
                12
            };
            if self.random.once_in(chance) {
                self.graph.outputs.push(value);
            }
        }
        if self.graph.outputs.is_empty() {
            self.graph.outputs.push(*self.pool.last().expect("there is an input"));
        }
        if self.random.once_in(3) {
            self.graph.outputs.reverse();
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        let number = self.graph.values.len();
        match self.random.below(10) {
            0 => format!("{prefix}/{number}:0"),
            1 => format!("{number}"),
            2 => format!("net.{prefix} \u{e9}\"\\{number}"),
            _ => format!("{prefix}{number}"),
        }
    }

    fn origin(&mut self) -> Origin {
        let index = self.graph.nodes.len() as u32;
        match self.random.below(4) {
            0 => Origin::default(),
            1 => Origin { name: format!("made/{index}"), onnx: None },
            _ => Origin::onnx(format!("node \"{index}\""), index),
        }
    }
}

/// Whether an operator applies, its result is a legal type, and neither is large.
fn acceptable(op: &Op, types: &[&TensorType], ty: &TensorType) -> bool {
    let small = |t: &TensorType| t.shape.checked_elements().is_some_and(|n| n > 0 && n <= MOST_ELEMENTS);
    let quant_fits = !ty.is_quantized() || crate::op::quantize::check_quant(ty).is_ok();
    small(ty) && quant_fits && op.check(types, ty).is_ok() && op.macs(types, ty) <= MOST_MACS
}

#[cfg(test)]
mod tests;
