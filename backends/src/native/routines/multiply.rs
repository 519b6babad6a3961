//! Products of words for cores without a multiplier: shift and add, as often as the second factor has bits.

use super::write::Writer;
use crate::native::{Function, Machine};

/// [`U32_MUL`](super::names::U32_MUL). At most 32 rounds; fewer for a small second factor, negative or not.
pub(super) fn low(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The low word of a product.", machine, |w, [a, b]| {
        let sign = b.sar(31);
        let (zero, one) = (w.constant(0), w.constant(1));
        let [sum, ..] = w.repeat(32, [zero, a, (b ^ sign) - sign], |[sum, a, left]| {
            let next = left >> 1;
            ([sum + (a & (zero - (left & one))), a + a, next], next.ne(0))
        });
        w.give([(sum ^ sign) - sign]);
    })
}
