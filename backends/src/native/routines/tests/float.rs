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
