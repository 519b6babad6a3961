//! When a result is what a test expects.

use tinyc_ir::{Data, Tensor};

/// Whether type and shape are equal, integers and truth values too, and floats within `absolute + relative * |want|`, as
/// ONNX's own runner compares them. The error says where they differ most.
pub(crate) fn close(got: &Tensor, want: &Tensor, relative: f64, absolute: f64) -> Result<(), String> {
    if (got.dtype(), &got.shape) != (want.dtype(), &want.shape) {
        return Err(format!("{}{} instead of {}{}", got.dtype(), got.shape, want.dtype(), want.shape));
    }
    let Some((got_reals, want_reals)) = floats(&got.data).zip(floats(&want.data)) else {
        let (a, b) = (got.data.to_ints().unwrap_or_default(), want.data.to_ints().unwrap_or_default());
        let wrong = a.iter().zip(&b).filter(|(a, b)| a != b).count();
        return match a.iter().zip(&b).position(|(a, b)| a != b) {
            None => Ok(()),
            Some(at) => Err(format!(
                "{wrong} of {} elements differ, the first at {at}: {} instead of {}",
                a.len(),
                a[at],
                b[at]
            )),
        };
    };
    let is_far = |(got, want): (f64, f64)| {
        let same = got == want || got.is_nan() && want.is_nan();
        let distance = (got - want).abs();
        !same && (distance.is_nan() || distance.is_infinite() || distance > absolute + relative * want.abs())
    };
    let mut far = got_reals.iter().zip(&want_reals).enumerate().filter(|&(_, (&g, &w))| is_far((g, w)));
    match far.next() {
        None => Ok(()),
        Some((at, (got, want))) => Err(format!(
            "{} of {} elements differ, the first at {at}: {got} instead of {want}",
            1 + far.count(),
            got_reals.len()
        )),
    }
}

/// Whether two tensors of half floats differ by no more than [`STEPS`] of their own steps anywhere.
pub(crate) fn few_steps(got: &Tensor, want: &Tensor) -> bool {
    /// One for each operation that rounds between a product and the result: the greatest of a row, exponential, sum, quotient.
    const STEPS: f64 = 4.0;
    let fraction_bits = match want.data {
        Data::F16(_) => 10,
        Data::BF16(_) => 7,
        _ => return false,
    };
    let pairs = got.data.to_reals().into_iter().zip(want.data.to_reals());
    let mut near = pairs.map(|(got, want)| {
        let step = 2f64.powi(want.abs().max(f64::MIN_POSITIVE).log2().floor() as i32 - fraction_bits);
        got == want || (got - want).abs() <= STEPS * step
    });
    (got.dtype(), &got.shape) == (want.dtype(), &want.shape) && near.all(|near| near)
}

fn floats(data: &Data) -> Option<Vec<f64>> {
    match data {
        Data::F32(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
        Data::F64(v) => Some(v.clone()),
        Data::F16(_) | Data::BF16(_) => Some(data.to_reals()),
        _ => None,
    }
}

#[test]
fn close_means_what_onnx_means() {
    let f32s = |values: &[f32]| Tensor::f32([values.len()], values.to_vec());
    let is_close = |got: &[f32], want: &[f32]| close(&f32s(got), &f32s(want), 1e-3, 1e-7).is_ok();
    assert!(is_close(&[1000.9, f32::NAN, f32::INFINITY], &[1000.0, f32::NAN, f32::INFINITY]));
    for (got, want) in
        [(1001.1, 1000.0), (f32::NAN, 0.0), (0.0, f32::NAN), (f32::INFINITY, 1.0), (1.0, f32::INFINITY)]
    {
        assert!(!is_close(&[0.0, got], &[0.0, want]), "{got} and {want}");
    }
    assert!(close(&f32s(&[1.0]), &f32s(&[1.0]).reshaped([1, 1]), 1.0, 1.0).is_err());
    let ints = |dtype, v: &[i64]| Tensor::new([v.len()], Data::from_ints(dtype, v.iter().copied()));
    use tinyc_ir::DType::{I8, U8};
    assert!(close(&ints(U8, &[255]), &ints(U8, &[254]), 1.0, 1.0).is_err());
    assert!(close(&ints(U8, &[5]), &ints(I8, &[5]), 1.0, 1.0).is_err());
    assert!(close(&ints(I8, &[5]), &ints(I8, &[5]), 0.0, 0.0).is_ok());
}
