//! Exact rounded division at run time, for averages and softmax: `rhe(num / den)`.

use super::layer::Layer;
use tinyc_ir::loops::{BinaryOp, Expr, Scalar, Var};

/// `rhe(num / den)` of registers of one integer type, `0 ≤ num`, `0 < den`, `2 · den` within the type.
pub fn round_half_even(layer: &mut Layer<'_>, num: Var, den: Var) -> Expr {
    let scalar = layer.b.var_scalar(num);
    let constant = |layer: &mut Layer<'_>, value: i64| match scalar {
        Scalar::U32 => layer.b.literal(tinyc_ir::loops::Literal::U32(value as u32)),
        Scalar::U64 => layer.b.literal(tinyc_ir::loops::Literal::U64(value as u64)),
        _ => layer.b.int(scalar, value),
    };
    let (a, b) = (layer.b.var(num), layer.b.var(den));
    let quotient = layer.b.binary(BinaryOp::Div, a, b);
    let quotient = layer.b.let_("quotient", quotient);
    let (q, d) = (layer.b.var(quotient), layer.b.var(den));
    let whole = layer.b.mul(q, d);
    let n = layer.b.var(num);
    let rest = layer.b.sub(n, whole);
    let two = constant(layer, 2);
    let twice = layer.b.mul(rest, two);
    let twice = layer.b.let_("twice_rest", twice);
    let (t, d) = (layer.b.var(twice), layer.b.var(den));
    let tie = layer.b.binary(BinaryOp::Eq, t, d);
    let (q, one) = (layer.b.var(quotient), constant(layer, 1));
    let parity = layer.b.binary(BinaryOp::And, q, one);
    let zero = constant(layer, 0);
    let down = layer.b.select(tie, parity, zero);
    let (d, t) = (layer.b.var(den), layer.b.var(twice));
    let above = layer.b.less(d, t);
    let one = constant(layer, 1);
    let up = layer.b.select(above, one, down);
    let q = layer.b.var(quotient);
    layer.b.add(q, up)
}
