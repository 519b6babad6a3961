//! One function of the loop IR.

use super::expr::{Expr, ExprData};
use super::scalar::Scalar;
use super::stmt::Stmt;
use crate::entity::Arena;

crate::entity! {
    /// A function.
    pub struct Kernel = "k";
}
crate::entity! {
    /// A buffer that a kernel is given.
    pub struct Param = "p";
}
crate::entity! {
    /// A loop's counter, an i32.
    pub struct Loop = "i";
}
crate::entity! {
    /// A register: assigned by statements, read by expressions.
    pub struct Var = "r";
}

/// A function over buffers: loops around loads, arithmetic and stores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelData {
    /// A valid identifier in C and Rust, unique in the program.
    pub name: String,
    /// One line for a reader of the emitted code: what it computes, on which shapes.
    pub comment: String,
    /// The buffers it works on.
    pub params: Arena<Param, ParamData>,
    /// The loops of the body; each appears in exactly one `for`.
    pub loops: Arena<Loop, LoopData>,
    /// The registers.
    pub vars: Arena<Var, VarData>,
    /// The expressions; each comes after its operands and is used exactly once (registers share results).
    pub exprs: Arena<Expr, ExprData>,
    /// What it does.
    pub body: Vec<Stmt>,
}

impl KernelData {
    /// The type of an expression of a verified kernel.
    pub fn scalar(&self, mut expr: Expr) -> Scalar {
        loop {
            expr = match &self.exprs[expr] {
                ExprData::Literal(literal) => return literal.scalar(),
                ExprData::Var(var) => return self.vars[*var].scalar,
                ExprData::Affine(_) => return Scalar::I32,
                ExprData::Load { scalar, .. } => return *scalar,
                ExprData::Convert { to, .. } | ExprData::Bits { to, .. } => return *to,
                ExprData::Packed { op, .. } => return op.signature().1,
                ExprData::Binary { op, .. } if op.is_comparison() => return Scalar::Bool,
                ExprData::Binary { left, .. } => *left,
                ExprData::Unary { value, .. } => *value,
                ExprData::Select { then, .. } => *then,
            }
        }
    }

    /// Whether it computes with floats; moving them is no computation.
    pub fn computes_with_floats(&self) -> bool {
        self.vars.values().any(|var| var.scalar.is_float())
    }
}

/// A buffer parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamData {
    /// A valid identifier in C and Rust, unique in the kernel.
    pub name: String,
    /// The element's type.
    pub scalar: Scalar,
    /// The number of elements.
    pub len: usize,
    /// Alignment in bytes that every argument has; wide loads rely on it.
    pub align: u32,
    /// What the kernel does with it.
    pub access: Access,
    /// A read parameter whose memory this written one may share: element-wise kernels that run in place.
    pub may_alias: Option<Param>,
}

/// How a kernel uses a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// A loop's name, for emitted code.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopData {
    /// A valid identifier in C and Rust; loops that are not nested may share it.
    pub name: String,
}

/// A register.
#[derive(Clone, Debug, PartialEq)]
pub struct VarData {
    /// A valid identifier in C and Rust, unique in the kernel among registers and loops in scope.
    pub name: String,
    /// Its type: bool, i32, u32, i64, u64, f32 or f64.
    pub scalar: Scalar,
}
