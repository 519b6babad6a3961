//! Sum of two binary32 numbers without an FPU.
//!
//! The greater operand keeps its encoding: the mantissa of the smaller one, shifted right, is added to it or taken from it as
//! an integer, the bits shifted out in a second word. As long as exponent and sign do not change (which one comparison
//! tells) the sum is already encoded and is only rounded. A carry into the exponent shifts once; a borrow
//! from it after alignment by two or more also shifts only once; other borrows are exact (Sterbenz), so they never round.

use super::binary32::{
    HIDDEN, INFINITY, INFINITY_DOUBLED, MANTISSA, SIGN, exponent, give_exact, give_nan, give_rounded,
    mantissa,
};
use super::names;
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// [`F32_ADD`](names::F32_ADD).
pub(super) fn add(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Sum of two floats.", machine, |w, [a, b]| give_sum(w, a, b))
}

/// [`F32_SUB`](names::F32_SUB).
pub(super) fn sub(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Difference of two floats.", machine, |w, [a, b]| {
        w.give(w.call::<1>(names::F32_ADD, &[a, b ^ SIGN]));
    })
}

fn give_sum<'w>(w: &'w Writer, a: Word<'w>, b: Word<'w>) {
    // Before the operands part: then only this word of them lives on.
    let signs = a ^ b;
    let ordered = w.label();
    let swapped = w.label();
    w.go_if((a << 1).below(b << 1), swapped, []);
    w.go(ordered, [a, b]);
    w.begin(swapped);
    w.go(ordered, [b, a]);

    let [big, small] = w.begin(ordered);
    let (not_finite, small_is_tiny, far) = (w.cold(), w.cold(), w.cold());
    let doubled = small << 1;
    let (big_exponent, small_exponent) = (exponent(big), doubled >> 24);
    w.go_if(big_exponent.eq(0xff), not_finite, []);
    w.go_if(small_exponent.eq(0), small_is_tiny, []);
    let distance = big_exponent - small_exponent;
    w.go_if(distance.above(23), far, []);

    // Up to a distance of 23 what is shifted out are mantissa bits alone: the doubled encoding has them in place.
    let aligned = w.label();
    w.go(aligned, [distance, mantissa(small), doubled]);

    let [shift, addend, doubled] = w.begin(aligned);
    let (high, low) = (addend >> shift, doubled << (shift ^ 31));
    let differ = w.label();
    w.go_if(signs.lt(0), differ, []);
    let sum = big + high;
    let carried = w.label();
    w.go_if(((sum ^ big) >> 23).ne(0), carried, []);
    give_rounded(w, sum, low);

    w.begin(carried);
    give_carried(w, big, sum, low);

    w.begin(differ);
    let [low, difference] = w.words(Op::SubWide, &[w.constant(0), big, low, high]);
    let borrowed = w.label();
    w.go_if(((difference ^ big) >> 23).ne(0), borrowed, []);
    give_rounded(w, difference, low);

    w.begin(borrowed);
    give_borrowed(w, big, difference, low);

    w.begin(far);
    let negligible = w.cold();
    w.go_if(distance.above(25), negligible, []);
    let mantissa = mantissa(small);
    w.go(aligned, [distance, mantissa, mantissa << 1]);

    w.begin(small_is_tiny);
    let (zero, both_tiny) = (w.cold(), w.cold());
    w.go_if((small << 1).eq(0), zero, []);
    w.go_if(big_exponent.eq(0), both_tiny, []);
    let distance = big_exponent - 1;
    w.go_if(distance.above(25), negligible, []);
    w.go(aligned, [distance, small & MANTISSA, small << 1]);

    // Subnormal numbers are integers in one unit, and the first normal binade continues them.
    w.begin(both_tiny);
    let opposite = w.cold();
    w.go_if(signs.lt(0), opposite, []);
    w.give([big + (small & MANTISSA)]);
    w.begin(opposite);
    let difference = big - (small & MANTISSA);
    w.give([(difference << 1).eq(0).select(0, difference)]);

    // A zero changes nothing, but for the sign of another zero: only two negative ones are negative.
    w.begin(zero);
    w.go_if((big << 1).ne(0), negligible, []);
    w.give([big & small]);

    w.begin(negligible);
    w.give([big]);

    w.begin(not_finite);
    let nan = w.cold();
    w.go_if((big << 1).above(INFINITY_DOUBLED), nan, []);
    w.go_if((big ^ small).eq(SIGN), nan, []);
    w.give([big]);
    w.begin(nan);
    give_nan(w);
}

/// The sum's mantissa has 25 bits: the last one is the first below.
fn give_carried<'w>(w: &'w Writer, big: Word<'w>, sum: Word<'w>, low: Word<'w>) {
    let base = (big >> 23) << 23;
    let mantissa = sum - base + HIDDEN;
    // As no hidden bit is taken off, the exponent is one higher.
    let half = base + (mantissa >> 1);
    let rounded = half + (mantissa & 1);
    let (exact_half, infinite) = (w.cold(), w.cold());
    w.go_if(low.eq(0), exact_half, []);
    w.go_if((rounded << 1).at_least(INFINITY_DOUBLED), infinite, []);
    w.give([rounded]);

    // Exact, or a tie.
    w.begin(exact_half);
    let rounded = half + (mantissa & half & 1);
    w.go_if((rounded << 1).at_least(INFINITY_DOUBLED), infinite, []);
    w.give([rounded]);

    w.begin(infinite);
    w.give([(big & SIGN) | INFINITY]);
}

/// The difference's mantissa has fewer than 24 bits.
fn give_borrowed<'w>(w: &'w Writer, big: Word<'w>, difference: Word<'w>, low: Word<'w>) {
    let base = (big >> 23) << 23;
    let mantissa = difference - base + HIDDEN;
    let exponent = exponent(big);
    let exact = w.label();
    w.go_if(low.eq(0), exact, [mantissa, exponent]);
    let (mantissa, low) = ((mantissa << 1) | (low >> 31), low << 1);
    w.go_if(low.eq(0), exact, [mantissa, exponent - 1]);
    // One exponent less for the shift, and one for the hidden bit.
    give_rounded(w, base - 2 * HIDDEN + mantissa, low);

    let [mantissa, exponent] = w.begin(exact);
    let zero = w.cold();
    w.go_if(mantissa.eq(0), zero, []);
    give_exact(w, big & SIGN, exponent, mantissa);
    w.begin(zero);
    w.give_constant(0);
}
