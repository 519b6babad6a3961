//! Random operators with windows and weights: convolutions, dense layers, pools.

use super::Generator;
use super::numbers::{activation, biases, float, result_quant, scale, storage, weights, zero_point};
use crate::graph::Value;
use crate::op::window::Window;
use crate::op::{AvgPool2d, Conv2d, Dense, MaxPool2d};
use crate::{DType, Data, Op, Quant, Shape, TensorType};

impl Generator {
    pub(super) fn conv2d(&mut self, x: Value) -> Option<Value> {
        let shape = self.graph.ty(x).shape.clone();
        let &[_, height, width, channels] = shape.dims() else { return None };
        let random = &mut self.random;
        let (groups, outputs) = match random.below(4) {
            0 => (channels, channels * (1 + random.below(2) as usize)),
            1 => {
                let divisors: Vec<usize> = (1..=channels).filter(|d| channels.is_multiple_of(*d)).collect();
                let groups = *random.pick(&divisors);
                (groups, groups * (1 + random.below(3) as usize))
            }
            _ => (1, 1 + random.below(9) as usize),
        };
        let mut kernel = [0; 2];
        let (mut strides, mut dilations, mut pads) = ([1; 2], [1; 2], [0; 4]);
        let pointwise = random.once_in(4);
        for (axis, size) in [height, width].into_iter().enumerate() {
            kernel[axis] = if pointwise { 1 } else { 1 + random.below(5.min(size as u64 + 2)) as usize };
            strides[axis] = 1 + random.below(3) as usize;
            if random.once_in(4) {
                dilations[axis] = 1 + random.below(3) as usize;
            }
            let span = dilations[axis] * (kernel[axis] - 1) + 1;
            pads[axis] = random.below(span as u64) as usize;
            pads[axis + 2] = random.below(span as u64) as usize;
        }
        if random.once_in(3) {
            pads = [0; 4];
        }
        let op = Conv2d { strides, pads, dilations, groups, act: activation(random) };
        let per_channel = [kernel[0], kernel[1], channels / groups];
        self.weighted(op.into(), x, outputs, &per_channel)
    }

    pub(super) fn dense(&mut self, x: Value) -> Option<Value> {
        let ty = self.graph.ty(x).clone();
        let x = match ty.shape.dims() {
            [_, _] => x,
            // Any tensor can be flattened to a row first.
            _ if self.random.once_in(2) => {
                let shape = vec![1, ty.shape.elements()];
                self.node(crate::op::Reshape { shape }, &[x], None)?
            }
            _ => return None,
        };
        let depth = self.graph.ty(x).shape[1];
        let units = 1 + self.random.below(10) as usize;
        let op = Dense { act: activation(&mut self.random) };
        self.weighted(op.into(), x, units, &[depth])
    }

    /// A weighted sum with new weights `[outputs, per_channel…]` and biases.
    fn weighted(&mut self, op: Op, x: Value, outputs: usize, per_channel: &[usize]) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let mut shape = vec![outputs];
        shape.extend(per_channel);
        let terms: usize = per_channel.iter().product();
        if outputs * terms > super::MOST_ELEMENTS {
            return None;
        }
        let random = &mut self.random;
        let Some(xq) = &xt.quant else {
            let (wt, bt) = (TensorType::f32(shape), TensorType::f32([outputs]));
            let y = op.infer(&[&xt, &wt, &bt]).ok()?;
            let mut floats = |count| Data::F32((0..count).map(|_| float(random)).collect());
            let constants = vec![(wt, floats(outputs * terms)), (bt, floats(outputs))];
            return self.node_with(op, x, constants, y);
        };
        let (sx, _) = xq.tensor_wide()?;
        let dtype = if random.once_in(4) { DType::U8 } else { DType::I8 };
        let asymmetric = dtype == DType::U8 || random.once_in(5);
        let per_axis = random.once_in(2);
        let entries = if per_axis { outputs } else { 1 };
        let base = scale(random);
        let scales: Vec<f32> = (0..entries)
            .map(|_| if random.once_in(12) { scale(random) } else { base * (1.0 + random.unit() * 0.9) })
            .collect();
        let zero = |_| if asymmetric { zero_point(random, dtype) } else { 0 };
        let zeros: Vec<i32> = (0..entries).map(zero).collect();
        let products: Vec<f32> = scales.iter().map(|s| s * sx).collect();
        let axis = |scales, zeros| {
            if per_axis { Quant::per_axis(0, scales, zeros) } else { Quant::per_tensor(scales[0], zeros[0]) }
        };
        let wq = axis(scales, zeros).ok()?;
        let bq = axis(products.clone(), vec![0; entries]).ok()?;
        let w = weights(random, dtype, outputs, terms, &wq);
        let b = biases(random, outputs);
        let wt = TensorType::quantized(dtype, shape, wq);
        let bt = TensorType::quantized(DType::I32, [outputs], bq);
        let y_storage = storage(random);
        // Half the range of x times half of the weights' is what a product comes to.
        let unit = products[0] * 64.0 * if xt.dtype == DType::I16 { 16384.0 } else { 64.0 };
        let quant = result_quant(random, y_storage, unit / 64.0, terms)?;
        let y = op.infer(&[&xt, &wt, &bt]).ok()?;
        let y = TensorType::quantized(y_storage, y.shape, quant);
        self.node_with(op, x, vec![(wt, w), (bt, b)], y)
    }

    pub(super) fn avg_pool2d(&mut self, x: Value) -> Option<Value> {
        let window = self.window(x)?;
        let count_include_pad = self.random.once_in(2);
        let op = AvgPool2d { window, count_include_pad, act: activation(&mut self.random) };
        let ty = self.graph.ty(x).clone();
        let y = Op::from(op.clone()).infer(&[&ty]).ok()?;
        let y = self.rescaled(&ty, y.shape);
        self.node(op, &[x], Some(y))
    }

    pub(super) fn max_pool2d(&mut self, x: Value) -> Option<Value> {
        let window = self.window(x)?;
        self.node(MaxPool2d { window }, &[x], None)
    }

    /// A window over an image; sometimes all of it.
    fn window(&mut self, x: Value) -> Option<Window> {
        let &[_, height, width, _] = self.graph.ty(x).shape.dims() else { return None };
        let random = &mut self.random;
        if random.once_in(4) {
            return Some(Window { kernel: [height, width], strides: [1, 1], pads: [0; 4] });
        }
        let mut window = Window { kernel: [0; 2], strides: [1; 2], pads: [0; 4] };
        for axis in 0..2 {
            window.kernel[axis] = 1 + random.below(4) as usize;
            window.strides[axis] = 1 + random.below(3) as usize;
            for side in [axis, axis + 2] {
                if random.once_in(2) {
                    window.pads[side] = random.below(window.kernel[axis] as u64) as usize;
                }
            }
        }
        Some(window)
    }

    /// The type of a result that keeps real values: f32 for f32, another quantisation for a quantised argument, which is
    /// often the same one.
    pub(super) fn rescaled(&mut self, x: &TensorType, shape: Shape) -> TensorType {
        let Some((sx, _)) = x.quant.as_ref().and_then(|q| q.tensor_wide()) else {
            return TensorType { shape, ..x.clone() };
        };
        if x.dtype != DType::I32 && self.random.once_in(3) {
            return TensorType { shape, ..x.clone() };
        }
        let dtype = storage(&mut self.random);
        match result_quant(&mut self.random, dtype, sx, 1) {
            Some(quant) => TensorType::quantized(dtype, shape, quant),
            None => TensorType { shape, ..x.clone() },
        }
    }
}
