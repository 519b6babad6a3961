//! From a stored ONNX tensor to a tensor of ours. Nothing is allocated before the data are known to be there.

use super::minifloat::Minifloat;
use super::{code, external, proto};
use proto::tensor_proto::{DataLocation, DataType};
use proto::{StringStringEntryProto, TensorProto};
use std::path::Path;
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Data, Diagnostic, Tensor};

/// The greatest number of bytes that one tensor may have; offsets on a microcontroller are 32-bit.
pub(super) const MAX_BYTES: usize = (1 << 31) - 1;

/// The greatest number of bytes of all constants together that operators make out of small operands. It is four times
/// the largest memory of a known chip, and a file of a few bytes cannot take the compiler's time and memory.
pub(super) const MADE_BYTES: usize = 64 << 20;

/// The greatest number of dimensions.
pub(super) const MAX_RANK: usize = 8;

/// Our storage for an ONNX element type; the error names the type.
pub(super) fn dtype(element: i32) -> Result<DType, String> {
    Ok(match DataType::try_from(element) {
        Ok(DataType::Float) => DType::F32,
        Ok(DataType::Double) => DType::F64,
        Ok(DataType::Bool) => DType::Bool,
        Ok(DataType::Int8) => DType::I8,
        Ok(DataType::Int16) => DType::I16,
        Ok(DataType::Int32) => DType::I32,
        Ok(DataType::Int64) => DType::I64,
        Ok(DataType::Uint8) => DType::U8,
        Ok(DataType::Uint16) => DType::U16,
        Ok(DataType::Uint32) => DType::U32,
        Ok(DataType::Uint64) => DType::U64,
        Ok(DataType::Float16) => DType::F16,
        Ok(DataType::Bfloat16) => DType::BF16,
        Ok(DataType::Int4) => DType::I4,
        Ok(DataType::Uint4) => DType::U4,
        Ok(DataType::Int2) => DType::I2,
        Ok(DataType::Uint2) => DType::U2,
        Ok(other) => return Err(other.as_str_name().to_ascii_lowercase()),
        Err(_) => return Err(format!("number {element}")),
    })
}

/// The ONNX element type of our storage.
pub(super) fn element(dtype: DType) -> i32 {
    let all = (1..=DataType::Int2 as i32).find(|&element| self::dtype(element) == Ok(dtype));
    all.expect("every type of ours is read from one of ONNX")
}

/// A stored tensor of a name.
pub(super) fn write(name: &str, tensor: &Tensor) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(element(tensor.dtype())),
        dims: tensor.shape.iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect(),
        raw_data: Some(tensor.data.to_le_bytes()),
        ..TensorProto::default()
    }
}

/// Checks dimensions and returns the number of elements, which times the size of `dtype` is at most [`MAX_BYTES`].
pub(super) fn checked_elements(dims: &[usize], dtype: DType) -> Result<usize, Diagnostic> {
    if dims.len() > MAX_RANK {
        let message = format!("a tensor of {} dimensions is not supported", dims.len());
        return Err(
            Diagnostic::error(code::TENSOR_SIZE, message).note(format!("at most {MAX_RANK} dimensions are"))
        );
    }
    // Zeros are taken last, so that the product of the others is checked too.
    let product = dims.iter().filter(|&&d| d > 0).try_fold(1usize, |n, &d| n.checked_mul(d));
    let bytes = product.and_then(|n| dtype.bytes_of(n)).filter(|&n| n <= MAX_BYTES);
    if bytes.is_none() {
        let message = format!("a tensor {dtype}{dims:?} is larger than {MAX_BYTES} bytes");
        return Err(Diagnostic::error(code::TENSOR_SIZE, message));
    }
    Ok(if dims.contains(&0) { 0 } else { product.unwrap_or(0) })
}

/// As what an ONNX element type is stored here, and what the bits mean if that is not it; the error names the type.
pub(super) fn storage(element: i32) -> Result<(DType, Option<Minifloat>), String> {
    match Minifloat::of(element) {
        Some(format) => Ok((format.storage(), Some(format))),
        None => dtype(element).map(|dtype| (dtype, None)),
    }
}

/// Reads a tensor, from its message or from a file in `base_dir`.
pub(super) fn read(proto: &TensorProto, base_dir: Option<&Path>) -> Result<Tensor, Diagnostic> {
    match read_stored(proto, base_dir)? {
        (tensor, None) => Ok(tensor),
        (_, Some(_)) => Err(refusal("floats of 8 or 4 bits here")),
    }
}

fn refusal(what: &str) -> Diagnostic {
    Diagnostic::error(code::ELEMENT_TYPE, format!("tensors of {what} are not supported"))
}

/// As [`read`], for places where floats of 8 and 4 bits may stand, too.
pub(super) fn read_stored(
    proto: &TensorProto,
    base_dir: Option<&Path>,
) -> Result<(Tensor, Option<Minifloat>), Diagnostic> {
    let (dtype, format) =
        storage(proto.data_type()).map_err(|name| refusal(&format!("element type {name}")))?;
    let wrong = |message: String| Diagnostic::error(code::TENSOR_DATA, message);
    let dims: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let dims = dims.ok_or_else(|| wrong(format!("the tensor has a negative dimension: {:?}", proto.dims)))?;
    let elements = checked_elements(&dims, dtype)?;
    if proto.segment.is_some() {
        return Err(wrong("tensors stored in segments are not supported".into()));
    }
    let bytes = dtype.bytes_of(elements).unwrap_or(usize::MAX);
    let data = if proto.data_location() == DataLocation::External {
        let location = external::Location::read(entries(&proto.external_data))?;
        from_bytes(dtype, elements, &location.load(base_dir, bytes)?)
    } else if let Some(raw) = proto.raw_data.as_ref().filter(|raw| !raw.is_empty() || elements == 0) {
        if raw.len() != bytes {
            return Err(wrong(format!(
                "{dtype}{dims:?} needs {}, but {} are stored",
                counted(bytes, "byte"),
                raw.len()
            )));
        }
        from_bytes(dtype, elements, raw)
    } else {
        typed(proto, dtype, elements)
            .ok_or_else(|| wrong(format!("a stored number does not fit element type {dtype}")))?
    };
    if data.len() != elements {
        return Err(wrong(format!(
            "{dtype}{dims:?} needs {}, but {} are stored",
            counted(elements, "element"),
            data.len()
        )));
    }
    Ok((Tensor::new(dims, data), format))
}

fn entries(entries: &[StringStringEntryProto]) -> impl Iterator<Item = (&str, &str)> {
    entries.iter().map(|e| (e.key(), e.value()))
}

fn from_bytes(dtype: DType, count: usize, bytes: &[u8]) -> Data {
    Data::from_le_bytes(dtype, count, bytes).expect("the number of bytes was compared with whole elements")
}

/// The elements from the field that ONNX chose for the type; `None` if an integer does not fit it.
fn typed(proto: &TensorProto, dtype: DType, elements: usize) -> Option<Data> {
    let bits = |width: u32| {
        proto.int32_data.iter().map(move |&v| u16::try_from(v).ok().filter(|v| u32::from(*v) >> width == 0))
    };
    Some(match dtype {
        DType::F32 => Data::F32(proto.float_data.clone()),
        DType::F64 => Data::F64(proto.double_data.clone()),
        DType::I64 => Data::I64(proto.int64_data.clone()),
        DType::U64 => Data::U64(proto.uint64_data.clone()),
        DType::U32 => {
            let values: Result<Vec<u32>, _> = proto.uint64_data.iter().map(|&v| u32::try_from(v)).collect();
            Data::U32(values.ok()?)
        }
        DType::F16 => Data::F16(bits(16).collect::<Option<_>>()?),
        DType::BF16 => Data::BF16(bits(16).collect::<Option<_>>()?),
        _ if dtype.is_packed() => {
            let bytes: Vec<u8> = bits(8).map(|v| v.map(|v| v as u8)).collect::<Option<_>>()?;
            Data::from_le_bytes(dtype, elements, &bytes)?
        }
        DType::Bool => Data::Bool(proto.int32_data.iter().map(|&v| v != 0).collect()),
        _ => {
            let (lo, hi) = dtype.int_range()?;
            let values: Vec<i64> = proto.int32_data.iter().map(|&v| i64::from(v)).collect();
            if values.iter().any(|&v| i128::from(v) < lo || i128::from(v) > hi) {
                return None;
            }
            Data::from_ints(dtype, values)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[i64], data_type: DataType) -> TensorProto {
        TensorProto { dims: dims.to_vec(), data_type: Some(data_type as i32), ..TensorProto::default() }
    }

    #[test]
    fn raw_and_typed_data_are_read() {
        let raw = TensorProto { raw_data: Some(vec![1, 0, 255, 255]), ..tensor(&[2], DataType::Int16) };
        assert_eq!(read(&raw, None).unwrap().data, Data::I16(vec![1, -1]));
        let typed = TensorProto { int32_data: vec![-3, 4], ..tensor(&[2, 1], DataType::Int8) };
        assert_eq!(read(&typed, None).unwrap().data, Data::I8(vec![-3, 4]));
        let empty = tensor(&[0], DataType::Int64);
        assert_eq!(read(&empty, None).unwrap().shape.dims(), [0]);
    }

    #[test]
    fn narrow_elements_are_read() {
        let half = TensorProto { int32_data: vec![0x3c00, 0xfe01], ..tensor(&[2], DataType::Float16) };
        assert_eq!(read(&half, None).unwrap().data, Data::F16(vec![0x3c00, 0xfe01]));
        // Two to a byte, the first in the low bits.
        for data in [vec![0x81, 0x07], vec![0x81, 0xf7]] {
            let bytes = data.iter().map(|&b| b as u8).collect();
            let raw = TensorProto { raw_data: Some(bytes), ..tensor(&[3], DataType::Int4) };
            let typed = TensorProto { int32_data: data, ..tensor(&[3], DataType::Int4) };
            for proto in [raw, typed] {
                assert_eq!(read(&proto, None).unwrap().data, Data::I4(vec![1, -8, 7]));
            }
        }
        let short = TensorProto { int32_data: vec![1], ..tensor(&[3], DataType::Uint4) };
        assert_eq!(read(&short, None).unwrap_err().code, code::TENSOR_DATA);
        let misfit = TensorProto { int32_data: vec![1 << 16], ..tensor(&[1], DataType::Bfloat16) };
        assert_eq!(read(&misfit, None).unwrap_err().code, code::TENSOR_DATA);
    }

    #[test]
    fn sizes_are_checked_before_allocation() {
        let huge = tensor(&[i64::MAX, i64::MAX, 0], DataType::Float);
        assert_eq!(read(&huge, None).unwrap_err().code, code::TENSOR_SIZE);
        let claims = TensorProto { raw_data: Some(vec![0; 8]), ..tensor(&[1 << 20], DataType::Float) };
        assert_eq!(read(&claims, None).unwrap_err().code, code::TENSOR_DATA);
        assert_eq!(read(&tensor(&[-1], DataType::Float), None).unwrap_err().code, code::TENSOR_DATA);
        let misfit = TensorProto { int32_data: vec![300], ..tensor(&[1], DataType::Int8) };
        assert_eq!(read(&misfit, None).unwrap_err().code, code::TENSOR_DATA);
    }
}
