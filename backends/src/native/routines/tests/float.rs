//! Arithmetic and comparisons on binary32.

use super::{Random, bits, cases, check, names, pairs_f32, special_f32};

fn singles() -> Vec<[u32; 1]> {
    let mut random = Random::new();
    let random = (0..cases()).map(|_| random.f32());
    special_f32().into_iter().chain(random).map(|x| [x]).collect()
}

fn check_binary(name: &'static str, right: impl Fn(f32, f32) -> f32) {
    check(name, &pairs_f32(), |[a, b]| bits(right(f32::from_bits(a), f32::from_bits(b))));
}

fn check_comparison(name: &'static str, right: impl Fn(f32, f32) -> bool) {
    check(name, &pairs_f32(), |[a, b]| [u32::from(right(f32::from_bits(a), f32::from_bits(b)))]);
}

#[test]
fn sums() {
    check_binary(names::F32_ADD, |a, b| a + b);
}

#[test]
fn differences() {
    check_binary(names::F32_SUB, |a, b| a - b);
}

#[test]
fn products() {
    check_binary(names::F32_MUL, |a, b| a * b);
}

#[test]
fn quotients() {
    check_binary(names::F32_DIV, |a, b| a / b);
}

#[test]
fn roots() {
    check(names::F32_SQRT, &singles(), |[x]| bits(f32::from_bits(x).sqrt()));
}

#[test]
fn roundings() {
    check(names::F32_ROUND, &singles(), |[x]| bits(f32::from_bits(x).round_ties_even()));
}

#[test]
fn comparisons() {
    check_comparison(names::F32_EQ, |a, b| a == b);
    check_comparison(names::F32_NE, |a, b| a != b);
    check_comparison(names::F32_LT, |a, b| a < b);
    check_comparison(names::F32_LE, |a, b| a <= b);
}

#[test]
fn extremes() {
    let either = |a: f32, b: f32, first: bool| match (a.is_nan() || b.is_nan(), first) {
        (true, _) => f32::NAN,
        (false, true) => a,
        (false, false) => b,
    };
    check_binary(names::F32_MIN, |a, b| either(a, b, a.total_cmp(&b).is_le()));
    check_binary(names::F32_MAX, |a, b| either(a, b, a.total_cmp(&b).is_ge()));
}

#[test]
fn exponentials() {
    let mut random = Random::new();
    let near = |bits: u32| (bits - 3..bits + 4).flat_map(|x| [x, x | 1 << 31]);
    let edges = [0x42ae_ac4f, 0x42b1_7218, 0x42cf_f1b5, 0x3eb1_7218, 0x3f31_7218].into_iter().flat_map(near);
    let ordinary = (0..cases() / 4).map(|_| ((random.next() >> 40) as f32 / 65536.0 - 128.0).to_bits());
    let cases: Vec<[u32; 1]> =
        edges.chain(ordinary).map(|x| [x]).chain(singles().into_iter().step_by(4)).collect();
    check(names::F32_EXP, &cases, |[x]| bits(tinyc_runtime::math::exp(f32::from_bits(x))));
}
