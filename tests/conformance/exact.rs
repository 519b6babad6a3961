//! What some tests expect, from the operator's definition: where the stored outputs are those of a computation in f32 whose
//! error exceeds the tests' tolerance, so that a more exact result would not pass. Tolerances stay as they are.

use tinyc_ir::{Data, Tensor};

/// The tests, all of one inverse transform along axis 1 of `[1, N, M, 2]`: stored is 1.9e-7 where the exact result is 0.
const INVERSE_TRANSFORMS: [&str; 2] = ["test_dft_inverse", "test_dft_inverse_opset19"];

/// How far a stored output of a transform is from the exact one, as a share of its greatest element, at most.
const STORED_ERROR: f64 = 1e-6;

/// The exact output of a test, for the stored one.
pub(crate) fn expected(test: &str, input: &Tensor, stored: &Tensor) -> Option<Tensor> {
    if !INVERSE_TRANSFORMS.contains(&test) {
        return None;
    }
    let x = input.data.as_f32().unwrap();
    let &[1, count, columns, 2] = input.shape.dims() else { panic!("{} has another shape", input.shape) };
    let mut exact = Vec::new();
    for (k, column) in (0..count).flat_map(|k| (0..columns).map(move |c| (k, c))) {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for n in 0..count {
            let angle = std::f64::consts::TAU * (k * n % count) as f64 / count as f64;
            let at = (n * columns + column) * 2;
            let (re, im) = (f64::from(x[at]), f64::from(x[at + 1]));
            real += re * angle.cos() - im * angle.sin();
            imaginary += re * angle.sin() + im * angle.cos();
        }
        exact.extend([real, imaginary].map(|sum| sum / count as f64));
    }
    let most = exact.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let stored = stored.data.as_f32().unwrap();
    assert!(
        stored.iter().zip(&exact).all(|(&s, e)| (f64::from(s) - e).abs() <= STORED_ERROR * most),
        "{test}"
    );
    Some(Tensor::new(input.shape.clone(), Data::F32(exact.into_iter().map(|v| v as f32).collect())))
}
