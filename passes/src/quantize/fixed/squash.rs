//! Sigmoid and tanh.

use super::number::{Fixed, ROOM, high, shifted};
use tinyc_ir::formula::Number;

/// Fractional bits of what goes into a squashing function, and of what comes out.
const SQUASHED: (i32, i32) = (25, 28);

/// Beyond this, a sigmoid is 0 or 1 to more bits than are computed.
const FLAT: f64 = 20.0;

/// `2^-x` for x from 0 to 1, ascending powers; the least greatest error, 1.9e-6.
const EXP2: [f64; 5] = [0.999_998_15, -0.693_052_37, 0.239_447_75, -0.053_240_51, 0.006_848_83];

/// The square root of the factor that centres the error of the first of Newton's steps: 2 / (2 − 1/17²).
const CENTRED: f64 = 1.000_866_176;

/// `1 / (1 + e^-x)`
pub(super) fn sigmoid(x: Fixed<'_>) -> Fixed<'_> {
    let (negative, upper) = half_sigmoid(x);
    let one = upper.literal(f64::from(SQUASHED.1).exp2());
    let number = negative.select(one - upper, upper);
    Fixed { number, bits: SQUASHED.1, lo: 0.0, hi: 1.0 }
}

/// `2·sigmoid(2x) − 1`
pub(super) fn tanh(x: Fixed<'_>) -> Fixed<'_> {
    let double = Fixed { bits: x.bits - 1, lo: x.lo * 2.0, hi: x.hi * 2.0, ..x };
    let (negative, upper) = half_sigmoid(double);
    let size = shifted(upper, 1) - f64::from(SQUASHED.1).exp2();
    let number = negative.select(-size, size);
    Fixed { number, bits: SQUASHED.1, lo: -1.0, hi: 1.0 }
}

/// Whether `x` is below 0, and the sigmoid of its absolute value.
fn half_sigmoid(x: Fixed<'_>) -> (Number<'_>, Number<'_>) {
    let (bits, out) = SQUASHED;
    let negative = x.number.lt(x.number.literal(0.0));
    let mut size = Fixed { number: x.number.abs(), lo: 0.0, hi: x.size(), ..x };
    if size.hi > FLAT {
        size = Fixed { number: size.number.min(size.known(FLAT)), hi: FLAT, ..size };
    }
    // The absolute value in units of ln 2: whole part and fraction.
    let places = bits + ROOM - 32;
    let number = size.at(bits);
    let logarithm = number.literal((std::f64::consts::LOG2_E * f64::from(ROOM).exp2()).round());
    let power = high(number, logarithm);
    let whole = power.shift_right(power.literal(places.into()));
    let fraction = shifted(power & (f64::from(places).exp2() - 1.0), 31 - places);
    let format = |value: f64, bits: i32| number.literal((value * f64::from(bits).exp2()).round());
    // Horner's rule: sums have 29 bits, doubled they are factors of 30.
    let mut sum = format(EXP2[4], ROOM - 1);
    for coefficient in EXP2[..4].iter().rev() {
        sum = high(shifted(sum, 1), fraction) + format(*coefficient, ROOM - 1);
    }
    let exponential = sum.shift_right(whole);
    // 1 / (1 + exponential), the divisor above 1 and at most 2, with 29 bits.
    let divisor = exponential + f64::from(ROOM - 1).exp2();
    let slope = format(CENTRED * 8.0 / 17.0, 31);
    let first = shifted(format(CENTRED * 24.0 / 17.0, 28) - high(divisor, slope), 2);
    // Twice x·(2 − divisor·x), each factor with 30 bits.
    let left = |near, two: f64| shifted(format(two, 27) - high(divisor, near), 3);
    let second = shifted(high(first, left(first, 2.0 * CENTRED)), 2);
    let upper = shifted(high(second, left(second, 2.0)), out - 28);
    (negative, upper)
}
