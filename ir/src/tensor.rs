//! A tensor with its numbers: constants, inputs, and what `eval` computes.

use crate::{DType, Shape, half};

/// The elements of a tensor, row-major. Half floats are kept as their bits, packed integers one by one.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "one variant per DType")]
pub enum Data {
    Bool(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<u16>),
    BF16(Vec<u16>),
    I4(Vec<i8>),
    U4(Vec<u8>),
    I2(Vec<i8>),
    U2(Vec<u8>),
}

/// Runs an expression on the vector of whichever type the data has.
macro_rules! each {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::Bool($v) => $body,
            Data::I8($v) => $body,
            Data::I16($v) => $body,
            Data::I32($v) => $body,
            Data::I64($v) => $body,
            Data::U8($v) => $body,
            Data::U16($v) => $body,
            Data::U32($v) => $body,
            Data::U64($v) => $body,
            Data::F32($v) => $body,
            Data::F64($v) => $body,
            Data::F16($v) | Data::BF16($v) => $body,
            Data::I4($v) | Data::I2($v) => $body,
            Data::U4($v) | Data::U2($v) => $body,
        }
    };
}

/// Like [`each`], and wraps the resulting vector into data of the same type.
macro_rules! map_each {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::Bool($v) => Data::Bool($body),
            Data::I8($v) => Data::I8($body),
            Data::I16($v) => Data::I16($body),
            Data::I32($v) => Data::I32($body),
            Data::I64($v) => Data::I64($body),
            Data::U8($v) => Data::U8($body),
            Data::U16($v) => Data::U16($body),
            Data::U32($v) => Data::U32($body),
            Data::U64($v) => Data::U64($body),
            Data::F32($v) => Data::F32($body),
            Data::F64($v) => Data::F64($body),
            Data::F16($v) => Data::F16($body),
            Data::BF16($v) => Data::BF16($body),
            Data::I4($v) => Data::I4($body),
            Data::U4($v) => Data::U4($body),
            Data::I2($v) => Data::I2($body),
            Data::U2($v) => Data::U2($body),
        }
    };
}

impl Data {
    /// How the elements are stored.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Bool(_) => DType::Bool,
            Self::I8(_) => DType::I8,
            Self::I16(_) => DType::I16,
            Self::I32(_) => DType::I32,
            Self::I64(_) => DType::I64,
            Self::U8(_) => DType::U8,
            Self::U16(_) => DType::U16,
            Self::U32(_) => DType::U32,
            Self::U64(_) => DType::U64,
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::F16(_) => DType::F16,
            Self::BF16(_) => DType::BF16,
            Self::I4(_) => DType::I4,
            Self::U4(_) => DType::U4,
            Self::I2(_) => DType::I2,
            Self::U2(_) => DType::U2,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements at the given positions, in that order; positions may repeat.
    pub fn gather(&self, positions: &[usize]) -> Self {
        map_each!(self, v => positions.iter().map(|&p| v[p]).collect())
    }

    /// Integers of the given type; each is reduced to the type's width by wrap-around, so check ranges first.
    /// Floats take the nearest value; bool takes "not zero".
    pub fn from_ints(dtype: DType, values: impl IntoIterator<Item = i64>) -> Self {
        let values = values.into_iter();
        match dtype {
            DType::Bool => Self::Bool(values.map(|v| v != 0).collect()),
            DType::I8 => Self::I8(values.map(|v| v as i8).collect()),
            DType::I16 => Self::I16(values.map(|v| v as i16).collect()),
            DType::I32 => Self::I32(values.map(|v| v as i32).collect()),
            DType::I64 => Self::I64(values.collect()),
            DType::U8 => Self::U8(values.map(|v| v as u8).collect()),
            DType::U16 => Self::U16(values.map(|v| v as u16).collect()),
            DType::U32 => Self::U32(values.map(|v| v as u32).collect()),
            DType::U64 => Self::U64(values.map(|v| v as u64).collect()),
            DType::F32 => Self::F32(values.map(|v| v as f32).collect()),
            DType::F64 => Self::F64(values.map(|v| v as f64).collect()),
            DType::F16 => Self::F16(values.map(|v| half::f32_to_f16(v as f32)).collect()),
            DType::BF16 => Self::BF16(values.map(|v| half::f32_to_bf16(v as f32)).collect()),
            DType::I4 => Self::I4(values.map(|v| (v as i8) << 4 >> 4).collect()),
            DType::U4 => Self::U4(values.map(|v| v as u8 & 15).collect()),
            DType::I2 => Self::I2(values.map(|v| (v as i8) << 6 >> 6).collect()),
            DType::U2 => Self::U2(values.map(|v| v as u8 & 3).collect()),
        }
    }

    /// The elements as integers; `None` for floats. u64 values above `i64::MAX` wrap.
    pub fn to_ints(&self) -> Option<Vec<i64>> {
        Some(match self {
            Self::Bool(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I8(v) | Self::I4(v) | Self::I2(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I16(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I64(v) => v.clone(),
            Self::U8(v) | Self::U4(v) | Self::U2(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U16(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U64(v) => v.iter().map(|&x| x as i64).collect(),
            Self::F32(_) | Self::F64(_) | Self::F16(_) | Self::BF16(_) => return None,
        })
    }

    /// The element at a position as an integer; panics for floats, whose callers have no business here.
    pub fn int(&self, position: usize) -> i64 {
        match self {
            Self::Bool(v) => i64::from(v[position]),
            Self::I8(v) | Self::I4(v) | Self::I2(v) => i64::from(v[position]),
            Self::I16(v) => i64::from(v[position]),
            Self::I32(v) => i64::from(v[position]),
            Self::I64(v) => v[position],
            Self::U8(v) | Self::U4(v) | Self::U2(v) => i64::from(v[position]),
            Self::U16(v) => i64::from(v[position]),
            Self::U32(v) => i64::from(v[position]),
            Self::U64(v) => v[position] as i64,
            Self::F32(_) | Self::F64(_) | Self::F16(_) | Self::BF16(_) => {
                unreachable!("the verifier keeps floats out of integer operators")
            }
        }
    }

    /// The bits of the element at a position: integers extended to 64 bits, floats in the low bits, bool 0 or 1.
    pub fn bits(&self, position: usize) -> u64 {
        match self {
            Self::F32(v) => u64::from(v[position].to_bits()),
            Self::F64(v) => v[position].to_bits(),
            Self::F16(v) | Self::BF16(v) => u64::from(v[position]),
            ints => ints.int(position) as u64,
        }
    }

    /// Elements of the given type from such bits; what does not fit the type's width is cut off.
    pub fn from_bits(dtype: DType, bits: impl IntoIterator<Item = u64>) -> Self {
        let bits = bits.into_iter();
        match dtype {
            DType::F32 => Self::F32(bits.map(|b| f32::from_bits(b as u32)).collect()),
            DType::F64 => Self::F64(bits.map(f64::from_bits).collect()),
            DType::F16 => Self::F16(bits.map(|b| b as u16).collect()),
            DType::BF16 => Self::BF16(bits.map(|b| b as u16).collect()),
            _ => Self::from_ints(dtype, bits.map(|b| b as i64)),
        }
    }

    /// The elements of an f32 tensor; `None` for every other type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match self {
            Self::F32(v) => Some(v),
            _ => None,
        }
    }

    /// The elements as real numbers, exact for floats and for integers up to 2^53.
    pub fn to_reals(&self) -> Vec<f64> {
        match self {
            Self::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Self::F64(v) => v.clone(),
            Self::F16(v) => v.iter().map(|&x| half::f16_to_f32(x).into()).collect(),
            Self::BF16(v) => v.iter().map(|&x| half::bf16_to_f32(x).into()).collect(),
            ints => (0..ints.len()).map(|i| ints.int(i) as f64).collect(),
        }
    }

    /// Half floats as f32, exactly; other data as it is.
    pub fn widened(&self) -> Self {
        match self {
            Self::F16(v) => Self::F32(v.iter().map(|&x| half::f16_to_f32(x)).collect()),
            Self::BF16(v) => Self::F32(v.iter().map(|&x| half::bf16_to_f32(x)).collect()),
            other => other.clone(),
        }
    }

    /// Floats of 32 bits rounded to half floats; other data as it is.
    pub fn narrowed(&self, half: DType) -> Self {
        match (self, half) {
            (Self::F32(v), DType::F16) => Self::F16(v.iter().map(|&x| half::f32_to_f16(x)).collect()),
            (Self::F32(v), DType::BF16) => Self::BF16(v.iter().map(|&x| half::f32_to_bf16(x)).collect()),
            (other, _) => other.clone(),
        }
    }

    /// Little-endian bytes, as they lie in a microcontroller's memory. Packed elements fill bytes from the low bits on; what
    /// is left of the last byte is 0.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bool(v) => v.iter().map(|&x| u8::from(x)).collect(),
            Self::I8(v) => v.iter().map(|&x| x as u8).collect(),
            Self::U8(v) => v.clone(),
            Self::I16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::U16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::U32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::U64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F16(v) | Self::BF16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::I4(_) | Self::U4(_) | Self::I2(_) | Self::U2(_) => self.pack(),
        }
    }

    fn pack(&self) -> Vec<u8> {
        let bits = self.dtype().bits();
        let mut bytes = vec![0; self.dtype().bytes_of(self.len()).unwrap_or(0)];
        for i in 0..self.len() {
            let (byte, shift) = packed_place(bits, i);
            bytes[byte] |= (self.int(i) as u8 & ((1 << bits) - 1)) << shift;
        }
        bytes
    }

    /// Reads `count` elements from little-endian bytes; `None` if those are not as many as the elements fill.
    pub fn from_le_bytes(dtype: DType, count: usize, bytes: &[u8]) -> Option<Self> {
        fn read<const N: usize, T>(bytes: &[u8], f: fn([u8; N]) -> T) -> Vec<T> {
            bytes.chunks_exact(N).map(|c| f(c.try_into().expect("chunks of N bytes"))).collect()
        }
        if dtype.bytes_of(count) != Some(bytes.len()) {
            return None;
        }
        Some(match dtype {
            DType::Bool => Self::Bool(bytes.iter().map(|&b| b != 0).collect()),
            DType::I8 => Self::I8(bytes.iter().map(|&b| b as i8).collect()),
            DType::U8 => Self::U8(bytes.to_vec()),
            DType::I16 => Self::I16(read(bytes, i16::from_le_bytes)),
            DType::U16 => Self::U16(read(bytes, u16::from_le_bytes)),
            DType::I32 => Self::I32(read(bytes, i32::from_le_bytes)),
            DType::U32 => Self::U32(read(bytes, u32::from_le_bytes)),
            DType::I64 => Self::I64(read(bytes, i64::from_le_bytes)),
            DType::U64 => Self::U64(read(bytes, u64::from_le_bytes)),
            DType::F32 => Self::F32(read(bytes, f32::from_le_bytes)),
            DType::F64 => Self::F64(read(bytes, f64::from_le_bytes)),
            DType::F16 => Self::F16(read(bytes, u16::from_le_bytes)),
            DType::BF16 => Self::BF16(read(bytes, u16::from_le_bytes)),
            DType::I4 | DType::U4 | DType::I2 | DType::U2 => {
                let element = |i| {
                    let (byte, shift) = packed_place(dtype.bits(), i);
                    i64::from(bytes[byte] >> shift)
                };
                Self::from_ints(dtype, (0..count).map(element))
            }
        })
    }
}

/// The byte of a packed element, and where in it the element begins.
fn packed_place(bits: u32, position: usize) -> (usize, u32) {
    let per_byte = 8 / bits as usize;
    (position / per_byte, (position % per_byte) as u32 * bits)
}

/// Elements and their shape. What integers mean is said by the [`TensorType`](crate::TensorType) of the value that holds it.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    /// As long as `shape` has elements.
    pub data: Data,
    /// The dimensions.
    pub shape: Shape,
}

impl Tensor {
    /// A tensor; panics if the number of elements does not fit the shape.
    pub fn new(shape: impl Into<Shape>, data: Data) -> Self {
        let shape = shape.into();
        assert_eq!(shape.elements(), data.len(), "a tensor of shape {shape} needs as many elements");
        Self { data, shape }
    }

    /// An f32 tensor.
    pub fn f32(shape: impl Into<Shape>, values: Vec<f32>) -> Self {
        Self::new(shape, Data::F32(values))
    }

    /// The one tensor that a type without elements has.
    pub fn without_elements(ty: &crate::TensorType) -> Self {
        Self::new(ty.shape.clone(), Data::from_ints(ty.dtype, []))
    }

    /// How the elements are stored.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The same elements with other dimensions of the same product.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Self {
        Self::new(shape, self.data.clone())
    }

    /// Whether both hold the same bits (so NaN equals NaN, and 0.0 differs from -0.0).
    pub fn same_bits(&self, other: &Self) -> bool {
        self.shape == other.shape
            && self.dtype() == other.dtype()
            && self.data.to_le_bytes() == other.data.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_elements_lie_low_bits_first() {
        let four = Data::I4(vec![1, -8, 7]);
        assert_eq!(four.to_le_bytes(), [0x81, 0x07]);
        assert_eq!(Data::from_le_bytes(DType::I4, 3, &[0x81, 0xf7]), Some(four));
        let two = Data::U2(vec![1, 2, 3, 0, 2]);
        assert_eq!(two.to_le_bytes(), [0b00_11_10_01, 0b10]);
        assert_eq!(Data::from_le_bytes(DType::U2, 5, &two.to_le_bytes()), Some(two));
        assert_eq!(Data::from_le_bytes(DType::I2, 5, &[0; 3]), None);
        assert_eq!(Data::from_ints(DType::I2, [5, 2, -1]), Data::I2(vec![1, -2, -1]));
    }
}
