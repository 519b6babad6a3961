//! Packed operations as single instructions of Arm's DSP extension. The plain forms are in [`super::portable`].
#![allow(
    unsafe_code,
    reason = "stable Rust has no names for these instructions; each is pure and touches registers only"
)]

use core::arch::asm;

/// `acc + a.low * b.low + a.high * b.high`, wrapping.
#[inline(always)]
pub fn dot2(acc: i32, a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers; it may set the flag of saturation, which is not preserved.
    unsafe {
        asm!("smlad {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc, options(pure, nomem, nostack));
    }
    y
}

/// As `dot2` with a 64-bit sum.
#[inline(always)]
pub fn dot2_wide(acc: i64, a: i32, b: i32) -> i64 {
    let (mut low, mut high) = (acc as u32, (acc >> 32) as u32);
    // SAFETY: computes two registers from registers.
    unsafe {
        asm!("smlald {}, {}, {}, {}", inout(reg) low, inout(reg) high, in(reg) a, in(reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    (i64::from(high) << 32) | i64::from(low)
}

/// `acc` plus the product of a half of `a` (the high one if `AH`) and one of `b`, wrapping.
#[inline(always)]
pub fn mul_half<const AH: bool, const BH: bool>(acc: i32, a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers; it may set the flag of saturation, which is not preserved.
    unsafe {
        match (AH, BH) {
            (false, false) => {
                asm!("smlabb {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc, options(pure, nomem, nostack));
            }
            (false, true) => {
                asm!("smlabt {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc, options(pure, nomem, nostack));
            }
            (true, false) => {
                asm!("smlatb {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc, options(pure, nomem, nostack));
            }
            (true, true) => {
                asm!("smlatt {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc, options(pure, nomem, nostack));
            }
        }
    }
    y
}

/// Bytes 0 and 2 of `x` rotated right, as a pair of signed numbers.
#[inline(always)]
pub fn unpack_signed<const ROTATE: u32>(x: i32) -> i32 {
    let y;
    // SAFETY: computes a register from a register.
    unsafe {
        asm!("sxtb16 {}, {}, ror #{}", lateout(reg) y, in(reg) x, const ROTATE,
            options(pure, nomem, nostack, preserves_flags));
    }
    y
}

/// Bytes 0 and 2 of `x` rotated right, as a pair of unsigned numbers.
#[inline(always)]
pub fn unpack_unsigned<const ROTATE: u32>(x: i32) -> i32 {
    let y;
    // SAFETY: computes a register from a register.
    unsafe {
        asm!("uxtb16 {}, {}, ror #{}", lateout(reg) y, in(reg) x, const ROTATE,
            options(pure, nomem, nostack, preserves_flags));
    }
    y
}

/// `acc` plus the high word of the 64-bit product, wrapping.
#[inline(always)]
pub fn mul_high_acc(acc: i32, a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers.
    unsafe {
        asm!("smmla {}, {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, in(reg) acc,
            options(pure, nomem, nostack, preserves_flags));
    }
    y
}

/// Four sums of bytes, each wrapping.
#[inline(always)]
pub fn add_bytes(a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers; it sets the flags of the four sums, which are not preserved.
    unsafe {
        asm!("sadd8 {}, {}, {}", lateout(reg) y, in(reg) a, in(reg) b, options(pure, nomem, nostack));
    }
    y
}

/// Four maxima of signed bytes.
#[inline(always)]
pub fn max_bytes_signed(a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers. One block: the comparison's result lies in flags, which are not preserved.
    unsafe {
        asm!("ssub8 {0}, {1}, {2}", "sel {0}, {1}, {2}", out(reg) y, in(reg) a, in(reg) b, options(pure, nomem, nostack));
    }
    y
}

/// Four maxima of unsigned bytes.
#[inline(always)]
pub fn max_bytes_unsigned(a: i32, b: i32) -> i32 {
    let y;
    // SAFETY: computes a register from registers. One block: the comparison's result lies in flags, which are not preserved.
    unsafe {
        asm!("usub8 {0}, {1}, {2}", "sel {0}, {1}, {2}", out(reg) y, in(reg) a, in(reg) b, options(pure, nomem, nostack));
    }
    y
}
