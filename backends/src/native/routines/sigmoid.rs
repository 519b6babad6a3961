//! The logistic function on binary32: the same operations in the same order as `tinyc_runtime::math::sigmoid`, which says
//! why, hence the same bits.

use super::binary32::{INFINITY_DOUBLED, SIGN, give_nan};
use super::names;
use super::real::Real;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_SIGMOID`](names::F32_SIGMOID).
pub(super) fn sigmoid(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The logistic function.", machine, |w, [x]| {
        let (nan, negative) = (w.cold(), w.label());
        w.go_if((x << 1).above(INFINITY_DOUBLED), nan, []);
        let one = Real::constant(w, 1.0);
        let e = Real::from_bits(x | SIGN).through(names::F32_EXP);
        let q = e / (one + e);
        let bits = q.bits();
        w.go_if(x.lt(0), negative, []);
        w.give([(one - q).bits()]);
        w.begin(negative);
        w.give([bits]);
        w.begin(nan);
        give_nan(w);
    })
}
