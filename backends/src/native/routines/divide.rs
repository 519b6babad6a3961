//! Division of words for cores that cannot: shift and subtract, from the first bit that the quotient can have.

use super::leading_zeros::normalized;
use super::names;
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// [`U32_DIV_REM`](names::U32_DIV_REM).
pub(super) fn unsigned(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Quotient and remainder of unsigned words.", machine, |w, [a, b]| {
        if machine.divide {
            let [quotient] = w.words(Op::DivUnsigned, &[a, b]);
            return w.give([quotient, a - quotient * b]);
        }
        let less = w.label();
        // a < b, or b = 0.
        w.go_if((b - 1).at_least(a), less, []);
        let steps = normalized(b).1 - normalized(a).1;
        let zero = w.constant(0);
        let [quotient, rest, ..] = w.repeat(32, [zero, a, steps], |[quotient, rest, left]| {
            let [quotient, rest] = w.choose(
                (rest >> left).at_least(b),
                || [quotient + quotient + 1, rest - (b << left)],
                || [quotient + quotient, rest],
            );
            let next = left - 1;
            ([quotient, rest, next], left.ne(0))
        });
        w.give([quotient, rest]);
        w.begin(less);
        w.give([w.constant(0), a]);
    })
}

/// [`I32_DIV_REM`](names::I32_DIV_REM).
pub(super) fn signed(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Quotient and remainder of signed words.", machine, |w, [a, b]| {
        if machine.divide {
            let [quotient] = w.words(Op::DivSigned, &[a, b]);
            return w.give([quotient, a - quotient * b]);
        }

        let [quotient, rest] =
            w.call(names::U32_DIV_REM, &[negated_if(a, a.sar(31)), negated_if(b, b.sar(31))]);
        w.give([negated_if(quotient, (a ^ b).sar(31)), negated_if(rest, a.sar(31))]);
    })
}

/// The word, or its negative where `all` is all ones instead of zero.
fn negated_if<'w>(x: Word<'w>, all: Word<'w>) -> Word<'w> {
    (x ^ all) - all
}
