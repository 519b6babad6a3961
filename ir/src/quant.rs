//! What the stored integers of a quantised tensor mean: `real = scale · (stored − zero_point)`.

use std::fmt;
use std::sync::Arc;

/// Scale and zero point, per tensor or per index of one axis.
#[derive(Clone, PartialEq)]
pub struct Quant {
    axis: Option<usize>,
    /// One entry per tensor, or as many as the axis is long. Every scale is finite and greater than zero.
    scales: Arc<[f32]>,
    /// As many as `scales`; each lies in the range of the stored type.
    zero_points: Arc<[i32]>,
}

/// Why scales and zero points are not a [`Quant`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantError {
    /// A scale is zero, negative, infinite or NaN.
    #[error("scale {scale} at index {index} is not a finite number above zero")]
    Scale {
        /// The offending scale.
        scale: f32,
        /// Its position along the axis.
        index: usize,
    },
    /// The numbers of scales and zero points differ, or there is none.
    #[error("{scales} scales do not go with {zero_points} zero points")]
    Count {
        /// How many scales were given.
        scales: usize,
        /// How many zero points were given.
        zero_points: usize,
    },
}

impl Quant {
    /// One scale and zero point for the whole tensor.
    pub fn per_tensor(scale: f32, zero_point: i32) -> Result<Self, QuantError> {
        Self::new(None, vec![scale], vec![zero_point])
    }

    /// A scale and zero point for each index of `axis`.
    pub fn per_axis(axis: usize, scales: Vec<f32>, zero_points: Vec<i32>) -> Result<Self, QuantError> {
        Self::new(Some(axis), scales, zero_points)
    }

    fn new(axis: Option<usize>, scales: Vec<f32>, zero_points: Vec<i32>) -> Result<Self, QuantError> {
        if scales.len() != zero_points.len() || scales.is_empty() {
            return Err(QuantError::Count { scales: scales.len(), zero_points: zero_points.len() });
        }
        if let Some(index) = scales.iter().position(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(QuantError::Scale { scale: scales[index], index });
        }
        Ok(Self { axis, scales: scales.into(), zero_points: zero_points.into() })
    }

    /// The axis along which scales differ; `None` if one scale serves the tensor.
    pub fn axis(&self) -> Option<usize> {
        self.axis
    }

    /// All scales: one, or one per index of the axis.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// All zero points: as many as scales.
    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }

    /// The scale at an index of the axis (any index, if per tensor).
    pub fn scale(&self, index: usize) -> f32 {
        self.scales[if self.axis.is_some() { index } else { 0 }]
    }

    /// The zero point at an index of the axis (any index, if per tensor).
    pub fn zero_point(&self, index: usize) -> i32 {
        self.zero_points[if self.axis.is_some() { index } else { 0 }]
    }

    /// Scale and zero point of a per-tensor quantisation; `None` if per axis.
    pub fn tensor_wide(&self) -> Option<(f32, i32)> {
        self.axis.is_none().then(|| (self.scales[0], self.zero_points[0]))
    }
}

impl fmt::Display for Quant {
    /// `q(0.5, -3)`, or `q(axis=0, [0.5, 0.25], [0, 0])`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.axis {
            None => write!(f, "q({:?}, {})", self.scales[0], self.zero_points[0]),
            Some(axis) => write!(f, "q(axis={axis}, {:?}, {:?})", self.scales, self.zero_points),
        }
    }
}

impl fmt::Debug for Quant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
