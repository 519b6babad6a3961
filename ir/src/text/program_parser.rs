//! Reads a loop-IR program from the text form: buffers and calls; kernels are read by [`kernel_parser`](super::kernel_parser).
//! Types and bounds are read, not checked: that is [`loops::verify`](crate::loops::verify())'s.

use super::cursor::{Cursor, MOST_ELEMENTS, Parse, Reported};
use super::data::data;
use super::graph_parser::origin;
use super::kernel_parser::kernel;
use super::lexer::Kind;
use super::types::dtype;
use crate::loops::program::Face;
use crate::loops::{Buffer, BufferData, Call, Kernel, Place, Program};
use crate::{Diagnostics, Origin};
use std::collections::HashMap;
use std::sync::Arc;

/// Reads a file with one program. `file` is what the places in errors call it.
///
/// What comes back is well-formed and in normal order ([`normalize`](crate::loops::normalize())), not valid:
/// [`verify`](crate::loops::verify()) it before running.
pub fn parse_program(file: &str, text: &str) -> Result<Program, Diagnostics> {
    let mut parser = Parser {
        cursor: Cursor::new(file, text),
        program: Program::default(),
        buffers: HashMap::new(),
        kernels: HashMap::new(),
    };
    let done = parser.file();
    parser.cursor.finish(done.ok().map(|()| parser.program))
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    program: Program,
    /// What the names stand for; `None` if the definition was in error.
    buffers: HashMap<String, Option<Buffer>>,
    kernels: HashMap<String, Option<Kernel>>,
}

/// The words that start an item of a program.
const ITEMS: [&str; 6] = ["arena", "buffer", "kernel", "call", "in", "out"];

impl Parser<'_> {
    fn file(&mut self) -> Parse<()> {
        self.cursor.keyword("program")?;
        self.program.name = self.cursor.symbol()?;
        self.cursor.mark("{")?;
        while !self.cursor.eat("}") {
            if *self.cursor.peek() == Kind::End {
                return Err(self.cursor.expected("`}`"));
            }
            let start = self.cursor.position();
            if self.item().is_err() {
                self.recover(start);
                if *self.cursor.peek() == Kind::End {
                    return Err(Reported);
                }
            }
        }
        if *self.cursor.peek() == Kind::End {
            Ok(())
        } else {
            Err(self.cursor.expected("the end of the file"))
        }
    }

    /// Skips to a line that starts an item.
    fn recover(&mut self, start: usize) {
        self.cursor.skip_line(start);
        let item = |kind: &Kind<'_>| matches!(kind, Kind::Word(w) if ITEMS.contains(w)) || *kind == Kind::End;
        while !item(self.cursor.peek()) {
            let here = self.cursor.position();
            self.cursor.skip_line(here);
        }
    }

    fn item(&mut self) -> Parse<()> {
        let Kind::Word(word) = *self.cursor.peek() else {
            return Err(self.cursor.expected("an item or `}`"));
        };
        match word {
            "arena" => {
                self.cursor.advance();
                self.program.arena_bytes = self.cursor.int("a number of bytes")?;
                Ok(())
            }
            "buffer" => {
                self.cursor.advance();
                let start = self.cursor.position();
                let name = self.cursor.symbol()?;
                let data = buffer(&mut self.cursor, &name);
                let buffer = data.map(|data| self.program.buffers.push(data));
                if self.buffers.insert(name.clone(), buffer.as_ref().ok().copied()).is_some() {
                    return Err(self.cursor.error_at(start, 604, format!("buffer @{name} is defined twice")));
                }
                buffer.map(|_| ())
            }
            "kernel" => {
                self.cursor.advance();
                let start = self.cursor.position();
                let name = self.cursor.symbol()?;
                let data = kernel(&mut self.cursor, &name);
                let kernel = data.map(|data| self.program.kernels.push(data));
                if self.kernels.insert(name.clone(), kernel.as_ref().ok().copied()).is_some() {
                    return Err(self.cursor.error_at(start, 604, format!("kernel @{name} is defined twice")));
                }
                kernel.map(|_| ())
            }
            "call" => {
                self.cursor.advance();
                self.call()
            }
            "in" | "out" => {
                self.cursor.advance();
                let mut buffers = vec![self.buffer_use()?];
                while self.cursor.eat(",") {
                    buffers.push(self.buffer_use()?);
                }
                let list = if word == "in" { &mut self.program.inputs } else { &mut self.program.outputs };
                list.extend(buffers.into_iter().flatten());
                Ok(())
            }
            _ => Err(self.cursor.expected("an item or `}`")),
        }
    }

    /// A buffer's name; `None` if its definition was in error.
    fn buffer_use(&mut self) -> Parse<Option<Buffer>> {
        let start = self.cursor.position();
        let name = self.cursor.symbol()?;
        match self.buffers.get(&name) {
            Some(buffer) => Ok(*buffer),
            None => {
                Err(self.cursor.error_at(start, 603, format!("buffer @{name} is not defined before its use")))
            }
        }
    }

    /// `call @conv(@x, @w, @y) macs 120 @ "fc1" onnx:12`.
    fn call(&mut self) -> Parse<()> {
        let start = self.cursor.position();
        let name = self.cursor.symbol()?;
        let Some(kernel) = self.kernels.get(&name).copied() else {
            return Err(self.cursor.error_at(
                start,
                603,
                format!("kernel @{name} is not defined before its use"),
            ));
        };
        self.cursor.mark("(")?;
        let mut args = Vec::new();
        while !self.cursor.eat(")") {
            args.push(self.buffer_use()?);
            if !self.cursor.eat(",") {
                self.cursor.mark(")")?;
                break;
            }
        }
        let macs =
            if self.cursor.eat_word("macs") { self.cursor.int("a number of multiplications")? } else { 0 };
        let origin = if self.cursor.is("@") { origin(&mut self.cursor)? } else { Origin::default() };
        let args: Option<Vec<Buffer>> = args.into_iter().collect();
        // What is missing here has been reported where it was defined.
        let (kernel, args) = kernel.zip(args).ok_or(Reported)?;
        self.program.calls.push(Call { kernel, args, origin, macs });
        Ok(())
    }
}

/// `: i8[490] align 8 input 0 tensor "x:0" face [1,49,10,1] q(0.5, -3)`.
fn buffer(cursor: &mut Cursor<'_>, name: &str) -> Parse<BufferData> {
    cursor.mark(":")?;
    let scalar = dtype(cursor)?;
    let len = length(cursor)?;
    cursor.keyword("align")?;
    let align = cursor.int("an alignment")?;
    let place = cursor.position();
    let word = cursor.word("`input`, `output`, `flash`, `arena` or `state`")?;
    let number = if word == "flash" { 0 } else { cursor.int::<u32>("a position or offset")? };
    let packed = if cursor.eat_word("packed") { Some((dtype(cursor)?, length(cursor)?)) } else { None };
    let tensor = if cursor.eat_word("tensor") { Some(cursor.text("a tensor's name")?) } else { None };
    let face = if cursor.eat_word("face") { Some(face(cursor)?) } else { None };
    let place = match word {
        "input" => Place::Input(number),
        "output" => Place::Output(number),
        "arena" => Place::Arena(number),
        "state" => Place::State(number),
        "flash" => {
            cursor.mark("=")?;
            Place::Flash(Arc::new(data(cursor, scalar, len)?))
        }
        _ => return Err(cursor.error_at(place, 603, format!("`{word}` is no place for a buffer"))),
    };
    Ok(BufferData { name: name.into(), scalar, len, align, place, packed, tensor, face })
}

/// `[490]`.
pub(super) fn length(cursor: &mut Cursor<'_>) -> Parse<usize> {
    cursor.mark("[")?;
    let start = cursor.position();
    let len = cursor.int::<usize>("a length")?;
    if len > MOST_ELEMENTS {
        return Err(cursor.error_at(start, 605, format!("a buffer has at most {MOST_ELEMENTS} elements")));
    }
    cursor.mark("]")?;
    Ok(len)
}

/// `[1,49,10,1] q(0.5, -3)`.
fn face(cursor: &mut Cursor<'_>) -> Parse<Face> {
    let shape = cursor.list(|c| c.int::<usize>("a dimension"))?;
    let mut quant = None;
    if cursor.eat_word("q") {
        cursor.mark("(")?;
        let scale = cursor.f32()?;
        cursor.mark(",")?;
        quant = Some((scale, cursor.int("a zero point")?));
        cursor.mark(")")?;
    }
    Ok(Face { shape, quant })
}
