//! Comparisons, minimum and maximum of two binary32 numbers, on their bits. They serve cores with an FPU too where it lacks
//! the operation.

use super::binary32::{INFINITY_DOUBLED, give_nan};
use super::word::{Test, Word};
use super::write::{Label, Writer};
use crate::native::{Function, Machine};

/// [`F32_EQ`](super::names::F32_EQ), or [`F32_NE`](super::names::F32_NE) if `negated`.
pub(super) fn equal(name: &str, machine: &Machine, negated: bool) -> Function {
    Writer::function(name, "Whether two floats are equal.", machine, |w, [a, b]| {
        let (same, differ, nan) = (w.label(), w.label(), w.cold());
        w.go_if(a.eq(b), same, []);
        // Different bits, but both zero.
        w.go_if(((a | b) << 1).ne(0), differ, []);
        w.give_constant(u32::from(!negated));
        w.begin(differ);
        w.give_constant(u32::from(negated));
        w.begin(same);
        w.go_if((a << 1).above(INFINITY_DOUBLED), nan, []);
        w.give_constant(u32::from(!negated));
        w.begin(nan);
        w.give_constant(u32::from(negated));
    })
}

/// [`F32_LT`](super::names::F32_LT), or [`F32_LE`](super::names::F32_LE) if `or_equal`.
pub(super) fn less(name: &str, machine: &Machine, or_equal: bool) -> Function {
    Writer::function(name, "Whether a float is less than another.", machine, |w, [a, b]| {
        let (nan, zeros, negative) = (w.cold(), w.cold(), w.label());
        go_if_nan(w, a, b, nan);
        w.go_if((a & b).lt(0), negative, []);
        if !or_equal {
            w.go_if(((a | b) << 1).eq(0), zeros, []);
            w.give([a.lt(b).truth()]);
        } else {
            w.go_if(((a | b) << 1).eq(0), zeros, []);
            w.give([a.le(b).truth()]);
        }
        // Of two negative numbers the one with the greater bits is less.
        w.begin(negative);
        w.give([if or_equal { b.at_most(a) } else { b.below(a) }.truth()]);
        w.begin(zeros);
        w.give_constant(u32::from(or_equal));
        w.begin(nan);
        w.give_constant(0);
    })
}

/// [`F32_MIN`](super::names::F32_MIN), or [`F32_MAX`](super::names::F32_MAX) if `greater`.
pub(super) fn extreme(name: &str, machine: &Machine, greater: bool) -> Function {
    let comment = if greater { "The greater of two floats." } else { "The lesser of two floats." };
    Writer::function(name, comment, machine, |w, [a, b]| {
        let (nan, negative) = (w.cold(), w.label());
        go_if_nan(w, a, b, nan);
        let give = |first: Test<'_>| w.give([if greater { first.select(b, a) } else { first.select(a, b) }]);
        w.go_if((a & b).lt(0), negative, []);
        give(a.lt(b));
        w.begin(negative);
        give(b.below(a));
        w.begin(nan);
        give_nan(w);
    })
}

fn go_if_nan<'w>(w: &'w Writer, a: Word<'w>, b: Word<'w>, nan: Label<'w, 0>) {
    w.go_if((a << 1).above(INFINITY_DOUBLED), nan, []);
    w.go_if((b << 1).above(INFINITY_DOUBLED), nan, []);
}
