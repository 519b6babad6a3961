//! A scalar formula applied to each element of tensors that broadcast together.
//!
//! One operator in place of some eighty of ONNX: arithmetic, comparisons, logic, selection, casts, activations. Composing
//! them from smaller ones would store a tensor between any two.

use super::quantize::check_quant;
use super::{Arity, Operator, TypeError};
use crate::formula::{Applied, Formula};
use crate::text::attrs::{AttrError, Attrs};
use crate::{Data, Shape, Tensor, TensorType};

/// `map a, b, … {f=(x0 + x1)}`: shapes broadcast together as in ONNX; any types
///
/// Element for element, `x0` is that of the first argument and so on. Each operation is what the loop IR defines, each float
/// operation rounded once. Of quantised arguments the formula sees the stored integers, and it makes those of a quantised
/// result; what they mean is up to who writes it.
#[derive(Clone, PartialEq, Debug)]
pub struct Map {
    /// The formula; its type on the arguments' types is the result's.
    pub f: Formula,
}

impl Operator for Map {
    const NAME: &'static str = "map";
    const ARITY: Arity = Arity::AtLeast(1);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("f", self.f.clone());
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { f: attrs.take("f")? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let mut shape = Shape::default();
        for input in inputs {
            shape = Shape::broadcast(&shape, &input.shape)
                .ok_or_else(|| TypeError::new(format!("{input} does not broadcast with {shape}")))?;
        }
        let dtypes: Vec<_> = inputs.iter().map(|t| t.dtype).collect();
        let types = self.f.types(&dtypes)?;
        Ok(TensorType::new(types[types.len() - 1], shape))
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let stored = TensorType::new(output.dtype, output.shape.clone());
        super::require_same(&self.infer(inputs)?, &stored)?;
        if output.is_quantized() { check_quant(output) } else { Ok(()) }
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let dtypes: Vec<_> = inputs.iter().map(|(t, _)| t.dtype).collect();
        let mut applied = Applied::new(&self.f, &dtypes).expect("checked: typed");
        let strides: Vec<_> = inputs.iter().map(|(t, _)| t.shape.broadcast_strides(&output.shape)).collect();
        let values = (0..output.shape.elements()).map(|position| {
            let at = output.shape.unravel(position);
            let arguments: Vec<u64> = inputs
                .iter()
                .zip(&strides)
                .map(|((_, x), strides)| x.data.bits(at.iter().zip(strides).map(|(i, s)| i * s).sum()))
                .collect();
            applied.apply(&arguments)
        });
        Tensor::new(output.shape.clone(), Data::from_bits(output.dtype, values))
    }
}
