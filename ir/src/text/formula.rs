//! Formulas in the text form: `x0 * sigmoid(x0)`, with the operators, calls and constants that kernels have.

use super::cursor::{Cursor, Parse};
use super::lexer::Kind;
use super::literal::{literal_text, number, special};
use super::operators::{BINARY_CALLS, INFIX, PREFIX, UNARY_CALLS, bits_named};
use crate::formula::{Formula, Term};
use crate::loops::{Literal, UnaryOp};
use crate::{DType, formula};
use std::fmt;

/// Expressions inside expressions, at most.
const DEEPEST: usize = 64;

/// Reads a formula, up to what cannot continue it.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parse<Formula> {
    let mut reader = Reader { cursor, formula: Formula::default(), depth: 0 };
    let result = reader.infix(0)?;
    Ok(reader.formula.finish(result))
}

struct Reader<'a, 'c> {
    cursor: &'c mut Cursor<'a>,
    formula: Formula,
    depth: usize,
}

impl Reader<'_, '_> {
    /// Operators of at least the given precedence.
    fn infix(&mut self, least: u8) -> Parse<usize> {
        if self.depth == DEEPEST {
            return Err(self.cursor.error(605, format!("nesting is deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let mut left = self.prefix()?;
        while let Kind::Mark(mark) = *self.cursor.peek() {
            let Some(&(_, op, level)) = INFIX.iter().find(|i| i.0 == mark && i.2 >= least) else { break };
            self.cursor.advance();
            let right = self.infix(level + 1)?;
            left = self.formula.push(Term::Binary(op, left, right));
        }
        self.depth -= 1;
        Ok(left)
    }

    /// `-x`, `!x`, or something without an operator before it; a minus before a number belongs to the number.
    fn prefix(&mut self) -> Parse<usize> {
        let minus = self.cursor.is("-");
        if minus && matches!(self.cursor.peek_second(), Kind::Number(_) | Kind::Word("inf" | "nan")) {
            self.cursor.advance();
            return self.primary(true);
        }
        if !minus && !self.cursor.is("!") {
            return self.primary(false);
        }
        self.cursor.advance();
        let value = self.infix(PREFIX)?;
        Ok(self.formula.push(Term::Unary(if minus { UnaryOp::Neg } else { UnaryOp::Not }, value)))
    }

    fn primary(&mut self, negative: bool) -> Parse<usize> {
        let start = self.cursor.position();
        let term = match *self.cursor.peek() {
            Kind::Number(text) => Term::Literal(number(self.cursor, text, negative)?),
            Kind::Mark("(") => {
                self.cursor.advance();
                let value = self.infix(0)?;
                self.cursor.mark(")")?;
                return Ok(value);
            }
            Kind::Word(word) => {
                self.cursor.advance();
                match word {
                    "true" | "false" => Term::Literal(Literal::Bool(word == "true")),
                    _ if self.cursor.eat("(") => return self.call(start, word, negative),
                    _ => match word.strip_prefix('x').and_then(|n| n.parse().ok()) {
                        Some(number) => Term::Argument(number),
                        None => {
                            let message = format!("`{word}` is no argument; they are x0, x1 and so on");
                            return Err(self.cursor.error_at(start, 603, message));
                        }
                    },
                }
            }
            _ => return Err(self.cursor.expected("a formula")),
        };
        Ok(self.formula.push(term))
    }

    fn call(&mut self, start: usize, word: &str, negative: bool) -> Parse<usize> {
        if let "inf" | "nan" = word {
            let literal = special(self.cursor, word, negative)?;
            return Ok(self.formula.push(Term::Literal(literal)));
        }
        let mut args = Vec::new();
        while !self.cursor.eat(")") {
            args.push(self.infix(0)?);
            if !self.cursor.eat(",") {
                self.cursor.mark(")")?;
                break;
            }
        }
        let unary = UNARY_CALLS.iter().find(|c| c.0 == word).map(|c| c.1);
        let binary = BINARY_CALLS.iter().find(|c| c.0 == word).map(|c| c.1);
        let term = match (args.as_slice(), unary, binary, word.parse::<DType>()) {
            (&[x], Some(op), _, _) => Term::Unary(op, x),
            (&[x, y], _, Some(op), _) => Term::Binary(op, x, y),
            (&[x], _, _, Ok(to)) => Term::Convert(to, x),
            (&[x], _, _, _) if bits_named(word).is_some() => {
                Term::Bits(bits_named(word).expect("just asked"), x)
            }
            (&[condition, then, otherwise], _, _, _) if word == "select" => {
                Term::Select([condition, then, otherwise])
            }
            _ => {
                let message = format!("`{word}` is no operation on {} operands", args.len());
                return Err(self.cursor.error_at(start, 603, message));
            }
        };
        Ok(self.formula.push(term))
    }
}

/// A formula as text.
pub(super) fn print(formula: &Formula) -> String {
    match formula.terms().len() {
        0 => String::new(),
        count => text(formula.terms(), count - 1, 0),
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self))
    }
}

fn text(terms: &[formula::Term], at: usize, least: u8) -> String {
    let call = |name: &str, args: &[usize]| {
        let args: Vec<String> = args.iter().map(|&arg| text(terms, arg, 0)).collect();
        format!("{name}({})", args.join(", "))
    };
    let bracketed = |text: String, yes: bool| if yes { format!("({text})") } else { text };
    match &terms[at] {
        Term::Argument(number) => format!("x{number}"),
        Term::Literal(literal) => bracketed(literal_text(*literal), least > PREFIX),
        Term::Unary(op @ (UnaryOp::Neg | UnaryOp::Not), x) => {
            let literal = matches!(terms[*x], Term::Literal(_));
            let inner = text(terms, *x, if literal { PREFIX + 1 } else { PREFIX });
            format!("{}{inner}", if *op == UnaryOp::Neg { '-' } else { '!' })
        }
        Term::Unary(op, x) => {
            let name = UNARY_CALLS.iter().find(|c| c.1 == *op).map(|c| c.0);
            call(name.expect("the tables have every operation"), &[*x])
        }
        Term::Binary(op, x, y) => {
            if let Some((name, _)) = BINARY_CALLS.iter().find(|c| c.1 == *op) {
                return call(name, &[*x, *y]);
            }
            let found = INFIX.iter().find(|i| i.1 == *op);
            let (mark, _, level) = *found.expect("the tables have every operation");
            let joined = format!("{} {mark} {}", text(terms, *x, level), text(terms, *y, level + 1));
            bracketed(joined, level < least)
        }
        Term::Convert(to, x) => call(to.name(), &[*x]),
        Term::Bits(to, x) => call(&format!("bits_{to}"), &[*x]),
        Term::Select(xs) => call("select", xs),
    }
}
