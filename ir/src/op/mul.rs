//! Element-wise product with broadcasting and a fused clamp.

use super::add::{broadcast_positions, infer_broadcast};
use super::conv2d::requantized;
use super::{Arity, Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, Data, Tensor, TensorType};

/// `mul a, b`: shapes broadcast together as in ONNX
///
/// On floats: the product, rounded once. On quantised types (i8, u8 or i16, each per tensor):
/// `clamp(zy + rhe((a − za)·(b − zb) · M))` with `M = f32(f32(a.scale · b.scale) / y.scale)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Mul {
    /// Applied to the real result.
    pub act: Activation,
}

/// `M` of a product and both zero points, of per-tensor quantised types; `None` if one is not.
pub fn product_scale(a: &TensorType, b: &TensorType, y: &TensorType) -> Option<(f32, [i32; 2])> {
    let (sa, za) = a.quant.as_ref()?.tensor_wide()?;
    let (sb, zb) = b.quant.as_ref()?.tensor_wide()?;
    let (sy, _) = y.quant.as_ref()?.tensor_wide()?;
    Some(((sa * sb) / sy, [za, zb]))
}

impl Operator for Mul {
    const NAME: &'static str = "mul";
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
        super::requantize::check_rescale(inputs, output)?;
        if let Some((m, _)) = product_scale(inputs[0], inputs[1], output) {
            require!(m.is_finite() && m > 0.0, "the effective scale {m:?} is not finite and above zero");
        }
        Ok(())
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(at, a), (bt, b)] = inputs else { unreachable!("arity is checked") };
        let positions = broadcast_positions(at, bt, output);
        if let Some((m, [za, zb])) = product_scale(at, bt, output) {
            let values = positions.into_iter().map(|(i, j)| {
                let product = (a.data.int(i) - i64::from(za)) * (b.data.int(j) - i64::from(zb));
                requantized(product, m, output, self.act)
            });
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        let [a, b] = [a, b].map(|t| t.data.as_f32().expect("checked: f32"));
        let values = positions.into_iter().map(|(i, j)| self.act.apply(a[i] * b[j]));
        Tensor::f32(output.shape.clone(), values.collect())
    }
}
