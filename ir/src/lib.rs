//! Both intermediate representations of tinyc and their exact meaning.
//!
//! [`graph`] says *what* is computed; its meaning is [`eval`]. [`loops`] says *how*; its meaning is the loop
//! interpreter. Neither reads files, knows a target or prints code.

pub mod activation;
pub mod diagnostic;
pub mod dtype;
pub mod entity;
pub mod eval;
pub mod exact;
pub mod formula;
pub mod graph;
pub mod half;
pub mod loops;
pub mod op;
pub mod origin;
pub mod quant;
pub mod rewriter;
pub mod seeded;
pub mod shape;
pub mod tensor;
pub mod tensor_type;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod verify;
pub mod wording;

pub use activation::Activation;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use dtype::DType;
pub use formula::Formula;
pub use graph::{Def, Graph, Node, NodeData, Value, ValueData};
pub use op::Op;
pub use origin::Origin;
pub use quant::Quant;
pub use shape::Shape;
pub use tensor::{Data, Tensor};
pub use tensor_type::TensorType;
