//! The text form (`.tir`) of both IRs: printed and parsed back, without loss.
//!
//! # Manual
//!
//! A file holds one graph or one program. Space and line ends separate tokens and mean nothing else, except that an
//! operator is on the line of its result, and that reading goes on at the next line after an error. `;` starts a
//! comment that ends with the line.
//!
//! ```text
//! number  = "-"? digits ("." digits)? ("e" sign? digits)? | "-"? "inf" | "nan" | "nan(0x7fc00001)"
//! string  = '"' characters '"'            on one line; escapes \" \\ \n \r \t \0 \u{1f600}
//! symbol  = "@" (word | string)
//! origin  = symbol ("onnx:" integer)?     where a layer came from in the user's model
//! ```
//! Floats are written with the fewest digits that read back as the same bits.
//!
//! ## Graphs
//!
//! ```text
//! graph   = "graph" symbol "{" line* "}"
//! line    = "in" label ":" type name?
//!         | "const" label ":" type name? "=" data
//!         | label "=" operator (label ("," label)*)? attrs? (":" type)? name? origin?
//!         | "out" label ("," label)*
//! type    = dtype "[" dimensions "]" quant?                       i8[1,8] q(0.5, -3)
//! quant   = "q(" scale "," zero_point ")"
//!         | "q(axis=" axis "," "[" scales "]" "," "[" zero_points "]" ")"
//! attrs   = "{" key "=" value ("," key "=" value)* "}"            defaults are left out
//! value   = number | "[" numbers "]" | "true" | "false" | "none" | "relu" | "relu6" | "clamp(" lo "," hi ")"
//! data    = "[" elements "]" | "splat(" element ")" | "seeded(" seed ")" | "hex" string+
//! ```
//! - A label is a word. The printer numbers values in the order of the lines: `v0`, `v1`, …; `out` comes last.
//! - A name is a string; without it, the value's name is its label.
//! - Without a type, an operator's result gets the one that it infers.
//! - Elements are row-major. i4, u4, i2 and u2 share bytes, the first element in the low bits. `hex` is little-endian bytes, `splat` repeats one element, `seeded` makes numbers from
//!   [`Seeded`](crate::seeded::Seeded), for tests; both make at most 64 MiB in one file.
//! - Printing may leave large constants out as `...` ([`PrintOptions`]); that is for reading only.
//!
//! ```text
//! graph @tiny {
//!   in v0: i8[1,8] q(0.5, -3) "input"
//!   const v1: i8[4,8] q(0.25, 0) "fc1.weight" = seeded(7)
//!   const v2: i32[4] q(0.125, 0) "fc1.bias" = splat(0)
//!   v3 = dense v0, v1, v2 {act=relu} : i8[1,4] q(0.125, -128) "fc1" @ "fc1" onnx:12
//!   out v3
//! }
//! ```
//!
//! ## Programs
//!
//! ```text
//! program = "program" symbol "{" item* "}"
//! item    = "arena" bytes
//!         | "buffer" symbol ":" dtype "[" length "]" "align" bytes place packed? ("tensor" string)? face? ("=" data)?
//! packed  = "packed" dtype "[" length "]"                       what elements the bytes of a buffer of u8 hold
//!         | "in" symbols | "out" symbols
//!         | "kernel" symbol "(" params ")" comment? block
//!         | "call" symbol "(" symbols ")" ("macs" count)? origin?
//! place   = "input" n | "output" n | "flash" | "arena" offset | "state" offset           flash has data, no other
//! face    = "face" "[" dimensions "]" ("q(" scale "," zero_point ")")?
//! param   = name ":" ("read" | "write" | "read_write") dtype "[" length "]" "align" bytes ("may_alias" name)?
//! block   = "{" statement* "}"
//! stmt    = "let" name ":" dtype "=" expr | name "=" expr | name "[" index "]" "=" expr
//!         | "for" name "in" bound ".." bound ("step" n)? block
//!         | "if" expr block ("else" block)? | "break" | "fail" code
//! bound   = affine | "max(" affines ")" | "min(" affines ")"             max in front of "..", min behind
//! index   = terms joined by "+" and "-": n, i, n*i, n*ring(affine, rows), n*dynamic(expr, lo, hi)
//! affine  = an index without ring and dynamic
//! expr    = literal | register | "affine(" affine ")" | name ("." dtype)? "[" index "]" | call
//!         | "-" expr | "!" expr | expr infix expr | "(" expr ")"
//! ```
//! - Infix, loosest first: `== != < <=`, `|`, `^`, `&`, `<< >>`, `+ - +% -%`, `* *% / %`; all to the left. `+%` wraps.
//! - Calls: `min max abs sqrt round_ties_even exp select(c, a, b)`, conversions `i32(x)`, and the packed operations, with
//!   their numbers behind: `saturate_signed(x, bits=8, shift=3)`; `mul_half_lh` takes the low and the high half.
//! - Literals carry their type: `5` (i32), `5u32`, `5i64`, `5u64`, `0.5f32`, `0.5f64`, `true`, `inf(f32)`,
//!   `nan(f64)`, `nan(f32, 0x7fc00001)`. A minus in front of a number is the number's.
//! - `x.i32[4*k]` reads neighbouring elements as one i32.
//! - The order of the text is the order of the arenas ([`normalize`](crate::loops::normalize())).
//!
//! ```text
//! program @twice {
//!   buffer @x: f32[4] align 4 input 0 tensor "x:0" face [1,4]
//!   buffer @y: f32[4] align 4 output 0 tensor "y:0" face [1,4]
//!   in @x
//!   out @y
//!   kernel @add(a: read f32[4] align 4, b: read f32[4] align 4, y: write f32[4] align 4 may_alias a) "y = a + b" {
//!     for i in 0..4 {
//!       y[i] = a[i] + b[i]
//!     }
//!   }
//!   call @add(@x, @x, @y) @ "add1" onnx:0
//! }
//! ```
//!
//! # Errors
//!
//! `E0601` a character, string or escape; `E0602` something else was expected; `E0603` an unknown name; `E0604` a second
//! definition; `E0605` a number or size that does not fit; `E0606` an attribute; `E0607` constant data; `E0608` a
//! quantisation; `E0609` a type that cannot be inferred; `E062x` and `E063x` the verifiers.

pub mod attrs;
mod cursor;
mod data;
mod expr_parser;
mod formula;
mod graph_parser;
mod graph_printer;
mod kernel_parser;
mod lexer;
mod literal;
mod operators;
mod program_parser;
mod program_printer;
mod types;

pub(crate) use types::dims_fit;

pub use graph_parser::parse_graph;
pub use graph_printer::{PrintOptions, print_graph, print_graph_with, print_node};
pub use program_parser::parse_program;
pub use program_printer::{print_program, print_program_with};

use crate::{DType, Data, Diagnostics};

/// The elements of a tensor as the text form writes them.
pub fn print_data(data: &Data) -> String {
    data::DataPrinter::new(usize::MAX).print(data, "    ")
}

/// Reads `count` elements: `[1, 2]`, `splat(0)`, `seeded(7)` or `hex"…"`. `file` is what the places in errors call it.
pub fn parse_data(file: &str, text: &str, dtype: DType, count: usize) -> Result<Data, Diagnostics> {
    let mut cursor = cursor::Cursor::new(file, text);
    let data = data::data(&mut cursor, dtype, count).ok();
    if data.is_some() && *cursor.peek() != lexer::Kind::End {
        cursor.expected("the end of the data");
    }
    cursor.finish(data)
}

#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod program_tests;
