//! Recognises a stored digit, as a small part does it: from pixels, in memory that is not on the stack.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use panic_halt as _;

include!(concat!(env!("OUT_DIR"), "/digits.rs"));

/// A handwritten 3: 8 by 8 pixels from 0 (paper) to 16 (ink).
#[rustfmt::skip]
const PIXELS: [u8; digits::IMAGE_LEN] = [
    0, 0, 6, 14, 16, 16, 2, 0,
    0, 5, 16, 13, 11, 16, 0, 0,
    0, 0, 7, 2, 15, 12, 0, 0,
    0, 0, 0, 7, 16, 13, 1, 0,
    0, 0, 0, 0, 6, 15, 10, 0,
    0, 0, 0, 0, 0, 15, 9, 0,
    0, 0, 3, 11, 8, 16, 6, 0,
    0, 0, 7, 16, 16, 8, 0, 0,
];

#[entry]
fn main() -> ! {
    // Not on the stack: `entry` makes this a reference that is lent out once.
    static mut ARENA: digits::Arena = digits::Arena::new();

    // The model takes numbers from 0 to 1, stored in 8 bits.
    let mut image = [0; digits::IMAGE_LEN];
    digits::quantize_image(&PIXELS.map(|pixel| f32::from(pixel) / 16.0), &mut image);
    let mut model = digits::Model::new(ARENA);
    let probabilities = model.run(&image);
    hprintln!("class {}, {:?}", digits::argmax_probabilities(probabilities), probabilities);
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}
