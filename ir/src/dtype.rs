//! The scalar type that a tensor stores. What the stored numbers mean is [`Quant`](crate::Quant)'s business.

use std::fmt;
use std::str::FromStr;

/// How one element is stored. There is arithmetic on 32 and 64 bits only; narrower types are stored and converted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    /// IEEE binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// Four bits, two's complement; two elements to a byte, the first in the low bits.
    I4,
    U4,
    /// Two bits, two's complement; four elements to a byte, the first in the lowest bits.
    I2,
    U2,
}

impl DType {
    /// Every type, in the order of the declaration.
    pub const ALL: [Self; 17] = [
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::F32,
        Self::F64,
        Self::F16,
        Self::BF16,
        Self::I4,
        Self::U4,
        Self::I2,
        Self::U2,
    ];

    /// Bits of one element in memory.
    pub fn bits(self) -> u32 {
        match self {
            Self::I2 | Self::U2 => 2,
            Self::I4 | Self::U4 => 4,
            Self::Bool | Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 | Self::F16 | Self::BF16 => 16,
            Self::I32 | Self::U32 | Self::F32 => 32,
            Self::I64 | Self::U64 | Self::F64 => 64,
        }
    }

    /// Bytes of one element on its own; what [`is_packed`](Self::is_packed) fills a part of one.
    pub fn size(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// Bytes of so many neighbours; the last one of a packed type may be filled in part. `None` if they overflow.
    pub fn bytes_of(self, elements: usize) -> Option<usize> {
        match self.packed() {
            Some(per_byte) => Some(elements.div_ceil(per_byte)),
            None => elements.checked_mul(self.size()),
        }
    }

    /// How many elements share a byte; `None` if each has bytes of its own.
    pub fn packed(self) -> Option<usize> {
        (self.bits() < 8).then(|| 8 / self.bits() as usize)
    }

    /// Whether elements share bytes: i4, u4, i2 and u2.
    pub fn is_packed(self) -> bool {
        self.packed().is_some()
    }

    /// Whether this is a float of any width.
    pub fn is_float(self) -> bool {
        self.is_half() || matches!(self, Self::F32 | Self::F64)
    }

    /// Whether this is f16 or bf16.
    pub fn is_half(self) -> bool {
        matches!(self, Self::F16 | Self::BF16)
    }

    /// Whether this is a signed or unsigned integer (bool is neither).
    pub fn is_int(self) -> bool {
        !self.is_float() && self != Self::Bool
    }

    /// Whether this is a signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::I2 | Self::I4 | Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The least and the greatest integer of the type; `None` for floats and bool.
    pub fn int_range(self) -> Option<(i128, i128)> {
        if !self.is_int() {
            return None;
        }
        let bits = self.bits();
        Some(if self.is_signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        })
    }

    /// The spelling in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::I4 => "i4",
            Self::U4 => "u4",
            Self::I2 => "i2",
            Self::U2 => "u2",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|d| d.name() == text).ok_or(())
    }
}
