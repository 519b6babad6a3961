//! The positions of true elements, one behind the other: what operators whose result's size depends on data begin with.
//!
//! Composing from `cumulative` and `scatter` would need two tables as long as a row, and a place for what is not kept.

use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};

/// `compact m`: `[R, N]` of bool to `[R, N]` positions (i32)
///
/// In each row, the positions of the true elements, ascending, and −1 behind them.
#[derive(Clone, PartialEq, Debug)]
pub struct Compact;

impl Operator for Compact {
    const NAME: &'static str = "compact";

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let m = inputs[0];
        require!(m.dtype == DType::Bool && m.shape.rank() == 2, "m is bool of two dimensions, not {m}");
        Ok(TensorType::new(DType::I32, m.shape.clone()))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let m = inputs[0].1;
        let (rows, count) = (m.shape[0], m.shape[1]);
        let mut positions = Vec::with_capacity(rows * count);
        for row in 0..rows {
            positions.extend((0..count).filter(|j| m.data.bits(row * count + j) != 0).map(|j| j as i32));
            positions.resize((row + 1) * count, -1);
        }
        Tensor::new(output.shape.clone(), Data::I32(positions))
    }
}
