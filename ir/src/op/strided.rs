//! Elements picked at regular distances: slices with steps, splits, repetition, reversal, windows that overlap.
//!
//! One operator for what ONNX spells in a dozen ways; `transpose` and `reshape` stay apart, because passes move those.

use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Shape, Tensor, TensorType};

/// `strided x {shape=[…], strides=[…], offset=…}`: any type, quantised per tensor if at all
///
/// The element at `i` is x's at the row-major position `offset + Σ iₖ · stridesₖ`, which is always inside.
#[derive(Clone, PartialEq, Debug)]
pub struct Strided {
    /// The result's dimensions.
    pub shape: Vec<usize>,
    /// One per dimension: how far x's position moves. Zero repeats, negative goes backwards.
    pub strides: Vec<i64>,
    /// x's position of the first element.
    pub offset: usize,
}

impl Strided {
    /// For each element of the result, its position in x.
    pub fn positions(&self) -> Vec<usize> {
        let shape = Shape::new(self.shape.clone());
        let at = |position: usize| {
            let moves = shape.unravel(position).into_iter().zip(&self.strides).map(|(i, s)| i as i64 * s);
            (self.offset as i64 + moves.sum::<i64>()) as usize
        };
        (0..shape.elements()).map(at).collect()
    }
}

impl Operator for Strided {
    const NAME: &'static str = "strided";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("shape", self.shape.clone());
        attrs.put("strides", self.strides.clone());
        attrs.put_unless("offset", self.offset, 0);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { shape: attrs.take("shape")?, strides: attrs.take("strides")?, offset: attrs.take_or("offset", 0)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(x.quant.as_ref().is_none_or(|q| q.axis().is_none()), "x is not quantised per axis: {x}");
        require!(self.shape.len() == self.strides.len(), "shape and strides have as many entries");
        let (mut least, mut greatest) = (self.offset as i128, self.offset as i128);
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = i128::from(stride) * (size as i128 - 1);
            least += reach.min(0);
            greatest += reach.max(0);
        }
        let empty = self.shape.contains(&0);
        require!(
            empty || least >= 0 && greatest < x.shape.elements() as i128,
            "positions {least} to {greatest} are not all inside {x}"
        );
        Ok(x.with_shape(self.shape.clone()))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        Tensor::new(output.shape.clone(), inputs[0].1.data.gather(&self.positions()))
    }
}
