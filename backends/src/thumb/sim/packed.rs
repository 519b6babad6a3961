//! Arithmetic on the bytes and halves of words that the DSP extension adds, beyond what the loop IR shares.

use super::cpu::Cpu;

/// What each lane of a sum or difference becomes.
#[derive(Clone, Copy)]
pub(super) enum Lanes {
    /// Wraps, and says in GE whether the lane is not negative (signed) or carried or did not borrow (unsigned).
    Wrap,
    /// The nearest number of the lane.
    Saturate,
    /// Half of it, rounded down.
    Halve,
}

/// One sum or difference per lane of `bits` (8 or 16).
#[inline(always)]
pub(super) fn lanes(
    cpu: &mut Cpu,
    x: u32,
    y: u32,
    bits: u32,
    signed: bool,
    subtract: bool,
    how: Lanes,
) -> u32 {
    let (mut result, mut ge) = (0, 0);
    let mask = (1u32 << bits) - 1;
    let lane = |word: u32, at: u32| {
        let raw = word >> at & mask;
        if signed { ((raw << (32 - bits)) as i32) >> (32 - bits) } else { raw as i32 }
    };
    let (least, most) =
        if signed { (-1i32 << (bits - 1), (1i32 << (bits - 1)) - 1) } else { (0, mask as i32) };
    let mut at = 0;
    while at < 32 {
        let (a, b) = (lane(x, at), lane(y, at));
        let sum = if subtract { a - b } else { a + b };
        let value = match how {
            Lanes::Wrap => sum,
            Lanes::Saturate => sum.clamp(least, most),
            Lanes::Halve => sum >> 1,
        };
        result |= (value as u32 & mask) << at;
        let flag = if signed || subtract { sum >= 0 } else { sum > most };
        let flags = if bits == 8 { 1 } else { 3 };
        if flag {
            ge |= flags << (at / 8);
        }
        at += bits;
    }
    if matches!(how, Lanes::Wrap) {
        cpu.ge = ge;
    }
    result
}

/// Bytes of x where GE is set, of y elsewhere.
pub(super) fn select(ge: u32, x: u32, y: u32) -> u32 {
    let mask = (0..4).map(|byte| if ge >> byte & 1 == 1 { 0xff << (8 * byte) } else { 0 }).sum::<u32>();
    x & mask | y & !mask
}

/// The sum of the four differences of bytes, each without its sign.
pub(super) fn absolute_differences(x: u32, y: u32) -> u32 {
    let pairs = x.to_le_bytes().into_iter().zip(y.to_le_bytes());
    pairs.map(|(x, y)| u32::from(x.abs_diff(y))).sum()
}

/// A signed half of a word.
#[inline(always)]
pub(super) fn half(word: u32, high: bool) -> i64 {
    i64::from(if high { (word >> 16) as i16 } else { word as i16 })
}

/// The products of the low halves and of the high halves, the second word's halves exchanged if asked.
#[inline(always)]
pub(super) fn products(x: u32, y: u32, exchange: bool) -> (i64, i64) {
    let y = if exchange { y.rotate_right(16) } else { y };
    (half(x, false) * half(y, false), half(x, true) * half(y, true))
}

/// Two halves, each clamped to `bits` (signed) or to 0 and above (unsigned), and whether one changed.
pub(super) fn clamp_halves(word: u32, bits: u32, signed: bool) -> (u32, bool) {
    let (least, most) = limits(bits, signed);
    let (low, high) = (half(word, false), half(word, true));
    let (a, b) = (low.clamp(least, most), high.clamp(least, most));
    (a as u32 & 0xffff | (b as u32) << 16, a != low || b != high)
}

/// The least and the most of a signed number of 1 to 32 bits, or an unsigned one of 0 to 31.
pub(super) fn limits(bits: u32, signed: bool) -> (i64, i64) {
    if signed { (-1i64 << (bits - 1), (1i64 << (bits - 1)) - 1) } else { (0, (1i64 << bits) - 1) }
}
