//! The loop IR: *how* a network is computed. Kernels of structured loops over typed buffers in planned memory.
//!
//! Nothing here knows an operator; no backend knows more than this. Pure expressions form trees, side effects are
//! statements, indices are affine in the loops, so that every access is proven inside its buffer once, by
//! [`verify()`], and no backend checks again. There is no undefined corner: [`expr`] defines each operation's
//! result for all arguments.

pub mod bounds;
pub mod build;
pub mod expr;
pub mod identifier;
pub mod index;
pub mod interpret;
pub mod kernel;
pub mod normalize;
pub mod packed;
pub mod program;
pub mod scalar;
pub mod stmt;
#[cfg(test)]
mod testing;
pub mod verify;

pub use build::KernelBuilder;
pub use expr::{BinaryOp, Expr, ExprData, Literal, PackedOp, UnaryOp};
pub use index::{Affine, Dynamic, Index, Ring};
pub use kernel::{Access, Kernel, KernelData, Loop, LoopData, Param, ParamData, Var, VarData};
pub use normalize::normalize;
pub use program::{Buffer, BufferData, Call, Place, Program};
pub use scalar::Scalar;
pub use stmt::{Bound, Stmt};
pub use verify::{VerifyError, verify};
