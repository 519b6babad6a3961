//! The hyperbolic tangent on binary32: the same operations in the same order as `tinyc_runtime::math::tanh`, which says why,
//! hence the same bits.

use super::binary32::{INFINITY, SIGN, give_nan};
use super::names;
use super::real::Real;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_TANH`](names::F32_TANH).
pub(super) fn tanh(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The hyperbolic tangent.", machine, |w, [x]| {
        let (small, large, nan) = (w.label(), w.label(), w.cold());
        let number = |number| Real::constant(w, number);
        let (magnitude, sign) = (x & !SIGN, x & SIGN);
        w.go_if(magnitude.below(0x3f0c_cccd), small, []);
        w.go_if(magnitude.at_least(0x4120_0000), large, []);
        let a = Real::from_bits(magnitude);
        let e = (a + a).through(names::F32_EXP);
        let y = number(1.0) - number(2.0) / (e + number(1.0));
        w.give([y.bits() | sign]);

        w.begin(small);
        let a = Real::from_bits(magnitude);
        let z = a * a;
        let p = z.polynomial(&[-0.006_242_849, 0.021_050_714, -0.053_847_548, 0.133_325_44, -0.333_333_16]);
        w.give([(a + a * z * p).bits() | sign]);

        w.begin(large);
        w.go_if(magnitude.above(INFINITY), nan, []);
        w.give([sign | 0x3f80_0000]);
        w.begin(nan);
        give_nan(w);
    })
}
