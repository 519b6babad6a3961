//! Weighted sums of elements at run-time positions: values between the pixels of an image, averages over a region.
//!
//! Composing from `gather` and `map` would store every element picked, four of them for each result of a bilinear one.

use super::{Arity, Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs, choices};
use crate::{DType, Data, Shape, Tensor, TensorType};

/// `sample x, i, w {kind=sum}`: `[B, N, S]`, `[A, M, T]` and weights that broadcast to the shape of i, to `[B, M, S]`, where A
/// is B or 1; x and w are f32, i is i32
///
/// `y[b, m] = Σₜ x[b, i[b, m, t]] · w[b, m, t]`, stretches of S elements; from 0 with t ascending, each product rounded, then
/// each sum. A position outside `0..N` adds nothing. With `max`, the greatest of the products, from −inf.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// How products are combined.
    pub kind: SampleKind,
}

/// How a [`Sample`] combines products.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SampleKind {
    /// Their sum.
    Sum,
    /// The greatest, NaN if one is.
    Max,
}

choices!(SampleKind: "`sum` or `max`" {
    Sum = "sum",
    Max = "max",
});

impl SampleKind {
    /// The operation that combines two products.
    pub fn combine(self) -> BinaryOp {
        match self {
            Self::Sum => BinaryOp::Add,
            Self::Max => BinaryOp::Max,
        }
    }

    /// What the first product is combined with.
    pub fn start(self) -> f32 {
        match self {
            Self::Sum => 0.0,
            Self::Max => f32::NEG_INFINITY,
        }
    }
}

impl Operator for Sample {
    const NAME: &'static str = "sample";
    const ARITY: Arity = Arity::Exactly(3);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("kind", self.kind, SampleKind::Sum);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { kind: attrs.take_or("kind", SampleKind::Sum)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, i, w] = inputs else { unreachable!("arity is checked") };
        let (&[batches, size, stretch], &[rows, count, _]) = (x.shape.dims(), i.shape.dims()) else {
            return Err(TypeError::new(format!("x and i have three dimensions, not {x} and {i}")));
        };
        require!(size > 0, "there is nothing to sample in {x}");
        let float = |t: &TensorType| t.dtype == DType::F32 && !t.is_quantized();
        require!(float(x) && float(w), "x and w are f32, not {x} and {w}");
        let plain = i.dtype == DType::I32 && !i.is_quantized();
        require!(plain && (rows == batches || rows == 1), "i is i32 of 1 or {batches} rows, not {i}");
        let fits = Shape::broadcast(&i.shape, &w.shape).as_ref() == Some(&i.shape) && w.shape.rank() == 3;
        require!(fits, "the weights {w} do not broadcast to {i}");
        Ok(TensorType::f32([batches, count, stretch]))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, x), (_, i), (_, w)] = inputs else { unreachable!("arity is checked") };
        let (count, stretch, taps) = (x.shape[1], x.shape[2], i.shape[2]);
        let weights = w.shape.broadcast_strides(&i.shape);
        let binary = |op, a, b| ops::binary(op, DType::F32, a, b).expect("f32 has arithmetic");
        let value = |at: usize| {
            let at = output.shape.unravel(at);
            let row = if i.shape[0] == 1 { 0 } else { at[0] };
            let mut sum = u64::from(self.kind.start().to_bits());
            for t in 0..taps {
                let place = i.data.int((row * i.shape[1] + at[1]) * taps + t);
                let Some(place) = usize::try_from(place).ok().filter(|&p| p < count) else { continue };
                let picked = x.data.bits((at[0] * count + place) * stretch + at[2]);
                let weight = w.data.bits(row * weights[0] + at[1] * weights[1] + t * weights[2]);
                sum = binary(self.kind.combine(), sum, binary(BinaryOp::Mul, picked, weight));
            }
            sum
        };
        let values = (0..output.shape.elements()).map(value);
        Tensor::new(output.shape.clone(), Data::from_bits(DType::F32, values))
    }

    fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
        (output.shape.elements() * inputs[1].shape[2]) as u64
    }
}
