//! A number in 32-bit fixed point, and what keeps it within 32 bits.

use tinyc_ir::DType;
use tinyc_ir::formula::Number;

/// Numbers in between stay within ±2^ROOM.
pub(super) const ROOM: i32 = 30;

/// `number · 2^-bits`, between bounds.
#[derive(Clone, Copy)]
pub(super) struct Fixed<'w> {
    pub(super) number: Number<'w>,
    pub(super) bits: i32,
    pub(super) lo: f64,
    pub(super) hi: f64,
}

/// The most fractional bits with which a number of this size has room.
pub(super) fn room(size: f64) -> Option<i32> {
    if !size.is_finite() {
        return None;
    }
    // A power of two just fits; the rest is rounded down.
    let bits = (f64::from(ROOM) - size.max(1e-9).log2()).floor() as i32;
    (-ROOM..=60).contains(&bits).then_some(bits)
}

/// `value` as `mantissa · 2^(exponent − 31)`, the mantissa from 2^30 to below 2^31.
pub(super) fn mantissa(value: f64) -> (f64, i32) {
    let mut exponent = value.log2().floor() as i32 + 1;
    let mut mantissa = (value * f64::from(31 - exponent).exp2()).round();
    if mantissa >= 2f64.powi(31) {
        (mantissa, exponent) = (mantissa / 2.0, exponent + 1);
    }
    (mantissa, exponent)
}

/// Bits 63 to 32 of the product.
pub(super) fn high<'w>(a: Number<'w>, b: Number<'w>) -> Number<'w> {
    let product = a.to(DType::I64) * b.to(DType::I64);
    product.shift_right(product.literal(32.0)).to(DType::I32)
}

/// Shifted left by so many bits, or right.
pub(super) fn shifted(number: Number<'_>, bits: i32) -> Number<'_> {
    match bits {
        0 => number,
        1.. => number.shift_left(number.literal(bits.into())),
        // What is shifted out entirely leaves the sign.
        _ => number.shift_right(number.literal(f64::from((-bits).min(31)))),
    }
}

impl<'w> Fixed<'w> {
    pub(super) fn size(&self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    pub(super) fn at(self, bits: i32) -> Number<'w> {
        shifted(self.number, bits - self.bits)
    }

    /// With as many bits as there is room for.
    pub(super) fn full(self) -> Option<Self> {
        let bits = room(self.size())?.max(self.bits);
        Some(Self { number: self.at(bits), bits, ..self })
    }

    /// A constant in the same format.
    pub(super) fn known(&self, value: f64) -> Number<'w> {
        self.number.literal((value * f64::from(self.bits).exp2()).round())
    }
}
