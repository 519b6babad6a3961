//! Constant padding.

use super::{Operator, TypeError};
use crate::half::narrow;
use crate::exact::round_half_even_ratio;
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};

/// `pad x {before=[…], after=[…], value=…}`: any plain type, or i8, u8 or i16 quantised per tensor, whose quantisation is kept
///
/// Quantised padding is `clamp(zero_point + rhe(value / scale))`, that of plain integers the value cut towards zero and
/// into the type's range.
#[derive(Clone, PartialEq, Debug)]
pub struct Pad {
    /// Elements added in front of each axis.
    pub before: Vec<usize>,
    /// Elements added behind each axis.
    pub after: Vec<usize>,
    /// The real value of the padding.
    pub value: f32,
}

impl Pad {
    /// The stored padding of an integer type; `None` for floats.
    pub fn stored(&self, ty: &TensorType) -> Option<i64> {
        let Some((scale, zero_point)) = ty.quant.as_ref().and_then(|q| q.tensor_wide()) else {
            let (lo, hi) = match ty.dtype {
                DType::Bool => (0, 1),
                _ => ty.dtype.int_range().map(|(lo, hi)| (lo as i64, hi.min(i64::MAX.into()) as i64))?,
            };
            return Some((self.value as i64).clamp(lo, hi));
        };
        let (lo, hi) = super::conv2d::int_range(ty.dtype);
        Some(round_half_even_ratio(self.value, scale).saturating_add(i64::from(zero_point)).clamp(lo, hi))
    }
}

impl Operator for Pad {
    const NAME: &'static str = "pad";

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("before", self.before.clone());
        attrs.put("after", self.after.clone());
        // Not `put_unless`: -0.0 equals 0.0, and is other padding.
        if self.value.to_bits() != 0 {
            attrs.put("value", self.value);
        }
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self { before: attrs.take("before")?, after: attrs.take("after")?, value: attrs.take_or("value", 0.0)? })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let x = inputs[0];
        let rank = x.shape.rank();
        require!(
            self.before.len() == rank && self.after.len() == rank,
            "before and after have one entry for each axis of {x}"
        );
        let storage = match &x.quant {
            None => true,
            Some(quant) => matches!(x.dtype, DType::I8 | DType::U8 | DType::I16) && quant.axis().is_none(),
        };
        require!(storage, "a quantised x is i8, u8 or i16 per tensor, not {x}");
        let dims = (0..rank).map(|i| self.before[i].checked_add(x.shape[i])?.checked_add(self.after[i]));
        let dims = dims.collect::<Option<Vec<_>>>().ok_or_else(|| TypeError::new("the padded size overflows"))?;
        Ok(x.with_shape(dims))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(xt, x)] = inputs else { unreachable!("arity is checked") };
        let strides = xt.shape.strides();
        let source = |position: usize| {
            let at = output.shape.unravel(position);
            let inside = at.iter().zip(&self.before).zip(xt.shape.dims()).map(|((&i, &b), &d)| {
                i.checked_sub(b).filter(|&i| i < d)
            });
            inside.zip(&strides).map(|(i, s)| i.map(|i| i * s)).sum::<Option<usize>>()
        };
        let count = output.shape.elements();
        let data = match self.stored(xt) {
            Some(padding) => {
                Data::from_ints(output.dtype, (0..count).map(|p| source(p).map_or(padding, |s| x.data.int(s))))
            }
            None => {
                let padding = match output.dtype {
                    DType::F32 => u64::from(self.value.to_bits()),
                    half if half.is_half() => u64::from(narrow(half, self.value)),
                    _ => f64::from(self.value).to_bits(),
                };
                Data::from_bits(output.dtype, (0..count).map(|p| source(p).map_or(padding, |s| x.data.bits(s))))
            }
        };
        Tensor::new(output.shape.clone(), data)
    }
}
