//! A tensor with its numbers: constants, inputs, and what `eval` computes.

use crate::{DType, Shape};

/// The elements of a tensor, row-major.
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
        }
    }

    /// The elements as integers; `None` for floats. u64 values above `i64::MAX` wrap.
    pub fn to_ints(&self) -> Option<Vec<i64>> {
        Some(match self {
            Self::Bool(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I8(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I16(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::I64(v) => v.clone(),
            Self::U8(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U16(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Self::U64(v) => v.iter().map(|&x| x as i64).collect(),
            Self::F32(_) | Self::F64(_) => return None,
        })
    }

    /// The element at a position as an integer; panics for floats, whose callers have no business here.
    pub fn int(&self, position: usize) -> i64 {
        match self {
            Self::Bool(v) => i64::from(v[position]),
            Self::I8(v) => i64::from(v[position]),
            Self::I16(v) => i64::from(v[position]),
            Self::I32(v) => i64::from(v[position]),
            Self::I64(v) => v[position],
            Self::U8(v) => i64::from(v[position]),
            Self::U16(v) => i64::from(v[position]),
            Self::U32(v) => i64::from(v[position]),
            Self::U64(v) => v[position] as i64,
            Self::F32(_) | Self::F64(_) => unreachable!("the verifier keeps floats out of integer operators"),
        }
    }

    /// The bits of the element at a position: integers extended to 64 bits, floats in the low bits, bool 0 or 1.
    pub fn bits(&self, position: usize) -> u64 {
        match self {
            Self::F32(v) => u64::from(v[position].to_bits()),
            Self::F64(v) => v[position].to_bits(),
            ints => ints.int(position) as u64,
        }
    }

    /// Elements of the given type from such bits; what does not fit the type's width is cut off.
    pub fn from_bits(dtype: DType, bits: impl IntoIterator<Item = u64>) -> Self {
        let bits = bits.into_iter();
        match dtype {
            DType::F32 => Self::F32(bits.map(|b| f32::from_bits(b as u32)).collect()),
            DType::F64 => Self::F64(bits.map(f64::from_bits).collect()),
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

    /// Little-endian bytes, as they lie in a microcontroller's memory.
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
        }
    }

    /// Reads little-endian bytes; `None` if their number is not a multiple of the element's size.
    pub fn from_le_bytes(dtype: DType, bytes: &[u8]) -> Option<Self> {
        fn read<const N: usize, T>(bytes: &[u8], f: fn([u8; N]) -> T) -> Vec<T> {
            bytes.chunks_exact(N).map(|c| f(c.try_into().expect("chunks of N bytes"))).collect()
        }
        if !bytes.len().is_multiple_of(dtype.size()) {
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
        })
    }
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
