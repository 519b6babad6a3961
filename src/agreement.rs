//! How far computed outputs are from stored ones.

use serde::Serialize;
use tinyc_ir::{Data, Tensor};

/// How far computed outputs are from expected ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Elements that were compared.
    pub elements: usize,
    /// Elements with the same stored value.
    pub equal: usize,
    /// The largest difference of stored values: steps for integers, plain for floats. Infinite where one is NaN.
    pub max_abs_difference: f64,
}

impl Agreement {
    /// Compares tensors of equal types and shapes, pair by pair.
    pub fn of(got: &[Tensor], expected: &[Tensor]) -> Self {
        let mut sum = Self::default();
        for (got, expected) in got.iter().zip(expected) {
            for (a, b) in stored(got).into_iter().zip(stored(expected)) {
                let equal = a == b || (a.is_nan() && b.is_nan());
                let difference = if equal { 0.0 } else { (a - b).abs() };
                let difference = if difference.is_nan() { f64::INFINITY } else { difference };
                sum.elements += 1;
                sum.equal += usize::from(equal);
                sum.max_abs_difference = sum.max_abs_difference.max(difference);
            }
        }
        sum
    }
}

/// Stored values as numbers, exactly for all types but 64-bit integers beyond 2^53.
fn stored(tensor: &Tensor) -> Vec<f64> {
    match &tensor.data {
        Data::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
        Data::F64(_) | Data::F16(_) | Data::BF16(_) => tensor.data.to_reals(),
        ints => ints.to_ints().unwrap_or_default().into_iter().map(|v| v as f64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let got = Tensor::f32([6], vec![0.0, 1.0, nan, inf, 2.0, 5.0]);
        let expected = Tensor::f32([6], vec![-0.0, 1.5, nan, inf, 2.0, 5.0]);
        let agreement = Agreement::of(&[got], &[expected]);
        assert_eq!(agreement, Agreement { elements: 6, equal: 5, max_abs_difference: 0.5 });
        let far = Agreement::of(&[Tensor::f32([1], vec![nan])], &[Tensor::f32([1], vec![0.0])]);
        assert_eq!(far.max_abs_difference, f64::INFINITY);
    }
}
