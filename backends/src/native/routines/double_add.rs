//! Sum of two binary64 numbers: mantissas with a bit of room above and ten below, the smaller one shifted right, then
//! normalised and rounded.

use super::binary64::{
    HIDDEN, INFINITY_DOUBLED, NAN, SIGN, class, exponent, give_high, give_packed, is_nan, shifted_with_sticky,
};
use super::names;
use super::wide::{Pair, difference, normalized, sum};
use super::word::Word;
use super::write::Writer;
use crate::native::{Cond, Function, Machine, Op};

/// [`F64_ADD`](names::F64_ADD).
pub(super) fn add(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Sum of two doubles.", machine, |w, [a_low, a_high, b_low, b_high]| {
        give_sum(w, [a_low, a_high], [b_low, b_high]);
    })
}

/// [`F64_SUB`](names::F64_SUB).
pub(super) fn sub(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Difference of two doubles.", machine, |w, [a_low, a_high, b_low, b_high]| {
        w.give(w.call::<2>(names::F64_ADD, &[a_low, a_high, b_low, b_high ^ SIGN]));
    })
}

fn give_sum<'w>(w: &'w Writer, [a_low, a_high]: Pair<'w>, [b_low, b_high]: Pair<'w>) {
    let magnitudes = [a_low, a_high & !SIGN, b_low, b_high & !SIGN];
    let is_less = w.words::<1>(Op::CompareWide(Cond::LtU), &magnitudes)[0];
    let [big_low, big_high, small_low, small_high] =
        w.choose(is_less.ne(0), || [b_low, b_high, a_low, a_high], || [a_low, a_high, b_low, b_high]);
    let (not_finite, negligible, differ, same) = (w.cold(), w.cold(), w.label(), w.label());
    let big_exponent = exponent(big_high);
    w.go_if(big_exponent.eq(0x7ff), not_finite, []);
    let (big_exponent, big) = aligned([big_low, big_high]);
    let (small_exponent, small) = aligned([small_low, small_high]);
    let distance = big_exponent - small_exponent;
    w.go_if(distance.above(60), negligible, []);
    let small = shifted_with_sticky(w, small, distance);
    w.go_if((big_high ^ small_high).lt(0), differ, []);
    w.go(same, sum(big, small));

    w.begin(differ);
    let zero = w.cold();
    let [low, high] = difference(big, small);
    w.go_if((low | high).eq(0), zero, []);
    w.go(same, [low, high]);

    let [low, high] = w.begin(same);
    let both_zero = w.cold();
    w.go_if((low | high).eq(0), both_zero, []);
    let (mantissa, zeros) = normalized(w, [low, high]);
    give_packed(w, big_high & SIGN, big_exponent - zeros, mantissa);

    w.begin(zero);
    give_high(w, w.constant(0));
    // Zeros of one sign.
    w.begin(both_zero);
    w.give([big_low, big_high]);

    // The smaller number may be zero here, or far less than half a unit.
    w.begin(negligible);
    w.give([big_low, big_high]);

    w.begin(not_finite);
    let nan = w.cold();
    w.go_if(is_nan([big_low, big_high]), nan, []);
    w.go_if((big_high ^ small_high).at_most(SIGN - 1), negligible, []);
    w.go_if(class([small_low, small_high]).ne(INFINITY_DOUBLED), negligible, []);
    w.go(nan, []);
    w.begin(nan);
    give_high(w, w.constant(NAN as i32));
}

/// Exponent and mantissa with the hidden bit at bit 62; a subnormal number has the exponent 1 and no hidden bit.
fn aligned<'w>([low, high]: Pair<'w>) -> (Word<'w>, Pair<'w>) {
    let exponent = exponent(high);
    let is_subnormal = exponent.eq(0).truth();
    let hidden = (is_subnormal - 1) & HIDDEN;
    let high = (high & (HIDDEN - 1)) | hidden;
    (exponent + is_subnormal, [low << 10, (high << 10) | (low >> 22)])
}
