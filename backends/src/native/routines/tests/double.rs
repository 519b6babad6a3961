//! Binary64: arithmetic, comparisons, conversions.

use super::convert::{join, pairs, split, words};
use super::{Random, bits, cases, check, names, special_f32};

fn special() -> Vec<u64> {
    let magnitudes = [
        0,
        1,
        2,
        (1 << 52) - 1,
        1 << 52,
        (1 << 52) + 1,
        0x000f_ffff_0000_0000,
        0x1ff0_0000_0000_0000,
        0x2000_0000_0000_0000,
        0x3690_0000_0000_0000,
        0x3690_0000_0000_0001,
        0x36a0_0000_0000_0000,
        0x380f_ffff_f000_0000,
        0x3810_0000_0000_0000,
        0x3c90_0000_0000_0000,
        0x3ca0_0000_0000_0000,
        0x3cb0_0000_0000_0000,
        0x3fdf_ffff_ffff_ffff,
        0x3fe0_0000_0000_0000,
        0x3fe0_0000_0000_0001,
        0x3fef_ffff_ffff_ffff,
        0x3ff0_0000_0000_0000,
        0x3ff0_0000_0000_0001,
        0x3ff8_0000_0000_0000,
        0x4004_0000_0000_0000,
        0x41df_ffff_ffff_ffff,
        0x41e0_0000_0000_0000,
        0x41ef_ffff_ffff_ffff,
        0x41f0_0000_0000_0000,
        0x432f_ffff_ffff_ffff,
        0x4330_0000_0000_0000,
        0x43df_ffff_ffff_ffff,
        0x43e0_0000_0000_0000,
        0x43f0_0000_0000_0000,
        0x47ef_ffff_e000_0000,
        0x47ef_ffff_efff_ffff,
        0x47ef_ffff_f000_0000,
        0x47f0_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
        0x7ff0_0000_0000_0001,
        0x7ff8_0000_0000_0000,
        0x7fff_ffff_ffff_ffff,
    ];
    magnitudes.iter().flat_map(|m| [*m, m | 1 << 63]).collect()
}

fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => f64::from(f32::from_bits(random.f32())).to_bits() ^ random.below(3),
        _ => random.float(11, 52),
    }
}

fn quads() -> Vec<[u32; 4]> {
    let special = special();
    let mut random = Random::new();
    let all: Vec<(u64, u64)> = special.iter().flat_map(|a| special.iter().map(|b| (*a, *b))).collect();
    let random = (0..cases() / 2).map(|_| {
        let a = number(&mut random);
        match random.below(4) {
            0 => (a, a ^ random.integer(56) ^ random.below(2) << 63),
            1 => (special[random.below(special.len() as u64) as usize], a),
            _ => (a, number(&mut random)),
        }
    });
    let words = |(a, b)| [split(a)[0], split(a)[1], split(b)[0], split(b)[1]];
    all.into_iter().chain(random).map(words).collect()
}

fn singles() -> Vec<[u32; 2]> {
    let mut random = Random::new();
    let random = (0..cases()).map(|_| match random.below(3) {
        0 => (random.integer(64) as i64 as f64).to_bits(),
        _ => number(&mut random),
    });
    special().into_iter().chain(random).map(split).collect()
}

fn words_of(x: f64) -> [u32; 2] {
    split(if x.is_nan() { 0x7ff8_0000_0000_0000 } else { x.to_bits() })
}

fn of(low: u32, high: u32) -> f64 {
    f64::from_bits(join(low, high))
}

fn check_binary(name: &'static str, right: impl Fn(f64, f64) -> f64) {
    check(name, &quads(), |[a, c, b, d]| words_of(right(of(a, c), of(b, d))));
}

fn check_comparison(name: &'static str, right: impl Fn(f64, f64) -> bool) {
    check(name, &quads(), |[a, c, b, d]| [u32::from(right(of(a, c), of(b, d)))]);
}

#[test]
fn sums() {
    check_binary(names::F64_ADD, |a, b| a + b);
    check_binary(names::F64_SUB, |a, b| a - b);
}

#[test]
fn products() {
    check_binary(names::F64_MUL, |a, b| a * b);
}

#[test]
fn quotients() {
    check_binary(names::F64_DIV, |a, b| a / b);
}

#[test]
fn roots() {
    check(names::F64_SQRT, &singles(), |[low, high]| words_of(of(low, high).sqrt()));
}

#[test]
fn roundings() {
    check(names::F64_ROUND, &singles(), |[low, high]| words_of(of(low, high).round_ties_even()));
}

#[test]
fn exponentials_and_logarithms() {
    let mut random = Random::new();
    let mut uniform = |range: f64| ((random.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * range;
    let ranges = [760.0, 40.0, 2.0];
    let ordinary: Vec<u64> = (0..cases() / 2).map(|i| uniform(ranges[i % 3]).to_bits()).collect();
    let seams =
        [709.782_712_893_384_f64, -745.133_219_101_941_2, -708.396_418_532_264_1, 0.346_573_590_279_972_64];
    let near = seams.iter().flat_map(|x| (x.to_bits() - 3..x.to_bits() + 4).collect::<Vec<_>>());
    let near_root = [0x3fe6_a09d_ffff_fff0_u64, 0x3ff6_a09d_ffff_fff0].into_iter().flat_map(|x| x..x + 32);
    let chosen: Vec<u64> = near.chain(near_root).chain(ordinary).collect();
    let cases: Vec<[u32; 2]> =
        chosen.into_iter().map(split).chain(singles().into_iter().take(cases() / 2)).collect();
    check(names::F64_EXP, &cases, |[low, high]| words_of(tinyc_runtime::math::exp64(of(low, high))));
    check(names::F64_LOG, &cases, |[low, high]| words_of(tinyc_runtime::math::log64(of(low, high))));
}

#[test]
fn comparisons() {
    check_comparison(names::F64_EQ, |a, b| a == b);
    check_comparison(names::F64_NE, |a, b| a != b);
    check_comparison(names::F64_LT, |a, b| a < b);
    check_comparison(names::F64_LE, |a, b| a <= b);
}

#[test]
fn extremes() {
    let either = |a: f64, b: f64, first: bool| match (a.is_nan() || b.is_nan(), first) {
        (true, _) => f64::NAN,
        (false, true) => a,
        (false, false) => b,
    };
    check_binary(names::F64_MIN, |a, b| either(a, b, a.total_cmp(&b).is_le()));
    check_binary(names::F64_MAX, |a, b| either(a, b, a.total_cmp(&b).is_ge()));
}

#[test]
fn from_integers() {
    check(names::I32_TO_F64, &words(), |[x]| words_of(f64::from(x as i32)));
    check(names::U32_TO_F64, &words(), |[x]| words_of(f64::from(x)));
    check(names::I64_TO_F64, &pairs(), |[low, high]| words_of(join(low, high) as i64 as f64));
    check(names::U64_TO_F64, &pairs(), |[low, high]| words_of(join(low, high) as f64));
}

#[test]
fn to_integers() {
    check(names::F64_TO_I32, &singles(), |[low, high]| [of(low, high) as i32 as u32]);
    check(names::F64_TO_U32, &singles(), |[low, high]| [of(low, high) as u32]);
    check(names::F64_TO_I64, &singles(), |[low, high]| split(of(low, high) as i64 as u64));
    check(names::F64_TO_U64, &singles(), |[low, high]| split(of(low, high) as u64));
}

#[test]
fn between_formats() {
    let mut random = Random::new();
    let floats = special_f32().into_iter().chain((0..cases()).map(|_| random.f32())).map(|x| [x]);
    check(names::F32_TO_F64, &floats.collect::<Vec<_>>(), |[x]| words_of(f64::from(f32::from_bits(x))));
    check(names::F64_TO_F32, &singles(), |[low, high]| bits(of(low, high) as f32));
}
