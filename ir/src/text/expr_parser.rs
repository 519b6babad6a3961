//! Reads expressions of the loop IR: infix with precedence, calls, literals, loads.

use super::cursor::Parse;
use super::kernel_parser::{DEEPEST, KernelParser};
use super::lexer::Kind;
use super::literal::{number, special};
use super::operators::{BINARY_CALLS, INFIX, UNARY_CALLS, bits_named, numbers_mut, packed_named};
use crate::loops::{Expr, ExprData, Literal, PackedOp, Scalar, UnaryOp};

impl KernelParser<'_, '_> {
    /// An expression.
    pub(super) fn expr(&mut self) -> Parse<Expr> {
        self.deeper(|this| this.infix(0))
    }

    fn push(&mut self, data: ExprData, operands: &[Expr]) -> Parse<Expr> {
        let depth = 1 + operands.iter().map(|&e| self.depth_of(e)).max().unwrap_or(0);
        if depth > DEEPEST {
            return Err(self.too_deep());
        }
        self.depths.push(depth);
        Ok(self.kernel.exprs.push(data))
    }

    /// Operators of at least the given precedence.
    fn infix(&mut self, least: u8) -> Parse<Expr> {
        let mut left = self.prefix()?;
        loop {
            let Kind::Mark(mark) = *self.cursor.peek() else { return Ok(left) };
            let Some(&(_, op, level)) = INFIX.iter().find(|i| i.0 == mark && i.2 >= least) else {
                return Ok(left);
            };
            self.cursor.advance();
            let right = self.infix(level + 1)?;
            left = self.push(ExprData::Binary { op, left, right }, &[left, right])?;
        }
    }

    /// `-x`, `!x`, or something that needs no operator; a minus before a number belongs to the number.
    fn prefix(&mut self) -> Parse<Expr> {
        let op = if self.cursor.is("-") {
            let number = match self.cursor.peek_second() {
                Kind::Number(_) => true,
                Kind::Word("inf" | "nan") => self.special_follows(2),
                _ => false,
            };
            if number {
                self.cursor.advance();
                return self.primary(true);
            }
            UnaryOp::Neg
        } else if self.cursor.is("!") {
            UnaryOp::Not
        } else {
            return self.primary(false);
        };
        self.cursor.advance();
        let value = self.deeper(Self::prefix)?;
        self.push(ExprData::Unary { op, value }, &[value])
    }

    /// Whether the token behind some others opens parentheses, as `inf(f32)` does and a register `inf` does not.
    fn special_follows(&self, skip: usize) -> bool {
        self.cursor.peek_at(skip) == &Kind::Mark("(")
    }

    fn primary(&mut self, negative: bool) -> Parse<Expr> {
        match *self.cursor.peek() {
            Kind::Number(text) => {
                let literal = number(self.cursor, text, negative)?;
                self.push(ExprData::Literal(literal), &[])
            }
            Kind::Mark("(") => {
                self.cursor.advance();
                let value = self.expr()?;
                self.cursor.mark(")")?;
                Ok(value)
            }
            Kind::Word(word) => match *self.cursor.peek_second() {
                Kind::Mark("(") => self.call(word, negative),
                Kind::Mark("[" | ".") => self.load(),
                _ => match self.bool_if() {
                    Some(value) => self.push(ExprData::Literal(Literal::Bool(value)), &[]),
                    None => {
                        let var = self.var_use()?;
                        self.push(ExprData::Var(var), &[])
                    }
                },
            },
            _ => Err(self.cursor.expected("an expression")),
        }
    }

    /// `x[i]`, or `x.i32[i]` for a load of another type than the element's.
    fn load(&mut self) -> Parse<Expr> {
        let param = self.param_use()?;
        let mut scalar = self.kernel.params[param].scalar;
        if self.cursor.eat(".") {
            scalar = super::types::dtype(self.cursor)?;
        }
        let index = self.index_in_brackets()?;
        let operands: Vec<Expr> = index.dynamic.iter().map(|d| d.value).collect();
        self.push(ExprData::Load { param, index, scalar }, &operands)
    }

    /// Whatever has a word and parentheses.
    fn call(&mut self, word: &str, negative: bool) -> Parse<Expr> {
        let start = self.cursor.position();
        self.cursor.advance();
        self.cursor.mark("(")?;
        match word {
            "inf" | "nan" => {
                let literal = special(self.cursor, word, negative)?;
                return self.push(ExprData::Literal(literal), &[]);
            }
            "affine" => {
                let affine = self.affine()?;
                self.cursor.mark(")")?;
                return self.push(ExprData::Affine(affine), &[]);
            }
            _ => {}
        }
        let mut packed = packed_named(word);
        let args = self.args(packed.as_mut())?;
        let (data, count) = if let Some(op) = packed {
            (ExprData::Packed { op, args: args.clone() }, op.signature().0.len())
        } else if let (Some((_, op)), &[value]) = (UNARY_CALLS.iter().find(|c| c.0 == word), &args[..]) {
            (ExprData::Unary { op: *op, value }, 1)
        } else if let (Some((_, op)), &[left, right]) = (BINARY_CALLS.iter().find(|c| c.0 == word), &args[..])
        {
            (ExprData::Binary { op: *op, left, right }, 2)
        } else if let (Ok(to), &[value]) = (word.parse::<Scalar>(), &args[..]) {
            (ExprData::Convert { to, value }, 1)
        } else if let (Some(to), &[value]) = (bits_named(word), &args[..]) {
            (ExprData::Bits { to, value }, 1)
        } else if let ("select", &[condition, then, otherwise]) = (word, &args[..]) {
            (ExprData::Select { condition, then, otherwise }, 3)
        } else {
            let message = format!("`{word}` is no operation on {} operands", args.len());
            return Err(self.cursor.error_at(start, 603, message));
        };
        if args.len() != count {
            let message = format!("`{word}` takes {count} operands, not {}", args.len());
            return Err(self.cursor.error_at(start, 602, message));
        }
        self.push(data, &args)
    }

    /// Operands up to the closing parenthesis, and behind them the numbers of a packed operation.
    fn args(&mut self, mut packed: Option<&mut PackedOp>) -> Parse<Vec<Expr>> {
        let mut args = Vec::new();
        let mut numbers = packed.as_mut().map_or(Vec::new(), |op| numbers_mut(op));
        while !self.cursor.eat(")") {
            if let (Kind::Word(word), Kind::Mark("=")) =
                (self.cursor.peek().clone(), self.cursor.peek_second())
            {
                let Some(at) = numbers.iter().position(|n| n.0 == word) else {
                    return Err(self.cursor.error(606, format!("there is no number `{word}` here")));
                };
                self.cursor.advance();
                self.cursor.advance();
                *numbers.remove(at).1 = self.cursor.int("a small number")?;
            } else {
                args.push(self.expr()?);
            }
            if !self.cursor.eat(",") {
                self.cursor.mark(")")?;
                break;
            }
        }
        match numbers.first() {
            None => Ok(args),
            Some((missing, _)) => Err(self.cursor.error(606, format!("the number `{missing}` is missing"))),
        }
    }
}
