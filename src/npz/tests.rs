//! Arrays written by NumPy, by ourselves, and by somebody who means harm.

use super::*;
use tinyc_ir::DType;

fn array(shape: &[usize], data: Data) -> Array {
    Array { shape: shape.to_vec(), data }
}

/// An array's bytes with a header of our choosing.
fn npy(dictionary: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(elements);
    bytes
}

fn one(dictionary: &str, elements: &[u8]) -> Result<Npz, Diagnostic> {
    parse(&npy(dictionary, elements), "x.npy".into())
}

#[test]
fn what_is_written_is_read_back() {
    let arrays = vec![
        ("out_0".to_owned(), array(&[2, 3], Data::I8(vec![-128, -1, 0, 1, 2, 127]))),
        ("scalar".to_owned(), array(&[], Data::F32(vec![-0.0]))),
        ("none".to_owned(), array(&[0, 4], Data::U64(Vec::new()))),
    ];
    let bytes = to_bytes(&arrays).unwrap();
    assert_eq!(bytes, to_bytes(&arrays).unwrap(), "same arrays, same bytes");
    assert_eq!(parse(&bytes, "y.npz".into()).unwrap().arrays, arrays);
}

#[test]
fn compressed_archives_of_numpy_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/digits/digits_samples.npz");
    let npz = read(&path).unwrap();
    assert_eq!(npz.get("x_f32").unwrap().shape, [360, 1, 8, 8]);
    assert_eq!(npz.get("labels").unwrap().data.dtype(), DType::I64);
    assert_eq!(npz.get("x_int8_scale").unwrap().shape, [] as [usize; 0]);
    let path = path.with_file_name("digits_vectors_f32.npz");
    assert_eq!(read(&path).unwrap().others["in_names"], "<U5");
}

#[test]
fn column_major_and_big_endian_arrays_become_ours() {
    let npz = one(
        "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}",
        &[0, 0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5],
    );
    assert_eq!(npz.unwrap().arrays[0].1, array(&[2, 3], Data::I16(vec![0, 1, 2, 3, 4, 5])));
}

#[test]
fn damaged_arrays_are_refused_before_memory_is_asked_for() {
    for (dictionary, part) in [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "needs 8 bytes"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,)}", "are more than"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "are more than"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "not understood"),
        ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", "not understood"),
        ("{'descr': '<f4', 'shape': (2,)}", "not understood"),
        ("{'descr': ", "not understood"),
        ("", "not understood"),
    ] {
        let error = one(dictionary, &[0; 7]).unwrap_err();
        assert_eq!(error.code, code::DAMAGED);
        assert!(error.message.contains(part), "{dictionary}: {error}");
    }
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let whole = to_bytes(&[("in_0".into(), array(&[3], Data::I32(vec![1, 2, 3])))]).unwrap();
    for length in 0..whole.len() {
        assert!(parse(&whole[..length], "cut.npz".into()).is_err(), "{length} of {} bytes", whole.len());
    }
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 0xff;
        // Some bytes do not matter; none may panic.
        let _ = parse(&bytes, "flipped.npz".into());
    }
}

#[test]
fn strings_and_records_are_listed_not_read() {
    for (descr, name) in [("'<U5'", "<U5"), ("[('a', '<f4')]", "a record"), ("'<c8'", "<c8"), ("'|O'", "|O")]
    {
        let npz = one(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}"), &[]).unwrap();
        assert!(npz.arrays.is_empty());
        assert_eq!(npz.others["arr_0"], name);
    }
}

#[test]
fn types_that_numpy_lacks_are_written_as_others() {
    for (data, stored) in [
        (Data::F16(vec![0x3c00, 0xc100]), Data::F16(vec![0x3c00, 0xc100])),
        (Data::BF16(vec![0x3f80, 0xc020]), Data::F32(vec![1.0, -2.5])),
        (Data::I4(vec![-8, 7, 1]), Data::I8(vec![-8, 7, 1])),
        (Data::U2(vec![3, 0, 1]), Data::U8(vec![3, 0, 1])),
    ] {
        let array = Array { shape: vec![data.len()], data };
        let bytes = to_bytes(&[("x".into(), array)]).unwrap();
        assert_eq!(parse(&bytes, "x.npz".into()).unwrap().arrays[0].1.data, stored);
    }
}
