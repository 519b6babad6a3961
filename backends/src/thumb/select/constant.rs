//! Which numbers fit into instructions.

/// Whether a number is a modified immediate of Thumb-2: a byte, a byte repeated in one of three patterns, or eight bits
/// that start with 1 shifted left.
pub(super) fn modified(value: i32) -> bool {
    let value = value as u32;
    let byte = value & 0xff;
    let second = value >> 8 & 0xff;
    value == byte
        || value == byte * 0x0001_0001
        || value == second * 0x0100_0100
        || value == byte * 0x0101_0101
        || (value != 0 && (value >> value.trailing_zeros().min(24)).leading_zeros() >= 24)
            && value.leading_zeros() + value.trailing_zeros() >= 24
}
