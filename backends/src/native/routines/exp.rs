//! The exponential function on binary32: the same operations in the same order as `tinyc_runtime::math::exp`, which says
//! why, hence the same bits.

use super::binary32::{INFINITY, give_nan};
use super::real::Real;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F32_EXP`](super::names::F32_EXP).
pub(super) fn exp(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "The exponential function.", machine, |w, [x]| {
        let (large, usual, subnormal) = (w.cold(), w.label(), w.cold());
        let magnitude = x & 0x7fff_ffff;
        w.go_if(magnitude.at_least(0x42b1_7218), large, []);
        w.go(usual, []);

        w.begin(usual);
        let number = |number| Real::constant(w, number);
        let x_real = Real::from_bits(x);
        let shifted = x_real * number(std::f32::consts::LOG2_E) + number(12_582_912.0);
        let k = (shifted.bits() & 0x007f_ffff) - 0x0040_0000;
        let n = shifted - number(12_582_912.0);
        let head = x_real - n * number(0.693_145_75);
        let low = n * number(1.428_606_8e-6);
        let r = head - low;
        let tail = (head - r) - low;
        let p = r.polynomial(&[0.001_381_869_8, 0.008_368_716, 0.041_668_292, 0.166_665_21, 0.499_999_94]);
        let s = number(1.0) + r;
        let y = s + (((number(1.0) - s) + r) + (r * r * p + tail));
        let bits = y.bits();
        w.go_if(k.lt(-125), subnormal, []);
        w.give([bits + (k << 23)]);

        // Scaled in two steps, so that one multiplication rounds.
        w.begin(subnormal);
        let scaled = Real::from_bits(bits + ((k + 64) << 23)) * number(5.421_011e-20);
        w.give([scaled.bits()]);

        w.begin(large);
        let (nan, infinite, zero) = (w.cold(), w.cold(), w.cold());
        w.go_if(magnitude.above(INFINITY), nan, []);
        w.go_if(x.eq(magnitude), infinite, []);
        w.go_if(magnitude.at_least(0x42cf_f1b5), zero, []);
        w.go(usual, []);
        w.begin(infinite);
        w.give_constant(INFINITY);
        w.begin(zero);
        w.give_constant(0);
        w.begin(nan);
        give_nan(w);
    })
}
