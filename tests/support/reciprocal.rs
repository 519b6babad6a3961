//! What the importer makes of a division by a constant: a multiplication by its reciprocal, rounded once more. A formula that divides
//! is written as a division, and comes back so.

use tinyc_ir::formula::{Number, Term};
use tinyc_ir::loops::{BinaryOp, Literal, UnaryOp};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{DType, Formula, Graph, Op, op::Map};

/// The graph as it is read when its divisions are nodes of ONNX.
pub(crate) fn read(graph: &Graph) -> Graph {
    Rewriter::run(graph, |rewriter, node| {
        let Op::Map(map) = &graph.nodes[node].op else { return None };
        let dtypes: Vec<DType> = graph.nodes[node].inputs.iter().map(|&v| graph.ty(v).dtype).collect();
        let f = Formula::write(&dtypes, |x| rewritten(&map.f, x));
        let inputs = rewriter.inputs(node);
        rewriter.replace(node, Map { f }, &inputs).ok()
    })
}

fn rewritten<'w>(f: &Formula, arguments: &[Number<'w>]) -> Number<'w> {
    let mut known: Vec<Number<'w>> = Vec::new();
    let mut literals: Vec<Option<f32>> = Vec::new();
    for term in f.terms() {
        let x = |i: usize| known[i];
        let mut literal = None;
        let number = match *term {
            Term::Argument(i) => arguments[i],
            Term::Literal(value) => {
                if let Literal::F32(value) = value {
                    literal = Some(value);
                }
                arguments[0].constant(value)
            }
            Term::Unary(op, a) => unary(op, x(a)),
            Term::Binary(BinaryOp::Div, a, b) => match literals[b].map(|d| (1.0 / f64::from(d)) as f32) {
                Some(reciprocal) if reciprocal.is_normal() => x(a) * f64::from(reciprocal),
                _ => x(a) / x(b),
            },
            Term::Binary(op, a, b) => binary(op, x(a), x(b)),
            Term::Convert(to, a) => x(a).to(to),
            Term::Bits(to, a) => x(a).bits(to),
            Term::Select([c, a, b]) => x(c).select(x(a), x(b)),
        };
        known.push(number);
        literals.push(literal);
    }
    known[known.len() - 1]
}

fn unary(op: UnaryOp, x: Number<'_>) -> Number<'_> {
    match op {
        UnaryOp::Neg => -x,
        UnaryOp::Not => !x,
        UnaryOp::Abs => x.abs(),
        UnaryOp::Sqrt => x.sqrt(),
        UnaryOp::RoundTiesEven => x.round(),
        UnaryOp::Exp => x.exp(),
        UnaryOp::Log => x.log(),
        UnaryOp::Sin => x.sin(),
        UnaryOp::Cos => x.cos(),
        UnaryOp::Tanh => x.tanh(),
        UnaryOp::Sigmoid => x.sigmoid(),
        UnaryOp::Erf => x.erf(),
    }
}

fn binary<'w>(op: BinaryOp, a: Number<'w>, b: Number<'w>) -> Number<'w> {
    match op {
        BinaryOp::Add | BinaryOp::WrappingAdd => a + b,
        BinaryOp::Sub | BinaryOp::WrappingSub => a - b,
        BinaryOp::Mul | BinaryOp::WrappingMul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Rem => a.remainder(b),
        BinaryOp::Min => a.min(b),
        BinaryOp::Max => a.max(b),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::Shl => a.shift_left(b),
        BinaryOp::Shr => a.shift_right(b),
        BinaryOp::Eq => a.equals(b),
        BinaryOp::Ne => a.differs(b),
        BinaryOp::Lt => a.lt(b),
        BinaryOp::Le => a.le(b),
    }
}
