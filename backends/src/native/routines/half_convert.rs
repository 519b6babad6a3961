//! Between half floats and binary32: exact one way, rounded to nearest the other, as `tinyc_ir::half` defines it.

use super::binary32::{HIDDEN, INFINITY_DOUBLED, MANTISSA, give_rounded};
use super::leading_zeros::normalized;
use super::write::Writer;
use crate::native::{Function, Machine};

/// [`F16_TO_F32`](super::names::F16_TO_F32).
pub(super) fn from_f16(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A float from a half float.", machine, |w, [half]| {
        let (special, tiny, zero, infinity) = (w.cold(), w.cold(), w.cold(), w.cold());
        let rest = half & 0x7fff;
        let sign = (half - rest) << 16;
        w.go_if((rest - 0x400).at_least(0x7800), special, []);
        w.give([sign + (rest << 13) + (112_u32 << 23)]);

        w.begin(special);
        w.go_if(rest.lt(0x400), tiny, []);
        let number = sign + (rest << 13) + (224_u32 << 23);
        w.go_if(rest.eq(0x7c00), infinity, []);
        w.give([number | 0x0040_0000]);
        w.begin(infinity);
        w.give([number]);

        w.begin(tiny);
        w.go_if(rest.eq(0), zero, []);
        let (top, zeros) = normalized(rest);
        // The steps are 2^-24; the highest bit of the mantissa adds one to the exponent.
        w.give([sign + ((w.constant(133) - zeros) << 23) + (top >> 8)]);
        w.begin(zero);
        w.give([sign]);
    })
}

/// [`F32_TO_F16`](super::names::F32_TO_F16).
pub(super) fn to_f16(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A float rounded to a half float.", machine, |w, [x]| {
        let (nan, beyond, tiny, zero) = (w.cold(), w.cold(), w.cold(), w.cold());
        let sign = (x >> 31) << 15;
        let rest = (x << 1) >> 1;
        w.go_if(rest.at_least(0x477f_f000), beyond, []);
        w.go_if(rest.below(113_u32 << 23), tiny, []);
        let moved = rest - (112_u32 << 23);
        give_rounded(w, sign + (moved >> 13), moved << 19);

        w.begin(beyond);
        w.go_if((x << 1).above(INFINITY_DOUBLED), nan, []);
        w.give([sign + 0x7c00]);
        w.begin(nan);
        w.give_constant(tinyc_ir::half::F16_NAN.into());

        w.begin(tiny);
        let shift = w.constant(126) - (rest >> 23);
        w.go_if(shift.above(24), zero, []);
        let mantissa = (rest & MANTISSA) | HIDDEN;
        give_rounded(w, sign + (mantissa >> shift), mantissa << (w.constant(32) - shift));
        w.begin(zero);
        w.give([sign]);
    })
}

/// [`F32_TO_BF16`](super::names::F32_TO_BF16).
pub(super) fn to_bf16(name: &str, machine: &Machine) -> Function {
    Writer::function(name, "A float rounded to its upper half.", machine, |w, [x]| {
        let nan = w.cold();
        w.go_if((x << 1).above(INFINITY_DOUBLED), nan, []);
        give_rounded(w, x >> 16, x << 16);
        w.begin(nan);
        w.give_constant(tinyc_ir::half::BF16_NAN.into());
    })
}
