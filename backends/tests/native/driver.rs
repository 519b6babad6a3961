//! What the shared programs are, and when their numbers are the same; for native code of microcontrollers and of the host.

use tinyc_ir::Data;

/// A program with inputs.
pub(crate) struct Case {
    pub(crate) program: tinyc_ir::loops::Program,
    pub(crate) runs: Vec<Vec<Data>>,
}

/// Every NaN as one and the same.
pub(crate) fn one_nan(data: &Data) -> Data {
    match data {
        Data::F32(v) => Data::F32(v.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }).collect()),
        Data::F64(v) => Data::F64(v.iter().map(|x| if x.is_nan() { f64::NAN } else { *x }).collect()),
        other => other.clone(),
    }
}
