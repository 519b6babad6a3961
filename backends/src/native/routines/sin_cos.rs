//! Sine and cosine on binary32: the same operations in the same order as `tinyc_runtime::math::sin`, which says why, hence
//! the same bits.

use super::binary32::{INFINITY, SIGN, give_nan, mantissa};
use super::leading_zeros::normalized as normalized_word;
use super::names;
use super::real::Real;
use super::wide::{Pair, magnitude as magnitude_of, normalized, product, sum};
use super::word::Word;
use super::write::Writer;
use crate::native::{Function, Machine};

/// 2/π: 32 zero bits, then the first 224 bits of the fraction.
const TWO_OVER_PI: [u32; 8] =
    [0x0000_0000, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];
/// π/2 in units of 2^-31.
const HALF_PI: u32 = 0xc90f_daa2;

/// [`F32_SIN`](names::F32_SIN), or [`F32_COS`](names::F32_COS) for an offset of 1.
pub(super) fn shifted(name: &str, machine: &Machine, offset: i32) -> Function {
    let comment = if offset == 0 { "The sine." } else { "The cosine." };
    Writer::function(name, comment, machine, |w, [x]| {
        w.give(w.call::<1>(names::F32_SIN_QUADRANT, &[x, w.constant(offset)]));
    })
}

/// [`F32_SIN_QUADRANT`](names::F32_SIN_QUADRANT).
pub(super) fn quadrant(name: &str, machine: &Machine) -> Function {
    let comment = "The sine, shifted by quarter turns.";
    Writer::function(name, comment, machine, |w, [x, offset]| {
        let (nan, reduced, large) = (w.cold(), w.label(), w.label());
        let (magnitude, sign) = (x & !SIGN, x & SIGN);
        w.go_if(magnitude.at_least(INFINITY), nan, []);
        w.go_if(magnitude.at_least(0x3f49_0fdb), large, []);
        w.go(reduced, [magnitude, w.constant(0), offset, sign]);

        w.begin(large);
        let [turns, negative, head, tail] = reduce(w, magnitude);
        let turns = sign.ne(0).select(w.constant(4) - turns, turns);
        w.go(reduced, [head, tail, offset + turns, sign ^ negative]);

        let [head, tail, quadrant, sign] = w.begin(reduced);
        let number = |number| Real::constant(w, number);
        let (r, tail) = (Real::from_bits(head), Real::from_bits(tail));
        let z = r * r;
        let half = number(0.5) * z;
        let upper = (quadrant & 2) << 30;
        let cosine = w.label();
        w.go_if((quadrant & 1).ne(0), cosine, []);
        let p = z.polynomial(&[2.832_805_4e-6, -0.000_198_530_79, 0.008_333_379, -0.166_666_67]);
        let y = r + (r * z * p + tail * (number(1.0) - half));
        w.give([y.bits() ^ sign ^ upper]);

        w.begin(cosine);
        let whole = number(1.0) - half;
        let p = z.polynomial(&[2.443_066_1e-5, -0.001_388_730_1, 0.041_666_646]);
        let y = whole + (((number(1.0) - whole) - half) + (z * z * p - r * tail));
        w.give([y.bits() ^ upper]);

        w.begin(nan);
        give_nan(w);
    })
}

/// Nearest quarter turn of a positive float of at least π/4, given as bits: quadrant, the sign bit of the rest, and the
/// rest's absolute value in radians as the bits of head and tail.
fn reduce<'w>(w: &'w Writer, magnitude: Word<'w>) -> [Word<'w>; 4] {
    // The 96 bits of 2/π that matter start at this bit; four words hold them.
    let skip = (magnitude >> 23) - 120;
    let found = w.label();
    let place = skip >> 5;
    for at in 0..4 {
        let words = std::array::from_fn(|i| w.constant(TWO_OVER_PI[at + i] as i32));
        w.go_if(place.eq(at as u32), found, words);
    }
    w.go(found, std::array::from_fn(|i| w.constant(TWO_OVER_PI[4 + i] as i32)));
    let words: [Word<'w>; 4] = w.begin(found);
    let shift = skip & 31;
    let window = |i: usize| (words[i] << shift) | ((words[i + 1] >> 1) >> (shift ^ 31));

    // In units of 2^-62 quarter turns, modulo four of them.
    let mantissa = mantissa(magnitude);
    let [_, carry] = long_product(w, mantissa, window(2));
    let [low, high] = sum(long_product(w, mantissa, window(1)), [carry, mantissa * window(0)]);
    let turns = (high + (1_u32 << 29)) >> 30;
    let rest = high - (turns << 30);
    let ([_, top], zeros) = normalized(w, magnitude_of([low, rest]));
    let [low, high] = long_product(w, top, w.constant(HALF_PI as i32));
    let (_, more) = normalized_word(high);
    let [low, high] = [low << more, (high << more) | ((low >> 1) >> (more ^ 31))];
    let zeros = zeros + more;
    // The head has its hidden bit; the tail may have any number of bits.
    let head = ((w.constant(128) - zeros) << 23) + (high >> 8);
    let scale = Real::from_bits((w.constant(82) - zeros) << 23);
    let tail = Real::from_unsigned(((high << 16) | (low >> 16)) & 0x00ff_ffff) * scale;
    [turns, rest & SIGN, head, tail.bits()]
}

fn long_product<'w>(w: &'w Writer, a: Word<'w>, b: Word<'w>) -> Pair<'w> {
    if w.machine().multiply_long { product(a, b) } else { w.call(names::U32_MUL_LONG, &[a, b]) }
}
