//! Square root of a binary32 number without an FPU: digit by digit, in integers, one bit per step.

use super::binary32::{HIDDEN, INFINITY, exponent, give_nan, mantissa};
use super::float_mul::unpacked;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_SQRT`](super::names::F32_SQRT).
pub(super) fn sqrt(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Square root of a float.", machine, |w, [x]| {
        let (special, finite, itself) = (w.cold(), w.label(), w.cold());
        w.go_if((x - HIDDEN).at_least(INFINITY - HIDDEN), special, []);
        w.go(finite, [exponent(x), mantissa(x)]);

        let [exponent, mantissa] = w.begin(finite);
        // An even power of two leaves the root's exponent whole.
        let exponent = exponent + 127;
        let odd = exponent & 1;
        let digits = (mantissa << odd) << 7;
        // 25 bits: those of the result, and one for rounding; a tie is impossible, as the square of a root whose last bit is
        // set has more bits than the radicand.
        let start = [w.constant(0), w.constant(0), digits, w.constant(25)];
        let [root, ..] = w.repeat(25, start, |[root, rest, digits, left]| {
            let rest = (rest << 2) | (digits >> 30);
            let trial = (root << 2) | 1;
            let [root, rest] =
                w.choose(rest.at_least(trial), || [root + root + 1, rest - trial], || [root + root, rest]);
            let left = left - 1;
            ([root, rest, digits << 2, left], left.ne(0))
        });
        let rounded = (root >> 1) + (root & 1);
        w.give([((exponent >> 1) << 23) + rounded - HIDDEN]);

        w.begin(special);
        w.go_if((x << 1).eq(0), itself, []);
        w.go_if(x.eq(INFINITY), itself, []);
        let nan = w.cold();
        w.go_if(x.above(INFINITY), nan, []);
        let [exponent, mantissa] = unpacked(x);
        w.go(finite, [exponent, mantissa]);
        w.begin(itself);
        w.give([x]);
        w.begin(nan);
        give_nan(w);
    })
}
