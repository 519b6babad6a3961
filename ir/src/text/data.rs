//! Constant data in the text form: lists, `splat`, `seeded` and `hex`.

use super::cursor::{Cursor, LARGEST, Parse};
use crate::seeded::Seeded;
use crate::{DType, Data, half};
use std::fmt::Write;
use std::num::ParseFloatError;
use std::str::FromStr;

/// Up to this many elements are written as a list of numbers, more as hexadecimal digits.
const LONGEST_LIST: usize = 32;
/// Bytes of data per line of hexadecimal digits.
const HEX_LINE: usize = 48;

/// Writes data, and keeps count of what `splat` may still stand for, as the reader does.
pub(super) struct DataPrinter {
    budget: usize,
    /// Longer data is written as `...`, which does not parse.
    pub(super) most_elements: usize,
}

impl DataPrinter {
    pub(super) fn new(most_elements: usize) -> Self {
        Self { budget: LARGEST, most_elements }
    }

    /// The text of the data; lines of hexadecimal digits start with `indent`.
    pub(super) fn print(&mut self, data: &Data, indent: &str) -> String {
        let bytes = data.to_le_bytes();
        let same = (1..data.len()).all(|i| data.bits(i) == data.bits(0));
        if same && data.len() > 3 && bytes.len() <= self.budget {
            self.budget -= bytes.len();
            return format!("splat({})", element(data, 0));
        }
        if data.len() > self.most_elements {
            return "...".into();
        }
        if data.len() <= LONGEST_LIST {
            let elements: Vec<String> = (0..data.len()).map(|i| element(data, i)).collect();
            return format!("[{}]", elements.join(", "));
        }
        let mut text = String::from("hex");
        for line in bytes.chunks(HEX_LINE) {
            write!(text, "\n{indent}\"").expect("a string takes everything");
            for byte in line {
                write!(text, "{byte:02x}").expect("a string takes everything");
            }
            text.push('"');
        }
        text
    }
}

/// One element as the text form writes it.
pub(super) fn element(data: &Data, at: usize) -> String {
    match data {
        Data::Bool(v) => v[at].to_string(),
        Data::U64(v) => v[at].to_string(),
        Data::F32(v) => f32_text(v[at]),
        Data::F64(v) => f64_text(v[at]),
        Data::F16(v) => half_text(DType::F16, v[at]),
        Data::BF16(v) => half_text(DType::BF16, v[at]),
        ints => ints.int(at).to_string(),
    }
}

/// The shortest text that reads back as the same bits.
pub(super) fn f32_text(x: f32) -> String {
    match x.to_bits() {
        0x7fc0_0000 => "nan".into(),
        bits if x.is_nan() => format!("nan({bits:#x})"),
        _ => format!("{x:?}"),
    }
}

/// The shortest text that reads back as the same bits.
pub(super) fn f64_text(x: f64) -> String {
    match x.to_bits() {
        0x7ff8_0000_0000_0000 => "nan".into(),
        bits if x.is_nan() => format!("nan({bits:#x})"),
        _ => format!("{x:?}"),
    }
}

/// The number, which is exact, or the bits of a NaN that is not the canonical one.
fn half_text(dtype: DType, bits: u16) -> String {
    let x = half::widen(dtype, bits);
    match x.is_nan() {
        false => format!("{x:?}"),
        true if bits == half::narrow(dtype, x) => "nan".into(),
        true => format!("nan({bits:#x})"),
    }
}

/// A half float by its bits; what is none is rounded to the nearest.
fn half_float(cursor: &mut Cursor<'_>, dtype: DType) -> Parse<u16> {
    let nan_of =
        |bits: u64| u16::try_from(bits).ok().filter(|&b| half::widen(dtype, b).is_nan()).map(Half::Bits);
    let number = cursor.float(nan_of, Half::negated, |x| matches!(x, Half::Number(x) if x.is_infinite()))?;
    Ok(match number {
        Half::Bits(bits) => bits,
        Half::Number(x) => half::narrow(dtype, x),
    })
}

/// A half float as it is written.
#[derive(Clone, Copy)]
enum Half {
    Bits(u16),
    Number(f32),
}

impl Half {
    fn negated(self) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits ^ 0x8000),
            Self::Number(x) => Self::Number(-x),
        }
    }
}

impl FromStr for Half {
    type Err = ParseFloatError;
    fn from_str(text: &str) -> Result<Self, ParseFloatError> {
        text.parse().map(Self::Number)
    }
}

/// Reads data of `count` elements.
pub(super) fn data(cursor: &mut Cursor<'_>, dtype: DType, count: usize) -> Parse<Data> {
    let start = cursor.position();
    let data = if cursor.is("[") {
        list(cursor, dtype, ("[", "]"))?
    } else if cursor.eat_word("splat") {
        let one = list(cursor, dtype, ("(", ")"))?;
        if one.len() != 1 {
            return Err(cursor.error_at(start, 607, "`splat` takes one number"));
        }
        reserve(cursor, start, dtype, count)?;
        one.gather(&vec![0; count])
    } else if cursor.eat_word("seeded") {
        cursor.mark("(")?;
        let seed = cursor.int::<u64>("a seed")?;
        cursor.mark(")")?;
        reserve(cursor, start, dtype, count)?;
        Seeded::new(seed).tensor(dtype, [count]).data
    } else if cursor.eat_word("hex") {
        hex(cursor, start, dtype, count)?
    } else if cursor.is("...") {
        let error = cursor.error(607, "the constant's data was left out when the text was printed");
        cursor.help("print the graph in full");
        return Err(error);
    } else {
        return Err(cursor.expected("`[`, `splat`, `seeded` or `hex`"));
    };
    if data.len() != count {
        let message = format!("{} elements of data do not fill a tensor of {count}", data.len());
        return Err(cursor.error_at(start, 607, message));
    }
    Ok(data)
}

/// Refuses to make more data than a file may ask for.
fn reserve(cursor: &mut Cursor<'_>, start: usize, dtype: DType, count: usize) -> Parse<()> {
    match dtype.bytes_of(count).and_then(|bytes| cursor.budget.checked_sub(bytes)) {
        Some(rest) => {
            cursor.budget = rest;
            Ok(())
        }
        None => {
            let message = format!("all `splat` and `seeded` data of a file is at most {LARGEST} bytes");
            Err(cursor.error_at(start, 607, message))
        }
    }
}

fn list(cursor: &mut Cursor<'_>, dtype: DType, (open, close): (&str, &str)) -> Parse<Data> {
    cursor.mark(open)?;
    macro_rules! ints {
        ($variant:ident, $ty:ty) => {
            Data::$variant(
                cursor.items(close, |c| c.int::<$ty>(concat!("an integer of type ", stringify!($ty))))?,
            )
        };
    }
    Ok(match dtype {
        DType::Bool => Data::Bool(cursor.items(close, bool)?),
        DType::I8 => ints!(I8, i8),
        DType::I16 => ints!(I16, i16),
        DType::I32 => ints!(I32, i32),
        DType::I64 => ints!(I64, i64),
        DType::U8 => ints!(U8, u8),
        DType::U16 => ints!(U16, u16),
        DType::U32 => ints!(U32, u32),
        DType::U64 => ints!(U64, u64),
        DType::F32 => Data::F32(cursor.items(close, Cursor::f32)?),
        DType::F64 => Data::F64(cursor.items(close, Cursor::f64)?),
        DType::F16 => Data::F16(cursor.items(close, |c| half_float(c, dtype))?),
        DType::BF16 => Data::BF16(cursor.items(close, |c| half_float(c, dtype))?),
        DType::I4 | DType::U4 | DType::I2 | DType::U2 => {
            let range = dtype.int_range().unwrap_or_default();
            let element = |c: &mut Cursor<'_>| {
                let start = c.position();
                let value = c.int::<i64>(&format!("an integer of type {dtype}"))?;
                match (range.0..=range.1).contains(&value.into()) {
                    true => Ok(value),
                    false => Err(c.error_at(start, 605, format!("the number does not fit {dtype}"))),
                }
            };
            Data::from_ints(dtype, cursor.items(close, element)?)
        }
    })
}

/// `true` or `false`.
pub(super) fn bool(cursor: &mut Cursor<'_>) -> Parse<bool> {
    if cursor.eat_word("true") {
        return Ok(true);
    }
    if cursor.eat_word("false") { Ok(false) } else { Err(cursor.expected("`true` or `false`")) }
}

/// Little-endian bytes as strings of hexadecimal digits, one behind the other.
fn hex(cursor: &mut Cursor<'_>, start: usize, dtype: DType, count: usize) -> Parse<Data> {
    let mut bytes = Vec::new();
    let mut line = cursor.position();
    let mut text = cursor.text("a string of hexadecimal digits")?;
    loop {
        let digit = |b: u8| char::from(b).to_digit(16);
        for pair in text.as_bytes().chunks(2) {
            match pair {
                &[high, low] if digit(high).is_some() && digit(low).is_some() => {
                    bytes.push((digit(high).unwrap_or(0) << 4 | digit(low).unwrap_or(0)) as u8);
                }
                _ => return Err(cursor.error_at(line, 607, "the string is not pairs of hexadecimal digits")),
            }
        }
        line = cursor.position();
        match cursor.text_if() {
            Some(next) => text = next,
            None => break,
        }
    }
    if dtype == DType::Bool && bytes.iter().any(|&b| b > 1) {
        return Err(cursor.error_at(start, 607, "a byte of bool data is 00 or 01"));
    }
    let message = format!("{} bytes are not {count} elements of type {dtype}", bytes.len());
    Data::from_le_bytes(dtype, count, &bytes).ok_or_else(|| cursor.error_at(start, 607, message))
}
