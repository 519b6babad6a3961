//! 2-D convolution (cross-correlation, as ONNX `Conv`), grouped, dilated, with bias and a fused clamp.
//!
//! Composing it from pads, slices and products would hide the one loop nest on which everything depends.

use super::{Arity, Operator, TypeError};
use crate::exact::round_half_even_product;
use crate::text::attrs::{AttrError, Attrs};
use crate::{Activation, DType, Data, Tensor, TensorType};

/// `conv2d x, weight, bias`
///
/// - `x`: `[N, H, W, C]`
/// - `weight`: `[O, KH, KW, C/groups]`
/// - `bias`: `[O]`
/// - result: `[N, OH, OW, O]`, `OH = (H + top + bottom − (dilation·(KH−1) + 1)) / stride + 1`
///
/// On floats, one accumulator per output: bias, then kernel rows, columns, channels. Padding adds nothing.
///
/// On quantised types: `x` i8, u8 or i16 per tensor; `weight` i8, u8, i4, u4, i2 or u2 per tensor or
/// per axis 0; `bias` i32 with zero
/// point 0 and scale `x.scale · weight.scale`. The exact sum `acc = bias + Σ (x − zx)·(w − zw)` becomes
/// `clamp(zy + rhe(acc · M))` with `M = f32(f32(x.scale · weight.scale) / y.scale)`; padding holds `zx`.
#[derive(Clone, PartialEq, Debug)]
pub struct Conv2d {
    /// Steps between outputs along H and W, above zero.
    pub strides: [usize; 2],
    /// Rows and columns of padding: top, left, bottom, right. Each is less than the dilated kernel.
    pub pads: [usize; 4],
    /// Distances between kernel taps along H and W, above zero.
    pub dilations: [usize; 2],
    /// Number of groups; divides C and O. `C` groups make it depthwise.
    pub groups: usize,
    /// Applied to the real result.
    pub act: Activation,
}

impl Conv2d {
    /// The rows (axis 0) or columns (axis 1) that a kernel of `size` taps spans.
    pub fn span(&self, axis: usize, size: usize) -> usize {
        self.dilations[axis] * (size - 1) + 1
    }
}

/// `M` of a product of `x` and `weight` at output channel `channel`: product first, as ONNX Runtime's QLinearConv does.
pub fn effective_scale(x: &TensorType, weight: &TensorType, y: &TensorType, channel: usize) -> Option<f32> {
    let (sx, _) = x.quant.as_ref()?.tensor_wide()?;
    let (sy, _) = y.quant.as_ref()?.tensor_wide()?;
    Some((sx * weight.quant.as_ref()?.scale(channel)) / sy)
}

/// Checks the quantisation of a weighted sum (`conv2d`, `dense`) whose weights have output channels on axis 0.
pub(super) fn check_weighted_sum(inputs: &[&TensorType], y: &TensorType) -> Result<(), TypeError> {
    let [x, weight, bias] = inputs else { unreachable!("arity is checked") };
    if x.quant.is_none() {
        let floats = [x.dtype, weight.dtype, bias.dtype, y.dtype].iter().all(|&d| d == DType::F32);
        require!(floats && y.quant.is_none(), "unquantised arguments and result are all f32, not {x}, {weight}, {bias} → {y}");
        return Ok(());
    }
    require!(matches!(x.dtype, DType::I8 | DType::U8 | DType::I16), "a quantised x is i8, u8 or i16, not {x}");
    require!(
        matches!(weight.dtype, DType::I8 | DType::U8) || weight.dtype.is_packed(),
        "a quantised weight is i8 or u8 or narrower, not {weight}"
    );
    require!(bias.dtype == DType::I32, "the bias of quantised arguments is i32, not {bias}");
    require!(matches!(y.dtype, DType::I8 | DType::U8 | DType::I16), "a quantised result is i8, u8 or i16, not {y}");
    let (Some(_), Some(wq), Some(_)) = (&x.quant, &weight.quant, &y.quant) else {
        return Err(TypeError::new(format!("x, weight and result are quantised together, not {x}, {weight} → {y}")));
    };
    require!(wq.axis().is_none_or(|a| a == 0), "a weight is quantised per tensor or along axis 0, not {weight}");
    for channel in 0..weight.shape[0] {
        let m = effective_scale(x, weight, y, channel)
            .ok_or_else(|| TypeError::new(format!("x and the result are quantised per tensor, not {x} → {y}")))?;
        require!(m.is_finite() && m > 0.0, "the effective scale {m:?} of channel {channel} is not finite and above zero");
    }
    Ok(())
}

/// Rounds, offsets and clamps one exact sum: the last step of every quantised weighted sum.
pub(super) fn requantized(acc: i64, m: f32, y: &TensorType, act: Activation) -> i64 {
    let (scale, zero_point) = y.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked: y is quantised per tensor");
    let (lo, hi) = act.quantized(scale, zero_point, int_range(y.dtype));
    round_half_even_product(acc, m).saturating_add(i64::from(zero_point)).clamp(lo, hi)
}

/// The range of a storage type of at most 64 bits signed or 32 bits unsigned.
pub(super) fn int_range(dtype: DType) -> (i64, i64) {
    let (lo, hi) = dtype.int_range().expect("quantised storage is an integer");
    (lo as i64, hi as i64)
}

impl Operator for Conv2d {
    const NAME: &'static str = "conv2d";
    const ARITY: Arity = Arity::Exactly(3);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put_unless("strides", self.strides, [1, 1]);
        attrs.put_unless("pads", self.pads, [0; 4]);
        attrs.put_unless("dilations", self.dilations, [1, 1]);
        attrs.put_unless("groups", self.groups, 1);
        attrs.put_unless("act", self.act, Activation::NONE);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            strides: attrs.take_or("strides", [1, 1])?,
            pads: attrs.take_or("pads", [0; 4])?,
            dilations: attrs.take_or("dilations", [1, 1])?,
            groups: attrs.take_or("groups", 1)?,
            act: attrs.take_or("act", Activation::NONE)?,
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, weight, bias] = inputs else { unreachable!("arity is checked") };
        require!(x.shape.rank() == 4, "x is [N, H, W, C], not {x}");
        require!(weight.shape.rank() == 4, "weight is [O, KH, KW, C/groups], not {weight}");
        let (channels, outputs) = (x.shape[3], weight.shape[0]);
        require!(
            self.groups > 0 && channels == weight.shape[3] * self.groups && outputs.is_multiple_of(self.groups),
            "{} groups do not divide {channels} channels of x and {outputs} of the result with weight {weight}",
            self.groups
        );
        require!(bias.shape.dims() == [outputs], "bias is [{outputs}], not {bias}");
        require!(x.shape[1..].iter().all(|&d| d > 0), "x has pixels and channels, not {x}");
        let mut shape = vec![x.shape[0], 0, 0, outputs];
        for axis in 0..2 {
            let size = weight.shape[axis + 1];
            require!(size > 0 && self.strides[axis] > 0 && self.dilations[axis] > 0, "kernel, strides and dilations are above zero");
            let span = self.span(axis, size);
            let (before, after) = (self.pads[axis], self.pads[axis + 2]);
            require!(before < span && after < span, "padding {before}, {after} is not less than the kernel's span {span}");
            let padded = x.shape[axis + 1] + before + after;
            require!(padded >= span, "the kernel spans {span}, more than the padded input's {padded}");
            shape[axis + 1] = (padded - span) / self.strides[axis] + 1;
        }
        Ok(x.with_shape(shape))
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        check_weighted_sum(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x), (wt, weight), (_, bias)] = inputs else { unreachable!("arity is checked") };
        let per_group = (xt.shape[3] / self.groups, output.shape[3] / self.groups);
        // Calls `tap(x position, weight position)` for each tap inside the input, in the documented order.
        let taps = |position: usize, tap: &mut dyn FnMut(usize, usize)| {
            let at = output.shape.unravel(position);
            let (n, o) = (at[0], at[3]);
            let first_channel = o / per_group.1 * per_group.0;
            for ky in 0..wt.shape[1] {
                for kx in 0..wt.shape[2] {
                    let y = (at[1] * self.strides[0] + ky * self.dilations[0]).checked_sub(self.pads[0]);
                    let x = (at[2] * self.strides[1] + kx * self.dilations[1]).checked_sub(self.pads[1]);
                    let (Some(y), Some(x)) = (y, x) else { continue };
                    if y >= xt.shape[1] || x >= xt.shape[2] {
                        continue;
                    }
                    for c in 0..per_group.0 {
                        let xi = ((n * xt.shape[1] + y) * xt.shape[2] + x) * xt.shape[3] + first_channel + c;
                        tap(xi, ((o * wt.shape[1] + ky) * wt.shape[2] + kx) * per_group.0 + c);
                    }
                }
            }
        };
        let count = output.shape.elements();
        if let (Some(xq), Some(wq)) = (&xt.quant, &wt.quant) {
            let zx = i64::from(xq.zero_point(0));
            let values = (0..count).map(|position| {
                let o = position % output.shape[3];
                let zw = i64::from(wq.zero_point(o));
                let mut acc = bias.data.int(o);
                taps(position, &mut |xi, wi| acc += (x.data.int(xi) - zx) * (weight.data.int(wi) - zw));
                let m = effective_scale(xt, wt, output, o).expect("checked: all are quantised");
                requantized(acc, m, output, self.act)
            });
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        let [x, weight, bias] = [x, weight, bias].map(|t| t.data.as_f32().expect("checked: all are f32"));
        let values = (0..count).map(|position| {
            let mut acc = bias[position % output.shape[3]];
            taps(position, &mut |xi, wi| acc += x[xi] * weight[wi]);
            self.act.apply(acc)
        });
        Tensor::f32(output.shape.clone(), values.collect())
    }

    fn macs(&self, inputs: &[&TensorType], output: &TensorType) -> u64 {
        (output.shape.elements() * inputs[1].shape[1..].iter().product::<usize>()) as u64
    }
}
