//! Arithmetic on stored integers that no quantised operator of the graph does: formulas, exact where scales are known.
//!
//! With known scales a result is the exact real value rounded once, as for every quantised operator. Scales and zero points
//! that the run computes go through the float arithmetic of ONNX's specification.

use super::code;
use super::context::{Context, Step};
use tinyc_ir::exact::decompose;
use tinyc_ir::formula::{Applied, Formula, Number};
use tinyc_ir::op::Gather;
use tinyc_ir::{DType, Data, Diagnostic, Quant, Tensor, TensorType, Value};

/// An effective scale `M` as `multiplier · 2^-shift`, for sums below 2^38.
pub(super) struct Scale {
    pub(super) multiplier: i64,
    pub(super) shift: i64,
}

impl Scale {
    /// `None` unless `m` is finite and above zero.
    pub(super) fn new(m: f32) -> Option<Self> {
        if !(m.is_finite() && m > 0.0) {
            return None;
        }
        // From 2^20 on, every sum but 0 saturates, so a greater scale changes nothing.
        let (multiplier, exponent) = decompose(m.min(1_048_576.0));
        let shift = i64::from(-exponent);
        // Below 2^38 · 2^24 / 2^63 everything rounds to 0.
        Some(if shift > 62 { Self { multiplier: 0, shift: 1 } } else { Self { multiplier, shift } })
    }
}

/// `rhe(acc · multiplier / 2^shift)` of i64 numbers.
pub(super) fn rescaled<'w>(acc: Number<'w>, multiplier: Number<'w>, shift: Number<'w>) -> Number<'w> {
    let product = acc * multiplier;
    let one = product.literal(1.0);
    // Half minus one, plus the floor's parity: only a tie above an odd floor is carried over.
    let half = one.shift_left(shift - 1.0) - 1.0;
    (product + half + (product.shift_right(shift) & 1.0)).shift_right(shift)
}

/// A number between the ends of a stored type, which it then has.
pub(super) fn clamped(x: Number<'_>, dtype: DType) -> Number<'_> {
    let (lo, hi) = dtype.int_range().map_or((0.0, 1.0), |(lo, hi)| (lo as f64, hi as f64));
    x.max(x.literal(lo)).min(x.literal(hi)).to(dtype)
}

/// `clamp(zero + steps)` of an i64 number of steps.
fn offset(steps: Number<'_>, zero: i32, dtype: DType) -> Number<'_> {
    // Far beyond every stored type, so that the zero point cannot overflow.
    let limit = steps.literal(f64::from(1 << 24));
    clamped(steps.max(-limit).min(limit) + f64::from(zero), dtype)
}

/// `clamp(zero + rhe(x))` of an f32 number and a stored zero point, as a type of at most 16 bits; NaN becomes the zero point.
pub(super) fn rounded<'w>(x: Number<'w>, zero: Option<Number<'w>>, dtype: DType) -> Number<'w> {
    // Nothing beyond 2^17 is inside after the zero point, and what is below is exact as i32.
    let limit = x.literal(131_072.0);
    let steps = x.round().max(-limit).min(limit).to(DType::I32);
    clamped(zero.map_or(steps, |zero| steps + zero.to(DType::I32)), dtype)
}

impl Context<'_, '_> {
    /// Operand `i` as stored integers, whatever they mean. If its type says what, the operands that state its scale and zero
    /// point must say the same.
    pub(super) fn stored_integers(&mut self, i: usize, scale: usize, zero_point: usize) -> Step<Value> {
        let value = self.input(i)?;
        if self.ty(value).is_quantized() {
            return self.quantised(i, scale, zero_point, None);
        }
        Ok(value)
    }

    /// Operand `i` along one axis of a tensor of `rank` dimensions if it has several elements, else without dimensions.
    pub(super) fn along(&mut self, i: usize, axis: usize, rank: usize) -> Step<Value> {
        let value = self.plain(i)?;
        let count = self.ty(value).shape.elements();
        if count == 1 {
            return self.reshape(value, &[]);
        }
        let mut shape = vec![1; rank];
        if let Some(size) = shape.get_mut(axis) {
            *size = count;
        }
        self.reshape(value, &shape)
    }

    /// Stored integers without their zero point, as `wide`.
    pub(super) fn centred(&mut self, x: Value, zero: Option<Value>, wide: DType) -> Step<Value> {
        match zero {
            None => self.map("wide", &[x], |x| x[0].to(wide)),
            Some(zero) => self.map("centred", &[x, zero], |x| x[0].to(wide) - x[1].to(wide)),
        }
    }

    /// A function of each element of an 8-bit tensor as a table of 256 results: the function's value in f64, rounded once.
    pub(super) fn table(
        &mut self,
        x: Value,
        (dtype, quant): (DType, Quant),
        function: impl for<'w> Fn(Number<'w>) -> Number<'w>,
    ) -> Step<Value> {
        let ty = self.ty(x).clone();
        let (scale, zero) = ty.quant.as_ref().and_then(Quant::tensor_wide).unwrap_or((1.0, 0));
        let (lo, hi) = match (ty.dtype.size(), ty.dtype.int_range(), dtype.int_range()) {
            (1, Some((lo, hi)), Some(_)) => (lo as i64, hi as i64),
            _ => {
                let message = format!("{} of {ty} is not supported", self.node.op_type());
                return Err(Diagnostic::error(code::ELEMENT_TYPE, message).help("supported are i8 and u8"));
            }
        };
        let (step, zero_point) = quant.tensor_wide().unwrap_or((1.0, 0));
        let formula = Formula::write(&[DType::F64], |x| {
            let steps = (function(x[0]) / f64::from(step)).round().to(DType::I64);
            offset(steps, zero_point, dtype)
        });
        let refused = |e: tinyc_ir::op::TypeError| Diagnostic::error(code::ELEMENT_TYPE, e.message);
        let mut applied = Applied::new(&formula, &[DType::F64]).map_err(refused)?;
        let real = |stored: i64| f64::from(scale) * (stored - i64::from(zero)) as f64;
        let entries =
            Data::from_bits(dtype, (lo..=hi).map(|stored| applied.apply(&[real(stored).to_bits()])));
        let entries = self.part_constant("table", Tensor::new([1, 256, 1], entries), Some(quant))?;
        let places = self.map("places", &[x], |x| (x[0].to(DType::I32) - lo as f64).to(DType::U8))?;
        let places = self.reshape(places, &[1, ty.shape.elements()])?;
        let found = self.part("found", Gather, &[entries, places])?;
        self.reshape(found, &ty.shape)
    }

    /// `clamp(zy + rhe(acc · M))` of integer sums, exact: `scales` are one for all or broadcast to the sums.
    pub(super) fn requantised(
        &mut self,
        acc: Value,
        (shape, scales): (&[usize], &[f32]),
        zero: i32,
        ty: TensorType,
    ) -> Step<Value> {
        let found: Option<Vec<Scale>> = scales.iter().map(|&m| Scale::new(m)).collect();
        let found = found.ok_or_else(|| {
            let message =
                format!("an effective scale of {} is not finite and above zero", self.node.op_type());
            Diagnostic::error(code::SCALE, message)
        })?;
        let dtype = ty.dtype;
        if let [one] = found.as_slice() {
            let (multiplier, shift) = (one.multiplier as f64, one.shift as f64);
            return self.map_as("y", &[acc], ty, |x| {
                let acc = x[0].to(DType::I64);
                offset(rescaled(acc, acc.literal(multiplier), acc.literal(shift)), zero, dtype)
            });
        }
        let multipliers = found.iter().map(|s| s.multiplier).collect();
        let multipliers = self.ints("multipliers", DType::I32, shape, multipliers)?;
        let shifts = self.ints("shifts", DType::U8, shape, found.iter().map(|s| s.shift).collect())?;
        self.map_as("y", &[acc, multipliers, shifts], ty, |x| {
            let [acc, multiplier, shift] = [x[0], x[1], x[2]].map(|x| x.to(DType::I64));
            offset(rescaled(acc, multiplier, shift), zero, dtype)
        })
    }
}
