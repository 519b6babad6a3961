//! Reads a graph from the text form. Types are read, not checked: that is [`verify`](crate::verify)'s.

use super::attrs::{AttrError, AttrValue, Attrs};
use super::cursor::{Cursor, MOST_ELEMENTS, Parse, Reported};
use super::data::{bool, data};
use super::lexer::Kind;
use super::types::{dims_fit, tensor_type};
use crate::graph::{Def, Graph, NodeData, Value, ValueData};
use crate::{Activation, Diagnostics, Op, Origin, Tensor, TensorType};
use std::collections::HashMap;

/// Reads a file with one graph. `file` is what the places in errors call it.
///
/// What comes back is well-formed, not valid: arguments exist and constants have their declared types, but operators may
/// not fit their arguments and names may repeat. [`verify`](crate::verify::verify) before evaluating.
pub fn parse_graph(file: &str, text: &str) -> Result<Graph, Diagnostics> {
    let mut parser =
        Parser { cursor: Cursor::new(file, text), graph: Graph::default(), labels: HashMap::new() };
    let done = parser.file();
    parser.cursor.finish(done.ok().map(|()| parser.graph))
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    graph: Graph,
    /// The value that a label stands for; `None` if its definition was in error.
    labels: HashMap<&'a str, Option<Value>>,
}

impl<'a> Parser<'a> {
    fn file(&mut self) -> Parse<()> {
        self.cursor.keyword("graph")?;
        self.graph.name = self.cursor.symbol()?;
        self.cursor.mark("{")?;
        while !self.cursor.eat("}") {
            if *self.cursor.peek() == Kind::End {
                return Err(self.cursor.expected("`}`"));
            }
            let start = self.cursor.position();
            if self.line().is_err() {
                self.cursor.skip_line(start);
            }
        }
        if *self.cursor.peek() == Kind::End {
            Ok(())
        } else {
            Err(self.cursor.expected("the end of the file"))
        }
    }

    fn line(&mut self) -> Parse<()> {
        match *self.cursor.peek() {
            Kind::Word("in") => self.input(),
            Kind::Word("const") => self.constant(),
            Kind::Word("out") => self.outputs(),
            Kind::Word(_) => self.node(),
            _ => Err(self.cursor.expected("`in`, `const`, `out`, a value or `}`")),
        }
    }

    /// `in v0: i8[1,8] q(0.5, -3) "name"`.
    fn input(&mut self) -> Parse<()> {
        self.cursor.advance();
        self.define(|this, label| {
            this.cursor.mark(":")?;
            let ty = tensor_type(&mut this.cursor)?;
            let name = this.name(label);
            Ok(this.graph.input(name, ty))
        })
    }

    /// `const v1: i8[2] "name" = [1, 2]`.
    fn constant(&mut self) -> Parse<()> {
        self.cursor.advance();
        self.define(|this, label| {
            this.cursor.mark(":")?;
            let ty = tensor_type(&mut this.cursor)?;
            let name = this.name(label);
            this.cursor.mark("=")?;
            let data = data(&mut this.cursor, ty.dtype, ty.shape.elements())?;
            let tensor = Tensor::new(ty.shape.clone(), data);
            Ok(this.graph.constant(name, ty, tensor))
        })
    }

    /// `v2 = dense v0, v1, v3 {act=relu} : i8[1,4] q(0.1, 0) "name" @ "fc1" onnx:12`; without a type, it is inferred.
    fn node(&mut self) -> Parse<()> {
        self.define(|this, label| {
            this.cursor.mark("=")?;
            let op_at = this.cursor.position();
            // An operator is on the line of its result, so that a line cut short does not eat the next.
            if this.cursor.at_line_start() {
                return Err(this.cursor.expected("an operator"));
            }
            let op_name = this.cursor.word("an operator")?;
            let mut inputs = Vec::new();
            if matches!(this.cursor.peek(), Kind::Word(_)) && !this.cursor.at_line_start() {
                inputs = this.values()?;
            }
            let attrs = if this.cursor.is("{") { this.attrs()? } else { Attrs::default() };
            let ty = if this.cursor.eat(":") { Some(tensor_type(&mut this.cursor)?) } else { None };
            let name = this.name(label);
            let origin = if this.cursor.is("@") { this.origin()? } else { Origin::default() };
            let op = this.op(op_at, op_name, attrs)?;
            let inputs = inputs.into_iter().collect::<Option<Vec<Value>>>();
            // An argument in error has been reported; nothing is known of this node's result either.
            let inputs = inputs.ok_or(Reported)?;
            let ty = match ty {
                Some(ty) => ty,
                None => this.infer(op_at, &op, &inputs)?,
            };
            let node = this.graph.nodes.next_key();
            let value = this.graph.values.push(ValueData { name, ty, def: Def::Node(node, 0) });
            this.graph.nodes.push(NodeData { op, inputs, outputs: vec![value], origin });
            Ok(value)
        })
    }

    /// Reads a label and what it stands for. In error, the label is known all the same, so that its uses are no errors.
    fn define(&mut self, read: impl FnOnce(&mut Self, &'a str) -> Parse<Value>) -> Parse<()> {
        let start = self.cursor.position();
        let label = self.cursor.word("a value")?;
        let value = read(self, label);
        if self.labels.insert(label, value.as_ref().ok().copied()).is_some() {
            return Err(self.cursor.error_at(start, 604, format!("{label} is defined twice")));
        }
        value.map(|_| ())
    }

    /// `out v2, v3`.
    fn outputs(&mut self) -> Parse<()> {
        self.cursor.advance();
        let outputs = self.values()?;
        self.graph.outputs.extend(outputs.into_iter().flatten());
        Ok(())
    }

    /// Labels; `None` for one whose definition was in error.
    fn values(&mut self) -> Parse<Vec<Option<Value>>> {
        let mut values = Vec::new();
        loop {
            let start = self.cursor.position();
            let label = self.cursor.word("a value")?;
            values.push(match self.labels.get(label) {
                Some(value) => *value,
                None => {
                    self.cursor.error_at(start, 603, format!("{label} is not defined before its use"));
                    None
                }
            });
            if !self.cursor.eat(",") {
                return Ok(values);
            }
        }
    }

    fn name(&mut self, label: &str) -> String {
        self.cursor.text_if().unwrap_or_else(|| label.to_string())
    }

    /// `@ "fc1" onnx:12`.
    fn origin(&mut self) -> Parse<Origin> {
        origin(&mut self.cursor)
    }

    /// `{strides=[2,2], act=relu}`.
    fn attrs(&mut self) -> Parse<Attrs> {
        self.cursor.mark("{")?;
        let mut attrs = Attrs::default();
        self.cursor.items("}", |cursor| {
            let start = cursor.position();
            let key = cursor.word("an attribute")?;
            cursor.mark("=")?;
            let value = attr_value(cursor)?;
            if attrs.0.iter().any(|(k, _)| k == key) {
                return Err(cursor.error_at(start, 606, format!("attribute `{key}` is given twice")));
            }
            attrs.0.push((key.to_string(), value));
            Ok(())
        })?;
        Ok(attrs)
    }

    fn op(&mut self, at: usize, name: &str, mut attrs: Attrs) -> Parse<Op> {
        let read: Option<Result<Op, AttrError>> = Op::read(name, &mut attrs);
        let op = match read {
            Some(Ok(op)) => op,
            Some(Err(e)) => return Err(self.cursor.error_at(at, 606, format!("{name}: {e}"))),
            None => {
                let error = self.cursor.error_at(at, 603, format!("`{name}` is no operator"));
                self.cursor.help(format!("operators are {}", Op::NAMES.join(", ")));
                return Err(error);
            }
        };
        match attrs.0.first() {
            None => Ok(op),
            Some((key, _)) => Err(self.cursor.error_at(at, 606, format!("{name} has no attribute `{key}`"))),
        }
    }

    fn infer(&mut self, at: usize, op: &Op, inputs: &[Value]) -> Parse<TensorType> {
        match op.infer(&self.graph.types(inputs)) {
            Ok(ty) if dims_fit(&ty.shape) => Ok(ty),
            Ok(ty) => {
                let message = format!("the result {ty} has more than {MOST_ELEMENTS} elements");
                Err(self.cursor.error_at(at, 605, message))
            }
            Err(e) => {
                Err(self.cursor.error_at(at, 609, format!("the result's type cannot be inferred: {e}")))
            }
        }
    }
}

/// `@ "fc1" onnx:12`.
pub(super) fn origin(cursor: &mut Cursor<'_>) -> Parse<Origin> {
    let name = cursor.symbol()?;
    let mut onnx = None;
    if cursor.is_word("onnx") && *cursor.peek_second() == Kind::Mark(":") {
        cursor.advance();
        cursor.advance();
        onnx = Some(cursor.int::<u32>("the position of an ONNX node")?);
    }
    Ok(Origin { name, onnx })
}

/// A number, a list of numbers, a bool or an activation. Integers are kept to 32 bits, so that sizes do not overflow.
fn attr_value(cursor: &mut Cursor<'_>) -> Parse<AttrValue> {
    match *cursor.peek() {
        Kind::Word("true" | "false") => Ok(AttrValue::Bool(bool(cursor)?)),
        Kind::Word("none" | "relu" | "relu6" | "clamp") => Ok(AttrValue::Act(activation(cursor)?)),
        Kind::Mark("(") => {
            cursor.advance();
            let formula = super::formula::parse(cursor)?;
            cursor.mark(")")?;
            Ok(AttrValue::Formula(formula))
        }
        Kind::Mark("[") => {
            let items = cursor.list(number)?;
            let ints: Option<Vec<i64>> = items.iter().map(|n| n.as_int()).collect();
            Ok(match ints {
                Some(ints) => AttrValue::Ints(ints),
                None => AttrValue::Floats(items.iter().map(|n| n.as_float()).collect()),
            })
        }
        Kind::Word(word) if !matches!(word, "inf" | "nan") => {
            cursor.advance();
            Ok(AttrValue::Word(word.to_string()))
        }
        _ => Ok(match number(cursor)? {
            Number::Int(v) => AttrValue::Int(v),
            Number::Float(v) => AttrValue::Float(v),
        }),
    }
}

enum Number {
    Int(i64),
    Float(f32),
}

impl Number {
    fn as_int(&self) -> Option<i64> {
        match *self {
            Self::Int(v) => Some(v),
            Self::Float(_) => None,
        }
    }

    fn as_float(&self) -> f32 {
        match *self {
            Self::Int(v) => v as f32,
            Self::Float(v) => v,
        }
    }
}

/// An integer, or a float: what has a point, an exponent or a name.
fn number(cursor: &mut Cursor<'_>) -> Parse<Number> {
    let second = if cursor.is("-") { cursor.peek_second() } else { cursor.peek() };
    match second {
        Kind::Number(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Number::Int(i64::from(cursor.int::<i32>("an integer of 32 bits")?)))
        }
        Kind::Number(_) | Kind::Word("nan" | "inf") => Ok(Number::Float(cursor.f32()?)),
        _ => Err(cursor.expected("an attribute's value")),
    }
}

/// `none`, `relu`, `relu6` or `clamp(lo, hi)`.
fn activation(cursor: &mut Cursor<'_>) -> Parse<Activation> {
    let start = cursor.position();
    match cursor.word("an activation")? {
        "none" => Ok(Activation::NONE),
        "relu" => Ok(Activation::RELU),
        "relu6" => Ok(Activation::RELU6),
        _ => {
            cursor.mark("(")?;
            let lo = cursor.f32()?;
            cursor.mark(",")?;
            let hi = cursor.f32()?;
            cursor.mark(")")?;
            if lo <= hi {
                Ok(Activation { lo, hi })
            } else {
                Err(cursor.error_at(
                    start,
                    606,
                    format!("the bounds {lo:?} and {hi:?} of a clamp are no range"),
                ))
            }
        }
    }
}
