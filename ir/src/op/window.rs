//! The window that pooling operators slide over an image.

use super::TypeError;
use crate::TensorType;
use crate::text::attrs::{AttrError, Attrs};

/// Kernel, steps and borders of a pooling operator on `[N, H, W, C]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Window {
    /// Rows and columns of the window, above zero.
    pub kernel: [usize; 2],
    /// Steps between outputs along H and W, above zero.
    pub strides: [usize; 2],
    /// Rows and columns of padding: top, left, bottom, right. Each is less than the kernel.
    pub pads: [usize; 4],
}

impl Window {
    pub(super) fn write(&self, attrs: &mut Attrs) {
        attrs.put("kernel", self.kernel);
        attrs.put_unless("strides", self.strides, [1, 1]);
        attrs.put_unless("pads", self.pads, [0; 4]);
    }

    pub(super) fn read(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            kernel: attrs.take("kernel")?,
            strides: attrs.take_or("strides", [1, 1])?,
            pads: attrs.take_or("pads", [0; 4])?,
        })
    }

    /// The type of the pooled image: `[N, OH, OW, C]`, `OH = (H + top + bottom − KH) / stride + 1`.
    pub(super) fn infer(&self, x: &TensorType) -> Result<TensorType, TypeError> {
        require!(x.shape.rank() == 4, "x is [N, H, W, C], not {x}");
        require!(x.shape[1] > 0 && x.shape[2] > 0, "x has pixels, not {x}");
        let mut shape = x.shape.to_vec();
        for axis in 0..2 {
            let (size, stride) = (self.kernel[axis], self.strides[axis]);
            require!(size > 0 && stride > 0, "kernel and strides are above zero");
            let (before, after) = (self.pads[axis], self.pads[axis + 2]);
            require!(
                before < size && after < size,
                "padding {before}, {after} is not less than the kernel's {size}"
            );
            let padded = x.shape[axis + 1] + before + after;
            require!(padded >= size, "the kernel spans {size}, more than the padded input's {padded}");
            shape[axis + 1] = (padded - size) / stride + 1;
            require!(
                (shape[axis + 1] - 1) * stride < x.shape[axis + 1] + before,
                "the last window lies wholly in the padding"
            );
        }
        Ok(x.with_shape(shape))
    }

    /// The rows (axis 0) or columns (axis 1) of an input of `size` under the window at output position `at`.
    pub fn range(&self, axis: usize, at: usize, size: usize) -> std::ops::Range<usize> {
        let start = at * self.strides[axis];
        let end = (start + self.kernel[axis]).saturating_sub(self.pads[axis]).min(size);
        start.saturating_sub(self.pads[axis])..end
    }

    /// The positions in `x` of the elements under the window for one output, rows first.
    pub(super) fn positions(&self, x: &TensorType, y: &TensorType, output: usize) -> Vec<usize> {
        let at = y.shape.unravel(output);
        let mut positions = Vec::new();
        for row in self.range(0, at[1], x.shape[1]) {
            for column in self.range(1, at[2], x.shape[2]) {
                positions.push(((at[0] * x.shape[1] + row) * x.shape[2] + column) * x.shape[3] + at[3]);
            }
        }
        positions
    }
}
