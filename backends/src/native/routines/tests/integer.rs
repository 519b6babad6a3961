//! Division and bits of integers.

use super::convert::{join, split};
use super::{Random, cases, check, names};

fn pairs() -> Vec<[u32; 2]> {
    let edges =
        [0, 1, 2, 3, 7, 10, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX];
    let mut pairs: Vec<[u32; 2]> = edges.iter().flat_map(|a| edges.iter().map(|b| [*a, *b])).collect();
    let mut random = Random::new();
    pairs.extend((0..cases()).map(|_| [random.integer(32) as u32, random.integer(32) as u32]));
    pairs
}

#[test]
fn divisions_of_words() {
    check(names::U32_DIV_REM, &pairs(), |[a, b]| {
        [a.checked_div(b).unwrap_or(0), a.checked_rem(b).unwrap_or(a)]
    });
    check(names::I32_DIV_REM, &pairs(), |[a, b]| {
        let (a, b) = (a as i32, b as i32);
        if b == 0 { [0, a as u32] } else { [a.wrapping_div(b) as u32, a.wrapping_rem(b) as u32] }
    });
}

#[test]
fn leading_zeros() {
    let words: Vec<[u32; 1]> =
        (0..32).map(|n| 1 << n).chain(pairs().iter().map(|p| p[0])).map(|x| [x]).collect();
    check(names::U32_LEADING_ZEROS, &words, |[x]| [x.leading_zeros()]);
}

fn quads() -> Vec<[u32; 4]> {
    let edges = [0, 1, 2, 3, 10, 0xffff_ffff, 1 << 32, 0x1_0000_0001, u64::MAX >> 1, 1 << 63, u64::MAX];
    let mut random = Random::new();
    let edges: Vec<_> = edges.iter().flat_map(|a| edges.iter().map(|b| (*a, *b))).collect();
    let random = (0..cases()).map(|_| (random.integer(64), random.integer(64)));
    let words = |(a, b)| [split(a)[0], split(a)[1], split(b)[0], split(b)[1]];
    edges.into_iter().chain(random).map(words).collect()
}

#[test]
fn divisions_of_pairs() {
    let words = |quotient, rest| [split(quotient)[0], split(quotient)[1], split(rest)[0], split(rest)[1]];
    check(names::U64_DIV_REM, &quads(), |[a, c, b, d]| {
        let (a, b) = (join(a, c), join(b, d));
        words(a.checked_div(b).unwrap_or(0), a.checked_rem(b).unwrap_or(a))
    });
    check(names::I64_DIV_REM, &quads(), |[a, c, b, d]| {
        let (a, b) = (join(a, c) as i64, join(b, d) as i64);
        if b == 0 { words(0, a as u64) } else { words(a.wrapping_div(b) as u64, a.wrapping_rem(b) as u64) }
    });
}

#[test]
fn products() {
    check(names::U32_MUL_LONG, &pairs(), |[a, b]| split(u64::from(a) * u64::from(b)));
    check(names::I32_MUL_LONG, &pairs(), |[a, b]| split((i64::from(a as i32) * i64::from(b as i32)) as u64));
    check(names::U64_MUL, &quads(), |[a, c, b, d]| split(join(a, c).wrapping_mul(join(b, d))));
}

#[test]
fn shifts() {
    let mut random = Random::new();
    let cases: Vec<[u32; 3]> = (0..cases())
        .map(|_| {
            let [low, high] = split(random.integer(64));
            let amount = if random.below(10) == 0 { random.integer(32) } else { random.below(70) };
            [low, high, amount as u32]
        })
        .collect();
    check(names::U64_SHL, &cases, |[low, high, n]| split(join(low, high).checked_shl(n).unwrap_or(0)));
    check(names::U64_SHR, &cases, |[low, high, n]| split(join(low, high).checked_shr(n).unwrap_or(0)));
    check(names::I64_SHR, &cases, |[low, high, n]| split((join(low, high) as i64 >> n.min(63)) as u64));
}
