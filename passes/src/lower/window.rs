//! The window of a convolution or a pool as loop bounds and affine positions.

use tinyc_ir::loops::{Affine, Bound};

/// Sizes along rows (0) and columns (1).
#[derive(Clone, Debug)]
pub struct Window {
    /// Of the input.
    pub size: [usize; 2],
    /// Taps.
    pub kernel: [usize; 2],
    /// Steps between outputs.
    pub strides: [usize; 2],
    /// Steps between taps; 1 where there is padding.
    pub dilations: [usize; 2],
    /// Padding: top, left, bottom, right. It is never touched: the bounds leave it out.
    pub pads: [usize; 4],
}

impl Window {
    /// The taps along an axis that lie inside the input for the output at `at`:
    /// `max(0, pad − at·stride) .. min(kernel, size + pad − at·stride)`.
    pub fn taps(&self, axis: usize, at: &Affine) -> (Bound, Bound) {
        let before = self.pads[axis] as i64;
        let (size, kernel) = (self.size[axis] as i64, self.kernel[axis] as i64);
        if before == 0 && self.pads[axis + 2] == 0 {
            return (0.into(), kernel.into());
        }
        debug_assert_eq!(self.dilations[axis], 1);
        let start = at.times(-(self.strides[axis] as i64)).offset(before);
        let lo = Bound(vec![Affine::constant(0), start.clone()]);
        (lo, Bound(vec![Affine::constant(kernel), start.offset(size)]))
    }

    /// The input row (axis 0) or column (axis 1) under tap `k` of the output at `at`.
    pub fn under(&self, axis: usize, at: &Affine, k: &Affine) -> Affine {
        at.times(self.strides[axis] as i64)
            .plus(&k.times(self.dilations[axis] as i64))
            .offset(-(self.pads[axis] as i64))
    }
}
