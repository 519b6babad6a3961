//! The clamp that an operator applies to its result: the home of ReLU, ReLU6 and Clip.

use crate::exact::round_half_even_ratio;
use std::fmt;

/// Real bounds applied to a result before it is stored; infinite where there is none.
#[derive(Clone, Copy, PartialEq)]
pub struct Activation {
    /// The least result. Never NaN, never above `hi`.
    pub lo: f32,
    /// The greatest result. Never NaN.
    pub hi: f32,
}

impl Activation {
    /// No bound.
    pub const NONE: Self = Self { lo: f32::NEG_INFINITY, hi: f32::INFINITY };
    /// `max(x, 0)`.
    pub const RELU: Self = Self { lo: 0.0, hi: f32::INFINITY };
    /// `min(max(x, 0), 6)`.
    pub const RELU6: Self = Self { lo: 0.0, hi: 6.0 };

    /// Whether nothing is bounded.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// This activation, then `next`: one clamp that does the same as both.
    pub fn then(self, next: Self) -> Self {
        Self { lo: self.lo.max(next.lo).min(next.hi), hi: self.hi.min(next.hi).max(next.lo) }
    }

    /// Applies the bounds; NaN stays NaN. (`x < lo` first, so that -0.0 and 0.0 are kept as they are.)
    pub fn apply(self, x: f32) -> f32 {
        if x < self.lo {
            self.lo
        } else if x > self.hi {
            self.hi
        } else {
            x
        }
    }

    /// The bounds as stored integers: `zero_point + rhe(bound / scale)` cut to the type's range `qmin..=qmax`.
    /// Exact, because rounding is monotone: clamping before rounding equals clamping after it.
    pub fn quantized(self, scale: f32, zero_point: i32, (qmin, qmax): (i64, i64)) -> (i64, i64) {
        let stored = |bound: f32, open: i64| {
            if bound.is_infinite() {
                return open;
            }
            (round_half_even_ratio(bound, scale).saturating_add(i64::from(zero_point))).clamp(qmin, qmax)
        };
        let end = |bound: f32| if bound == f32::INFINITY { qmax } else { qmin };
        (stored(self.lo, end(self.lo)), stored(self.hi, end(self.hi)))
    }
}

impl fmt::Display for Activation {
    /// `none`, `relu`, `relu6` or `clamp(lo, hi)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("none"),
            Self::RELU => f.write_str("relu"),
            Self::RELU6 => f.write_str("relu6"),
            Self { lo, hi } => write!(f, "clamp({lo:?}, {hi:?})"),
        }
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
