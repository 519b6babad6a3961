//! The packed operations of the loop IR in plain Rust, for every core. A pair is two signed 16-bit halves of a word, low half first.

/// `acc + a.low * b.low + a.high * b.high`, wrapping.
#[inline(always)]
pub fn dot2(acc: i32, a: i32, b: i32) -> i32 {
    let low = (a as i16 as i32) * (b as i16 as i32);
    let high = (a >> 16) * (b >> 16);
    acc.wrapping_add(low).wrapping_add(high)
}

/// As `dot2` with a 64-bit sum.
#[inline(always)]
pub fn dot2_wide(acc: i64, a: i32, b: i32) -> i64 {
    let low = (a as i16 as i32) * (b as i16 as i32);
    let high = (a >> 16) * (b >> 16);
    acc.wrapping_add(low as i64).wrapping_add(high as i64)
}

/// `acc` plus the product of a half of `a` (the high one if `AH`) and one of `b`, wrapping.
#[inline(always)]
pub fn mul_half<const AH: bool, const BH: bool>(acc: i32, a: i32, b: i32) -> i32 {
    let a = if AH { a >> 16 } else { a as i16 as i32 };
    let b = if BH { b >> 16 } else { b as i16 as i32 };
    acc.wrapping_add(a * b)
}

/// Bytes 0 and 2 of `x` rotated right, as a pair of signed numbers.
#[inline(always)]
pub fn unpack_signed<const ROTATE: u32>(x: i32) -> i32 {
    let word = x.rotate_right(ROTATE);
    let high = (word >> 16) as i8 as i32;
    (word as i8 as i32 & 0xffff) | (high << 16)
}

/// Bytes 0 and 2 of `x` rotated right, as a pair of unsigned numbers.
#[inline(always)]
pub fn unpack_unsigned<const ROTATE: u32>(x: i32) -> i32 {
    x.rotate_right(ROTATE) & 0x00ff_00ff
}

/// The low half of `a`, and above it the low half of `b`.
#[inline(always)]
pub fn pack_low(a: i32, b: i32) -> i32 {
    (a & 0xffff) | (b << 16)
}

/// The high half of `a`, and above it the high half of `b`.
#[inline(always)]
pub fn pack_high(a: i32, b: i32) -> i32 {
    (a as u32 >> 16) as i32 | (b & !0xffff)
}

/// The high word of the 64-bit product.
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    ((a as i64 * b as i64) >> 32) as i32
}

/// `acc` plus the high word of the 64-bit product, wrapping.
#[inline(always)]
pub fn mul_high_acc(acc: i32, a: i32, b: i32) -> i32 {
    acc.wrapping_add(((a as i64 * b as i64) >> 32) as i32)
}

/// `x >> SHIFT`, clamped to a signed number of 1 to 32 bits.
#[inline(always)]
pub fn saturate_signed<const BITS: u32, const SHIFT: u32>(x: i32) -> i32 {
    let top = ((1i64 << (BITS - 1)) - 1) as i32;
    i32::min(i32::max(x >> SHIFT, -top - 1), top)
}

/// `x >> SHIFT`, clamped to an unsigned number of 0 to 31 bits.
#[inline(always)]
pub fn saturate_unsigned<const BITS: u32, const SHIFT: u32>(x: i32) -> i32 {
    let top = ((1i64 << BITS) - 1) as i32;
    i32::min(i32::max(x >> SHIFT, 0), top)
}

/// Four sums of bytes, each wrapping.
#[inline(always)]
pub fn add_bytes(a: i32, b: i32) -> i32 {
    let low = (a & 0x7f7f_7f7f).wrapping_add(b & 0x7f7f_7f7f);
    low ^ ((a ^ b) & !0x7f7f_7f7f)
}

/// Four maxima of signed bytes.
#[inline(always)]
pub fn max_bytes_signed(a: i32, b: i32) -> i32 {
    let (p, q) = (a.to_le_bytes(), b.to_le_bytes());
    let max = |i: usize| i8::max(p[i] as i8, q[i] as i8) as u8;
    i32::from_le_bytes([max(0), max(1), max(2), max(3)])
}

/// Four maxima of unsigned bytes.
#[inline(always)]
pub fn max_bytes_unsigned(a: i32, b: i32) -> i32 {
    let (p, q) = (a.to_le_bytes(), b.to_le_bytes());
    let max = |i: usize| u8::max(p[i], q[i]);
    i32::from_le_bytes([max(0), max(1), max(2), max(3)])
}
