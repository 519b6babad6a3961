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

/// Checks a function of the runtime's: at special floats, where its method changes, at ordinary numbers, anywhere.
fn check_math(name: &'static str, seams: &[u32], right: impl Fn(f32) -> f32) {
    let near = |bits: &u32| (bits - 3..bits + 4).flat_map(|x| [x, x | 1 << 31]);
    let mut random = Random::new();
    let mut uniform = |range: f32| ((random.next() >> 40) as f32 / (1 << 23) as f32 - 1.0) * range;
    let ranges = [128.0, 4.0];
    let ordinary: Vec<u32> = (0..cases() / 4).map(|i| uniform(ranges[i % 2]).to_bits()).collect();
    let chosen = seams.iter().flat_map(near).chain(ordinary).map(|x| [x]);
    let cases: Vec<[u32; 1]> = chosen.chain(singles().into_iter().take(cases() / 4)).collect();
    check(name, &cases, |[x]| bits(right(f32::from_bits(x))));
}

#[test]
fn exponentials_and_logarithms() {
    let seams = [0x42ae_ac4f, 0x42b1_7218, 0x42cf_f1b5, 0x3eb1_7218, 0x3f31_7218];
    check_math(names::F32_EXP, &seams, tinyc_runtime::math::exp);
    check_math(names::F32_LOG, &[0x3f35_04f3, 0x3fb5_04f3, 0x0080_0000], tinyc_runtime::math::log);
}

#[test]
fn functions_with_a_limit() {
    check_math(names::F32_TANH, &[0x3f0c_cccd, 0x4120_0000], tinyc_runtime::math::tanh);
    check_math(names::F32_SIGMOID, &[0x42ae_ac4f, 0x42cf_f1b5], tinyc_runtime::math::sigmoid);
    check_math(names::F32_ERF, &[0x3f60_0000, 0x4078_0000], tinyc_runtime::math::erf);
}

#[test]
fn waves() {
    let seams = [0x3f49_0fdb, 0x3fc9_0fdb, 0x4049_0fdb, 0x4096_cbe4, 0x7f7f_fffc];
    check_math(names::F32_SIN, &seams, tinyc_runtime::math::sin);
    check_math(names::F32_COS, &seams, tinyc_runtime::math::cos);
}
