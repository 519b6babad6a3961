//! Squares and higher powers, and what is made of them element by element, as one function: a square has twice the decibels of what it is made of, and
//! in eight bits nothing would be left of small numbers. So the magnitude of a spectrum, `sqrt(a·a + b·b)`, reads `a` and `b` and nothing is stored in
//! between.
//!
//! Exact: each operation stays the same and is rounded once. Not here: products of different tensors, and powers that something else reads, too.

use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::formula::{Formula, Term};
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::loops::{BinaryOp, Literal, UnaryOp};
use tinyc_ir::op::Map;
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, DType, Graph, Op};

/// The most operations of one function.
const MOST: usize = 64;

/// The graph in which nothing is stored between powers and what is made of them.
pub fn run(graph: &Graph) -> Graph {
    let uses = graph.use_counts();
    let mut powers: BTreeMap<Value, Function> = BTreeMap::new();
    Rewriter::run(graph, |rewriter, node| {
        let f = elementwise(graph, node)?;
        let shape = &graph.ty(graph.nodes[node].outputs[0]).shape;
        let mut whole = Function::default();
        let mut absorbs = false;
        let mut parts = Vec::new();
        for &input in &graph.nodes[node].inputs {
            if let Some(number) = number(graph, input) {
                parts.push(Formula::literal(Literal::F32(number)));
                continue;
            }
            let value = rewriter.value(input);
            // What only this node reads, element for element.
            let single = uses[input.index()] == 1 && graph.ty(input).shape == *shape;
            match powers.get(&value).filter(|_| single) {
                Some(power) => {
                    absorbs = true;
                    let arguments: Vec<Formula> = power.inputs.iter().map(|&v| whole.argument(v)).collect();
                    parts.push(power.f.on(&arguments));
                }
                None => parts.push(whole.argument(value)),
            }
        }
        whole.f = f.on(&parts);
        let degree = degree(&whole.f);
        let is_power = whole.inputs.len() == 1 && degree.is_some_and(|degree| degree > 1);
        if !absorbs && !is_power || whole.f.terms().len() > MOST {
            return None;
        }
        let made = match absorbs {
            true => rewriter.replace(node, Map { f: whole.f.clone() }, &whole.inputs).ok()?,
            false => rewriter.copy(node),
        };
        // Roots and logarithms have the range of what was squared again.
        if degree.is_some() {
            powers.insert(made, whole);
        }
        Some(made)
    })
}

/// Whether a formula has a power of a tensor in it.
pub(super) fn has_power(formula: &Formula) -> bool {
    let terms = formula.terms();
    let square = |term: &Term| matches!(term, Term::Binary(BinaryOp::Mul, a, b) if a == b);
    terms.iter().any(square)
}

/// The degree of a polynomial; `None` if a formula is none.
fn degree(formula: &Formula) -> Option<u32> {
    let mut degrees: Vec<u32> = Vec::with_capacity(formula.terms().len());
    for term in formula.terms() {
        degrees.push(match *term {
            Term::Argument(_) => 1,
            Term::Literal(_) => 0,
            Term::Unary(UnaryOp::Neg, x) => degrees[x],
            Term::Binary(BinaryOp::Add | BinaryOp::Sub, x, y) => degrees[x].max(degrees[y]),
            Term::Binary(BinaryOp::Mul, x, y) => degrees[x] + degrees[y],
            _ => return None,
        });
    }
    degrees.last().copied()
}

/// A function of the elements of some values of the new graph.
#[derive(Default)]
struct Function {
    f: Formula,
    inputs: Vec<Value>,
}

impl Function {
    /// The argument that stands for a value.
    fn argument(&mut self, value: Value) -> Formula {
        let at = self.inputs.iter().position(|&v| v == value).unwrap_or_else(|| {
            self.inputs.push(value);
            self.inputs.len() - 1
        });
        Formula::argument(at)
    }
}

/// What a node computes of each element of its arguments, if that is all that it does and all are floats.
fn elementwise(graph: &Graph, node: Node) -> Option<Formula> {
    const PAIR: [DType; 2] = [DType::F32; 2];
    let data = &graph.nodes[node];
    let plain = |&v: &Value| graph.ty(v).dtype == DType::F32 && !graph.ty(v).is_quantized();
    if !data.inputs.iter().chain(&data.outputs).all(plain) {
        return None;
    }
    match &data.op {
        Op::Map(map) => Some(map.f.clone()),
        Op::Add(add) if add.act == Activation::NONE => Some(Formula::write(&PAIR, |x| x[0] + x[1])),
        Op::Mul(mul) if mul.act == Activation::NONE => Some(Formula::write(&PAIR, |x| x[0] * x[1])),
        _ => None,
    }
}

/// The one number of a constant.
fn number(graph: &Graph, value: Value) -> Option<f32> {
    match graph.const_of(value)?.data.as_f32()? {
        &[number] => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::text::parse_graph;

    fn maps(lines: &str) -> usize {
        let text =
            format!("graph @g {{\n in x: f32[4]\n in y: f32[4]\n const h: f32[1] = splat(0.5)\n {lines}\n}}");
        let graph = parse_graph("test", &text).expect("the text is a graph");
        run(&graph).nodes.values().filter(|node| matches!(node.op, Op::Map(_))).count()
    }

    #[test]
    fn squares_are_parts_of_a_sum_and_scaled_tensors_are_not() {
        assert_eq!(maps("a = mul x, x : f32[4]\n s = add a, y : f32[4]\n out s"), 1);
        assert_eq!(maps("a = mul x, h : f32[4]\n s = add a, y : f32[4]\n out s"), 0);
    }
}
