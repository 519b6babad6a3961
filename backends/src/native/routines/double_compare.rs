//! Comparisons, minimum and maximum of two binary64 numbers, on their bits.

use super::binary64::{NAN, class, give_high, go_if_nan};
use super::wide::Pair;
use super::word::Word;
use super::write::Writer;
use crate::native::{Cond, Function, Machine, Op};

/// Which comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Differ,
    Less,
    LessOrEqual,
}

/// [`F64_EQ`](super::names::F64_EQ) and the other comparisons.
pub(super) fn compare(name: &str, machine: &Machine, relation: Relation) -> Function {
    Writer::function(name, "Compares two doubles.", machine, |w, [a_low, a_high, b_low, b_high]| {
        let (a, b) = ([a_low, a_high], [b_low, b_high]);
        let (nan, zeros) = (w.cold(), w.cold());
        go_if_nan(w, a, nan);
        go_if_nan(w, b, nan);
        w.go_if((class(a) | class(b)).eq(0), zeros, []);
        match relation {
            Relation::Equal => w.give([((a_low ^ b_low) | (a_high ^ b_high)).eq(0).truth()]),
            Relation::Differ => w.give([((a_low ^ b_low) | (a_high ^ b_high)).ne(0).truth()]),
            Relation::Less => {
                let negative = w.label();
                w.go_if((a_high & b_high).lt(0), negative, []);
                w.give([ordered(Cond::Lt, a, b)]);
                w.begin(negative);
                w.give([ordered(Cond::LtU, b, a)]);
            }
            Relation::LessOrEqual => {
                let negative = w.label();
                w.go_if((a_high & b_high).lt(0), negative, []);
                w.give([ordered(Cond::Le, a, b)]);
                w.begin(negative);
                w.give([ordered(Cond::LeU, b, a)]);
            }
        }
        w.begin(zeros);
        w.give_constant(u32::from(matches!(relation, Relation::Equal | Relation::LessOrEqual)));
        w.begin(nan);
        w.give_constant(u32::from(relation == Relation::Differ));
    })
}

/// 1 if the comparison of the bits holds, else 0.
fn ordered<'w>(cond: Cond, a: Pair<'w>, b: Pair<'w>) -> Word<'w> {
    a[0].writer().words::<1>(Op::CompareWide(cond), &[a[0], a[1], b[0], b[1]])[0]
}

/// [`F64_MIN`](super::names::F64_MIN), or [`F64_MAX`](super::names::F64_MAX) if `greater`.
pub(super) fn extreme(name: &str, machine: &Machine, greater: bool) -> Function {
    let comment = if greater { "The greater of two doubles." } else { "The lesser of two doubles." };
    Writer::function(name, comment, machine, |w, [a_low, a_high, b_low, b_high]| {
        let (a, b) = ([a_low, a_high], [b_low, b_high]);
        let nan = w.cold();
        go_if_nan(w, a, nan);
        go_if_nan(w, b, nan);
        let [first] =
            w.choose((a_high & b_high).lt(0), || [ordered(Cond::LtU, b, a)], || [ordered(Cond::Lt, a, b)]);
        let (lesser, other) = (first.ne(u32::from(greater)), (a, b));
        w.give([lesser.select(other.0[0], other.1[0]), lesser.select(other.0[1], other.1[1])]);
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));
    })
}
