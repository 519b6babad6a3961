//! What tables of instructions are written in: patterns of bits and letters for encodings, and texts with the names of
//! operands in braces.

use std::fmt::{self, Formatter};

/// The bits of a pattern that are fixed, and their values. Bits stand from the highest to the lowest; blanks do not count,
/// all else but `0` and `1` is a field.
///
/// # Panics
///
/// If there are not as many bits as `bytes` have: a table is made when the compiler is built.
pub(crate) const fn fixed(pattern: &str, bytes: u8) -> (u32, u32) {
    let text = pattern.as_bytes();
    let (mut mask, mut value, mut bits) = (0, 0, 0);
    let mut i = 0;
    while i < text.len() {
        let c = text[i];
        i += 1;
        if c == b' ' {
            continue;
        }
        bits += 1;
        mask = mask << 1 | matches!(c, b'0' | b'1') as u32;
        value = value << 1 | (c == b'1') as u32;
    }
    assert!(bits == 8 * bytes as u32, "a pattern has 16 or 32 bits");
    (mask, value)
}

/// Writes a text, and `operand` for each name in braces.
pub(crate) fn operands(
    text: &str,
    f: &mut Formatter<'_>,
    mut operand: impl FnMut(&str, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('{') {
        f.write_str(plain)?;
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        operand(name, f)?;
        rest = after;
    }
    f.write_str(rest)
}
