//! Element-wise sum with broadcasting and a fused clamp: residual connections.
//!
//! Not a composition, because on quantised types both operands are rescaled and rounded once together.

use super::conv2d::int_range;
use super::{Arity, Operator, TypeError};
use crate::exact::round_half_even_sum;
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, Data, Shape, Tensor, TensorType};

/// `add a, b`: shapes broadcast together as in ONNX
///
/// On floats: the sum, rounded once. On quantised types (i8, u8 or i16, each per tensor):
/// `clamp(zy + rhe((a − za) · Ma + (b − zb) · Mb))` with `Ma = f32(a.scale / y.scale)`, `Mb` likewise.
#[derive(Clone, PartialEq, Debug)]
pub struct Add {
    /// Applied to the real result.
    pub act: Activation,
}

/// The broadcast shape of two arguments, with the first one's storage.
pub(super) fn infer_broadcast(inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
    let [a, b] = inputs else { unreachable!("arity is checked") };
    let shape = Shape::broadcast(&a.shape, &b.shape)
        .ok_or_else(|| TypeError::new(format!("{a} and {b} do not broadcast together")))?;
    Ok(TensorType { dtype: a.dtype, shape, quant: a.quant.clone() })
}

/// For each element of `output`, the positions of the elements of `a` and `b` that it is made of.
pub(super) fn broadcast_positions(a: &TensorType, b: &TensorType, output: &TensorType) -> Vec<(usize, usize)> {
    let strides = [a, b].map(|t| t.shape.broadcast_strides(&output.shape));
    let dot = |at: &[usize], strides: &[usize]| at.iter().zip(strides).map(|(i, s)| i * s).sum();
    (0..output.shape.elements())
        .map(|position| {
            let at = output.shape.unravel(position);
            (dot(&at, &strides[0]), dot(&at, &strides[1]))
        })
        .collect()
}

impl Operator for Add {
    const NAME: &'static str = "add";
    const ARITY: Arity = Arity::Exactly(2);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("act", self.act, Activation::NONE);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { act: attrs.take_or("act", Activation::NONE)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        infer_broadcast(inputs)
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        super::requantize::check_rescale(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(at, a), (bt, b)] = inputs else { unreachable!("arity is checked") };
        let positions = broadcast_positions(at, bt, output);
        let scales = (super::requantize::rescale(at, output), super::requantize::rescale(bt, output));
        if let (Some((ma, za)), Some((mb, zb))) = scales {
            let (scale, zy) = output.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked: per tensor");
            let (lo, hi) = self.act.quantized(scale, zy, int_range(output.dtype));
            let values = positions.into_iter().map(|(i, j)| {
                let terms = [(a.data.int(i) - i64::from(za), ma), (b.data.int(j) - i64::from(zb), mb)];
                round_half_even_sum(&terms).saturating_add(i64::from(zy)).clamp(lo, hi)
            });
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        let [a, b] = [a, b].map(|t| t.data.as_f32().expect("checked: f32"));
        let values = positions.into_iter().map(|(i, j)| self.act.apply(a[i] + b[j]));
        Tensor::f32(output.shape.clone(), values.collect())
    }
}
