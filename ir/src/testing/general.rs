//! Random operators on plain types: formulas, reductions, products, movement by shape and by data.

use super::Generator;
use crate::formula::{Formula, Number};
use crate::graph::Value;
use crate::op::scatter::ScatterKind;
use crate::op::{
    Compact, Concat, Cumulative, Gather, Map, Matmul, Reduce, Reshape, Sample, Scatter, Strided, Suppress,
    TopK, reduce::ReduceKind, sample::SampleKind,
};
use crate::seeded::Seeded;
use crate::{DType, Data, Shape, TensorType};

/// A formula over arguments of the given types: a few random operations, then perhaps a conversion to another type.
fn formula(random: &mut Seeded, dtypes: &[DType]) -> Formula {
    Formula::write(dtypes, |x| {
        let work = *random.pick(&[DType::F32, DType::F32, DType::F32, DType::I32, DType::I64, DType::U32]);
        let mut terms: Vec<Number<'_>> = x.iter().map(|x| x.wide().to(work)).collect();
        for _ in 0..1 + random.below(5) {
            let (a, b) = (*random.pick(&terms), *random.pick(&terms));
            let constant = a.literal(random.range(if work == DType::U32 { 0 } else { -3 }, 5) as f64);
            let b = if random.once_in(3) { constant } else { b };
            let shared = match random.below(12) {
                0 => a + b,
                1 => a - b,
                2 => a * b,
                3 => a / b,
                4 => a.min(b),
                5 => a.max(b),
                6 => a.lt(b).select(a, b),
                7 => (a.equals(b) | !a.le(b)).select(b, a),
                _ if work == DType::F32 => match random.below(10) {
                    0 => a.abs().sqrt(),
                    1 => a.tanh(),
                    2 => a.sigmoid(),
                    3 => a.erf(),
                    4 => a.sin(),
                    5 => a.cos(),
                    6 => a.log(),
                    7 => a.exp(),
                    8 => a.round(),
                    _ => -a,
                },
                8 => a.remainder(b),
                9 => a.shift_left(b & 7.0),
                10 => a ^ b,
                _ => !a,
            };
            terms.push(shared);
        }
        let last = terms[terms.len() - 1];
        match random.below(6) {
            0 => last.to(*random.pick(&DType::ALL)),
            1 => last.lt(terms[0]),
            _ => last,
        }
    })
}

impl Generator {
    /// Any operator of this file.
    pub(super) fn general(&mut self, x: Value) -> Option<Value> {
        match self.random.below(14) {
            0 | 1 => self.map(x),
            2 => self.reduce(x),
            3 => self.cumulative(x),
            4 => self.matmul(x),
            5 => self.strided(x),
            6 => self.concat(x),
            7 => self.gather(x),
            8 => self.scatter(x),
            9 => self.sample(x),
            10 => self.compact(x),
            11 => self.suppress(x),
            12 => self.tree_ensemble(x),
            _ => self.top_k(x),
        }
    }

    /// On the value, another that broadcasts with it, or both.
    fn map(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let fits = |v: &Value| {
            let t = self.graph.ty(*v);
            !t.is_quantized() && Shape::broadcast(&t.shape, &xt.shape).is_some()
        };
        let partners: Vec<Value> = self.pool.iter().copied().filter(fits).collect();
        let mut inputs = vec![x];
        while !partners.is_empty() && inputs.len() < 3 && self.random.once_in(2) {
            inputs.push(*self.random.pick(&partners));
        }
        let dtypes: Vec<DType> = inputs.iter().map(|&v| self.graph.ty(v).dtype).collect();
        let f = formula(&mut self.random, &dtypes);
        self.node(Map { f }, &inputs, None)
    }

    fn reduce(&mut self, x: Value) -> Option<Value> {
        let rank = self.graph.ty(x).shape.rank();
        use ReduceKind::{ArgMax, ArgMin, LastArgMax, LastArgMin, Max, Min, Prod, Sum};
        let random = &mut self.random;
        let kind = *random.pick(&[Sum, Sum, Prod, Min, Max, ArgMin, ArgMax, LastArgMin, LastArgMax]);
        let axes: Vec<usize> = match kind.better() {
            Some(_) if rank == 0 => return None,
            Some(_) => vec![random.below(rank as u64) as usize],
            None => (0..rank).filter(|_| random.once_in(2)).collect(),
        };
        self.node(Reduce { kind, axes }, &[x], None)
    }

    fn cumulative(&mut self, x: Value) -> Option<Value> {
        let rank = self.graph.ty(x).shape.rank();
        if rank == 0 {
            return None;
        }
        let random = &mut self.random;
        let kind = *random.pick(&[ReduceKind::Sum, ReduceKind::Prod]);
        let axis = random.below(rank as u64) as usize;
        let op = Cumulative { kind, axis, exclusive: random.once_in(2), reverse: random.once_in(2) };
        self.node(op, &[x], None)
    }

    /// With a constant, or with itself if it is square.
    fn matmul(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let rank = xt.shape.rank();
        let columns = *xt.shape.last()?;
        let rows = if rank > 1 { xt.shape[rank - 2] } else { 1 };
        let batch = xt.shape.elements() / (rows * columns).max(1);
        let a = self.node(Reshape { shape: vec![batch, rows, columns] }, &[x], None)?;
        if rows == columns && self.random.once_in(2) {
            return self.node(Matmul, &[a, a], None);
        }
        let width = 1 + self.random.below(7) as usize;
        let batches = *self.random.pick(&[1, batch]);
        let bt = TensorType::new(xt.dtype, [batches, columns, width]);
        let data = super::random_tensor(&mut self.random, &bt).data;
        let y = TensorType::new(xt.dtype, [batch, rows, width]);
        self.node_with(Matmul, a, vec![(bt, data)], y)
    }

    /// A slice with steps, or windows that overlap.
    fn strided(&mut self, x: Value) -> Option<Value> {
        let dims = self.graph.ty(x).shape.to_vec();
        let random = &mut self.random;
        let (mut shape, mut strides, mut offset) = (Vec::new(), Vec::new(), 0);
        for (&size, stride) in dims.iter().zip(Shape::new(dims.clone()).strides()) {
            let first = random.below(size as u64) as usize;
            let step = random.range(-2, 2);
            let room = if step < 0 { first } else { size - 1 - first };
            let most = if step == 0 { 2 } else { room as u64 / step.unsigned_abs() };
            shape.push(1 + random.below(most + 1) as usize);
            strides.push(step * stride as i64);
            offset += first * stride;
        }
        self.node(Strided { shape, strides, offset }, &[x], None)
    }

    /// With itself and others of its type.
    fn concat(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        let same: Vec<Value> = self.pool.iter().copied().filter(|&v| *self.graph.ty(v) == xt).collect();
        let mut inputs = vec![x];
        for _ in 0..self.random.below(3) {
            inputs.push(*self.random.pick(&same));
        }
        let axis = self.random.below(xt.shape.rank().max(1) as u64) as usize;
        self.node(Concat { axis }, &inputs, None)
    }

    /// The value as batches of stretches.
    fn batches(&mut self, x: Value) -> Option<(Value, [usize; 3])> {
        let dims = self.graph.ty(x).shape.to_vec();
        let axis = self.random.below(dims.len().max(1) as u64) as usize;
        let size = |part: &[usize]| part.iter().product::<usize>();
        let shape = [size(dims.get(..axis)?), *dims.get(axis)?, size(&dims[axis + 1..])];
        Some((self.node(Reshape { shape: shape.to_vec() }, &[x], None)?, shape))
    }

    fn positions(&mut self, batches: usize, count: usize) -> (TensorType, Data) {
        let random = &mut self.random;
        let dtype = *random.pick(&[DType::I32, DType::I64]);
        let ty = TensorType::new(dtype, [*random.pick(&[1, batches]), 1 + random.below(5) as usize]);
        let count = count as i64;
        let values: Vec<i64> = (0..ty.shape.elements()).map(|_| random.range(-count, count - 1)).collect();
        (ty, Data::from_ints(dtype, values))
    }

    /// By constant positions, or by some that are the place of an extreme.
    fn gather(&mut self, x: Value) -> Option<Value> {
        let (x, shape) = self.batches(x)?;
        let [batches, count, stretch] = shape;
        let xt = self.graph.ty(x).clone();
        if self.random.once_in(2) && !xt.is_quantized() {
            let places = self.node(Reduce { kind: ReduceKind::ArgMax, axes: vec![1] }, &[x], None)?;
            let rows = self.node(Reshape { shape: vec![batches, stretch] }, &[places], None)?;
            return self.node(Gather, &[x, rows], None);
        }
        let (it, data) = self.positions(batches, count);
        let y = xt.with_shape([batches, it.shape[1], stretch]);
        self.node_with(Gather, x, vec![(it, data)], y)
    }

    fn scatter(&mut self, x: Value) -> Option<Value> {
        let (x, [batches, count, stretch]) = self.batches(x)?;
        let xt = self.graph.ty(x).clone();
        use ScatterKind::{Add, Max, Min, Mul, Set};
        let kind = if xt.is_quantized() { Set } else { *self.random.pick(&[Set, Set, Add, Mul, Min, Max]) };
        let (it, data) = self.positions(batches, count);
        let ut = xt.with_shape([batches, it.shape[1], stretch]);
        let updates = super::random_tensor(&mut self.random, &ut).data;
        self.node_with(Scatter { kind }, x, vec![(it, data), (ut, updates)], xt)
    }

    /// Floats at constant positions, some of them outside, with constant weights of all elements or of a row.
    fn sample(&mut self, x: Value) -> Option<Value> {
        let (x, [batches, count, stretch]) = self.batches(x)?;
        let random = &mut self.random;
        let shape = [*random.pick(&[1, batches]), 1 + random.below(4) as usize, 1 + random.below(4) as usize];
        let it = TensorType::new(DType::I32, shape);
        let most = count as i64 + 1;
        let places: Vec<i64> = (0..it.shape.elements()).map(|_| random.range(-2, most)).collect();
        let wt = TensorType::f32(*random.pick(&[shape, [1, 1, shape[2]], [1, shape[1], 1]]));
        let weights = super::random_tensor(random, &wt).data;
        let kind = *random.pick(&[SampleKind::Sum, SampleKind::Sum, SampleKind::Max]);
        let y = TensorType::f32([batches, shape[1], stretch]);
        let positions = Data::from_ints(DType::I32, places);
        self.node_with(Sample { kind }, x, vec![(it, positions), (wt, weights)], y)
    }

    /// Where the value is below a constant.
    fn compact(&mut self, x: Value) -> Option<Value> {
        let xt = self.graph.ty(x).clone();
        if xt.is_quantized() {
            return None;
        }
        let f = Formula::write(&[xt.dtype], |x| x[0].wide().lt(x[0].wide().literal(1.0)));
        let mask = self.node(Map { f }, &[x], None)?;
        let rows = *self.random.pick(&[1, xt.shape.first().copied().unwrap_or(1)]);
        let shape = vec![rows, xt.shape.elements() / rows.max(1)];
        let mask = self.node(Reshape { shape }, &[mask], None)?;
        self.node(Compact, &[mask], None)
    }

    /// The value's first elements as boxes, with constant scores.
    fn suppress(&mut self, x: Value) -> Option<Value> {
        let count = (self.graph.ty(x).shape.elements() / 4).min(40);
        if count == 0 || self.graph.ty(x).is_quantized() {
            return None;
        }
        let op = Strided { shape: vec![1, count, 4], strides: vec![0, 4, 1], offset: 0 };
        let boxes = self.node(op, &[x], None)?;
        let random = &mut self.random;
        let op = Suppress {
            keep: 1 + random.below(count as u64) as usize,
            iou: random.range(0, 4) as f32 * 0.25,
            above: *random.pick(&[f32::NEG_INFINITY, 0.0, 0.5]),
            centered: random.once_in(2),
        };
        let classes = 1 + random.below(2) as usize;
        let st = TensorType::f32([1, classes, count]);
        let scores = super::random_tensor(random, &st).data;
        let y = TensorType::new(DType::I32, [1, classes, op.keep]);
        self.node_with(op, boxes, vec![(st, scores)], y)
    }

    fn top_k(&mut self, x: Value) -> Option<Value> {
        let count = *self.graph.ty(x).shape.last()?;
        let rows = self.graph.ty(x).shape.elements() / count.max(1);
        let x = self.node(Reshape { shape: vec![rows, count] }, &[x], None)?;
        let k = 1 + self.random.below(count.min(4) as u64) as usize;
        let largest = self.random.once_in(2);
        self.node(TopK { k, largest }, &[x], None)
    }
}
