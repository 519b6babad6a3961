//! ONNX files into graphs: reading, checking, and one importer per operator, each composing operators of the graph IR.
//!
//! Not here: anything that makes the graph better. The importer is literal; passes simplify.

pub mod onnx;
