//! `exp64` against a Taylor series in double-double arithmetic, about 100 bits; with it the logarithm of [`super::log64`].

use tinyc_runtime::math::exp64;

/// Sum of two floats, the second below half an ULP of the first.
pub(crate) type Pair = (f64, f64);

pub(crate) fn sum(a: f64, b: f64) -> Pair {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

pub(crate) fn product(a: f64, b: f64) -> Pair {
    let split = |v: f64| {
        let c = 134_217_729.0 * v;
        let high = c - (c - v);
        (high, v - high)
    };
    let (p, (ah, al), (bh, bl)) = (a * b, split(a), split(b));
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

fn add(a: Pair, b: Pair) -> Pair {
    let (s, e) = sum(a.0, b.0);
    sum(s, e + (a.1 + b.1))
}

fn mul(a: Pair, b: Pair) -> Pair {
    let (p, e) = product(a.0, b.0);
    sum(p, e + (a.0 * b.1 + a.1 * b.0))
}

/// `e^x / 2^k` as a pair, and `k`.
pub(crate) fn exact(x: f64) -> (Pair, i32) {
    // ln 2 as three floats of 32, 53 and 53 bits.
    const LN2: [f64; 3] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10, 1.161_222_722_936_253_2e-26];
    let k = (x / core::f64::consts::LN_2).round();
    let mut r = add(sum(x, -k * LN2[0]), product(-k, LN2[1]));
    r = add(r, (-k * LN2[2], 0.0));
    let mut y = (1.0, 0.0);
    for n in (1..30).rev() {
        // y = 1 + r·y/n, the division by one Newton step.
        let t = mul(r, y);
        let n = f64::from(n);
        let q = t.0 / n;
        let (p, e) = product(q, n);
        y = add((1.0, 0.0), sum(q, ((t.0 - p) - e + t.1) / n));
    }
    (y, k as i32)
}

#[test]
fn the_error_stays_within_the_promised_bound() {
    let mut worst: f64 = 0.0;
    let check = |x: f64| {
        let (y, k) = exact(x);
        let scaled = exp64(x) * power(-k / 2) * power(-k - -k / 2);
        let ulp = if y.0 < 1.0 { f64::EPSILON / 2.0 } else { f64::EPSILON };
        ((scaled - y.0) - y.1).abs() / ulp
    };
    for i in -354_000..354_890 {
        let x = f64::from(i) * 0.002 + f64::from(i % 97) * 1.234_567e-5;
        worst = worst.max(check(x));
        worst = worst.max(check(x * 1e-3));
    }
    println!("exp64: {worst:.4} ULP");
    assert!(worst <= 0.66, "{worst} ULP");
}

#[test]
fn subnormal_results_and_ends() {
    let mut worst: f64 = 0.0;
    for i in 0..40_000 {
        let x = -708.4 - f64::from(i) * 0.000_9;
        let (y, k) = exact(x);
        // In units of the smallest subnormal: below 2^52, so the scaling and the difference are exact.
        let unit = power(k + 1074);
        worst = worst.max((exp64(x).to_bits() as f64 - y.0 * unit - y.1 * unit).abs());
    }
    println!("exp64, subnormal: {worst:.4} ULP");
    assert!(worst <= 0.85, "{worst} ULP");
    assert_eq!((exp64(0.0), exp64(-0.0), exp64(f64::NEG_INFINITY).to_bits()), (1.0, 1.0, 0));
    assert_eq!((exp64(f64::INFINITY), exp64(709.782_712_893_385)), (f64::INFINITY, f64::INFINITY));
    assert!(exp64(709.782_712_893_384).is_finite() && exp64(709.782_712_893_384) > 1.79e308);
    assert_eq!((exp64(-745.133).to_bits(), exp64(-745.14).to_bits()), (1, 0));
}

pub(crate) fn power(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}
