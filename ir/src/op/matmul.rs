//! Products of matrices that are both known only at run time.
//!
//! `dense` has constant weights, which its schedules pack; composing from `map` and `reduce` would store every product.

use super::{Arity, Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs};
use crate::{Data, Tensor, TensorType};

/// `matmul a, b`: `[A, M, K]` and `[B, K, N]` to `[max(A, B), M, N]`, where A and B are equal or one of them is 1; types with
/// arithmetic, none quantised
///
/// Each result is summed from 0 with k ascending: product rounded, then sum rounded; integers wrap.
#[derive(Clone, PartialEq, Debug)]
pub struct Matmul;

impl Operator for Matmul {
    const NAME: &'static str = "matmul";
    const ARITY: Arity = Arity::Exactly(2);

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [a, b] = inputs else { unreachable!("arity is checked") };
        let plain = a.dtype == b.dtype && a.dtype.size() >= 4 && !a.is_quantized() && !b.is_quantized();
        require!(plain, "a and b have one type with arithmetic, not {a} and {b}");
        let (&[ba, m, k], &[bb, inner, n]) = (a.shape.dims(), b.shape.dims()) else {
            return Err(TypeError::new(format!("a and b have three dimensions, not {a} and {b}")));
        };
        require!(k == inner && (ba == bb || ba == 1 || bb == 1), "{a} and {b} cannot be multiplied");
        Ok(TensorType::new(a.dtype, [ba.max(bb), m, n]))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, a), (_, b)] = inputs else { unreachable!("arity is checked") };
        let (dtype, k, n) = (a.dtype(), a.shape[2], b.shape[2]);
        let (add, mul) = operations(dtype.is_float());
        let compute = |op, x, y| ops::binary(op, dtype, x, y).expect("checked: a type with arithmetic");
        let values = (0..output.shape.elements()).map(|position| {
            let at = output.shape.unravel(position);
            let batch = |t: &Tensor| if t.shape[0] == 1 { 0 } else { at[0] };
            let (row, matrix) = ((batch(a) * a.shape[1] + at[1]) * k, batch(b) * k);
            (0..k).fold(0, |acc, k| {
                let (x, y) = (a.data.bits(row + k), b.data.bits((matrix + k) * n + at[2]));
                compute(add, acc, compute(mul, x, y))
            })
        });
        Tensor::new(output.shape.clone(), Data::from_bits(dtype, values))
    }

    fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
        (output.shape.elements() * inputs[0].shape[2]) as u64
    }
}

/// The sum and the product of floats or of integers.
pub fn operations(float: bool) -> (BinaryOp, BinaryOp) {
    if float { (BinaryOp::Add, BinaryOp::Mul) } else { (BinaryOp::WrappingAdd, BinaryOp::WrappingMul) }
}
