//! How numbers are coded inside instruction words: modified immediates, displacements, register lists, small floats.

use super::form::{Fields, Form, Imm};
use super::inst::Op;

/// The 12-bit code of a modified immediate: one byte at any place, or a byte repeated as `00XY00XY`, `XY00XY00` or
/// `XYXYXYXY`. `None` if `value` is not such a number.
pub const fn modified_immediate(value: u32) -> Option<u16> {
    let byte = value & 0xff;
    let second = value >> 8 & 0xff;
    if value == byte {
        return Some(byte as u16);
    }
    if value == byte * 0x0001_0001 {
        return Some(0x100 | byte as u16);
    }
    if value == second * 0x0100_0100 {
        return Some(0x200 | second as u16);
    }
    if value == byte * 0x0101_0101 {
        return Some(0x300 | byte as u16);
    }
    // The highest bit of the byte is always set and not stored; the rotation is to the right, 8 or more.
    let zeros = value.leading_zeros();
    let rotated = value.rotate_left(zeros + 8);
    if rotated > 0xff || zeros + 8 > 31 {
        return None;
    }
    Some(((zeros + 8) << 7 | rotated & 0x7f) as u16)
}

/// The number behind the code of a modified immediate; `None` for the codes without meaning.
pub const fn expand_modified_immediate(code: u16) -> Option<u32> {
    let byte = (code & 0xff) as u32;
    let value = match code >> 8 & 0xf {
        0 => byte,
        1 => byte * 0x0001_0001,
        2 => byte * 0x0100_0100,
        3 => byte * 0x0101_0101,
        _ => return Some((0x80 | byte & 0x7f).rotate_right((code >> 7 & 31) as u32)),
    };
    if code > 0xff && byte == 0 { None } else { Some(value) }
}

/// The float that VMOV codes in eight bits.
pub const fn expand_float(code: u8) -> f32 {
    let code = code as u32;
    let exponent = if code & 0x40 == 0 { 0x80 } else { 0x7c } | code >> 4 & 3;
    f32::from_bits((code & 0x80) << 24 | exponent << 23 | (code & 0xf) << 19)
}

/// The eight bits by which VMOV codes a float; `None` if it cannot.
pub fn float_immediate(value: f32) -> Option<u8> {
    (0..=u8::MAX).find(|&code| expand_float(code).to_bits() == value.to_bits())
}

impl Op {
    /// Whether an immediate can stand in this operation's 32-bit encodings of arithmetic and logic: AddImm, AndImm,
    /// CmpImm, MovImm and their like. AddImm, SubImm and MovImm take more numbers if the flags are not written (`s`).
    /// Armv6-M has no such encodings.
    pub const fn takes_immediate(self, value: u32, s: bool) -> bool {
        match self {
            Self::AddImm | Self::SubImm if !s && value < 1 << 12 => true,
            Self::MovImm if !s && value < 1 << 16 => true,
            Self::Movt => value < 1 << 16,
            _ => modified_immediate(value).is_some(),
        }
    }
}

/// Puts the immediate into the fields of a form; `None` if it cannot be coded.
pub(super) fn put(form: &Form, imm: i32, fields: &mut Fields) -> Option<()> {
    let unsigned = u32::try_from(imm);
    match form.imm {
        Imm::None => return (imm == 0).then_some(()),
        Imm::Unsigned(scale) => split(form, scaled(unsigned.ok()?, scale)?, fields),
        Imm::Signed(scale) => {
            *fields.at(b'u') = u32::from(imm >= 0);
            *fields.at(b'i') = scaled(imm.unsigned_abs(), scale)?;
        }
        Imm::Negative => {
            if imm >= 0 {
                return None;
            }
            *fields.at(b'i') = imm.unsigned_abs();
        }
        // Numbers are 32 bits: negative ones are large.
        Imm::Modified => *fields.at(b'i') = u32::from(modified_immediate(imm.cast_unsigned())?),
        Imm::Amount(most) => {
            let amount = unsigned.ok()?;
            if amount == 0 || amount > u32::from(most) {
                return None;
            }
            *fields.at(b'i') = amount % 32;
        }
        Imm::PlusOne => *fields.at(b'i') = unsigned.ok()?.checked_sub(1)?,
        Imm::FieldWidth | Imm::FieldHighest => {
            let (lowest, width) = (unsigned.ok()? & 0xff, unsigned.ok()? >> 8);
            if width == 0 || lowest + width > 32 {
                return None;
            }
            *fields.at(b'i') = lowest;
            *fields.at(b'w') = width - 1 + if form.imm == Imm::FieldHighest { lowest } else { 0 };
        }
        Imm::Branch | Imm::FarConditional | Imm::Far => return put_branch(form, imm, fields),
        Imm::List { extra, allowed, least } => {
            let list = u16::try_from(imm).ok()?;
            if !list_is_fine(list, allowed, least) {
                return None;
            }
            let high = if form.has(b'j') { list >> extra & 1 } else { 0 };
            *fields.at(b'j') = u32::from(high);
            *fields.at(b'i') = u32::from(list & !(high << extra));
        }
        Imm::Count => *fields.at(b'i') = unsigned.ok()?,
        Imm::Pair => {
            *fields.at(b'i') = unsigned.ok()? >> 1;
            *fields.at(b'j') = unsigned.ok()? & 1;
        }
    }
    Some(())
}

/// The immediate from the fields of a form; `None` for codes without meaning.
pub(super) fn take(form: &Form, fields: &Fields) -> Option<i32> {
    let i = fields.get(b'i');
    let value = match form.imm {
        Imm::None => 0,
        Imm::Unsigned(scale) => (fields.get(b'j') << form.width(b'i') | i) << scale,
        Imm::Signed(scale) => {
            let size = (i << scale).cast_signed();
            return Some(if fields.get(b'u') == 1 { size } else { -size });
        }
        Imm::Negative => return (i != 0).then(|| -i.cast_signed()),
        Imm::Modified => expand_modified_immediate(u16::try_from(i).ok()?)?,
        Imm::Amount(32) if i == 0 => 32,
        Imm::Amount(_) => (i != 0).then_some(i)?,
        Imm::PlusOne => i + 1,
        Imm::FieldWidth => (i + fields.get(b'w') < 32).then(|| i | (fields.get(b'w') + 1) << 8)?,
        Imm::FieldHighest => i | (fields.get(b'w') + 1).checked_sub(i).filter(|&width| width > 0)? << 8,
        Imm::Branch | Imm::FarConditional | Imm::Far => return Some(take_branch(form, fields)),
        Imm::List { extra, allowed, least } => {
            let list = fields.get(b'j') << extra | i;
            list_is_fine(u16::try_from(list).ok()?, allowed, least).then_some(list)?
        }
        Imm::Count => (i >= 1).then_some(i)?,
        Imm::Pair => i << 1 | fields.get(b'j'),
    };
    Some(value.cast_signed())
}

fn scaled(value: u32, scale: u8) -> Option<u32> {
    value.is_multiple_of(1 << scale).then_some(value >> scale)
}

/// Deals the number out to `j` and `i`; what does not fit stays in one of them, to be refused on insertion.
fn split(form: &Form, value: u32, fields: &mut Fields) {
    if form.has(b'j') {
        let width = form.width(b'i');
        *fields.at(b'i') = value & ((1 << width) - 1);
        *fields.at(b'j') = value >> width;
    } else {
        *fields.at(b'i') = value;
    }
}

fn list_is_fine(list: u16, allowed: u16, least: u8) -> bool {
    // LR and PC at once have no meaning in a load, and a store has no PC.
    list & !allowed == 0 && list.count_ones() >= u32::from(least) && list & 0xc000 != 0xc000
}

fn put_branch(form: &Form, imm: i32, fields: &mut Fields) -> Option<()> {
    if imm % 2 != 0 {
        return None;
    }
    let width = form.width(b'i');
    let bits = if form.imm == Imm::Branch { width } else { width + 3 };
    let value = imm / 2;
    let range = 1_i32 << (bits - 1);
    if value < -range || value >= range {
        return None;
    }
    let value = value.cast_unsigned();
    *fields.at(b'i') = value & ((1 << width) - 1);
    if form.imm == Imm::Branch {
        return Some(());
    }
    let (sign, second, first) = (value >> (width + 2) & 1, value >> (width + 1) & 1, value >> width & 1);
    *fields.at(b'k') = sign;
    if form.imm == Imm::FarConditional {
        *fields.at(b'o') = second;
        *fields.at(b'p') = first;
    } else {
        *fields.at(b'p') = 1 ^ second ^ sign;
        *fields.at(b'o') = 1 ^ first ^ sign;
    }
    Some(())
}

fn take_branch(form: &Form, fields: &Fields) -> i32 {
    let width = form.width(b'i');
    let mut value = fields.get(b'i');
    let mut bits = width;
    if form.imm != Imm::Branch {
        let (sign, j1, j2) = (fields.get(b'k'), fields.get(b'p'), fields.get(b'o'));
        let (second, first) =
            if form.imm == Imm::FarConditional { (j2, j1) } else { (1 ^ j1 ^ sign, 1 ^ j2 ^ sign) };
        value |= sign << (width + 2) | second << (width + 1) | first << width;
        bits += 3;
    }
    let unused = 32 - bits;
    // Sign-extended, and in bytes.
    (value << unused).cast_signed() >> (unused - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modified_immediates_are_exactly_the_expansions_of_all_codes() {
        let mut meanings = 0;
        for code in 0..1 << 12 {
            if let Some(value) = expand_modified_immediate(code) {
                assert_eq!(modified_immediate(value), Some(code), "{value:#x}");
                meanings += 1;
            }
        }
        assert_eq!(meanings, 4096 - 3);
        for value in [0x101, 0x1_01ff, 0x00ff_00fe, 0xff00_0001, 0x8000_0001, u32::MAX - 1] {
            assert_eq!(modified_immediate(value), None, "{value:#x}");
        }
    }

    #[test]
    fn small_floats_go_there_and_back() {
        assert_eq!(expand_float(0x70), 1.0);
        assert_eq!(expand_float(0x00), 2.0);
        assert_eq!(expand_float(0xc0), -0.125);
        for code in 0..=255 {
            assert_eq!(float_immediate(expand_float(code)), Some(code));
        }
        assert_eq!(float_immediate(0.0), None);
        assert_eq!(float_immediate(0.1), None);
    }
}
