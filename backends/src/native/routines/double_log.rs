//! The natural logarithm on binary64: the same operations in the same order as `tinyc_runtime::math::log64`, which says why,
//! hence the same bits.

use super::binary64::{HIDDEN, INFINITY, NAN, SIGN, class, give_high, go_if_nan};
use super::real_double::Double;
use super::write::Writer;
use crate::native::{Function, Machine};

/// The high word of √½.
const ROOT: u32 = 0x3fe6_a09e;

/// [`F64_LOG`](super::names::F64_LOG).
pub(super) fn log(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The natural logarithm of a double.", machine, |w, [low, high]| {
        let (special, usual, itself) = (w.cold(), w.label(), w.cold());
        let number = |number| Double::constant(w, number);
        w.go_if((high - HIDDEN).at_least(INFINITY - HIDDEN), special, []);
        w.go(usual, [low, high, w.constant(-1023)]);

        let [low_bits, high_bits, k] = w.begin(usual);
        let moved = high_bits + (0x3ff0_0000 - ROOT);
        let n = Double::from_signed(k + (moved >> 20));
        let f = Double { bits: [low_bits, (moved & (HIDDEN - 1)) + ROOT] } - number(1.0);
        let s = f / (number(2.0) + f);
        let z = s * s;
        let h = number(0.5) * f * f;
        let p = z.polynomial(&[
            0.146_164_496_850_434_06,
            0.153_317_216_005_560_42,
            0.181_828_891_252_617_23,
            0.222_222_111_347_950_8,
            0.285_714_286_259_754_87,
            0.399_999_999_998_995_05,
            0.666_666_666_666_667,
        ]);
        let p = s * (h + z * p);
        let rest = f - (h - (p + n * number(1.646_594_958_289_708_2e-12)));
        w.give((n * number(0.693_147_180_558_298_7) + rest).bits);

        w.begin(special);
        let (zero, nan) = (w.cold(), w.cold());
        w.go_if(class([low, high]).eq(0), zero, []);
        go_if_nan(w, [low, high], nan);
        w.go_if(high.lt(0), nan, []);
        w.go_if(high.eq(INFINITY), itself, []);
        // A subnormal number is scaled exactly.
        let scaled = Double { bits: [low, high] } * number(18_014_398_509_481_984.0);
        w.go(usual, [scaled.bits[0], scaled.bits[1], w.constant(-1023 - 54)]);
        w.begin(itself);
        w.give([low, high]);
        w.begin(zero);
        give_high(w, w.constant((SIGN | INFINITY) as i32));
        w.begin(nan);
        give_high(w, w.constant(NAN as i32));
    })
}
