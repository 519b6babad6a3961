//! Random operators without weights: element-wise, softmax, movement, conversion.

use super::Generator;
use super::numbers::{activation, quant, scale, storage, zero_point};
use crate::graph::Value;
use crate::op::{Add, Clamp, Dequantize, Mul, Pad, Quantize, Requantize, Reshape, Softmax, Transpose};
use crate::{Activation, DType, Op, Quant, Shape, TensorType};

impl Generator {
    pub(super) fn add(&mut self, x: Value) -> Option<Value> {
        let op = Add { act: activation(&mut self.random) };
        self.element_wise(op.into(), x)
    }

    pub(super) fn mul(&mut self, x: Value) -> Option<Value> {
        let op = Mul { act: activation(&mut self.random) };
        self.element_wise(op.into(), x)
    }

    /// With another value that broadcasts, with itself, or with a new constant.
    fn element_wise(&mut self, op: Op, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let fits = |v: &Value| {
            let t = self.graph.ty(*v);
            t.is_quantized() == xt.is_quantized() && Shape::broadcast(&t.shape, &xt.shape).is_some()
        };
        let partners: Vec<Value> = self.pool.iter().copied().filter(fits).collect();
        if partners.is_empty() || self.random.once_in(3) {
            let shape: Vec<usize> =
                xt.shape.iter().map(|&d| if self.random.once_in(3) { 1 } else { d }).collect();
            let skip =
                if self.random.once_in(3) { self.random.below(shape.len() as u64 + 1) as usize } else { 0 };
            let ct = match &xt.quant {
                None => TensorType { shape: shape[skip..].to_vec().into(), ..xt.clone() },
                Some(_) => {
                    let dtype = storage(&mut self.random);
                    TensorType::quantized(dtype, shape[skip..].to_vec(), quant(&mut self.random, dtype))
                }
            };
            let data = super::random_tensor(&mut self.random, &ct).data;
            let y = op.infer(&[&xt, &ct]).ok()?;
            let y = self.rescaled(&xt, y.shape);
            return self.node_with(op, x, vec![(ct, data)], y);
        }
        let other = *self.random.pick(&partners);
        let pair = if self.random.once_in(2) { [x, other] } else { [other, x] };
        let y = op.infer(&self.graph.types(&pair)).ok()?;
        let y = self.rescaled(&xt, y.shape);
        self.node(op, &pair, Some(y))
    }

    pub(super) fn clamp_or_requantize(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let act = activation(&mut self.random);
        if xt.is_quantized() {
            let y = self.rescaled(&xt, xt.shape.clone());
            return self.node(Requantize { act }, &[x], Some(y));
        }
        let act = if act.is_none() { Activation::RELU } else { act };
        self.node(Clamp { act }, &[x], None)
    }

    pub(super) fn softmax(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let mut y = xt.clone();
        if xt.is_quantized() {
            let random = &mut self.random;
            let (dtype, any) = (storage(random), scale(random));
            let scale = *random.pick(&[1.0 / 256.0, 1.0 / 256.0, 1.0 / 127.0, any]);
            let zero_point =
                if random.once_in(2) { zero_point(random, dtype) } else { dtype.int_range()?.0 as i32 };
            y = TensorType::quantized(dtype, xt.shape.clone(), Quant::per_tensor(scale, zero_point).ok()?);
        }
        self.node(Softmax, &[x], Some(y))
    }

    /// To a row, a vector, or dimensions that are split or merged.
    pub(super) fn reshape(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x);
        let count = xt.shape.elements();
        let random = &mut self.random;
        let shape = match random.below(4) {
            0 => vec![1, count],
            1 => vec![count],
            _ => {
                let mut rest = count;
                let mut shape = Vec::new();
                for _ in 0..3 {
                    let divisors: Vec<usize> = (1..=rest).filter(|d| rest.is_multiple_of(*d)).collect();
                    let dim = *random.pick(&divisors);
                    shape.push(dim);
                    rest /= dim;
                }
                shape.push(rest);
                shape
            }
        };
        self.node(Reshape { shape }, &[x], None)
    }

    pub(super) fn transpose(&mut self, x: Value) -> Option<Value> {
        let rank = self.graph.ty(x).shape.rank();
        let mut perm: Vec<usize> = (0..rank).collect();
        for i in (1..rank).rev() {
            perm.swap(i, self.random.below(i as u64 + 1) as usize);
        }
        self.node(Transpose { perm }, &[x], None)
    }

    pub(super) fn pad(&mut self, x: Value) -> Option<Value> {
        let rank = self.graph.ty(x).shape.rank();
        let random = &mut self.random;
        let mut amounts =
            || (0..rank).map(|_| if random.once_in(2) { 0 } else { random.below(3) as usize }).collect();
        let (before, after) = (amounts(), amounts());
        let value = *self.random.pick(&[0.0, 0.0, -0.0, 1.5, -1e9, f32::INFINITY, f32::NEG_INFINITY]);
        self.node(Pad { before, after, value }, &[x], None)
    }

    pub(super) fn quantize_or_dequantize(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        if xt.is_quantized() {
            return self.node(Dequantize, &[x], None);
        }
        let random = &mut self.random;
        let dtype = if random.once_in(10) { DType::I32 } else { storage(random) };
        let quant = if random.once_in(5) && xt.shape.rank() > 0 {
            let axis = random.below(xt.shape.rank() as u64) as usize;
            let size = xt.shape[axis];
            let scales = (0..size).map(|_| scale(random)).collect();
            let zero_points = (0..size).map(|_| zero_point(random, dtype)).collect();
            Quant::per_axis(axis, scales, zero_points).ok()?
        } else {
            quant(random, dtype)
        };
        self.node(Quantize, &[x], Some(TensorType::quantized(dtype, xt.shape, quant)))
    }
}
