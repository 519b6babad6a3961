//! The exact scalar meaning of every [`PackedOp`](super::PackedOp), as plain functions on words.
//!
//! The interpreter and the instruction-set simulators share them; emitted code is tested against them. Nothing here
//! chooses an operation. A pair is two signed 16-bit halves of a word, low half first.

/// The signed low half of a word.
pub fn low(word: i32) -> i32 {
    i32::from(word as i16)
}

/// The signed high half of a word.
pub fn high(word: i32) -> i32 {
    word >> 16
}

/// The word with these halves; only the low 16 bits of each count.
pub fn pair(low: i32, high: i32) -> i32 {
    (low & 0xffff) | (high << 16)
}

/// `acc + a.lo·b.lo + a.hi·b.hi`, wrapping.
pub fn dot2(acc: i32, a: i32, b: i32) -> i32 {
    acc.wrapping_add(low(a).wrapping_mul(low(b))).wrapping_add(high(a).wrapping_mul(high(b)))
}

/// [`dot2`] with a 64-bit sum.
pub fn dot2_wide(acc: i64, a: i32, b: i32) -> i64 {
    acc.wrapping_add(i64::from(low(a) * low(b))).wrapping_add(i64::from(high(a) * high(b)))
}

/// `acc + a.half·b.half` with chosen halves, wrapping.
pub fn mul_half(acc: i32, a: i32, b: i32, a_high: bool, b_high: bool) -> i32 {
    let half = |word, is_high: bool| if is_high { high(word) } else { low(word) };
    acc.wrapping_add(half(a, a_high) * half(b, b_high))
}

/// Bytes 0 and 2 of the word rotated right, sign-extended to a pair.
pub fn unpack_signed(x: i32, rotate: u8) -> i32 {
    let x = x.rotate_right(u32::from(rotate));
    pair(i32::from(x as i8), i32::from((x >> 16) as i8))
}

/// Bytes 0 and 2 of the word rotated right, zero-extended to a pair.
pub fn unpack_unsigned(x: i32, rotate: u8) -> i32 {
    x.rotate_right(u32::from(rotate)) & 0x00ff_00ff
}

/// The low half of `a`, and above it the low half of `b`.
pub fn pack_low(a: i32, b: i32) -> i32 {
    pair(a, b)
}

/// The high half of `a`, and above it the high half of `b`.
pub fn pack_high(a: i32, b: i32) -> i32 {
    pair(high(a), high(b))
}

/// Bits 63..32 of the signed product.
pub fn mul_high(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 32) as i32
}

/// `acc + mul_high(a, b)`, wrapping.
pub fn mul_high_acc(acc: i32, a: i32, b: i32) -> i32 {
    acc.wrapping_add(mul_high(a, b))
}

/// `x >> shift` clamped to a signed integer of 1 to 32 bits; `shift` is below 32.
pub fn saturate_signed(x: i32, bits: u8, shift: u8) -> i32 {
    let top = ((1i64 << (bits - 1)) - 1) as i32;
    (x >> shift).clamp(-top - 1, top)
}

/// `x >> shift` clamped to an unsigned integer of 0 to 31 bits; `shift` is below 32.
pub fn saturate_unsigned(x: i32, bits: u8, shift: u8) -> i32 {
    (x >> shift).clamp(0, ((1i64 << bits) - 1) as i32)
}

/// Four sums of bytes, each wrapping.
pub fn add_bytes(a: i32, b: i32) -> i32 {
    bytewise(a, b, u8::wrapping_add)
}

/// Four maxima of signed bytes.
pub fn max_bytes_signed(a: i32, b: i32) -> i32 {
    bytewise(a, b, |a, b| (a as i8).max(b as i8) as u8)
}

/// Four maxima of unsigned bytes.
pub fn max_bytes_unsigned(a: i32, b: i32) -> i32 {
    bytewise(a, b, u8::max)
}

fn bytewise(a: i32, b: i32, f: impl Fn(u8, u8) -> u8) -> i32 {
    let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
    i32::from_le_bytes([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
}
