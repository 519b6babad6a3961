//! Recognises a stored digit and prints which one it is on the serial port.
#![no_std]
#![no_main]

use core::fmt::Write;
use panic_halt as _;
use riscv_rt::entry;

include!(concat!(env!("OUT_DIR"), "/digits.rs"));

/// A handwritten 3 as the network wants it: 8 by 8 pixels from -128 (paper) to 127 (ink).
#[rustfmt::skip]
const IMAGE: [i8; digits::IMAGE_LEN] = [
    -128, -128, -32, 95, 127, 127, -96, -128,
    -128, -48, 127, 79, 47, 127, -128, -128,
    -128, -128, -16, -96, 111, 63, -128, -128,
    -128, -128, -128, -16, 127, 79, -112, -128,
    -128, -128, -128, -128, -32, 111, 31, -128,
    -128, -128, -128, -128, -128, 111, 15, -128,
    -128, -128, -80, 47, -1, 127, -32, -128,
    -128, -128, -16, 127, 127, -1, -128, -128,
];

/// The serial port of QEMU's `virt` machine, which takes a byte at a time and is always ready.
struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        const DATA: *mut u8 = 0x1000_0000 as *mut u8;
        for byte in text.bytes() {
            // SAFETY: the address of the port's data register; writing it sends a byte and does nothing else.
            unsafe { DATA.write_volatile(byte) };
        }
        Ok(())
    }
}

/// Ends the simulation. On a chip this would be the loop alone.
fn stop() -> ! {
    const FINISHER: *mut u32 = 0x0010_0000 as *mut u32;
    // SAFETY: the address of the machine's finisher; this number ends it with success.
    unsafe { FINISHER.write_volatile(0x5555) };
    loop {}
}

#[entry]
fn main() -> ! {
    // Here on the stack; a `static` in a cell is as good.
    let mut arena = digits::Arena::new();
    let mut model = digits::Model::new(&mut arena);
    let probabilities = model.run(&IMAGE);
    let class = digits::argmax_probabilities(probabilities);
    // The port takes everything.
    writeln!(Serial, "class {class}, {probabilities:?}").ok();
    stop()
}
