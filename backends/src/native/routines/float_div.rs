//! Quotient of two binary32 numbers without an FPU: long division of the mantissas, in three digits of eight bits where the
//! core divides words, else bit by bit.

use super::binary32::{
    HIDDEN, INFINITY, INFINITY_DOUBLED, SIGN, exponent, give_nan, give_rounded, mantissa, sign,
};
use super::float_mul::{give_beyond, unpacked};
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// [`F32_DIV`](super::names::F32_DIV).
pub(super) fn div(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Quotient of two floats.", machine, give_quotient)
}

fn give_quotient<'w>(w: &'w Writer, [a, b]: [Word<'w>; 2]) {
    // Before the operands part: then only this word of them lives on.
    let signs = a ^ b;
    let (special, finite) = (w.cold(), w.label());
    let (a_exponent, b_exponent) = (exponent(a), exponent(b));
    w.go_if((a_exponent - 1).at_least(254), special, []);
    w.go_if((b_exponent - 1).at_least(254), special, []);
    // The biased exponent of a quotient of 1 or more, less the 1 that the hidden bit adds.
    w.go(finite, [a_exponent - b_exponent + 126, mantissa(a), mantissa(b)]);

    let [exponent, dividend, divisor] = w.begin(finite);
    let (whole, beyond) = (w.label(), w.cold());
    w.go_if(dividend.at_least(divisor), whole, [dividend, exponent]);
    w.go(whole, [dividend << 1, exponent - 1]);
    let [dividend, exponent] = w.begin(whole);
    let [quotient, rest] = digits(w, dividend, divisor);
    // A rest of just a half is impossible: the quotient would have a bit more than its 24, and the product with
    // the divisor then more than the dividend has.
    let sticky = rest.ne(0).truth();
    let below = (rest << 1).above(divisor).select(sticky | SIGN, sticky);
    let result_sign = sign(signs);
    w.go_if(exponent.at_least(254), beyond, []);
    give_rounded(w, result_sign + (exponent << 23) + quotient, below);

    w.begin(beyond);
    give_beyond(w, result_sign, exponent, [below, quotient]);

    w.begin(special);
    let (a_doubled, b_doubled) = (a << 1, b << 1);
    let (nan, zero, infinite, not_zero) = (w.cold(), w.cold(), w.cold(), w.cold());
    let sign = sign(a ^ b);
    w.go_if(a_doubled.above(INFINITY_DOUBLED), nan, []);
    w.go_if(b_doubled.above(INFINITY_DOUBLED), nan, []);
    // 0/0 and ∞/∞ are NaN; else a zero decides, or an infinity.
    w.go_if(a_doubled.ne(b_doubled), not_zero, []);
    w.go_if(a_doubled.eq(0), nan, []);
    w.go_if(a_doubled.eq(INFINITY_DOUBLED), nan, []);
    w.go(not_zero, []);
    w.begin(not_zero);
    w.go_if(a_doubled.eq(0), zero, []);
    w.go_if(b_doubled.eq(INFINITY_DOUBLED), zero, []);
    w.go_if(a_doubled.eq(INFINITY_DOUBLED), infinite, []);
    w.go_if(b_doubled.eq(0), infinite, []);
    let [a_exponent, a_mantissa] = unpacked(a);
    let [b_exponent, b_mantissa] = unpacked(b);
    w.go(finite, [a_exponent - b_exponent + 126, a_mantissa, b_mantissa]);

    w.begin(zero);
    w.give([sign]);
    w.begin(infinite);
    w.give([sign | INFINITY]);
    w.begin(nan);
    give_nan(w);
}

/// 24 bits of the quotient of two numbers of 24 and 25 bits, which is from 1 to below 2, and the rest.
fn digits<'w>(w: &'w Writer, dividend: Word<'w>, divisor: Word<'w>) -> [Word<'w>; 2] {
    if w.machine().divide {
        let mut quotient = w.constant(0);
        let mut rest = dividend << 7;
        for step in 0..3 {
            let [digit] = w.words(Op::DivUnsigned, &[rest, divisor]);
            rest = rest - digit * divisor;
            if step == 0 {
                quotient = digit;
            } else {
                quotient = (quotient << 8) + digit;
            }
            if step < 2 {
                rest = rest << 8;
            }
        }
        return [quotient, rest];
    }
    // The first bit is 1. It stands so that it reaches the sign when the other 23 are found.
    let start = [w.constant(0x100), dividend - divisor];
    let [quotient, rest] = w.repeat(23, start, |[quotient, rest]| {
        let (quotient, rest) = (quotient << 1, rest << 1);
        let next = w.choose(rest.at_least(divisor), || [quotient + 1, rest - divisor], || [quotient, rest]);
        (next, next[0].ge(0))
    });
    [quotient + (HIDDEN + SIGN), rest]
}
