//! The static type of a tensor: storage, shape and quantisation.

use crate::{DType, Quant, Shape};
use std::fmt;

/// What is known of a value at compile time: everything but its numbers.
#[derive(Clone, PartialEq)]
pub struct TensorType {
    /// How each element is stored.
    pub dtype: DType,
    /// The dimensions, all static.
    pub shape: Shape,
    /// What the stored integers mean; `None` for floats and for plain integers (indices, shapes, bool).
    pub quant: Option<Quant>,
}

impl TensorType {
    /// An unquantised type.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Self { dtype, shape: shape.into(), quant: None }
    }

    /// An f32 tensor.
    pub fn f32(shape: impl Into<Shape>) -> Self {
        Self::new(DType::F32, shape)
    }

    /// A quantised type.
    pub fn quantized(dtype: DType, shape: impl Into<Shape>, quant: Quant) -> Self {
        Self { dtype, shape: shape.into(), quant: Some(quant) }
    }

    /// The same storage and quantisation with other dimensions. Only meaningful when the quantisation is per tensor.
    pub fn with_shape(&self, shape: impl Into<Shape>) -> Self {
        Self { dtype: self.dtype, shape: shape.into(), quant: self.quant.clone() }
    }

    /// Bytes of the whole tensor.
    pub fn bytes(&self) -> usize {
        self.dtype.bytes_of(self.shape.elements()).expect("tensors are smaller than memory")
    }

    /// Whether the tensor holds quantised integers.
    pub fn is_quantized(&self) -> bool {
        self.quant.is_some()
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)?;
        match &self.quant {
            Some(quant) => write!(f, " {quant}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
