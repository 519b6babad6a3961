//! Evaluates the constant nodes that are left once the integer operators are recognised, `dequantize` of weights
//! included: the constants of float islands. Exact: the reference `eval` computes them.
//!
//! It costs flash (four bytes for each stored one) and saves the arithmetic at run time.

use tinyc_ir::Graph;
use tinyc_ir::rewriter::Rewriter;

/// Evaluates all constant nodes.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, super::fold_constants::evaluate)
}
