//! Statements of the loop IR: the only things with effects.

use super::expr::Expr;
use super::index::{Affine, Index};
use super::kernel::{Loop, Param, Var};

/// One step of a kernel. Expressions (and the loads in them) are evaluated when the statement that holds them runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// Brings a register into scope, for the rest of this block, with its first value.
    Let {
        /// The register; exactly one `Let` declares it.
        var: Var,
        /// Of the register's type.
        value: Expr,
    },
    /// Gives a register in scope another value.
    Assign {
        /// The register.
        var: Var,
        /// Of the register's type.
        value: Expr,
    },
    /// Writes to a buffer. The value has the element's type, or is an integer of a float's bits; or it is wider by a power
    /// of two and stored little-endian over neighbouring elements, where the index is proven to be a multiple that keeps it
    /// aligned.
    Store {
        /// The buffer, written or read-and-written.
        param: Param,
        /// The element.
        index: Index,
        /// What is stored.
        value: Expr,
    },
    /// Repeats the body with the counter at `max(lo)`, then `+ step`, while below `min(hi)`.
    For {
        /// The counter, in scope inside the body.
        counter: Loop,
        /// The first value: the greatest of these; at least one.
        lo: Bound,
        /// The end, not reached: the least of these; at least one.
        hi: Bound,
        /// Above zero.
        step: u32,
        /// What is repeated.
        body: Vec<Stmt>,
    },
    /// Runs one of two blocks.
    If {
        /// A bool.
        condition: Expr,
        /// Run when true.
        then: Vec<Stmt>,
        /// Run when false.
        otherwise: Vec<Stmt>,
    },
    /// Leaves the innermost `for`.
    Break,
    /// Ends the whole run with an error for the user's run-time data (an index out of range, say).
    Fail {
        /// What `model_run` returns, above zero.
        code: u8,
    },
}

/// One end of a loop's range: several affine candidates, combined by `max` (lower end) or `min` (upper end).
/// Convolution borders need it: `for ky in max(0, pad − oy) .. min(KH, H + pad − oy)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound(pub Vec<Affine>);

impl From<i64> for Bound {
    fn from(constant: i64) -> Self {
        Self(vec![Affine::constant(constant)])
    }
}

impl From<Affine> for Bound {
    fn from(affine: Affine) -> Self {
        Self(vec![affine])
    }
}
