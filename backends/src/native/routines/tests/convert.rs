//! Conversions between integers and binary32.

use super::{Random, bits, cases, check, names, special_f32};

pub(super) fn words() -> Vec<[u32; 1]> {
    let mut random = Random::new();
    let edges = (0..32).flat_map(|n| [1_u32 << n, (1 << n) - 1, (1_u32 << n).wrapping_neg()]);
    edges.chain([u32::MAX]).chain((0..cases()).map(|_| random.integer(32) as u32)).map(|x| [x]).collect()
}

pub(super) fn pairs() -> Vec<[u32; 2]> {
    let mut random = Random::new();
    let edges = (0..64).flat_map(|n| [1_u64 << n, (1 << n) - 1, (1_u64 << n).wrapping_neg()]);
    let halfway = (24..64).flat_map(|n| {
        let half = (1_u64 << n) + (1 << (n - 24));
        [half, half - 1, half + 1]
    });
    let random = (0..cases()).map(|_| random.integer(64));
    edges.chain(halfway).chain([u64::MAX]).chain(random).map(split).collect()
}

pub(super) fn split(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

pub(super) fn join(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn floats() -> Vec<[u32; 1]> {
    let mut random = Random::new();
    let near = |x: f32| [x.to_bits() - 1, x.to_bits(), x.to_bits() + 1];
    let edges =
        [0.5, 1.0, 1.5, 2147483648.0, 4294967296.0, 9.223372e18, 1.8446744e19].into_iter().flat_map(near);
    let edges: Vec<u32> = edges.flat_map(|x| [x, x | 1 << 31]).collect();
    let integral = (0..cases()).map(|_| match random.below(2) {
        0 => random.f32(),
        _ => (random.integer(64) as i64 as f32).to_bits(),
    });
    edges.into_iter().chain(special_f32()).chain(integral).map(|x| [x]).collect()
}

#[test]
fn from_words() {
    check(names::I32_TO_F32, &words(), |[x]| bits(x as i32 as f32));
    check(names::U32_TO_F32, &words(), |[x]| bits(x as f32));
}

#[test]
fn from_pairs() {
    check(names::I64_TO_F32, &pairs(), |[low, high]| bits(join(low, high) as i64 as f32));
    check(names::U64_TO_F32, &pairs(), |[low, high]| bits(join(low, high) as f32));
}

#[test]
fn to_words() {
    check(names::F32_TO_I32, &floats(), |[x]| [f32::from_bits(x) as i32 as u32]);
    check(names::F32_TO_U32, &floats(), |[x]| [f32::from_bits(x) as u32]);
}

#[test]
fn to_pairs() {
    check(names::F32_TO_I64, &floats(), |[x]| split(f32::from_bits(x) as i64 as u64));
    check(names::F32_TO_U64, &floats(), |[x]| split(f32::from_bits(x) as u64));
}

#[test]
fn between_half_floats_and_floats() {
    use tinyc_ir::half;
    let all: Vec<[u32; 1]> = (0..=u16::MAX).map(|bits| [bits.into()]).collect();
    check(names::F16_TO_F32, &all, |[h]| [half::f16_to_f32(h as u16).to_bits()]);
    // The borders between two neighbours, and what is beside them.
    let borders = all.iter().flat_map(|&[h]| {
        let border = |bits: u32, to: u32| [bits + to - 1, bits + to, bits + to + 1].map(|bits| [bits]);
        [border(half::f16_to_f32(h as u16).to_bits() & !0x1fff, 0x1000), border(h << 16, 0x8000)].concat()
    });
    // And between subnormal ones: odd multiples of 2^-25.
    let tiny = (0..1024).flat_map(|i| {
        let border = ((2 * i + 1) as f32 / 33_554_432.0).to_bits();
        [border - 1, border, border + 1, border | 1 << 31].map(|bits| [bits])
    });
    let cases: Vec<[u32; 1]> = borders.chain(tiny).chain(floats()).collect();
    check(names::F32_TO_F16, &cases, |[x]| [half::f32_to_f16(f32::from_bits(x)).into()]);
    check(names::F32_TO_BF16, &cases, |[x]| [half::f32_to_bf16(f32::from_bits(x)).into()]);
}
