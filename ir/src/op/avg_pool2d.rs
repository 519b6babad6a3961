//! Average pooling, global pooling and spatial means included.
//!
//! Not a depthwise `conv2d`, because the divisor differs at the borders and no weight is stored.

use super::conv2d::int_range;
use super::window::Window;
use super::{Operator, TypeError};
use crate::exact::round_half_even_mean;
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, DType, Data, Tensor, TensorType};

/// `avg_pool2d x`: `[N, H, W, C]` → `[N, OH, OW, C]`
///
/// The divisor `count` is the number of elements inside the input, or of the window's elements inside the padded input
/// if `count_include_pad`. On floats: elements summed rows first, ascending, from 0, then divided.
///
/// On quantised types (i8, u8 or i16, per tensor): `clamp(zy + rhe(Σ (x − zx) · M / count))` with `M = f32(x.scale / y.scale)`.
#[derive(Clone, PartialEq, Debug)]
pub struct AvgPool2d {
    /// Where the window goes.
    pub window: Window,
    /// Whether padding counts as elements of real value 0.
    pub count_include_pad: bool,
    /// Applied to the real result.
    pub act: Activation,
}

impl AvgPool2d {
    /// The divisor at output row and column `at` for an input of `size` rows and columns.
    pub fn count(&self, at: [usize; 2], size: [usize; 2]) -> u32 {
        self.count_along(0, at[0], size[0]) * self.count_along(1, at[1], size[1])
    }

    /// The divisor's factor along rows (axis 0) or columns (axis 1).
    pub fn count_along(&self, axis: usize, at: usize, size: usize) -> u32 {
        if !self.count_include_pad {
            return self.window.range(axis, at, size).len() as u32;
        }
        let start = at * self.window.strides[axis];
        let padded = size + self.window.pads[axis] + self.window.pads[axis + 2];
        ((start + self.window.kernel[axis]).min(padded) - start) as u32
    }
}

impl Operator for AvgPool2d {
    const NAME: &'static str = "avg_pool2d";

    fn write_attrs(&self, attrs: &mut Attrs) {
        self.window.write(attrs);
        attrs.put_unless("count_include_pad", self.count_include_pad, false);
        attrs.put_unless("act", self.act, Activation::NONE);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            window: Window::read(attrs)?,
            count_include_pad: attrs.take_or("count_include_pad", false)?,
            act: attrs.take_or("act", Activation::NONE)?,
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        self.window.infer(inputs[0])
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        super::requantize::check_rescale(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        let count = |position: usize| {
            let at = output.shape.unravel(position);
            self.count([at[1], at[2]], [xt.shape[1], xt.shape[2]])
        };
        let elements = output.shape.elements();
        if let Some((m, zx)) = super::requantize::rescale(xt, output) {
            let (scale, zy) = output.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked: per tensor");
            let (lo, hi) = self.act.quantized(scale, zy, int_range(output.dtype));
            let values = (0..elements).map(|position| {
                let window = self.window.positions(xt, output, position);
                let acc: i64 = window.iter().map(|&p| x.data.int(p) - i64::from(zx)).sum();
                round_half_even_mean(acc, m, count(position)).saturating_add(i64::from(zy)).clamp(lo, hi)
            });
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        debug_assert_eq!(xt.dtype, DType::F32);
        let x = x.data.as_f32().expect("checked: f32");
        let values = (0..elements).map(|position| {
            let window = self.window.positions(xt, output, position);
            let sum = window.iter().fold(0.0f32, |acc, &p| acc + x[p]);
            self.act.apply(sum / count(position) as f32)
        });
        Tensor::f32(output.shape.clone(), values.collect())
    }
}
