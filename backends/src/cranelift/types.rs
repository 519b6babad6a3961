//! Scalars of the loop IR as Cranelift's types.

use cranelift_codegen::ir::{Type, types};
use tinyc_ir::loops::Scalar;

/// The type of a register or an element. Bool is a byte, 0 or 1; half floats are their bits.
pub(super) fn of(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I4 | Scalar::U4 | Scalar::I2 | Scalar::U2 => {
            types::I8
        }
        Scalar::I16 | Scalar::U16 | Scalar::F16 | Scalar::BF16 => types::I16,
        Scalar::I32 | Scalar::U32 => types::I32,
        Scalar::I64 | Scalar::U64 => types::I64,
        Scalar::F32 => types::F32,
        Scalar::F64 => types::F64,
    }
}
