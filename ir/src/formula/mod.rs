//! Scalar functions: what the operator [`map`](crate::op::Map) applies to each element.
//!
//! A formula is a small expression over its arguments, made of the scalar operations that [`crate::loops::expr`] defines,
//! so its meaning is theirs and lowering copies it. Functions that those lack (`tan`, `gelu`, `pow`) are composed by
//! whoever writes the formula, through [`Writer`]. Not here: shapes, which are the operator's.

mod apply;
mod write;

pub use apply::Applied;
pub use write::{Number, Writer};

use crate::DType;
use crate::loops::{BinaryOp, Literal, UnaryOp};
use crate::op::{TypeError, require};

/// A scalar function of some arguments. Equal subexpressions are one term.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formula {
    /// Each after its operands, no two equal. The last is the result.
    terms: Vec<Term>,
}

/// One subexpression; operands are positions of earlier terms.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// The argument of that number.
    Argument(usize),
    /// A constant.
    Literal(Literal),
    /// An operation on one operand.
    Unary(UnaryOp, usize),
    /// An operation on two operands of equal type. Integer sums, differences and products are the wrapping ones.
    Binary(BinaryOp, usize, usize),
    /// A conversion, as the loop IR defines it.
    Convert(DType, usize),
    /// The same bits as another type of the same size.
    Bits(DType, usize),
    /// The second where the first (a bool) holds, else the third.
    Select([usize; 3]),
}

impl Term {
    /// The positions of the operands.
    pub fn operands(&self) -> Vec<usize> {
        match *self {
            Self::Argument(_) | Self::Literal(_) => vec![],
            Self::Unary(_, x) | Self::Convert(_, x) | Self::Bits(_, x) => vec![x],
            Self::Binary(_, x, y) => vec![x, y],
            Self::Select(xs) => xs.to_vec(),
        }
    }

    /// The same on operands at other positions.
    fn moved(&self, to: impl Fn(usize) -> usize) -> Self {
        match *self {
            Self::Argument(_) | Self::Literal(_) => self.clone(),
            Self::Unary(op, x) => Self::Unary(op, to(x)),
            Self::Convert(dtype, x) => Self::Convert(dtype, to(x)),
            Self::Bits(dtype, x) => Self::Bits(dtype, to(x)),
            Self::Binary(op, x, y) => Self::Binary(op, to(x), to(y)),
            Self::Select(xs) => Self::Select(xs.map(to)),
        }
    }
}

impl Formula {
    /// An argument as it is.
    pub fn argument(number: usize) -> Self {
        Self { terms: vec![Term::Argument(number)] }
    }

    /// A constant.
    pub fn literal(literal: Literal) -> Self {
        Self { terms: vec![Term::Literal(literal)] }
    }

    /// The terms, operands first; the last is the result.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Adds a term whose operands are there, or finds the equal one; returns its position.
    pub(crate) fn push(&mut self, term: Term) -> usize {
        debug_assert!(term.operands().iter().all(|&x| x < self.terms.len()));
        if let Some(at) = self.terms.iter().position(|t| *t == term) {
            return at;
        }
        self.terms.push(term);
        self.terms.len() - 1
    }

    /// Leaves out what the term at `result` does not need, and makes it the last.
    pub(crate) fn finish(&self, result: usize) -> Self {
        let mut needed = vec![false; self.terms.len()];
        needed[result] = true;
        for at in (0..=result).rev().filter(|&at| at < self.terms.len()) {
            if needed[at] {
                self.terms[at].operands().into_iter().for_each(|x| needed[x] = true);
            }
        }
        let mut moved = vec![0; self.terms.len()];
        let mut kept = Self::default();
        for at in (0..=result).filter(|&at| needed[at]) {
            let term = self.terms[at].moved(|x| moved[x]);
            moved[at] = kept.terms.len();
            kept.terms.push(term);
        }
        kept
    }

    /// The type to which the formula converts its one argument, if it does nothing else.
    pub fn as_conversion(&self) -> Option<DType> {
        match self.terms.as_slice() {
            [Term::Argument(0), Term::Convert(to, 0)] => Some(*to),
            _ => None,
        }
    }

    /// The formula with conversions of some arguments before it: `types` has one entry for each argument.
    pub fn on_converted(&self, types: &[Option<DType>]) -> Self {
        let mut new = Self::default();
        let mut moved = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let at = new.push(term.moved(|x| moved[x]));
            let to = if let Term::Argument(i) = term { types[*i] } else { None };
            moved.push(to.map_or(at, |to| new.push(Term::Convert(to, at))));
        }
        moved.last().map_or(Self::default(), |&result| new.finish(result))
    }

    /// The formula of other formulas: one for each argument, all of the same arguments.
    pub fn on(&self, parts: &[Self]) -> Self {
        let mut new = Self::default();
        let mut add = |formula: &Self, results: &[usize]| {
            let mut moved: Vec<usize> = Vec::with_capacity(formula.terms.len());
            for term in &formula.terms {
                moved.push(match term {
                    Term::Argument(i) if !results.is_empty() => results[*i],
                    term => new.push(term.moved(|x| moved[x])),
                });
            }
            moved.last().copied().unwrap_or_default()
        };
        let results: Vec<usize> = parts.iter().map(|part| add(part, &[])).collect();
        let result = add(self, &results);
        new.finish(result)
    }

    /// The formula with a conversion of the result behind it.
    pub fn converted(&self, to: DType) -> Self {
        let mut new = self.clone();
        let result = new.push(Term::Convert(to, self.terms.len() - 1));
        new.finish(result)
    }

    /// The type of every term for arguments of these types.
    ///
    /// # Errors
    /// An operation is not defined on its operands, or an argument does not exist.
    pub fn types(&self, arguments: &[DType]) -> Result<Vec<DType>, TypeError> {
        let mut types: Vec<DType> = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let ty = term_type(term, &types, arguments)?;
            types.push(ty);
        }
        require!(!types.is_empty(), "the formula is empty");
        Ok(types)
    }

    /// How often each term is used by others.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.terms.len()];
        self.terms.iter().flat_map(Term::operands).for_each(|x| uses[x] += 1);
        uses
    }
}

/// The types on which there is arithmetic.
fn is_arithmetic(ty: DType) -> bool {
    ty.size() >= 4
}

fn term_type(term: &Term, types: &[DType], arguments: &[DType]) -> Result<DType, TypeError> {
    match *term {
        Term::Argument(i) => {
            arguments.get(i).copied().ok_or_else(|| TypeError::new(format!("there is no argument x{i}")))
        }
        Term::Literal(literal) => Ok(literal.scalar()),
        Term::Convert(to, x) => {
            let from = types[x];
            // Half floats have one way in and out, and so have integers that share bytes.
            let bridge = |narrow: DType, other: DType| match narrow {
                _ if narrow == other => true,
                DType::F16 | DType::BF16 => other == DType::F32,
                _ => !narrow.is_packed() || other == DType::I32,
            };
            require!(bridge(to, from) && bridge(from, to), "{from} does not become {to}");
            Ok(to)
        }
        Term::Bits(to, x) => {
            let ty = types[x];
            let fits = is_arithmetic(ty) && is_arithmetic(to) && ty.size() == to.size();
            require!(fits, "the bits of {ty} are no {to}");
            Ok(to)
        }
        Term::Unary(op, x) => {
            let ty = types[x];
            let fits = match op {
                UnaryOp::Neg | UnaryOp::Abs => is_arithmetic(ty) && (ty.is_signed() || ty.is_float()),
                UnaryOp::Not => is_arithmetic(ty) && ty.is_int() || ty == DType::Bool,
                UnaryOp::Sqrt | UnaryOp::RoundTiesEven => is_arithmetic(ty) && ty.is_float(),
                UnaryOp::Exp | UnaryOp::Log => matches!(ty, DType::F32 | DType::F64),
                _ => ty == DType::F32,
            };
            require!(fits, "{op:?} is not defined on {ty}");
            Ok(ty)
        }
        Term::Binary(op, x, y) => {
            let (ty, other) = (types[x], types[y]);
            require!(ty == other, "the operands of {op:?} are {ty} and {other}");
            let (number, int) = (is_arithmetic(ty), is_arithmetic(ty) && ty.is_int());
            use BinaryOp as B;
            let fits = match op {
                B::Add | B::Sub | B::Mul => number && ty.is_float(),
                B::Div | B::Min | B::Max | B::Lt | B::Le => number,
                B::WrappingAdd | B::WrappingSub | B::WrappingMul | B::Rem | B::Shl | B::Shr => int,
                B::And | B::Or | B::Xor => int || ty == DType::Bool,
                B::Eq | B::Ne => number || ty == DType::Bool,
            };
            require!(fits, "{op:?} is not defined on {ty}");
            Ok(if op.is_comparison() { DType::Bool } else { ty })
        }
        Term::Select([condition, then, otherwise]) => {
            let (ty, other) = (types[then], types[otherwise]);
            require!(types[condition] == DType::Bool, "the condition is {}, not bool", types[condition]);
            require!(ty == other, "the choices are {ty} and {other}");
            require!(is_arithmetic(ty) || ty == DType::Bool, "Select is not defined on {ty}");
            Ok(ty)
        }
    }
}

#[cfg(test)]
mod tests;
