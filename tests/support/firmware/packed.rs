//! On a Cortex-M4: single instructions against the portable functions, on pseudo-random words and on extremes.
#![no_std]
#![no_main]

use tinyc_runtime::packed::{self, portable};

/// The stack's top and the first instruction.
#[unsafe(link_section = ".vectors")]
#[unsafe(no_mangle)]
static VECTORS: [extern "C" fn(); 2] = [stack_top, start];

unsafe extern "C" {
    safe fn stack_top();
}

/// One call of the host: an operation and its argument.
fn host(operation: usize, argument: usize) {
    // SAFETY: the sequence that a debugger takes for a call; the arguments are those of semihosting.
    unsafe {
        core::arch::asm!("bkpt #0xab", inout("r0") operation => _, in("r1") argument);
    }
}

extern "C" fn start() {
    let mut state = 1u32;
    let mut word = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mixed = (state ^ state >> 15).wrapping_mul(0x2c1b_3c6d);
        match mixed >> 28 {
            0 => i32::MIN,
            1 => i32::MAX,
            2 => 0x8000_8000u32 as i32,
            3 => 0x7fff_7fff,
            4 => 0x8080_8080u32 as i32,
            _ => (mixed ^ mixed >> 13) as i32,
        }
    };
    let mut wrong = 0;
    for _ in 0..20_000 {
        let (x, a, b) = (word(), word(), word());
        let wide = i64::from(x) << 16 | i64::from(a);
        let same = [
            packed::dot2(x, a, b) == portable::dot2(x, a, b),
            packed::dot2_wide(wide, a, b) == portable::dot2_wide(wide, a, b),
            packed::mul_half::<false, false>(x, a, b) == portable::mul_half::<false, false>(x, a, b),
            packed::mul_half::<false, true>(x, a, b) == portable::mul_half::<false, true>(x, a, b),
            packed::mul_half::<true, false>(x, a, b) == portable::mul_half::<true, false>(x, a, b),
            packed::mul_half::<true, true>(x, a, b) == portable::mul_half::<true, true>(x, a, b),
            packed::unpack_signed::<0>(a) == portable::unpack_signed::<0>(a),
            packed::unpack_signed::<8>(a) == portable::unpack_signed::<8>(a),
            packed::unpack_signed::<16>(a) == portable::unpack_signed::<16>(a),
            packed::unpack_signed::<24>(a) == portable::unpack_signed::<24>(a),
            packed::unpack_unsigned::<0>(a) == portable::unpack_unsigned::<0>(a),
            packed::unpack_unsigned::<8>(a) == portable::unpack_unsigned::<8>(a),
            packed::unpack_unsigned::<16>(a) == portable::unpack_unsigned::<16>(a),
            packed::unpack_unsigned::<24>(a) == portable::unpack_unsigned::<24>(a),
            packed::mul_high_acc(x, a, b) == portable::mul_high_acc(x, a, b),
            packed::add_bytes(a, b) == portable::add_bytes(a, b),
            packed::max_bytes_signed(a, b) == portable::max_bytes_signed(a, b),
            packed::max_bytes_unsigned(a, b) == portable::max_bytes_unsigned(a, b),
        ];
        wrong += same.iter().filter(|same| !**same).count();
    }
    let text = if wrong == 0 { c"all alike\n" } else { c"some differ\n" };
    host(4, text.as_ptr() as usize);
    host(0x18, 0x20026);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
