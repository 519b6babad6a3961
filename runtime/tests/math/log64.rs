//! `log64` against the exponential of [`super::exp64`], in double-double arithmetic; and both twins in C.

use crate::c_program::Doubles;
use crate::exp64::{exact, power, product, sum};
use tinyc_runtime::math::{exp64, log64};

/// `x·e^(−y)` is 1 plus the error of `y`; at most so many ULP of `y`.
fn error_in_ulp(x: f64) -> f64 {
    let y = log64(x);
    let (e, k) = exact(-y);
    // x = m·2^q with m near 1, so that nothing leaves the range.
    let q = -k;
    let scaled =
        if q > 1000 { x * power(-1000) * power(1000 - q) } else { x * power(-q / 2) * power(-q + q / 2) };
    let (p, rest) = product(scaled, e.0);
    let (head, tail) = sum(p, -1.0);
    let error = head + (tail + rest + scaled * e.1);
    let ulp = power(((y.to_bits() >> 52) & 0x7ff) as i32 - 1023 - 52);
    error.abs() / ulp
}

/// Numbers of every exponent, and near 1, where the result is small.
fn arguments() -> Vec<f64> {
    let mut found = Vec::new();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 12
    };
    for exponent in 1..0x7fe_u64 {
        found.extend((0..300).map(|_| f64::from_bits(exponent << 52 | random())));
    }
    for exponent in 0x3fd..0x401_u64 {
        found.extend((0..100_000).map(|_| f64::from_bits(exponent << 52 | random())));
    }
    found.extend((1..20_000).flat_map(|i| [1.0 + f64::from(i) * 1e-7, 1.0 - f64::from(i) * 1e-7]));
    found
}

#[test]
fn the_error_stays_within_the_promised_bound() {
    let (worst, at) = arguments()
        .into_iter()
        .map(|x| (error_in_ulp(x), x))
        .fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    println!("log64: {worst:.4} ULP at {at:e}");
    assert!(worst <= 0.83, "{worst} ULP at {at:e}");
}

#[test]
fn ends_and_subnormal_arguments() {
    let inf = f64::INFINITY;
    assert_eq!((log64(0.0), log64(-0.0), log64(inf), log64(1.0).to_bits()), (-inf, -inf, inf, 0));
    for x in [-1.0, -5e-324, -inf, f64::NAN, -f64::NAN] {
        assert_eq!(log64(x).to_bits(), 0x7ff8_0000_0000_0000, "{x}");
    }
    for i in 1..5000u64 {
        // Scaling back changes only the exponent, whose share of the result is exact to half an ULP.
        let x = f64::from_bits(i * 0x000f_ffff_ffff / 5);
        let scaled = log64(x * power(60)) - 60.0 * std::f64::consts::LN_2;
        assert!((log64(x) - scaled).abs() <= 2.5e-13, "{x:e}");
    }
}

#[test]
fn c_twins_give_the_same_bits() {
    let mut sample: Vec<f64> = arguments().into_iter().step_by(3).collect();
    sample.extend((-200_000..200_000).map(|i| f64::from(i) * 0.003_8));
    for bits in [
        0,
        1,
        2,
        0x000f_ffff_ffff_ffff,
        0x0010_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
        0x7ff4_0000_0000_0000,
    ] {
        sample.extend([f64::from_bits(bits), f64::from_bits(bits | 1 << 63)]);
    }
    sample.extend([
        709.782_712_893_384,
        709.782_712_893_384_1,
        -745.133_219_101_941_2,
        -745.133_219_101_941_1,
        -708.4,
    ]);
    for (compiler, optimise, required) in
        [("gcc", "-O2", true), ("gcc", "-O0", true), ("clang-19", "-O2", false)]
    {
        let Some(program) = Doubles::compile(compiler, optimise, required) else { continue };
        for (name, function) in [("f64_exp", exp64 as fn(f64) -> f64), ("f64_log", log64)] {
            for (x, got) in sample.iter().zip(program.results(name, &sample)) {
                let expected = function(*x).to_bits();
                assert!(
                    got == expected,
                    "{compiler} {optimise}: {name}({x:e}) = {got:#018x}, Rust {expected:#018x}"
                );
            }
        }
    }
}
