//! A permutation of axes: ONNX `Transpose`, and the wrapping of channels-first layouts.

use super::{Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Quant, Tensor, TensorType};

/// `transpose x {perm=[…]}`: any type; a per-axis quantisation moves with its axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Transpose {
    /// Axis `i` of the result is axis `perm[i]` of `x`; a permutation.
    pub perm: Vec<usize>,
}

impl Transpose {
    /// The permutation that undoes this one.
    pub fn inverse(&self) -> Self {
        let mut perm = vec![0; self.perm.len()];
        for (i, &p) in self.perm.iter().enumerate() {
            perm[p] = i;
        }
        Self { perm }
    }

    /// For each element of the result, its position in an `x` of the given dimensions.
    pub fn positions(&self, x: &crate::Shape) -> Vec<usize> {
        let strides = x.strides();
        let y = crate::Shape::new(self.perm.iter().map(|&p| x[p]).collect::<Vec<_>>());
        (0..y.elements())
            .map(|position| y.unravel(position).iter().zip(&self.perm).map(|(i, &p)| i * strides[p]).sum())
            .collect()
    }
}

impl Operator for Transpose {
    const NAME: &'static str = "transpose";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("perm", self.perm.clone());
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { perm: attrs.take("perm")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        require!(
            sorted.len() == x.shape.rank() && sorted.iter().enumerate().all(|(i, &p)| i == p),
            "perm {:?} is not a permutation of the axes of {x}",
            self.perm
        );
        let mut y = x.with_shape(self.perm.iter().map(|&p| x.shape[p]).collect::<Vec<_>>());
        if let Some(quant) = &x.quant
            && let Some(axis) = quant.axis()
        {
            let axis = self.perm.iter().position(|&p| p == axis).expect("perm is a permutation");
            let moved = Quant::per_axis(axis, quant.scales().to_vec(), quant.zero_points().to_vec());
            y.quant = Some(moved.map_err(|e| TypeError::new(e.to_string()))?);
        }
        Ok(y)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let x = inputs[0].1;
        Tensor::new(output.shape.clone(), x.data.gather(&self.positions(&x.shape)))
    }
}
