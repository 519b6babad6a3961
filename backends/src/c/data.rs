//! Constant data as C arrays, wrapped at a readable width.

use super::comment::block;
use super::helper::Helpers;
use super::names::Symbols;
use super::scalar::{float32, float64, int32, int64, memory_type};
use crate::text::comment::{sentence, short};
use std::fmt::Write as _;
use tinyc_ir::Data;
use tinyc_ir::loops::{Buffer, BufferData};

/// Columns of a line of numbers.
const WIDTH: usize = 100;

/// One array with its comment, which says what uses it and from which tensor it comes.
pub(super) fn array(
    id: Buffer,
    buffer: &BufferData,
    data: &Data,
    uses: &str,
    symbols: &Symbols,
    helpers: &mut Helpers,
) -> String {
    let len = data.len().max(1);
    let mut out = String::new();
    let text = match &buffer.tensor {
        Some(tensor) => format!("{uses}: {}", short(tensor)),
        None => uses.into(),
    };
    out.push_str(&block(&sentence(&text), 0));
    if buffer.align as usize > buffer.scalar.size() {
        let _ = write!(out, "{}_ALIGNED({}) ", symbols.upper, buffer.align);
    }
    let _ = writeln!(out, "static const {} {}[{len}] = {{", memory_type(buffer.scalar), symbols.buffer(id));
    let mut lines = Lines { out, column: 0 };
    match data {
        Data::Bool(v) => v.iter().for_each(|&x| lines.number(if x { "1" } else { "0" })),
        Data::I8(v) => v.iter().for_each(|x| lines.number(&x.to_string())),
        Data::I16(v) => v.iter().for_each(|x| lines.number(&x.to_string())),
        Data::I32(v) => v.iter().for_each(|&x| lines.number(&int32(x))),
        Data::I64(v) => v.iter().for_each(|&x| lines.number(&int64(x))),
        Data::U8(v) => v.iter().for_each(|x| lines.number(&x.to_string())),
        Data::U16(v) => v.iter().for_each(|x| lines.number(&x.to_string())),
        Data::U32(v) => v.iter().for_each(|x| lines.number(&format!("{x}u"))),
        Data::U64(v) => v.iter().for_each(|x| lines.number(&format!("UINT64_C({x})"))),
        Data::F32(v) => v.iter().for_each(|&x| lines.number(&float32(x, helpers))),
        Data::F64(v) => v.iter().for_each(|&x| lines.number(&float64(x, helpers))),
        Data::F16(v) | Data::BF16(v) => v.iter().for_each(|x| lines.number(&format!("{x:#06x}"))),
        Data::I4(_) | Data::U4(_) | Data::I2(_) | Data::U2(_) => {
            data.to_le_bytes().iter().for_each(|x| lines.number(&x.to_string()));
        }
    }
    if data.is_empty() {
        lines.number("0");
    }
    lines.out.push_str("\n};\n");
    lines.out
}

struct Lines {
    out: String,
    column: usize,
}

impl Lines {
    fn number(&mut self, text: &str) {
        if self.column == 0 {
            self.out.push_str("    ");
            self.column = 4;
        } else if self.column + text.len() + 2 > WIDTH {
            self.out.push_str("\n    ");
            self.column = 4;
        } else {
            self.out.push(' ');
            self.column += 1;
        }
        self.out.push_str(text);
        self.out.push(',');
        self.column += text.len() + 1;
    }
}
