//! Between binary64 and integers, binary32, and integral binary64 numbers; as `float_convert` does for binary32.

use super::binary32;
use super::binary64::{INFINITY, NAN, SIGN, exponent, give_high, give_packed, give_word, go_if_nan, is_nan};
use super::float_mul::give_beyond;
use super::leading_zeros::normalized as normalized_word;
use super::names;
use super::wide::{self, Shift, magnitude, negated_if, normalized};
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`I32_TO_F64`](names::I32_TO_F64), or [`U32_TO_F64`](names::U32_TO_F64).
pub(super) fn from_word(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A double from an integer.", machine, |w, [x]| {
        let zero = w.cold();
        w.go_if(x.eq(0), zero, []);
        let all = if signed { x.sar(31) } else { w.constant(0) };
        give_word(w, all << 31, (x ^ all) - all);
        w.begin(zero);
        give_high(w, x);
    })
}

/// [`I64_TO_F64`](names::I64_TO_F64), or [`U64_TO_F64`](names::U64_TO_F64).
pub(super) fn from_pair(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A double from a 64-bit integer.", machine, |w, [low, high]| {
        let zero = w.cold();
        w.go_if((low | high).eq(0), zero, []);
        let sign = if signed { high & SIGN } else { w.constant(0) };
        let pair = if signed { magnitude([low, high]) } else { [low, high] };
        let (mantissa, zeros) = normalized(w, pair);
        give_packed(w, sign, w.constant(1085) - zeros, mantissa);
        w.begin(zero);
        give_high(w, high);
    })
}

/// [`F64_TO_I32`](names::F64_TO_I32), or [`F64_TO_U32`](names::F64_TO_U32).
pub(super) fn to_word(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A double as an integer, cut and saturated.", machine, |w, [low, high]| {
        let (zero, saturated) = (w.label(), w.cold());
        if !signed {
            w.go_if(high.lt(0), zero, []);
        }
        let shift = w.constant(1054) - exponent(high);
        w.go_if(if signed { shift.le(0) } else { shift.lt(0) }, saturated, []);
        w.go_if(shift.above(31), zero, []);
        let magnitude = top(low, high) >> shift;
        let all = if signed { high.sar(31) } else { w.constant(0) };
        w.give([(magnitude ^ all) - all]);
        w.begin(zero);
        w.give_constant(0);
        w.begin(saturated);
        w.go_if(is_nan([low, high]), zero, []);
        w.give([if signed { high.sar(31) ^ 0x7fff_ffff } else { w.constant(-1) }]);
    })
}

/// The upper 32 bits of the mantissa of a normal number, the hidden bit included.
fn top<'w>(low: Word<'w>, high: Word<'w>) -> Word<'w> {
    (high << 11) | (low >> 21) | SIGN
}

/// [`F64_TO_I64`](names::F64_TO_I64), or [`F64_TO_U64`](names::F64_TO_U64).
pub(super) fn to_pair(name: &str, machine: &Machine, signed: bool) -> Function {
    Writer::function(name, "A double as a 64-bit integer, cut and saturated.", machine, |w, [low, high]| {
        let (zero, saturated) = (w.label(), w.cold());
        if !signed {
            w.go_if(high.lt(0), zero, []);
        }
        let shift = w.constant(1086) - exponent(high);
        w.go_if(if signed { shift.le(0) } else { shift.lt(0) }, saturated, []);
        w.go_if(shift.above(63), zero, []);
        let (lower, upper) = (low << 11, top(low, high));
        let [lower, upper] = w.choose(shift.above(31), || [upper, w.constant(0)], || [lower, upper]);
        let pair = wide::shifted_near([lower, upper], shift & 31, Shift::Right);
        w.give(if signed { negated_if(high.sar(31), pair) } else { pair });
        w.begin(zero);
        w.give([w.constant(0); 2]);
        w.begin(saturated);
        w.go_if(is_nan([low, high]), zero, []);
        let all = if signed { high.sar(31) } else { w.constant(0) };
        let most = if signed { 0x7fff_ffff_u32 } else { u32::MAX };
        w.give([all ^ u32::MAX, all ^ most]);
    })
}

/// [`F64_ROUND`](names::F64_ROUND).
pub(super) fn round(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The nearest integral double, ties to even.", machine, |w, [low, high]| {
        let (large, nan) = (w.label(), w.cold());
        let magnitude = high & !SIGN;
        w.go_if(magnitude.at_least(0x4330_0000), large, []);
        // Adding 2^52 leaves the rounding to the addition.
        let zero = w.constant(0);
        let [sum_low, sum_high] = w.call(names::F64_ADD, &[low, magnitude, zero, w.constant(0x4330_0000)]);
        let [rounded_low, rounded] =
            w.call(names::F64_ADD, &[sum_low, sum_high, zero, w.constant(0xc330_0000_u32 as i32)]);
        w.give([rounded_low, rounded | (high & SIGN)]);

        w.begin(large);
        go_if_nan(w, [low, high], nan);
        w.give([low, high]);
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));
    })
}

/// [`F32_TO_F64`](names::F32_TO_F64).
pub(super) fn widened(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A double from a float.", machine, |w, [x]| {
        let (special, tiny, zero, nan) = (w.cold(), w.cold(), w.cold(), w.cold());
        let sign = x & SIGN;
        let exponent = binary32::exponent(x);
        w.go_if((exponent - 1).at_least(254), special, []);
        w.give([x << 29, sign + ((x & !SIGN) >> 3) + (896_u32 << 20)]);

        w.begin(special);
        w.go_if(exponent.eq(0), tiny, []);
        w.go_if((x << 1).above(binary32::INFINITY_DOUBLED), nan, []);
        give_high(w, sign | INFINITY);
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));

        w.begin(tiny);
        w.go_if((x << 1).eq(0), zero, []);
        let (top, zeros) = normalized_word(x & binary32::MANTISSA);
        w.give([top << 21, sign + ((w.constant(904) - zeros) << 20) + (top >> 11)]);
        w.begin(zero);
        give_high(w, sign);
    })
}

/// [`F64_TO_F32`](names::F64_TO_F32).
pub(super) fn narrowed(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A double rounded to a float.", machine, |w, [low, high]| {
        let (nan, beyond, tiny) = (w.cold(), w.cold(), w.cold());
        let sign = high & SIGN;
        go_if_nan(w, [low, high], nan);
        let exponent = exponent(high);
        // A subnormal double is far below every float.
        w.go_if(exponent.eq(0), tiny, []);
        let top = top(low, high);
        let (mantissa, below) = (top >> 8, (top << 24) | (low << 11).ne(0).truth());
        let biased = exponent - 897;
        w.go_if(biased.at_least(254), beyond, []);
        binary32::give_rounded(w, sign + (biased << 23) + mantissa, below);
        w.begin(beyond);
        give_beyond(w, sign, biased, [below, mantissa]);
        w.begin(tiny);
        w.give([sign]);
        w.begin(nan);
        binary32::give_nan(w);
    })
}
