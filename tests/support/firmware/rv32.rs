//! A network on a bare RV32IMC.
#![no_std]
#![no_main]

include!("digits.rs");

const IMAGE: [i8; 64] = include!("image.rs");

core::arch::global_asm!(
    ".section .init",
    ".globl _start",
    "_start:",
    "la sp, stack_top",
    "call main",
    "1: j 1b",
);

/// One call of the host: an operation and its argument.
fn host(operation: usize, argument: usize) {
    // SAFETY: the sequence that QEMU takes for a call; the arguments are those of semihosting.
    unsafe {
        core::arch::asm!(
            ".option push", ".option norvc", ".balign 16", "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7", ".option pop",
            inout("a0") operation => _, in("a1") argument,
        );
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() {
    let mut arena = digits::Arena::new();
    let class = digits::argmax_probabilities(digits::Model::new(&mut arena).run(&IMAGE));
    let text = [b'c', b'l', b'a', b's', b's', b' ', b'0' + class as u8, b'\n', 0];
    host(4, text.as_ptr() as usize);
    let stop = [0x20026usize, 0];
    host(0x20, stop.as_ptr() as usize);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
