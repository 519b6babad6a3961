//! Reads one kernel of a loop-IR program: parameters, statements, indices. Expressions are in
//! [`expr_parser`](super::expr_parser).

use super::cursor::{Cursor, Parse, Reported};
use super::data::bool;
use super::lexer::Kind;
use super::program_parser::length;
use super::types::dtype;
use crate::entity::Entity;
use crate::loops::{
    Access, Affine, Bound, Dynamic, Expr, Index, KernelData, Loop, LoopData, Param, ParamData, Ring, Stmt,
    Var, VarData,
};

/// Blocks, parentheses and operators may nest this deep: recursion must not meet the end of the stack.
pub(super) const DEEPEST: usize = 128;

/// `(x: read i8[490] align 4, y: write i8[10] align 1 may_alias x) "comment" { … }`.
pub(super) fn kernel(cursor: &mut Cursor<'_>, name: &str) -> Parse<KernelData> {
    let kernel = KernelData { name: name.into(), ..KernelData::default() };
    let mut parser =
        KernelParser { cursor, kernel, vars: Vec::new(), loops: Vec::new(), depths: Vec::new(), depth: 0 };
    parser.cursor.mark("(")?;
    while !parser.cursor.eat(")") {
        parser.param()?;
        if !parser.cursor.eat(",") {
            parser.cursor.mark(")")?;
            break;
        }
    }
    parser.kernel.comment = parser.cursor.text_if().unwrap_or_default();
    parser.kernel.body = parser.block()?;
    Ok(parser.kernel)
}

pub(super) struct KernelParser<'c, 'a> {
    pub(super) cursor: &'c mut Cursor<'a>,
    pub(super) kernel: KernelData,
    /// Registers in scope, innermost last.
    pub(super) vars: Vec<(&'a str, Var)>,
    /// Counters in scope, innermost last.
    loops: Vec<(&'a str, Loop)>,
    /// How deep each expression's tree is.
    pub(super) depths: Vec<usize>,
    /// How deep the reader is in blocks and parentheses.
    depth: usize,
}

impl<'a> KernelParser<'_, 'a> {
    fn param(&mut self) -> Parse<()> {
        let start = self.cursor.position();
        let name = self.cursor.word("a parameter")?;
        self.cursor.mark(":")?;
        let access = match self.cursor.word("`read`, `write` or `read_write`")? {
            "read" => Access::Read,
            "write" => Access::Write,
            "read_write" => Access::ReadWrite,
            other => {
                return Err(self.cursor.error_at(
                    start,
                    603,
                    format!("`{other}` is not read, write or read_write"),
                ));
            }
        };
        let scalar = dtype(self.cursor)?;
        let len = length(self.cursor)?;
        self.cursor.keyword("align")?;
        let align = self.cursor.int("an alignment")?;
        let may_alias = if self.cursor.eat_word("may_alias") { Some(self.param_use()?) } else { None };
        if self.kernel.params.values().any(|p| p.name == name) {
            return Err(self.cursor.error_at(start, 604, format!("parameter {name} is defined twice")));
        }
        self.kernel.params.push(ParamData { name: name.into(), scalar, len, align, access, may_alias });
        Ok(())
    }

    pub(super) fn param_use(&mut self) -> Parse<Param> {
        let start = self.cursor.position();
        let name = self.cursor.word("a parameter")?;
        let found = self.kernel.params.iter().find(|(_, p)| p.name == name).map(|(param, _)| param);
        found.ok_or_else(|| self.cursor.error_at(start, 603, format!("{name} is no parameter")))
    }

    pub(super) fn var_use(&mut self) -> Parse<Var> {
        let start = self.cursor.position();
        let name = self.cursor.word("a register")?;
        let found = self.vars.iter().rev().find(|v| v.0 == name).map(|v| v.1);
        found.ok_or_else(|| self.cursor.error_at(start, 603, format!("{name} is no register in scope")))
    }

    /// Runs a reader one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == DEEPEST {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn too_deep(&mut self) -> Reported {
        self.cursor.error(605, format!("nesting is deeper than {DEEPEST}"))
    }

    /// `{ … }`; registers leave scope at its end.
    fn block(&mut self) -> Parse<Vec<Stmt>> {
        self.deeper(|this| {
            this.cursor.mark("{")?;
            let (vars, loops) = (this.vars.len(), this.loops.len());
            let mut block = Vec::new();
            while !this.cursor.eat("}") {
                block.push(this.stmt()?);
            }
            this.vars.truncate(vars);
            this.loops.truncate(loops);
            Ok(block)
        })
    }

    fn stmt(&mut self) -> Parse<Stmt> {
        if matches!(self.cursor.peek_second(), Kind::Mark("=")) {
            let var = self.var_use()?;
            self.cursor.advance();
            return Ok(Stmt::Assign { var, value: self.expr()? });
        }
        if matches!(self.cursor.peek_second(), Kind::Mark("[")) {
            let param = self.param_use()?;
            let index = self.index_in_brackets()?;
            self.cursor.mark("=")?;
            return Ok(Stmt::Store { param, index, value: self.expr()? });
        }
        match *self.cursor.peek() {
            Kind::Word("let") => self.let_stmt(),
            Kind::Word("for") => self.for_stmt(),
            Kind::Word("if") => {
                self.cursor.advance();
                let condition = self.expr()?;
                let then = self.block()?;
                let otherwise = if self.cursor.eat_word("else") { self.block()? } else { Vec::new() };
                Ok(Stmt::If { condition, then, otherwise })
            }
            Kind::Word("break") => {
                self.cursor.advance();
                Ok(Stmt::Break)
            }
            Kind::Word("fail") => {
                self.cursor.advance();
                Ok(Stmt::Fail { code: self.cursor.int("a code")? })
            }
            _ => Err(self.cursor.expected("a statement or `}`")),
        }
    }

    /// `let acc: i32 = 0`.
    fn let_stmt(&mut self) -> Parse<Stmt> {
        self.cursor.advance();
        let name = self.cursor.word("a register")?;
        self.cursor.mark(":")?;
        let scalar = dtype(self.cursor)?;
        self.cursor.mark("=")?;
        let value = self.expr()?;
        let var = self.kernel.vars.push(VarData { name: name.into(), scalar });
        self.vars.push((name, var));
        Ok(Stmt::Let { var, value })
    }

    /// `for ky in max(0, 1 - oy)..min(3, 8 - oy) step 2 { … }`.
    fn for_stmt(&mut self) -> Parse<Stmt> {
        self.cursor.advance();
        let name = self.cursor.word("a counter")?;
        self.cursor.keyword("in")?;
        let counter = self.kernel.loops.push(LoopData { name: name.into() });
        let lo = self.bound("max")?;
        self.cursor.mark("..")?;
        let hi = self.bound("min")?;
        let step = if self.cursor.eat_word("step") { self.cursor.int("a step")? } else { 1 };
        self.loops.push((name, counter));
        let body = self.block()?;
        self.loops.pop();
        Ok(Stmt::For { counter, lo, hi, step, body })
    }

    fn bound(&mut self, word: &str) -> Parse<Bound> {
        let many = self.cursor.is_word(word) && matches!(self.cursor.peek_second(), Kind::Mark("("));
        if !many {
            return Ok(Bound(vec![self.affine()?]));
        }
        self.cursor.advance();
        self.cursor.advance();
        let mut candidates = Vec::new();
        while !self.cursor.eat(")") {
            candidates.push(self.affine()?);
            if !self.cursor.eat(",") {
                self.cursor.mark(")")?;
                break;
            }
        }
        Ok(Bound(candidates))
    }

    pub(super) fn index_in_brackets(&mut self) -> Parse<Index> {
        self.cursor.mark("[")?;
        let index = self.deeper(Self::index)?;
        self.cursor.mark("]")?;
        Ok(index)
    }

    /// A sum without rings and data.
    pub(super) fn affine(&mut self) -> Parse<Affine> {
        let start = self.cursor.position();
        let index = self.deeper(Self::index)?;
        if index.ring.is_some() || index.dynamic.is_some() {
            return Err(self.cursor.error_at(start, 602, "only an index may have a ring or a dynamic part"));
        }
        Ok(index.affine)
    }

    /// `2*oy + kx - 3 + 16*ring(oy + ky, 3) + dynamic(row, 0, 7)`.
    fn index(&mut self) -> Parse<Index> {
        let mut index = Index::default();
        let mut negative = self.cursor.minus();
        loop {
            self.term(&mut index, negative)?;
            if self.cursor.eat("+") {
                negative = false;
            } else if self.cursor.eat("-") {
                negative = true;
            } else {
                return Ok(index);
            }
        }
    }

    /// `3`, `oy`, `3*oy`, `3*ring(…)` or `3*dynamic(…)`, with its sign.
    fn term(&mut self, index: &mut Index, negative: bool) -> Parse<()> {
        let start = self.cursor.position();
        let mut coefficient = if negative { -1i128 } else { 1 };
        let number = matches!(self.cursor.peek(), Kind::Number(_));
        if number {
            coefficient *= self.cursor.int::<i128>("an integer")?;
        }
        let fits = i64::try_from(coefficient);
        let Ok(coefficient) = fits else {
            return Err(self.cursor.error_at(start, 605, "the number does not fit i64"));
        };
        if number && !self.cursor.eat("*") {
            return match index.affine.constant.checked_add(coefficient) {
                Some(sum) => {
                    index.affine.constant = sum;
                    Ok(())
                }
                None => Err(self.cursor.error_at(start, 605, "the sum does not fit i64")),
            };
        }
        let called = matches!(self.cursor.peek_second(), Kind::Mark("("));
        if called && self.cursor.eat_word("ring") {
            self.cursor.mark("(")?;
            let row = self.affine()?;
            self.cursor.mark(",")?;
            let rows = self.cursor.int("a number of rows")?;
            self.cursor.mark(")")?;
            let ring = Ring { stride: coefficient, row, rows };
            return if index.ring.replace(ring).is_none() { Ok(()) } else { Err(self.twice(start, "ring")) };
        }
        if called && self.cursor.eat_word("dynamic") {
            self.cursor.mark("(")?;
            let value = self.expr()?;
            self.cursor.mark(",")?;
            let lo = self.cursor.int("the least value")?;
            self.cursor.mark(",")?;
            let hi = self.cursor.int("the greatest value")?;
            self.cursor.mark(")")?;
            let dynamic = Dynamic { stride: coefficient, value, lo, hi };
            return if index.dynamic.replace(dynamic).is_none() {
                Ok(())
            } else {
                Err(self.twice(start, "dynamic"))
            };
        }
        let name = self.cursor.word("a number or a counter")?;
        let Some(counter) = self.loops.iter().rev().find(|l| l.0 == name).map(|l| l.1) else {
            return Err(self.cursor.error_at(start, 603, format!("{name} is no counter in scope")));
        };
        let terms = &mut index.affine.terms;
        match terms.binary_search_by_key(&counter, |t| t.1) {
            Ok(at) => match terms[at].0.checked_add(coefficient) {
                Some(0) => drop(terms.remove(at)),
                Some(sum) => terms[at].0 = sum,
                None => return Err(self.cursor.error_at(start, 605, "the sum does not fit i64")),
            },
            Err(_) if coefficient == 0 => {}
            Err(at) => terms.insert(at, (coefficient, counter)),
        }
        Ok(())
    }

    fn twice(&mut self, start: usize, what: &str) -> Reported {
        self.cursor.error_at(start, 604, format!("an index has one {what} part"))
    }

    /// `true` or `false`, if it is next.
    pub(super) fn bool_if(&mut self) -> Option<bool> {
        matches!(self.cursor.peek(), Kind::Word("true" | "false")).then(|| bool(self.cursor).ok()).flatten()
    }

    /// The depth of an expression's tree.
    pub(super) fn depth_of(&self, expr: Expr) -> usize {
        self.depths[expr.index()]
    }
}
