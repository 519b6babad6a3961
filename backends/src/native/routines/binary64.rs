//! What the routines on binary64 share: the format's numbers, taking numbers apart, and rounding them.
//!
//! They are written to be small and right; the tools that make networks for small cores seldom leave a binary64 in one.

use super::leading_zeros::normalized;
use super::names;
use super::wide::{self, Pair, Shift, sum};
use super::word::{Test, Word};
use super::write::{Label, Writer};
use crate::native::{Function, Machine};

/// The sign bit in the high word.
pub(super) const SIGN: u32 = 0x8000_0000;
/// The high word of infinity.
pub(super) const INFINITY: u32 = 0x7ff0_0000;
/// The high word of infinity without its sign bit, one to the left: with a bit for the low word, what is above is NaN.
pub(super) const INFINITY_DOUBLED: u32 = 0xffe0_0000;
/// The high word of the NaN that every routine gives; the low word is 0.
pub(super) const NAN: u32 = 0x7ff8_0000;
/// The bit of the high word that a normal number's mantissa has and its encoding leaves out.
pub(super) const HIDDEN: u32 = 0x0010_0000;

/// The exponent's eleven bits.
pub(super) fn exponent(high: Word<'_>) -> Word<'_> {
    (high >> 20) & 0x7ff
}

/// A word that orders magnitudes as far as classes go: above [`INFINITY_DOUBLED`] for NaN, equal for infinity, 0 for zero.
pub(super) fn class<'w>([low, high]: Pair<'w>) -> Word<'w> {
    (high << 1) | low.ne(0).truth()
}

/// Goes to the label if a number is NaN.
pub(super) fn go_if_nan<'w>(w: &'w Writer, x: Pair<'w>, nan: Label<'w, 0>) {
    w.go_if(is_nan(x), nan, []);
}

/// Whether a number is NaN.
pub(super) fn is_nan(x: Pair<'_>) -> Test<'_> {
    class(x).above(INFINITY_DOUBLED)
}

/// Returns a number with this high word and a low word of 0.
pub(super) fn give_high<'w>(w: &'w Writer, high: Word<'w>) {
    w.give([w.constant(0), high]);
}

/// Exponent and mantissa of a finite number that is not zero: the mantissa's highest bit, 63, is set; the exponent is biased,
/// and 0 or less for a subnormal number.
pub(super) fn unpacked<'w>(w: &'w Writer, [low, high]: Pair<'w>) -> (Word<'w>, Pair<'w>) {
    let exponent = exponent(high);
    let [exponent, low, high] = w.choose(
        exponent.ne(0),
        || {
            let top = (high << 11) | (low >> 21) | SIGN;
            [exponent, low << 11, top]
        },
        || {
            let ([low, high], zeros) = wide::normalized(w, [low, high & 0x000f_ffff]);
            [w.constant(12) - zeros, low, high]
        },
    );
    (exponent, [low, high])
}

/// Returns the number that [`F64_PACK`](names::F64_PACK) makes of this.
pub(super) fn give_packed<'w>(w: &'w Writer, sign: Word<'w>, exponent: Word<'w>, [low, high]: Pair<'w>) {
    w.give(w.call::<2>(names::F64_PACK, &[low, high, exponent, sign]));
}

/// [`F64_PACK`](names::F64_PACK).
pub(super) fn pack(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Rounds a double.", machine, |w, [low, high, exponent, sign]| {
        let (fits, small, beyond) = (w.label(), w.cold(), w.cold());
        w.go_if(exponent.at_least(0x7fe), beyond, []);
        w.go(fits, [low, high, exponent]);

        let [low_bits, high_bits, biased] = w.begin(fits);
        let below = low_bits << 21;
        let encoded = [(low_bits >> 11) | (high_bits << 21), sign + (biased << 20) + (high_bits >> 11)];
        let tie = w.cold();
        let [rounded_low, rounded_high] = sum(encoded, [below >> 31, w.constant(0)]);
        w.go_if(below.eq(SIGN), tie, []);
        w.give([rounded_low, rounded_high]);
        w.begin(tie);
        w.give([rounded_low & !1_u32, rounded_high]);

        w.begin(beyond);
        w.go_if(exponent.lt(0), small, []);
        give_high(w, sign | INFINITY);

        // Subnormal: further to the right, by up to 53 bits, behind which not even a half is left.
        w.begin(small);
        let zero = w.cold();
        let amount = exponent.negated();
        w.go_if(amount.above(53), zero, []);
        let [low, high] = shifted_with_sticky(w, [low, high], amount);
        w.go(fits, [low, high, w.constant(0)]);
        w.begin(zero);
        give_high(w, sign);
    })
}

/// The pair shifted right by 0 to 63; the lowest bit stands for itself and all that were lost.
pub(super) fn shifted_with_sticky<'w>(w: &'w Writer, [low, high]: Pair<'w>, amount: Word<'w>) -> Pair<'w> {
    let [low, high, lost] =
        w.choose(amount.above(31), || [high, w.constant(0), low], || [low, high, w.constant(0)]);
    let amount = amount & 31;
    let lost = lost | ((low << 1) << (amount ^ 31));
    let [low, high] = wide::shifted_near([low, high], amount, Shift::Right);
    [low | lost.ne(0).truth(), high]
}

/// The double of an integer's magnitude in one word, which is not zero; always exact.
pub(super) fn give_word<'w>(w: &'w Writer, sign: Word<'w>, magnitude: Word<'w>) {
    let (top, zeros) = normalized(magnitude);
    w.give([top << 21, sign + ((w.constant(1053) - zeros) << 20) + (top >> 11)]);
}
