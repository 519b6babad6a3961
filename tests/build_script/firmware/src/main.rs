//! Runs three networks on made-up numbers and prints the bits of what they compute.
#![no_std]
#![no_main]

use core::fmt::Write;
use panic_halt as _;

include!(concat!(env!("OUT_DIR"), "/digits.rs"));
include!(concat!(env!("OUT_DIR"), "/conv1d.rs"));
include!(concat!(env!("OUT_DIR"), "/stream.rs"));

/// The same numbers as in `tests/build_script.rs`.
fn byte(i: usize) -> i8 {
    (i * 37 % 256) as u8 as i8
}

fn run(console: &mut impl Write) -> core::fmt::Result {
    let mut arena = digits::Arena::new();
    let mut model = digits::Model::new(&mut arena);
    writeln!(console, "digits {:?}", model.run(&core::array::from_fn(byte)))?;

    let mut arena = conv1d::Arena::new();
    let mut model = conv1d::Model::new(&mut arena);
    let output = model.run(&core::array::from_fn(|i| f32::from(byte(i)) / 64.0));
    writeln!(console, "conv1d {:08x?}", output.map(f32::to_bits))?;

    let mut arena = stream::Arena::new();
    let mut model = stream::Model::new(&mut arena);
    for step in 0..3 {
        writeln!(console, "stream {:?}", model.run(&core::array::from_fn(|i| byte(3 * step + i))))?;
    }
    Ok(())
}

#[cfg(target_arch = "arm")]
#[cortex_m_rt::entry]
fn main() -> ! {
    use cortex_m_semihosting::{debug, hio};
    // A console that takes nothing is seen by the test.
    hio::hstdout().map(|mut console| run(&mut console)).ok();
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}

/// The serial port of QEMU's `virt` machine.
#[cfg(target_arch = "riscv32")]
struct Serial;

#[cfg(target_arch = "riscv32")]
impl Write for Serial {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        // SAFETY: the address of the port's data register; writing it sends a byte.
        text.bytes().for_each(|byte| unsafe { (0x1000_0000 as *mut u8).write_volatile(byte) });
        Ok(())
    }
}

#[cfg(target_arch = "riscv32")]
#[riscv_rt::entry]
fn main() -> ! {
    run(&mut Serial).ok();
    // SAFETY: the machine's finisher; this number ends it with success.
    unsafe { (0x0010_0000 as *mut u32).write_volatile(0x5555) };
    loop {}
}
