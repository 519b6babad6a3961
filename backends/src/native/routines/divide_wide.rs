//! Division of pairs of words: shift and subtract, from the first bit that the quotient can have; by words where both fit.

use super::names;
use super::wide::{Pair, Shift, difference, negated_if, normalized, shifted_near, sum};
use super::word::Word;
use super::write::Writer;
use crate::native::{Cond, Function, Machine, Op};

/// [`U64_DIV_REM`](names::U64_DIV_REM).
pub(super) fn unsigned(name: &str, machine: &Machine) -> Function {
    let comment = "Quotient and remainder of unsigned pairs.";
    Writer::function(name, comment, machine, |w, [a_low, a_high, b_low, b_high]| {
        let (a, b) = ([a_low, a_high], [b_low, b_high]);
        let (wide, less) = (w.label(), w.label());
        let zero = w.constant(0);
        w.go_if((a_high | b_high).ne(0), wide, []);
        let [quotient, rest] = if machine.divide {
            let [quotient] = w.words(Op::DivUnsigned, &[a_low, b_low]);
            [quotient, a_low - quotient * b_low]
        } else {
            w.call(names::U32_DIV_REM, &[a_low, b_low])
        };
        w.give([quotient, zero, rest, zero]);

        w.begin(wide);
        w.go_if((b_low | b_high).eq(0), less, []);
        let is_less = w.words::<1>(Op::CompareWide(Cond::LtU), &[a_low, a_high, b_low, b_high])[0];
        w.go_if(is_less.ne(0), less, []);
        let (b_top, b_zeros) = normalized(w, b);
        let (_, a_zeros) = normalized(w, a);
        let steps = b_zeros - a_zeros;
        // The divisor below the dividend's first bit, and down from there, a bit per step.
        let [b_low, b_high] = right(w, b_top, a_zeros);
        let state = [zero, zero, a_low, a_high, b_low, b_high, steps];
        let [q_low, q_high, r_low, r_high, ..] =
            w.repeat(64, state, |[q_low, q_high, r_low, r_high, b_low, b_high, left]| {
                let [q_low, q_high] = sum([q_low, q_high], [q_low, q_high]);
                let fits = w.words::<1>(Op::CompareWide(Cond::LeU), &[b_low, b_high, r_low, r_high])[0];
                let [q_low, r_low, r_high] = w.choose(
                    fits.ne(0),
                    || {
                        let [low, high] = difference([r_low, r_high], [b_low, b_high]);
                        [q_low + 1, low, high]
                    },
                    || [q_low, r_low, r_high],
                );
                let [b_low, b_high] = [(b_low >> 1) | (b_high << 31), b_high >> 1];
                ([q_low, q_high, r_low, r_high, b_low, b_high, left - 1], left.ne(0))
            });
        w.give([q_low, q_high, r_low, r_high]);

        w.begin(less);
        w.give([w.constant(0), w.constant(0), a_low, a_high]);
    })
}

/// The pair shifted right by 0 to 63.
fn right<'w>(w: &'w Writer, [low, high]: Pair<'w>, amount: Word<'w>) -> Pair<'w> {
    let near = w.choose(amount.above(31), || [high, w.constant(0)], || [low, high]);
    shifted_near(near, amount & 31, Shift::Right)
}

/// [`I64_DIV_REM`](names::I64_DIV_REM).
pub(super) fn signed(name: &str, machine: &Machine) -> Function {
    let comment = "Quotient and remainder of signed pairs.";
    Writer::function(name, comment, machine, |w, [a_low, a_high, b_low, b_high]| {
        let [a, b] = [[a_low, a_high], [b_low, b_high]].map(super::wide::magnitude);
        let [q_low, q_high, r_low, r_high] = w.call(names::U64_DIV_REM, &[a[0], a[1], b[0], b[1]]);
        let [q_low, q_high] = negated_if((a_high ^ b_high).sar(31), [q_low, q_high]);
        let [r_low, r_high] = negated_if(a_high.sar(31), [r_low, r_high]);
        w.give([q_low, q_high, r_low, r_high]);
    })
}
