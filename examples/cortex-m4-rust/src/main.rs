//! Recognises a stored digit and prints which one it is.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use panic_halt as _;

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

#[entry]
fn main() -> ! {
    // Here on the stack; a `static` in a cell is as good.
    let mut arena = digits::Arena::new();
    let mut model = digits::Model::new(&mut arena);
    let probabilities = model.run(&IMAGE);
    let class = digits::argmax_probabilities(probabilities);
    hprintln!("class {}, {:?}", class, probabilities);
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}
