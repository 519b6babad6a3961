//! The error function on binary32: the same operations in the same order as `tinyc_runtime::math::erf`, which says why,
//! hence the same bits.

use super::binary32::{INFINITY, SIGN, give_nan};
use super::names;
use super::real::Real;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_ERF`](names::F32_ERF).
pub(super) fn erf(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The error function.", machine, |w, [x]| {
        let (small, large, nan) = (w.label(), w.label(), w.cold());
        let number = |number| Real::constant(w, number);
        let (magnitude, sign) = (x & !SIGN, x & SIGN);
        w.go_if(magnitude.below(0x3f60_0000), small, []);
        w.go_if(magnitude.at_least(0x4078_0000), large, []);
        let a = Real::from_bits(magnitude);
        let p = a.polynomial(&[
            2.056_233_1e-5,
            -0.000_428_299_97,
            0.004_141_222_7,
            -0.025_041_003,
            0.108_159_214,
            0.633_456_23,
            1.129_461_2,
            -0.000_163_586_42,
        ]);
        let y = number(1.0) - (number(0.0) - p).through(names::F32_EXP);
        w.give([y.bits() | sign]);

        w.begin(small);
        let a = Real::from_bits(magnitude);
        let p = (a * a).polynomial(&[
            7.842_242e-5,
            -0.000_802_172_35,
            0.005_190_635_6,
            -0.026_855_282,
            0.112_836_22,
            -0.376_126_3,
            0.128_379_17,
        ]);
        w.give([(a + a * p).bits() | sign]);

        w.begin(large);
        w.go_if(magnitude.above(INFINITY), nan, []);
        w.give([sign | 0x3f80_0000]);
        w.begin(nan);
        give_nan(w);
    })
}
