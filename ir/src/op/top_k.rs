//! The positions of the greatest or least elements of rows, in order.
//!
//! Composing k times from `reduce` would need a tensor that marks what was taken.

use super::{Operator, TypeError};
use crate::loops::BinaryOp;
use crate::loops::interpret::ops;
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};

/// `top_k x {k=…, largest=…}`: `[R, N]` of a type with arithmetic, not quantised, to `[R, k]` positions (i64)
///
/// The best first, the first of equals first. A NaN is never taken; where a row has fewer than k other elements, the
/// positions left over are 0.
#[derive(Clone, PartialEq, Debug)]
pub struct TopK {
    /// How many, at most N.
    pub k: usize,
    /// The greatest, else the least.
    pub largest: bool,
}

impl Operator for TopK {
    const NAME: &'static str = "top_k";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("k", self.k);
        attrs.put_unless("largest", self.largest, true);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { k: attrs.take("k")?, largest: attrs.take_or("largest", true)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(!x.is_quantized() && x.dtype.size() >= 4, "x has a type with arithmetic, not {x}");
        let &[rows, count] = x.shape.dims() else {
            return Err(TypeError::new(format!("x has two dimensions, not {x}")));
        };
        require!(self.k <= count, "{x} has rows of less than {} elements", self.k);
        Ok(TensorType::new(DType::I64, [rows, self.k]))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1;
        let (rows, count) = (x.shape[0], x.shape[1]);
        let before = |a: u64, b: u64| {
            let (less, more) = if self.largest { (b, a) } else { (a, b) };
            ops::binary(BinaryOp::Lt, x.dtype(), less, more).expect("checked: a type with arithmetic") != 0
        };
        let is_number = |v: u64| ops::binary(BinaryOp::Eq, x.dtype(), v, v).expect("checked: a type with arithmetic") != 0;
        let mut positions = Vec::with_capacity(rows * self.k);
        for row in 0..rows {
            let value = |i: usize| x.data.bits(row * count + i);
            let mut order: Vec<usize> = (0..count).filter(|&i| is_number(value(i))).collect();
            // Stable, so equals keep their order.
            order.sort_by(|&a, &b| match (before(value(a), value(b)), before(value(b), value(a))) {
                (true, _) => std::cmp::Ordering::Less,
                (_, true) => std::cmp::Ordering::Greater,
                _ => std::cmp::Ordering::Equal,
            });
            positions.extend((0..self.k).map(|i| order.get(i).map_or(0, |&p| p as i64)));
        }
        Tensor::new(output.shape.clone(), Data::I64(positions))
    }
}
