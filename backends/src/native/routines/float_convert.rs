//! Between integers and binary32: integers round to nearest, ties to even; floats are cut towards zero, saturate, and NaN
//! gives 0. And rounding to an integral float.

use super::binary32::{INFINITY_DOUBLED, SIGN, exponent, give_nan, give_rounded};
use super::leading_zeros::normalized;
use super::wide::{magnitude, negated_if};
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`I32_TO_F32`](super::names::I32_TO_F32), or [`U32_TO_F32`](super::names::U32_TO_F32).
pub(super) fn from_word(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A float from an integer.", machine, |w, [x]| {
        let zero = w.cold();
        w.go_if(x.eq(0), zero, []);
        let (sign, magnitude) = if signed { parts(x) } else { (w.constant(0), x) };
        let (top, zeros) = normalized(magnitude);
        give_top(w, sign, w.constant(157) - zeros, top);
        w.begin(zero);
        w.give([x]);
    })
}

/// [`I64_TO_F32`](super::names::I64_TO_F32), or [`U64_TO_F32`](super::names::U64_TO_F32).
pub(super) fn from_pair(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A float from a 64-bit integer.", machine, |w, [low, high]| {
        let (word, zero) = (w.label(), w.cold());
        let sign = if signed { high & SIGN } else { w.constant(0) };
        let [low, high] = if signed { magnitude([low, high]) } else { [low, high] };
        w.go_if(high.eq(0), word, []);
        let (top, zeros) = normalized(high);
        // What the high word lacks comes from the low one; `31 − n` and 1 instead of `32 − n`, which may be 32.
        let top = top | ((low >> 1) >> (zeros ^ 31));
        let sticky = (low << zeros).ne(0).truth();
        give_top(w, sign, w.constant(189) - zeros, top | sticky);

        w.begin(word);
        w.go_if(low.eq(0), zero, []);
        let (top, zeros) = normalized(low);
        give_top(w, sign, w.constant(157) - zeros, top);
        w.begin(zero);
        w.give_constant(0);
    })
}

/// Returns the number `top · 2^(exponent − 157)`, whose highest bit is set; `exponent` is the biased one less 1.
fn give_top<'w>(w: &'w Writer, sign: Word<'w>, exponent: Word<'w>, top: Word<'w>) {
    give_rounded(w, sign + (exponent << 23) + (top >> 8), top << 24);
}

/// Sign bit and magnitude.
fn parts(x: Word<'_>) -> (Word<'_>, Word<'_>) {
    let all = x.sar(31);
    (x & SIGN, (x ^ all) - all)
}

/// [`F32_TO_I32`](super::names::F32_TO_I32).
pub(super) fn to_signed(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A float as a signed integer, cut and saturated.", machine, |w, [x]| {
        let (zero, saturated) = (w.label(), w.cold());
        let shift = w.constant(158) - exponent(x);
        w.go_if(shift.le(0), saturated, []);
        w.go_if(shift.above(31), zero, []);
        let all = x.sar(31);
        let magnitude = ((x << 8) | SIGN) >> shift;
        w.give([(magnitude ^ all) - all]);
        w.begin(zero);
        w.give_constant(0);
        w.begin(saturated);
        w.go_if((x << 1).above(INFINITY_DOUBLED), zero, []);
        w.give([x.sar(31) ^ 0x7fff_ffff]);
    })
}

/// [`F32_TO_U32`](super::names::F32_TO_U32).
pub(super) fn to_unsigned(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A float as an unsigned integer, cut and saturated.", machine, |w, [x]| {
        let (zero, saturated) = (w.label(), w.cold());
        w.go_if(x.lt(0), zero, []);
        let shift = w.constant(158) - (x >> 23);
        w.go_if(shift.lt(0), saturated, []);
        w.go_if(shift.above(31), zero, []);
        w.give([((x << 8) | SIGN) >> shift]);
        w.begin(zero);
        w.give_constant(0);
        w.begin(saturated);
        w.go_if((x << 1).above(INFINITY_DOUBLED), zero, []);
        w.give_constant(u32::MAX);
    })
}

/// [`F32_TO_I64`](super::names::F32_TO_I64), or [`F32_TO_U64`](super::names::F32_TO_U64).
pub(super) fn to_pair(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A float as a 64-bit integer, cut and saturated.", machine, |w, [x]| {
        let (zero, saturated) = (w.label(), w.cold());
        if !signed {
            w.go_if(x.lt(0), zero, []);
        }
        let shift = w.constant(190) - exponent(x);
        w.go_if(if signed { shift.le(0) } else { shift.lt(0) }, saturated, []);
        w.go_if(shift.above(63), zero, []);
        let top = (x << 8) | SIGN;
        let [low, high] = w.choose(
            shift.at_least(32),
            || [top >> (shift - 32), w.constant(0)],
            // `32 − n` is 32 for an `n` of 0.
            || [(top << 1) << (shift ^ 31), top >> shift],
        );
        w.give(if signed { negated_if(x.sar(31), [low, high]) } else { [low, high] });
        w.begin(zero);
        w.give([w.constant(0); 2]);
        w.begin(saturated);
        w.go_if((x << 1).above(INFINITY_DOUBLED), zero, []);
        let all = if signed { x.sar(31) } else { w.constant(0) };
        let most = if signed { 0x7fff_ffff_u32 } else { u32::MAX };
        w.give([all ^ u32::MAX, all ^ most]);
    })
}

/// [`F32_ROUND`](super::names::F32_ROUND).
pub(super) fn round(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The nearest integral float, ties to even.", machine, |w, [x]| {
        let (large, small, nan) = (w.label(), w.label(), w.cold());
        // How many bits of the mantissa are behind the point.
        let behind = w.constant(150) - exponent(x);
        w.go_if(behind.le(0), large, []);
        w.go_if(behind.above(23), small, []);
        // Just less than a half is added, and a little more if the last bit before the point is odd: the hidden bit stands
        // where the exponent's last bit is, and both are 1 there.
        let unit = w.constant(1) << behind;
        let odd = (x >> behind) & 1;
        w.give([(x + (unit >> 1) - 1 + odd) & unit.negated()]);

        // Less than 1: 0 or, above a half, 1.
        w.begin(small);
        let one = (x << 1).above(0x7e00_0000).select(0x3f80_0000, 0);
        w.give([(x & SIGN) | one]);

        w.begin(large);
        w.go_if((x << 1).above(INFINITY_DOUBLED), nan, []);
        w.give([x]);
        w.begin(nan);
        give_nan(w);
    })
}
