//! Pseudo-random numbers from a seed: the same on every host and in every version. Not for secrets.

use crate::{DType, Data, Shape, Tensor, half};

/// A SplitMix64 stream.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..count`; 0 if `count` is 0.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// A number in `lo..=hi`; `lo` if the range is empty.
    pub fn range(&mut self, lo: i64, hi: i64) -> i64 {
        let count = (i128::from(hi) - i128::from(lo) + 1).clamp(1, i128::from(u64::MAX)) as u64;
        lo.wrapping_add(self.below(count) as i64)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several things. The slice is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// A multiple of 2^-23 in `-1..1`.
    pub fn unit(&mut self) -> f32 {
        self.range(-(1 << 23), (1 << 23) - 1) as f32 / (1 << 23) as f32
    }

    /// A tensor of such numbers: the whole range of up to 16 bits, ±2^15 (unsigned: up to 2^16) for wider integers, `-1..1`
    /// for floats.
    pub fn tensor(&mut self, dtype: DType, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let count = shape.elements();
        let data = match dtype {
            DType::F32 => Data::F32((0..count).map(|_| self.unit()).collect()),
            DType::F64 => Data::F64((0..count).map(|_| f64::from(self.unit())).collect()),
            DType::F16 => Data::F16((0..count).map(|_| half::f32_to_f16(self.unit())).collect()),
            DType::BF16 => Data::BF16((0..count).map(|_| half::f32_to_bf16(self.unit())).collect()),
            DType::Bool => Data::Bool((0..count).map(|_| self.once_in(2)).collect()),
            _ => {
                let (lo, hi) = match dtype {
                    DType::I2 => (-2, 1),
                    DType::U2 => (0, 3),
                    DType::I4 => (-8, 7),
                    DType::U4 => (0, 15),
                    DType::I8 => (-128, 127),
                    DType::I16 | DType::I32 | DType::I64 => (-(1 << 15), (1 << 15) - 1),
                    DType::U8 => (0, 255),
                    _ => (0, (1 << 16) - 1),
                };
                Data::from_ints(dtype, (0..count).map(|_| self.range(lo, hi)))
            }
        };
        Tensor::new(shape, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_the_same_numbers_forever() {
        assert_eq!(Seeded::new(7).tensor(DType::I8, [4]).data, Data::I8(vec![-29, -124, 102, 21]));
    }

    #[test]
    fn ranges_are_closed_and_reached() {
        let mut seeded = Seeded::new(1);
        let drawn: std::collections::BTreeSet<i64> = (0..1000).map(|_| seeded.range(-3, 3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-3, -2, -1, 0, 1, 2, 3]);
        assert_eq!(seeded.range(5, 4), 5);
        seeded.range(i64::MIN, i64::MAX);
    }
}
