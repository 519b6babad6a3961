//! Which floats CI tries: every sign and exponent with telling mantissas, the neighbourhood of every threshold in the
//! code, and a seeded random rest that favours the exponents where the functions are not trivial.

/// About a million bit patterns, always the same.
pub(crate) fn stratified() -> Vec<u32> {
    let mut sample = Vec::new();
    for high in 0..512u32 {
        for bit in 0..23 {
            for mantissa in [1 << bit, (1 << bit) - 1, 0x7f_ffff ^ (1 << bit), 0x7f_ffff << bit & 0x7f_ffff] {
                sample.push(high << 23 | mantissa);
            }
        }
        sample.extend((0..512).map(|i| (high << 23) | (i * 0x4000) | i));
    }
    for near in THRESHOLDS {
        for sign in [0, 0x8000_0000] {
            sample.extend((0..512).map(|i| (near - 256 + i) | sign));
        }
    }
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    for _ in 0..250_000 {
        let (any, mantissa) = (random(), random());
        sample.push(any);
        sample.push((100 + any % 36) << 23 | mantissa & 0x807f_ffff); // 2^-27 to 2^8
    }
    sample.extend((0..200_000).map(|i| i * 21_474)); // evenly over everything
    sample
}

/// Where a function changes its method or its result saturates: bits of positive floats.
const THRESHOLDS: [u32; 14] = [
    0x0080_0000, // smallest normal
    0x3f0c_cccd, // tanh
    0x3f35_04f3, // log: √½
    0x3f49_0fdb, // sin, cos: π/4
    0x3f60_0000, // erf
    0x3fb5_04f3, // log: √2
    0x4078_0000, // erf
    0x4120_0000, // tanh
    0x42ae_ac50, // exp: first subnormal
    0x42b1_7218, // exp: overflow
    0x42cf_f1b5, // exp: underflow
    0x4b00_0000, // 2^23: only integers
    0x4f00_0000, // 2^31: integers saturate
    0x7f80_0000, // infinity, then NaN
];
