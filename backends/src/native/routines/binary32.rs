//! What the routines on binary32 share: the format's numbers, and the end of a computation, rounding.

use super::leading_zeros::normalized;
use super::word::{Test, Word};
use super::write::Writer;

/// The sign bit.
pub(super) const SIGN: u32 = 0x8000_0000;
/// Infinity, and the mask of the exponent.
pub(super) const INFINITY: u32 = 0x7f80_0000;
/// Infinity without its sign bit, one to the left: what is above, is NaN.
pub(super) const INFINITY_DOUBLED: u32 = 0xff00_0000;
/// The NaN that every routine gives.
pub(super) const NAN: u32 = 0x7fc0_0000;
/// The bit that a normal number's mantissa has and its encoding leaves out.
pub(super) const HIDDEN: u32 = 0x0080_0000;
/// The bits of the mantissa that are encoded.
pub(super) const MANTISSA: u32 = 0x007f_ffff;

/// Whether the core takes fields, masks and most constants in one instruction, as those with long products do; the others
/// have shifts.
fn has_masks(w: &Writer) -> bool {
    w.machine().multiply_long
}

/// The sign bit.
pub(super) fn sign(x: Word<'_>) -> Word<'_> {
    if has_masks(x.writer()) { x & SIGN } else { (x >> 31) << 31 }
}

/// The exponent's eight bits.
pub(super) fn exponent(x: Word<'_>) -> Word<'_> {
    if has_masks(x.writer()) { (x >> 23) & 0xff } else { (x << 1) >> 24 }
}

/// The mantissa of a normal number: 24 bits.
pub(super) fn mantissa(x: Word<'_>) -> Word<'_> {
    if has_masks(x.writer()) { (x | HIDDEN) & 0x00ff_ffff } else { top(x) >> 8 }
}

/// The mantissa of a normal number at the top of a word.
pub(super) fn top(x: Word<'_>) -> Word<'_> {
    (x | HIDDEN) << 8
}

/// Whether a number has the hidden bit or a higher one.
pub(super) fn is_normal(mantissa: Word<'_>) -> Test<'_> {
    if has_masks(mantissa.writer()) { mantissa.at_least(HIDDEN) } else { (mantissa >> 23).ne(0) }
}

/// Returns an encoded number rounded to nearest, ties to even: `below` holds the bits after the last one. A carry out of
/// the mantissa gives the next exponent, and infinity after the last, as it should.
pub(super) fn give_rounded<'w>(w: &'w Writer, encoded: Word<'w>, below: Word<'w>) {
    let rounded = encoded + (below >> 31);
    let tie = w.cold();
    if has_masks(w) {
        w.go_if(below.eq(SIGN), tie, []);
        w.give([rounded]);
        w.begin(tie);
        w.give([rounded & !1_u32]);
    } else {
        // Exact, or a tie, which goes up from odd numbers only.
        w.go_if((below << 1).eq(0), tie, []);
        w.give([rounded]);
        w.begin(tie);
        w.give([encoded + ((below >> 31) & encoded)]);
    }
}

/// Returns the number `sign | mantissa · 2^(exponent − 150)`, for a mantissa of 1 to 24 bits and an exponent of at
/// least 1: no rounding is needed, but the result may be subnormal. The exponent fits.
pub(super) fn give_exact<'w>(w: &'w Writer, sign: Word<'w>, exponent: Word<'w>, mantissa: Word<'w>) {
    let (zeros, most) = (zeros_of_24(w, mantissa), exponent - 1);
    let shift = zeros.below(most).select(zeros, most);
    // The hidden bit, if there is one now, adds the 1 that is missing in the exponent.
    w.give([sign + ((most - shift) << 23) + (mantissa << shift)]);
}

/// The leading zeros of a number of 24 bits that is not zero.
fn zeros_of_24<'w>(w: &'w Writer, x: Word<'w>) -> Word<'w> {
    if w.machine().count_leading_zeros {
        return normalized(x).1 - 8;
    }
    // Step by step where there are few, which is the rule: numbers seldom cancel far.
    let (many, done) = (w.cold(), w.label());
    w.go_if((x >> 16).eq(0), many, []);
    let [_, zeros] = w.repeat(8, [x << 8, w.constant(-1)], |[x, zeros]| ([x << 1, zeros + 1], x.ge(0)));
    w.go(done, [zeros]);
    w.begin(many);
    w.go(done, [normalized(x).1 - 8]);
    let [zeros] = w.begin(done);
    zeros
}

/// Returns a canonical NaN.
pub(super) fn give_nan(w: &Writer) {
    w.give_constant(NAN);
}
