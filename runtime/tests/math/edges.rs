//! Special arguments, spelled out.

use tinyc_runtime::{c_twin, math};

const NAN: u32 = 0x7fc0_0000;

#[test]
fn nans_become_canonical() {
    for bits in [0x7f80_0001, 0x7fc0_0000, 0x7fff_ffff, 0xff80_0001, 0xffc0_0000, 0xffff_ffff] {
        let x = f32::from_bits(bits);
        for f in [
            math::exp,
            math::tanh,
            math::sigmoid,
            math::log,
            math::sqrt,
            math::erf,
            math::sin,
            math::cos,
            math::round_ties_even,
        ] {
            assert_eq!(f(x).to_bits(), NAN);
        }
        assert_eq!((math::to_i32(x), math::round_to_i32(x)), (0, 0));
        assert_eq!(math::exp64(f64::from(x)).to_bits(), u64::from(0x7ff8_0000u32) << 32);
    }
    for invalid in
        [math::log(-1.0), math::sqrt(-1e-45), math::sin(f32::INFINITY), math::cos(f32::NEG_INFINITY)]
    {
        assert_eq!(invalid.to_bits(), NAN);
    }
}

#[test]
fn infinities_and_zeros() {
    let inf = f32::INFINITY;
    assert_eq!((math::exp(inf), math::exp(-inf).to_bits()), (inf, 0));
    assert_eq!((math::exp(0.0), math::exp(-0.0), math::cos(-0.0)), (1.0, 1.0, 1.0));
    assert_eq!((math::tanh(inf), math::tanh(-inf), math::erf(inf), math::erf(-inf)), (1.0, -1.0, 1.0, -1.0));
    assert_eq!((math::sigmoid(inf), math::sigmoid(-inf).to_bits(), math::sigmoid(-0.0)), (1.0, 0, 0.5));
    assert_eq!(
        (math::log(0.0), math::log(-0.0), math::log(inf), math::log(1.0).to_bits()),
        (-inf, -inf, inf, 0)
    );
    assert_eq!((math::sqrt(inf), math::round_ties_even(-inf)), (inf, -inf));
    for f in [math::tanh, math::erf, math::sin, math::sqrt, math::round_ties_even] {
        assert_eq!((f(0.0).to_bits(), f(-0.0).to_bits()), (0, 0x8000_0000));
    }
}

#[test]
fn exp_at_the_ends_of_its_range() {
    let (below, above) = (f32::from_bits(0x42b1_7217), f32::from_bits(0x42b1_7218));
    assert!(math::exp(below) > 3.4e38 && math::exp(below).is_finite());
    assert_eq!(math::exp(above), f32::INFINITY);
    assert_eq!(math::exp(f32::from_bits(0xc2cf_f1b4)).to_bits(), 1);
    assert_eq!(math::exp(f32::from_bits(0xc2cf_f1b5)).to_bits(), 0);
}

#[test]
fn rounding_to_integers() {
    for (x, even, truncated) in [
        (0.5, 0, 0),
        (1.5, 2, 1),
        (2.5, 2, 2),
        (-0.5, 0, 0),
        (-1.5, -2, -1),
        (-2.5, -2, -2),
        (0.499_999_97, 0, 0),
        (8_388_607.5, 8_388_608, 8_388_607),
        (16_777_217.0, 16_777_216, 16_777_216),
        (2_147_483_520.0, 2_147_483_520, 2_147_483_520),
        (2_147_483_648.0, i32::MAX, i32::MAX),
        (-2_147_483_648.0, i32::MIN, i32::MIN),
        (-3e9, i32::MIN, i32::MIN),
        (f32::INFINITY, i32::MAX, i32::MAX),
        (f32::NEG_INFINITY, i32::MIN, i32::MIN),
    ] {
        assert_eq!((math::round_to_i32(x), math::to_i32(x)), (even, truncated), "{x}");
    }
    assert_eq!(math::round_ties_even(-0.25).to_bits(), 0x8000_0000);
}

#[test]
fn c_functions_come_after_what_they_call() {
    for (i, function) in c_twin::FUNCTIONS.iter().enumerate() {
        for called in c_twin::FUNCTIONS {
            let calls =
                called.name != function.name && function.source.contains(&format!("tinyc_{}(", called.name));
            assert_eq!(
                calls,
                function.depends.contains(&called.name),
                "{} calls {}",
                function.name,
                called.name
            );
            assert!(
                !calls || c_twin::FUNCTIONS[..i].contains(called),
                "{} after {}",
                function.name,
                called.name
            );
        }
    }
}

#[test]
fn only_what_is_asked_for_is_written_with_the_prefix() {
    let mut text = String::new();
    c_twin::write(&["sigmoid", "round_to_i32"], "kws_", &mut text).unwrap();
    for (name, there) in [("exp", true), ("sigmoid", true), ("to_i32", true), ("tanh", false), ("sin", false)]
    {
        assert_eq!(text.contains(&format!(" kws_{name}(float x)\n")), there, "{name}");
    }
    assert!(!text.contains("tinyc_"));
    assert_eq!(text.matches("static float kws_exp(").count(), 1);
    assert!(c_twin::find("expm1").is_none());
}
