//! NumPy's `.npz` archives (and single `.npy` files) in and out: named arrays of numbers.
//!
//! Archives are [`zip`]'s work; the one-line header of each array is read in [`header`]. The usual readers bring sixty
//! packages, C libraries among them, for the same. Nothing is allocated before its size was checked.

mod header;

use header::Header;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use tinyc_ir::wording::words;
use tinyc_ir::{DType, Data, Diagnostic};

/// The numbers of the messages about input data.
pub mod code {
    /// The file cannot be opened.
    pub const CANNOT_READ: u16 = 701;
    /// The file is no archive of arrays, or is damaged.
    pub const NOT_NPZ: u16 = 702;
    /// An array ends too early, is too large, or its header is wrong.
    pub const DAMAGED: u16 = 703;
    /// No array goes with an input of the model.
    pub const MISSING: u16 = 704;
    /// An array has another shape than the model wants.
    pub const SHAPE: u16 = 705;
    /// An array has another element type than the model wants.
    pub const TYPE: u16 = 706;
    /// Arrays disagree on the number of samples.
    pub const SAMPLES: u16 = 707;
}

/// The most bytes that one array may have.
pub const MAX_ARRAY_BYTES: u64 = 1 << 30;

/// The most bytes that all arrays of a file may have together.
pub const MAX_TOTAL_BYTES: u64 = 2 << 30;

/// Numbers of any shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions, outermost first; none for a single number.
    pub shape: Vec<usize>,
    /// As many elements as the shape has.
    pub data: Data,
}

/// The arrays of a file.
#[derive(Clone, Debug, Default)]
pub struct Npz {
    /// The file's name, for messages.
    pub name: String,
    /// Names and arrays in the file's order.
    pub arrays: Vec<(String, Array)>,
    /// Arrays that hold no numbers (strings, records, complex numbers), with the type that NumPy gives them.
    pub others: BTreeMap<String, String>,
}

/// The type in which an array holds elements of a type that NumPy lacks: f32 for bf16, whole bytes for what shares them.
pub fn stand_in_type(dtype: DType) -> DType {
    match dtype {
        DType::BF16 => DType::F32,
        DType::I4 | DType::I2 => DType::I8,
        DType::U4 | DType::U2 => DType::U8,
        other => other,
    }
}

/// The same numbers in a type that NumPy has.
pub fn stand_in(data: &Data) -> Data {
    match stand_in_type(data.dtype()) {
        DType::F32 => data.widened(),
        dtype if data.dtype().is_packed() => Data::from_ints(dtype, (0..data.len()).map(|i| data.int(i))),
        _ => data.clone(),
    }
}

impl Npz {
    /// The array of a name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array)
    }
}

/// Reads a file. Arrays without numbers are listed, not read.
///
/// # Errors
/// The file cannot be read, is neither `.npz` nor `.npy`, ends too early, contradicts itself, or holds more than
/// [`MAX_ARRAY_BYTES`] in one array or [`MAX_TOTAL_BYTES`] in all.
pub fn read(path: &Path) -> Result<Npz, Diagnostic> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(std::io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    let refuse = |error: &std::io::Error| {
        Diagnostic::error(code::CANNOT_READ, format!("the input file cannot be read: {}", words(error)))
            .at(path.display().to_string())
    };
    let file = file.as_mut().map_err(|error| refuse(error))?;
    let mut bytes = Vec::new();
    file.take(MAX_TOTAL_BYTES + 1).read_to_end(&mut bytes).map_err(|error| refuse(&error))?;
    parse(&bytes, name)
}

/// Reads the bytes of a file; `name` is for messages.
///
/// # Errors
/// See [`read`].
pub fn parse(bytes: &[u8], name: String) -> Result<Npz, Diagnostic> {
    let mut npz = Npz { name: name.clone(), ..Npz::default() };
    if bytes.starts_with(header::MAGIC) {
        npz.add("arr_0".into(), bytes, bytes.len() as u64).map_err(|problem| problem.at(&name))?;
        return Ok(npz);
    }
    let broken = |error: zip::result::ZipError| {
        Diagnostic::error(code::NOT_NPZ, format!("this is not an intact .npz archive: {error}"))
            .at(&name)
            .help("make one with numpy.savez(\"x.npz\", in_0=...)")
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut total = 0u64;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(broken)?;
        let name_in_archive = entry.name().map_err(broken)?;
        let Some(array) = name_in_archive.strip_suffix(".npy").map(str::to_owned) else { continue };
        // The archive's own claim only ends the work early; what is read is limited by the array's header.
        total = total.saturating_add(entry.size());
        if total > MAX_TOTAL_BYTES {
            return Err(
                damaged(&array, format!("the arrays claim more than {MAX_TOTAL_BYTES} bytes")).at(&name)
            );
        }
        let size = entry.size();
        npz.add(array, entry, size).map_err(|problem| problem.at(&name))?;
    }
    Ok(npz)
}

impl Npz {
    /// Reads one array from a source that claims to have `size` bytes.
    fn add(&mut self, name: String, mut source: impl Read, size: u64) -> Result<(), Diagnostic> {
        let header = header::read(&mut source).map_err(|problem| damaged(&name, problem))?;
        let Header::Numbers { dtype, big_endian, fortran, shape } = header else {
            let Header::Other(descr) = header else { return Ok(()) };
            self.others.insert(name, descr);
            return Ok(());
        };
        let elements = shape.iter().try_fold(1u64, |product, &d| product.checked_mul(d as u64));
        let length =
            elements.and_then(|n| n.checked_mul(dtype.size() as u64)).filter(|&n| n <= MAX_ARRAY_BYTES);
        let Some(length) = length else {
            return Err(damaged(&name, format!("{shape:?} elements are more than {MAX_ARRAY_BYTES} bytes")));
        };
        if length > size {
            return Err(damaged(
                &name,
                format!("{dtype}{shape:?} needs {length} bytes, but the file ends before"),
            ));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        source.take(length).read_to_end(&mut bytes).map_err(|error| damaged(&name, words(&error)))?;
        if bytes.len() as u64 != length {
            let message = format!("{dtype}{shape:?} needs {length} bytes, but there are {}", bytes.len());
            return Err(damaged(&name, message));
        }
        if big_endian {
            bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
        }
        let data = Data::from_le_bytes(dtype, length as usize / dtype.size(), &bytes)
            .expect("the length is a multiple of the element's size");
        let data = if fortran { row_major(&data, &shape) } else { data };
        self.arrays.push((name, Array { shape, data }));
        Ok(())
    }
}

/// Elements in column-major order, put into row-major order.
fn row_major(data: &Data, shape: &[usize]) -> Data {
    let mut strides = vec![1usize; shape.len()];
    for i in 1..shape.len() {
        strides[i] = strides[i - 1] * shape[i - 1];
    }
    let mut positions = Vec::with_capacity(data.len());
    for mut row_major in 0..data.len() {
        let mut column_major = 0;
        for (dim, stride) in shape.iter().zip(&strides).rev() {
            column_major += row_major % dim * stride;
            row_major /= dim;
        }
        positions.push(column_major);
    }
    data.gather(&positions)
}

/// The bytes of an archive that `numpy.load` reads. Same arrays, same bytes: no time stamps.
///
/// # Errors
/// The archive would be larger than the format allows.
pub fn to_bytes(arrays: &[(String, Array)]) -> Result<Vec<u8>, Diagnostic> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    let mut write = |name: &str, array: &Array| -> zip::result::ZipResult<()> {
        archive.start_file(format!("{name}.npy"), options.large_file(array.data.len() > 1 << 28))?;
        archive.write_all(&header::write(array.data.dtype(), &array.shape))?;
        Ok(archive.write_all(&stand_in(&array.data).to_le_bytes())?)
    };
    let refuse = |error: zip::result::ZipError| {
        Diagnostic::error(code::NOT_NPZ, format!("the outputs cannot be packed: {error}"))
    };
    for (name, array) in arrays {
        write(name, array).map_err(refuse)?;
    }
    Ok(archive.finish().map_err(refuse)?.into_inner())
}

fn damaged(array: &str, problem: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(code::DAMAGED, format!("array \"{array}\" cannot be read: {problem}"))
}

#[cfg(test)]
mod tests;
