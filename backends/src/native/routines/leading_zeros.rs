//! Leading zeros, with the instruction or without, and words shifted until they have none.

use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine, Op};

/// [`U32_LEADING_ZEROS`](super::names::U32_LEADING_ZEROS).
pub(super) fn function(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "Leading zeros of a word; 32 for zero.", machine, |w, [x]| {
        if machine.count_leading_zeros {
            return w.give(w.words::<1>(Op::CountLeadingZeros, &[x]));
        }
        let zero = w.cold();
        w.go_if(x.eq(0), zero, []);
        w.give([normalized(x).1]);
        w.begin(zero);
        w.give_constant(32);
    })
}

/// A word that is not zero, shifted left until its highest bit is set, and by how much.
pub(super) fn normalized(x: Word<'_>) -> (Word<'_>, Word<'_>) {
    let w = x.writer();
    if w.machine().count_leading_zeros {
        let [zeros] = w.words(Op::CountLeadingZeros, &[x]);
        return (x << zeros, zeros);
    }
    // Halving: is the upper half of what is left empty?
    let mut state = [x, w.constant(0)];
    for step in [16, 8, 4, 2, 1] {
        let [x, zeros] = state;
        state = w.choose((x >> (32 - step)).eq(0), || [x << step, zeros + step], || [x, zeros]);
    }
    (state[0], state[1])
}
