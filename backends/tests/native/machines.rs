//! Machines to build for: what Cortex-M cores have and lack.

use tinyc_backends::native::{Machine, Width};

fn thumb2(_: Width) -> (i32, i32) {
    (-255, 4095)
}

fn thumb1(width: Width) -> (i32, i32) {
    match width {
        Width::U8 => (0, 31),
        Width::U16 => (0, 62),
        Width::S8 | Width::S16 => (0, 0),
        Width::Word | Width::Float => (0, 124),
    }
}

/// A core with a DSP and an FPU, one with neither, and one with next to nothing, by the names of their targets.
pub(crate) fn machines() -> [(&'static str, Machine); 3] {
    let m3 = Machine {
        multiply: true,
        multiply_long: true,
        divide: true,
        count_leading_zeros: true,
        saturate: true,
        dsp: false,
        float: false,
        half: false,
        registers: 13,
        add: (-4095, 4095),
        offset: thumb2,
    };
    let m4 = Machine { dsp: true, float: true, ..m3.clone() };
    let m0 = Machine {
        multiply: true,
        multiply_long: false,
        divide: false,
        count_leading_zeros: false,
        saturate: false,
        dsp: false,
        float: false,
        half: false,
        registers: 8,
        add: (-255, 255),
        offset: thumb1,
    };
    [("cortex-m4", m4), ("cortex-m3", m3), ("cortex-m0", m0)]
}
