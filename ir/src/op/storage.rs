//! Which operators take elements that are narrower in memory than in arithmetic: half floats, and integers that share bytes.
//!
//! A half float is converted to f32 where it is read, and a result that is to be one is rounded once, when it is written. So
//! operators define themselves on f32, and what is here lets them stand on half floats.

use super::{Op, TypeError};
use crate::{DType, Data, Tensor, TensorType};

impl Op {
    /// Whether arguments may be half floats in place of f32.
    pub fn reads_half(&self) -> bool {
        match self {
            Self::Softmax(_) | Self::Quantize(_) => true,
            Self::Dequantize(_) => false,
            _ => self.writes_half(),
        }
    }

    /// Whether the result may be a half float in place of an f32.
    pub fn writes_half(&self) -> bool {
        matches!(
            self,
            Self::Conv2d(_)
                | Self::Dense(_)
                | Self::Matmul(_)
                | Self::AvgPool2d(_)
                | Self::MaxPool2d(_)
                | Self::Add(_)
                | Self::Mul(_)
                | Self::Clamp(_)
                | Self::Reduce(_)
                | Self::Dequantize(_)
        )
    }

    /// Whether a bit pattern of an argument may be in the result unchanged, and nothing else is: half floats and integers
    /// that share bytes go through as they are.
    pub fn only_moves(&self) -> bool {
        matches!(
            self,
            Self::Reshape(_) | Self::Transpose(_) | Self::Strided(_) | Self::Concat(_) | Self::Gather(_)
        )
    }

    /// Checks that the operator takes integers that share bytes, where there are some.
    pub(super) fn check_packed(&self, inputs: &[&TensorType]) -> Result<(), TypeError> {
        let weight = matches!(self, Self::Conv2d(_) | Self::Dense(_));
        let any = self.only_moves() || matches!(self, Self::Map(_) | Self::Dequantize(_));
        for (i, input) in inputs.iter().enumerate().filter(|(_, input)| input.dtype.is_packed()) {
            require!(
                any || weight && i == 1,
                "{} does not take elements that share bytes: {input}",
                self.name()
            );
        }
        Ok(())
    }

    /// The arguments' types as the operator's own definition knows them.
    pub(super) fn wide_inputs(&self, inputs: &[&TensorType]) -> Option<Vec<TensorType>> {
        let any = self.reads_half() && inputs.iter().any(|t| t.dtype.is_half());
        any.then(|| inputs.iter().map(|t| wide(t)).collect())
    }

    /// As [`wide_inputs`](Self::wide_inputs), for the result.
    pub(super) fn wide_output(&self, output: &TensorType) -> Option<TensorType> {
        (self.writes_half() && output.dtype.is_half()).then(|| wide(output))
    }

    /// [`Operator::eval`](super::Operator::eval) on f32 between conversions.
    pub(super) fn eval_half(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Option<Tensor> {
        let types: Vec<&TensorType> = inputs.iter().map(|i| i.0).collect();
        let (wide_inputs, wide_output) = (self.wide_inputs(&types), self.wide_output(output));
        if wide_inputs.is_none() && wide_output.is_none() {
            return None;
        }
        let types: Vec<TensorType> = wide_inputs.unwrap_or_else(|| types.into_iter().cloned().collect());
        let tensors: Vec<Tensor> =
            inputs.iter().map(|(_, x)| Tensor::new(x.shape.clone(), x.data.widened())).collect();
        let arguments: Vec<_> = types.iter().zip(&tensors).collect();
        let y = self.eval_wide(&arguments, wide_output.as_ref().unwrap_or(output));
        Some(Tensor::new(y.shape, y.data.narrowed(output.dtype)))
    }
}

fn wide(ty: &TensorType) -> TensorType {
    if ty.dtype.is_half() { TensorType { dtype: DType::F32, ..ty.clone() } } else { ty.clone() }
}

/// Whether every number is a half float of that type: f32 data that may be stored as such.
pub fn is_exact(half: DType, data: &Data) -> bool {
    data.as_f32().is_some_and(|v| {
        v.iter().all(|&x| crate::half::widen(half, crate::half::narrow(half, x)).to_bits() == x.to_bits())
    })
}
