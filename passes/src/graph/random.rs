//! Random small integer networks for the tests of the exact passes: with channels of zero weights, biases that pin a
//! channel to one value, padding, strides, pools, residual adds and flattened dense layers.

use super::samples::ints;
use tinyc_ir::op::window::Window;
use tinyc_ir::op::{Add, AvgPool2d, Conv2d, Dense, MaxPool2d, Mul, Op, Pad, Requantize, Reshape, Softmax};
use tinyc_ir::{Activation, DType, Data, Graph, Origin, Quant, Tensor, TensorType, Value};

/// A small generator of numbers (an LCG with its high bits folded in); the seed decides all.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) ^ (self.0 >> 47)) as usize % n
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn act(&mut self) -> Activation {
        self.pick(&[Activation::NONE, Activation::RELU, Activation::RELU6, Activation { lo: -1.0, hi: 0.5 }])
    }

    fn ty(&mut self, shape: &[usize]) -> TensorType {
        let dtype = self.pick(&[DType::I8, DType::I8, DType::U8]);
        let zero_point = match dtype {
            DType::I8 => self.pick(&[-128, -3, 0, 17]),
            _ => self.pick(&[0, 100, 255]),
        };
        let scale = self.pick(&[0.5, 0.1, 0.037, 0.25, 1.0]);
        TensorType::quantized(dtype, shape.to_vec(), Quant::per_tensor(scale, zero_point).unwrap())
    }

    /// A tensor over the whole range of its type.
    pub(crate) fn tensor(&mut self, ty: &TensorType) -> Tensor {
        let (lo, hi) = ty.dtype.int_range().unwrap();
        let values = (0..ty.shape.elements()).map(|_| lo as i64 + self.below((hi - lo + 1) as usize) as i64);
        Tensor::new(ty.shape.clone(), Data::from_ints(ty.dtype, values.collect::<Vec<_>>()))
    }
}

/// A random network on one image.
pub(crate) fn network(seed: u64) -> Graph {
    let mut builder = Builder { graph: Graph::new("random"), random: Random(seed), count: 0 };
    let random = &mut builder.random;
    let shape = [1 + random.below(2), 1 + random.below(5), 1 + random.below(5), 1 + random.below(5)];
    let ty = random.ty(&shape);
    let mut x = builder.graph.input("x", ty);
    let mut images = vec![x];
    for _ in 0..2 + builder.random.below(6) {
        x = builder.layer(x, &images).unwrap_or(x);
        images.push(x);
    }
    if builder.random.chance(30) {
        builder.graph.outputs.push(images[images.len() / 2]);
    }
    if builder.random.chance(60) {
        x = builder.head(x);
    }
    builder.graph.outputs.push(x);
    builder.graph.outputs.dedup();
    tinyc_ir::rewriter::compact(&builder.graph)
}

struct Builder {
    graph: Graph,
    random: Random,
    count: usize,
}

impl Builder {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("t{}", self.count)
    }

    /// A node with a random result type; `None` where the types forbid it.
    fn node(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Option<Value> {
        let op = op.into();
        let inferred = op.infer(&self.graph.types(inputs)).ok()?;
        let keeps = matches!(op, Op::MaxPool2d(_) | Op::Reshape(_) | Op::Pad(_));
        let ty = if keeps { inferred } else { self.random.ty(&inferred.shape) };
        let (name, origin) = (self.name(), Origin::default());
        self.graph.node_typed(op, inputs, name, ty, origin).ok()
    }

    fn layer(&mut self, x: Value, images: &[Value]) -> Option<Value> {
        let act = self.random.act();
        match self.random.below(9) {
            0..=2 => {
                let outputs = 1 + self.random.below(6);
                self.convolution(x, false, outputs)
            }
            3 | 4 => self.convolution(x, true, 0),
            5 => self.node(Requantize { act }, &[x]),
            6 => {
                let window = self.window();
                if self.random.chance(50) {
                    return self.node(MaxPool2d { window }, &[x]);
                }
                let count_include_pad = self.random.chance(50);
                self.node(AvgPool2d { window, count_include_pad, act }, &[x])
            }
            7 => {
                let n = self.random.below(2);
                let pad = Pad {
                    before: vec![0, n, 1, 0],
                    after: vec![0, 1, n, 0],
                    value: self.random.pick(&[0.0, 1.0]),
                };
                self.node(pad, &[x])
            }
            _ => {
                let shape = self.graph.ty(x).shape.clone();
                let same: Vec<Value> =
                    images.iter().copied().filter(|&v| self.graph.ty(v).shape == shape).collect();
                let other = if self.random.chance(60) { self.random.pick(&same) } else { self.data(&shape) };
                if self.random.chance(70) {
                    self.node(Add { act }, &[x, other])
                } else {
                    self.node(Mul { act }, &[other, x])
                }
            }
        }
    }

    /// A constant operand, per channel or whole.
    fn data(&mut self, shape: &[usize]) -> Value {
        let shape = if self.random.chance(50) { shape.to_vec() } else { vec![*shape.last().unwrap()] };
        let ty = self.random.ty(&shape);
        let tensor = self.random.tensor(&ty);
        let name = self.name();
        self.graph.constant(name, ty, tensor)
    }

    fn window(&mut self) -> Window {
        let kernel = [1 + self.random.below(3), 1 + self.random.below(3)];
        let strides = [1 + self.random.below(2), 1 + self.random.below(2)];
        let pads = std::array::from_fn(|i| self.random.below(kernel[i % 2]));
        Window { kernel, strides, pads }
    }

    fn convolution(&mut self, x: Value, depthwise: bool, outputs: usize) -> Option<Value> {
        let channels = *self.graph.ty(x).shape.last()?;
        let Window { kernel, strides, pads } = self.window();
        let act = self.random.act();
        let (groups, outputs, depth) =
            if depthwise { (channels, channels, 1) } else { (1, outputs, channels) };
        let op = Conv2d { strides, pads, dilations: [1, 1], groups, act };
        let [weight, bias] = self.weights(&[outputs, kernel[0], kernel[1], depth]);
        self.node(op, &[x, weight, bias])
    }

    fn head(&mut self, x: Value) -> Value {
        let shape = self.graph.ty(x).shape.clone();
        let flat = Reshape { shape: vec![shape[0], shape.elements() / shape[0]] };
        let Some(flat) = self.node(flat, &[x]) else { return x };
        let units = 1 + self.random.below(4);
        let depth = shape.elements() / shape[0];
        let [weight, bias] = self.weights(&[units, depth]);
        let act = self.random.act();
        let Some(y) = self.node(Dense { act }, &[flat, weight, bias]) else { return flat };
        if self.random.chance(50) { self.node(Softmax, &[y]).unwrap_or(y) } else { y }
    }

    /// Weights with rows and columns of zeros, and biases some of which saturate.
    fn weights(&mut self, shape: &[usize]) -> [Value; 2] {
        let random = &mut self.random;
        let (outputs, depth) = (shape[0], *shape.last().unwrap());
        let (dtype, zero_point) = random.pick(&[(DType::I8, 0), (DType::I8, 0), (DType::U8, 120)]);
        let quant = if random.chance(50) {
            Quant::per_tensor(0.05, zero_point).unwrap()
        } else {
            let scales = (0..outputs).map(|_| random.pick(&[0.05, 0.002, 0.3])).collect();
            Quant::per_axis(0, scales, vec![zero_point; outputs]).unwrap()
        };
        let ty = TensorType::quantized(dtype, shape.to_vec(), quant);
        let mut tensor = random.tensor(&ty).data.to_ints().unwrap();
        let row = tensor.len() / outputs;
        let dead_rows: Vec<bool> = (0..outputs).map(|_| random.chance(25)).collect();
        let dead_columns: Vec<bool> = (0..depth).map(|_| random.chance(20)).collect();
        for (i, w) in tensor.iter_mut().enumerate() {
            if dead_rows[i / row] || dead_columns[i % depth] {
                *w = i64::from(zero_point);
            }
        }
        let extremes = [-(1 << 30), 1 << 30, i64::from(i32::MAX), i64::from(i32::MIN), 2000];
        let biases: Vec<i64> = (0..outputs)
            .map(|_| if random.chance(20) { random.pick(&extremes) } else { random.below(200) as i64 - 100 })
            .collect();
        let bias_type = TensorType::quantized(DType::I32, [outputs], Quant::per_tensor(1.0, 0).unwrap());
        let (name, bias) = (self.name(), self.name());
        let weight = ints(&mut self.graph, &name, ty, &tensor);
        [weight, ints(&mut self.graph, &bias, bias_type, &biases)]
    }
}
