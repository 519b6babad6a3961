//! The value of a formula for given arguments, in the bits that the loop interpreter has.

use super::{Formula, Term};
use crate::DType;
use crate::loops::interpret::ops;
use crate::op::TypeError;

/// A formula with the types of its arguments, ready to be applied.
pub struct Applied<'f> {
    formula: &'f Formula,
    types: Vec<DType>,
    values: Vec<u64>,
}

impl<'f> Applied<'f> {
    /// A formula on arguments of these types.
    ///
    /// # Errors
    /// Those of [`Formula::types`].
    pub fn new(formula: &'f Formula, arguments: &[DType]) -> Result<Self, TypeError> {
        let types = formula.types(arguments)?;
        Ok(Self { formula, values: vec![0; types.len()], types })
    }

    /// The result's type.
    pub fn dtype(&self) -> DType {
        self.types[self.types.len() - 1]
    }

    /// The result's bits for the arguments' bits: integers extended to 64 bits, floats in the low bits, bool 0 or 1.
    pub fn apply(&mut self, arguments: &[u64]) -> u64 {
        const TOTAL: &str = "the types are checked, and no operation of a formula overflows";
        let mut last = 0;
        for (at, term) in self.formula.terms().iter().enumerate() {
            let v = |x: usize| self.values[x];
            last = match *term {
                Term::Argument(i) => arguments[i],
                Term::Literal(literal) => literal.bits(),
                Term::Unary(op, x) => ops::unary(op, self.types[x], v(x)).expect(TOTAL),
                Term::Binary(op, x, y) => ops::binary(op, self.types[x], v(x), v(y)).expect(TOTAL),
                Term::Bits(to, x) => ops::extend(to, v(x)),
                Term::Convert(to, x) => ops::convert(self.types[x], to, v(x)),
                Term::Select([condition, then, otherwise]) => {
                    v(if v(condition) != 0 { then } else { otherwise })
                }
            };
            self.values[at] = last;
        }
        last
    }
}
