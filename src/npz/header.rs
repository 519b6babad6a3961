//! The header of one `.npy` array: a magic word, a version, and a Python dictionary with three entries.

use std::io::Read;
use tinyc_ir::DType;

/// How every array begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read. Those of plain numbers stay far below.
const MAX_HEADER: usize = 64 << 10;

/// The most dimensions that an array may have; NumPy's own limit.
const MAX_RANK: usize = 64;

/// What a header says.
#[derive(Debug, PartialEq)]
pub(super) enum Header {
    /// Numbers of a type that the compiler knows.
    Numbers {
        /// The element's type.
        dtype: DType,
        /// Whether each element's bytes come most significant first.
        big_endian: bool,
        /// Whether the first dimension runs fastest.
        fortran: bool,
        /// The dimensions.
        shape: Vec<usize>,
    },
    /// Anything else, with NumPy's spelling of its type.
    Other(String),
}

/// Reads a header; the elements follow in the source.
pub(super) fn read(source: &mut impl Read) -> Result<Header, String> {
    let mut start = [0; 8];
    let early = |_| "its header ends too early".to_owned();
    source.read_exact(&mut start).map_err(early)?;
    if &start[..6] != MAGIC {
        return Err("it does not begin as .npy arrays do".into());
    }
    let length = match start[6] {
        1 => {
            let mut bytes = [0; 2];
            source.read_exact(&mut bytes).map_err(early)?;
            usize::from(u16::from_le_bytes(bytes))
        }
        2 | 3 => {
            let mut bytes = [0; 4];
            source.read_exact(&mut bytes).map_err(early)?;
            u32::from_le_bytes(bytes) as usize
        }
        version => return Err(format!("version {version} of the format is not known")),
    };
    if length > MAX_HEADER {
        return Err(format!("its header claims {length} bytes"));
    }
    let mut text = vec![0; length];
    source.read_exact(&mut text).map_err(early)?;
    let text = String::from_utf8_lossy(&text);
    dictionary(&text).ok_or_else(|| format!("its header is not understood: {}", text.trim().escape_debug()))
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`; the values are found by their keys.
fn dictionary(text: &str) -> Option<Header> {
    let value = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = value("descr")?;
    let Some(descr) = descr.strip_prefix('\'') else {
        // A list describes records.
        return descr.starts_with('[').then(|| Header::Other("a record".into()));
    };
    let (descr, _) = descr.split_once('\'')?;
    let fortran = match value("fortran_order")? {
        text if text.starts_with("False") => false,
        text if text.starts_with("True") => true,
        _ => return None,
    };
    let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
    let dims = shape.split(',').map(|dim| dim.trim().trim_end_matches('L')).filter(|dim| !dim.is_empty());
    let shape: Vec<usize> = dims.map(|dim| dim.parse().ok()).collect::<Option<_>>()?;
    if shape.len() > MAX_RANK {
        return None;
    }
    let order = descr.chars().next()?;
    let Some(dtype) = dtype(descr.strip_prefix(['<', '>', '|', '='])?) else {
        return Some(Header::Other(descr.to_owned()));
    };
    Some(Header::Numbers { dtype, big_endian: order == '>', fortran, shape })
}

fn dtype(letters: &str) -> Option<DType> {
    Some(match letters {
        "b1" => DType::Bool,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "u1" => DType::U8,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        _ => return None,
    })
}

/// NumPy's letters; those of the [type that stands in](super::stand_in) for one that NumPy lacks.
fn letters(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "|b1",
        DType::I8 | DType::I4 | DType::I2 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::U8 | DType::U4 | DType::U2 => "|u1",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 | DType::BF16 => "<f4",
        DType::F64 => "<f8",
    }
}

/// The header of little-endian, row-major elements, padded as NumPy wants it.
pub(super) fn write(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    let mut text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        letters(dtype),
        dims.trim_end()
    );
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    // At most 64 dimensions of 20 digits: far below 64 KiB.
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}
