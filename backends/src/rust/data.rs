//! Constants as statics, wrapped at a readable width.

use super::names::Symbols;
use super::scalar::{float32, float64, value_type};
use crate::text::comment::{sentence, short};
use std::fmt::Write as _;
use tinyc_ir::Data;
use tinyc_ir::loops::{Buffer, BufferData};

/// Columns of a line of numbers.
const WIDTH: usize = 100;

/// Whether a constant needs more alignment than its elements have.
pub(super) fn is_aligned(buffer: &BufferData) -> bool {
    buffer.align as usize > buffer.scalar.size()
}

/// One static with its comment, which says what uses it and from which tensor it comes.
pub(super) fn array(id: Buffer, buffer: &BufferData, data: &Data, uses: &str, symbols: &Symbols) -> String {
    let text = match &buffer.tensor {
        Some(tensor) => format!("{uses}: {}", short(tensor)),
        None => uses.into(),
    };
    let (name, ty, len) = (symbols.buffer(id), value_type(buffer.scalar), buffer.len);
    let (ty, open, close) = match is_aligned(buffer) {
        true => (format!("Aligned<[{ty}; {len}]>"), "Aligned([", "])"),
        false => (format!("[{ty}; {len}]"), "[", "]"),
    };
    let numbers: Vec<String> = match data {
        Data::Bool(v) => v.iter().map(bool::to_string).collect(),
        Data::I8(v) => v.iter().map(i8::to_string).collect(),
        Data::I16(v) => v.iter().map(i16::to_string).collect(),
        Data::I32(v) => v.iter().map(i32::to_string).collect(),
        Data::I64(v) => v.iter().map(i64::to_string).collect(),
        Data::U8(v) => v.iter().map(u8::to_string).collect(),
        Data::U16(v) => v.iter().map(u16::to_string).collect(),
        Data::U32(v) => v.iter().map(u32::to_string).collect(),
        Data::U64(v) => v.iter().map(u64::to_string).collect(),
        Data::F16(v) | Data::BF16(v) => v.iter().map(|x| format!("{x:#06x}")).collect(),
        Data::I4(_) | Data::U4(_) | Data::I2(_) | Data::U2(_) => {
            data.to_le_bytes().iter().map(u8::to_string).collect()
        }
        Data::F32(v) => v.iter().map(|&x| float32(x, false)).collect(),
        Data::F64(v) => v.iter().map(|&x| float64(x, false)).collect(),
    };
    let mut out = format!("/// {}\n", sentence(&text));
    let head = format!("static {name}: {ty} =");
    let flat = numbers.join(", ");
    if head.len() + flat.len() + open.len() + close.len() + 6 <= WIDTH && flat.len() <= 56 {
        let _ = writeln!(out, "{head} {open}{flat}{close};");
        return out;
    }
    // A table is read by columns, which formatters would give up.
    let _ = writeln!(out, "#[rustfmt::skip]\n{head} {open}");
    let mut line = String::new();
    for number in numbers {
        if !line.is_empty() && line.len() + number.len() + 6 > WIDTH {
            let _ = writeln!(out, "    {}", line.trim_end());
            line.clear();
        }
        let _ = write!(line, "{number}, ");
    }
    let _ = writeln!(out, "    {}\n{close};", line.trim_end());
    out
}
