//! The natural logarithm on binary32: the same operations in the same order as `tinyc_runtime::math::log`, which says why,
//! hence the same bits.

use super::binary32::{HIDDEN, INFINITY, MANTISSA, SIGN, give_nan};
use super::real::Real;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_LOG`](super::names::F32_LOG).
pub(super) fn log(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The natural logarithm.", machine, |w, [x]| {
        let (special, usual, itself) = (w.cold(), w.label(), w.cold());
        let number = |number| Real::constant(w, number);
        w.go_if((x - HIDDEN).at_least(INFINITY - HIDDEN), special, []);
        w.go(usual, [x, w.constant(-127)]);

        let [bits, k] = w.begin(usual);
        let bits = bits + (0x3f80_0000 - 0x3f35_04f3);
        let k = k + (bits >> 23);
        let n = Real::from_signed(k);
        let f = Real::from_bits((bits & MANTISSA) + 0x3f35_04f3) - number(1.0);
        let s = f / (number(2.0) + f);
        let z = s * s;
        let h = number(0.5) * f * f;
        let p = z.polynomial(&[0.298_710_53, 0.399_775_77, 0.666_667_76]);
        let p = s * (h + z * p);
        let low = f - (h - (p + n * number(1.428_606_8e-6)));
        w.give([(n * number(0.693_145_75) + low).bits()]);

        w.begin(special);
        let (zero, nan) = (w.cold(), w.cold());
        w.go_if((x << 1).eq(0), zero, []);
        w.go_if(x.above(INFINITY), nan, []);
        w.go_if(x.eq(INFINITY), itself, []);
        // A subnormal number is scaled exactly.
        let scaled = Real::from_bits(x) * number(16_777_216.0);
        w.go(usual, [scaled.bits(), w.constant(-127 - 24)]);
        w.begin(itself);
        w.give([x]);
        w.begin(zero);
        w.give_constant(SIGN | INFINITY);
        w.begin(nan);
        give_nan(w);
    })
}
