//! Softmax over the last axis.
//!
//! Not composed, because on quantised types the whole row is rounded once, through one table.

use super::conv2d::int_range;
use super::{Operator, TypeError};
use crate::exact::{decompose, round_half_even_div};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};
use tinyc_runtime::math;

/// `softmax x`: over the last axis
///
/// On floats: `e = exp(x − max)` by `runtime::math::exp`, summed ascending from 0, each divided by the sum.
///
/// On quantised types (i8 or u8 → i8, u8 or i16, per tensor): with [`exp_table`]`(x.scale, n)` as `T` and
/// `e = T[max − x]`, `clamp(zy + rhe(e / (Σe · y.scale)))`, the quotient exact. `y.scale` lies in 2^-15..=2^8.
#[derive(Clone, PartialEq, Debug)]
pub struct Softmax;

/// `T[d] = rhe(exp(−d · scale) · 2^bits)` for d in 0..256, where `bits` is the greatest number, at most 23, that keeps
/// the sum of `n` entries below 2^31. The exponential is `runtime::math::exp64`, the same on every host.
pub fn exp_table(scale: f32, n: usize) -> [u32; 256] {
    let bits = 23u32.min(30u32.saturating_sub(n.next_power_of_two().trailing_zeros()));
    let unit = f64::from(1u32 << bits);
    std::array::from_fn(|d| (math::exp64(-(d as f64) * f64::from(scale)) * unit).round_ties_even() as u32)
}

/// `rhe(e / (sum · scale))` for `0 ≤ e ≤ sum`, `sum > 0`, saturated to i64: one exact division.
pub fn quantized_share(e: u32, sum: u32, scale: f32) -> i64 {
    let (mantissa, exponent) = decompose(scale);
    let divisor = i128::from(sum) * i128::from(mantissa);
    let quotient = if exponent >= 0 {
        if exponent > 64 {
            return 0; // e/sum ≤ 1, far below half a step
        }
        round_half_even_div(i128::from(e), divisor << exponent)
    } else if exponent < -90 {
        return if e == 0 { 0 } else { i64::MAX }; // steps so small that every share saturates
    } else {
        round_half_even_div(i128::from(e) << -exponent, divisor)
    };
    quotient.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

impl Operator for Softmax {
    const NAME: &'static str = "softmax";

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        require!(x.shape.rank() > 0, "x has a last axis, not {x}");
        Ok(x.clone())
    }

    fn check(&self, inputs: &[&TensorType], output: &TensorType) -> Result<(), TypeError> {
        let inferred = self.infer(inputs)?;
        require!(inferred.shape == output.shape, "the result has shape {}, not {}", inferred.shape, output.shape);
        let x = inputs[0];
        if x.is_quantized() {
            require!(matches!(x.dtype, DType::I8 | DType::U8), "a quantised x is i8 or u8, not {x}");
            let scale = output.quant.as_ref().map_or(0.0, |q| q.scale(0));
            require!((1.0 / 32_768.0..=256.0).contains(&scale), "the result's scale {scale:e} is outside 2^-15..=2^8");
            require!(*x.shape.last().expect("checked: not a scalar") < 1 << 22, "a row of {x} is too long");
        }
        super::requantize::check_rescale(inputs, output)
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        if output.shape.elements() == 0 {
            return Tensor::without_elements(output);
        }
        let n = *output.shape.last().expect("checked: not a scalar");
        if let (Some(xq), Some((scale, zy))) = (&xt.quant, output.quant.as_ref().and_then(|q| q.tensor_wide())) {
            let table = exp_table(xq.scale(0), n);
            let (lo, hi) = int_range(output.dtype);
            let x = x.data.to_ints().expect("checked: integers");
            let row_values = |row: &[i64]| {
                let max = *row.iter().max().expect("checked: rows are not empty");
                let e: Vec<u32> = row.iter().map(|&q| table[(max - q) as usize]).collect();
                let sum = e.iter().sum();
                e.iter()
                    .map(|&e| quantized_share(e, sum, scale).saturating_add(i64::from(zy)).clamp(lo, hi))
                    .collect::<Vec<_>>()
            };
            let values: Vec<i64> = x.chunks(n).flat_map(row_values).collect();
            return Tensor::new(output.shape.clone(), Data::from_ints(output.dtype, values));
        }
        let x = x.data.as_f32().expect("checked: f32");
        let row_values = |row: &[f32]| {
            let max = row.iter().copied().reduce(|best, v| if v > best { v } else { best }).expect("rows are not empty");
            let e: Vec<f32> = row.iter().map(|&v| math::exp(v - max)).collect();
            let sum = e.iter().fold(0.0f32, |acc, &v| acc + v);
            e.iter().map(|&v| v / sum).collect::<Vec<_>>()
        };
        Tensor::f32(output.shape.clone(), x.chunks(n).flat_map(row_values).collect())
    }
}
