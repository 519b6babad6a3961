//! Random trees: ways that join, trees that are a leaf, leaves that add nothing, much or the same as others.

use super::Generator;
use crate::graph::Value;
use crate::op::tree_ensemble::Aggregate;
use crate::op::{Reshape, TreeEnsemble};
use crate::{DType, Data, TensorType};

impl Generator {
    /// Trees over the last axis. Thresholds are such numbers as features are, in one ensemble of three whole ones.
    pub(super) fn tree_ensemble(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let features = *xt.shape.last()?;
        if xt.is_quantized() || xt.dtype == DType::Bool || xt.dtype.is_half() || xt.dtype.is_packed() {
            return None;
        }
        let rows = xt.shape.elements() / features;
        let x = self.node(Reshape { shape: vec![rows, features] }, &[x], None)?;
        let random = &mut self.random;
        let (inner, leaf_count) = (1 + random.below(12) as usize, 1 + random.below(6) as usize);
        let places = inner + leaf_count;
        let count = 1 + random.below(4) as usize;
        let mut below = |low: usize, high: usize| low + random.below((high - low) as u64) as usize;
        let children = |i: usize, below: &mut dyn FnMut(usize, usize) -> usize| {
            // Near places first, so that trees become deep.
            let near = (i + 3).min(places);
            if below(0, 2) == 0 { below(i + 1, near) } else { below(i + 1, places) }
        };
        let yes: Vec<usize> = (0..inner).map(|i| children(i, &mut below)).collect();
        let no: Vec<usize> = (0..inner).map(|i| children(i, &mut below)).collect();
        let numbers: Vec<usize> = (0..inner).map(|_| below(0, features)).collect();
        let trees = below(1, 5);
        let roots: Vec<usize> =
            (0..trees).map(|_| if below(0, 4) == 0 { below(0, places) } else { below(0, inner) }).collect();
        let missing: Vec<usize> =
            if xt.dtype.is_float() { (0..inner).filter(|_| below(0, 3) == 0).collect() } else { Vec::new() };
        let (manner, most) = (below(0, 3), count.min(3));
        let mut leaves = vec![0];
        let mut targets = Vec::new();
        for _ in 0..leaf_count {
            match manner {
                0 => targets.push(0),
                1 => targets.extend(0..count),
                _ => (0..below(0, most + 1)).for_each(|_| targets.push(below(0, count))),
            }
            leaves.push(targets.len());
        }
        let aggregate = [Aggregate::Sum, Aggregate::Sum, Aggregate::Min, Aggregate::Max][below(0, 4)];
        if targets.is_empty() {
            return None;
        }
        let whole = below(0, 3) == 0;
        let thresholds = TensorType::new(xt.dtype, [inner]);
        let mut data = super::random_tensor(&mut self.random, &thresholds).data;
        if let (true, Data::F32(values)) = (whole, &mut data) {
            values.iter_mut().for_each(|v| *v = f32::from_bits(v.to_bits() & 0xffff_0000));
        }
        let dtype = if self.random.once_in(4) { DType::F64 } else { DType::F32 };
        let weights = TensorType::new(dtype, [targets.len()]);
        let mut paid = super::random_tensor(&mut self.random, &weights).data;
        // Some leaves are alike.
        if let Data::F32(values) = &mut paid {
            (1..values.len()).filter(|i| i % 3 == 0).for_each(|i| values[i] = values[i - 1]);
        }
        let op =
            TreeEnsemble { roots, features: numbers, yes, no, missing, leaves, targets, count, aggregate };
        let y = TensorType::new(dtype, [rows, count]);
        self.node_with(op, x, vec![(thresholds, data), (weights, paid)], y)
    }
}
