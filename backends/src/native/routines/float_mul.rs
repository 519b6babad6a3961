//! Product of two binary32 numbers without an FPU: the 48-bit product of the mantissas, normalised by one shift at most and
//! rounded once.

use super::binary32::{
    INFINITY, INFINITY_DOUBLED, MANTISSA, exponent, give_nan, give_rounded, is_normal, mantissa, sign, top,
};
use super::leading_zeros::normalized;
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// [`F32_MUL`](super::names::F32_MUL).
pub(super) fn mul(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Product of two floats.", machine, give_product)
}

fn give_product<'w>(w: &'w Writer, [a, b]: [Word<'w>; 2]) {
    // Before the operands part: then only this word of them lives on.
    let signs = a ^ b;
    let (special, finite) = (w.cold(), w.label());
    let (a_exponent, b_exponent) = (exponent(a), exponent(b));
    // Neither 0 nor 255.
    w.go_if((a_exponent - 1).at_least(254), special, []);
    w.go_if((b_exponent - 1).at_least(254), special, []);
    // The biased exponent of the product, less the 1 that the hidden bit adds.
    w.go(finite, [a_exponent + b_exponent - 127, top(a), top(b)]);

    let [exponent, a_top, b_top] = w.begin(finite);
    let [low, high] = product(a_top, b_top);
    let (normal, beyond) = (w.label(), w.cold());
    w.go_if(is_normal(high), normal, [low, high, exponent]);
    let [low, high] = w.words(Op::AddWide, &[low, high, low, high]);
    w.go(normal, [low, high, exponent - 1]);

    let [low, high, exponent] = w.begin(normal);
    let sign = sign(signs);
    w.go_if(exponent.at_least(254), beyond, []);
    give_rounded(w, sign + (exponent << 23) + high, low);

    w.begin(beyond);
    give_beyond(w, sign, exponent, [low, high]);

    w.begin(special);
    give_special(w, a, b, |exponent, a, b| w.go(finite, [exponent, a << 8, b << 8]));
}

/// The product of two 24-bit numbers, each at the top of a word: `(the low 24 bits at the top of a word, bits 47 to 24)`.
fn product<'w>(a: Word<'w>, b: Word<'w>) -> [Word<'w>; 2] {
    let w = a.writer();
    if w.machine().multiply_long {
        return w.words(Op::MulLongUnsigned, &[a, b >> 8]);
    }
    // Halves of 12 bits: no sum of partial products leaves a word.
    let (a_high, a_low) = (a >> 20, (a << 12) >> 20);
    let (b_high, b_low) = (b >> 20, (b << 12) >> 20);
    let low = a_low * b_low;
    let middle = a_high * b_low + a_low * b_high + (low >> 12);
    [(middle << 20) | ((low << 20) >> 12), a_high * b_high + (middle >> 12)]
}

/// Too great for the format, or too small for its normal numbers. `exponent` is that of the result, less 1.
pub(super) fn give_beyond<'w>(w: &'w Writer, sign: Word<'w>, exponent: Word<'w>, [low, high]: [Word<'w>; 2]) {
    let (small, zero) = (w.cold(), w.cold());
    w.go_if(exponent.lt(0), small, []);
    w.give([sign | INFINITY]);

    w.begin(small);
    let shift = exponent.negated();
    w.go_if(shift.above(24), zero, []);
    let below = (high << (w.constant(32) - shift)) | low.ne(0).truth();
    give_rounded(w, sign + (high >> shift), below);
    w.begin(zero);
    w.give([sign]);
}

/// An operand is zero, subnormal, infinite or NaN. Where both are finite and not zero, `go_on` with the exponent of the
/// product, less 1, and both mantissas of 24 bits.
fn give_special<'w>(
    w: &'w Writer,
    a: Word<'w>,
    b: Word<'w>,
    go_on: impl FnOnce(Word<'w>, Word<'w>, Word<'w>),
) {
    let (a_doubled, b_doubled) = (a << 1, b << 1);
    let (nan, zero, infinite) = (w.cold(), w.cold(), w.cold());
    let sign = sign(a ^ b);
    w.go_if(a_doubled.above(INFINITY_DOUBLED), nan, []);
    w.go_if(b_doubled.above(INFINITY_DOUBLED), nan, []);
    w.go_if(a_doubled.eq(INFINITY_DOUBLED), infinite, [b_doubled]);
    w.go_if(b_doubled.eq(INFINITY_DOUBLED), infinite, [a_doubled]);
    w.go_if(a_doubled.eq(0), zero, []);
    w.go_if(b_doubled.eq(0), zero, []);
    let [a_exponent, a_mantissa] = unpacked(a);
    let [b_exponent, b_mantissa] = unpacked(b);
    go_on(a_exponent + b_exponent - 127, a_mantissa, b_mantissa);

    let [other] = w.begin(infinite);
    w.go_if(other.eq(0), nan, []);
    w.give([sign | INFINITY]);
    w.begin(zero);
    w.give([sign]);
    w.begin(nan);
    give_nan(w);
}

/// Exponent and mantissa of a finite number that is not zero, as if it were normal: the exponent of a subnormal one is 0 or
/// less.
pub(super) fn unpacked(x: Word<'_>) -> [Word<'_>; 2] {
    let w = x.writer();
    let exponent = exponent(x);
    w.choose(
        exponent.ne(0),
        || [exponent, mantissa(x)],
        || {
            let (normal, zeros) = normalized(x & MANTISSA);
            [w.constant(9) - zeros, normal >> 8]
        },
    )
}
