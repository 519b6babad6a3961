//! `top_k`: one pass over the row for each position, which finds the best element behind the last one found.

use super::layer::Layer;
use super::{Lowering, Unsupported};
use tinyc_ir::Node;
use tinyc_ir::loops::{BinaryOp, Expr, Var};
use tinyc_ir::op::TopK;
use tinyc_ir::wording::counted;

/// Lowers a `top_k`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &TopK) -> Result<(), Unsupported> {
    let (inputs, _) = lowering.node_types(node);
    let (rows, count) = (inputs[0].shape[0], inputs[0].shape[1]);
    let (x, y) = lowering.data_buffers(node);
    let comment = format!("the {} best of {count}, in {}", op.k, counted(rows, "row"));
    let mut layer = lowering.layer(node, "top_k".into(), comment);
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    layer.each("row", rows, &mut |layer, row| {
        let first = row.times(count as i64);
        let value = layer.b.load(x, first.clone());
        let last = layer.b.let_("last", value);
        let none = layer.b.i32(-1);
        let last_place = layer.b.let_("last_place", none);
        layer.each("t", op.k, &mut |layer, t| {
            let (value, none) = (layer.b.var(last), layer.b.i32(-1));
            let best = layer.b.let_("best", value);
            let place = layer.b.let_("place", none);
            layer.each("j", count, &mut |layer, j| {
                let value = layer.b.load(x, first.plus(&j));
                let value = layer.b.let_("v", value);
                // Behind the last one found: worse, or equal and further on.
                let start = negative(layer, last_place);
                let worse = wins(layer, op.largest, last, value);
                let equal = compare(layer, BinaryOp::Eq, last, value);
                let (place_before, here) = (layer.b.var(last_place), layer.b.affine(j.clone()));
                let further = layer.b.less(place_before, here);
                let tied = layer.b.binary(BinaryOp::And, equal, further);
                let behind = layer.b.binary(BinaryOp::Or, worse, tied);
                let behind = layer.b.binary(BinaryOp::Or, start, behind);
                let number = compare(layer, BinaryOp::Eq, value, value);
                let first_found = negative(layer, place);
                let better = wins(layer, op.largest, value, best);
                let better = layer.b.binary(BinaryOp::Or, first_found, better);
                let candidate = layer.b.binary(BinaryOp::And, behind, number);
                let take = layer.b.binary(BinaryOp::And, candidate, better);
                layer.b.begin_block();
                let value = layer.b.var(value);
                layer.b.assign(best, value);
                let here = layer.b.affine(j);
                layer.b.assign(place, here);
                let then = layer.b.end_block();
                layer.b.if_else(take, then, Vec::new());
            });
            let (found, zero) = (layer.b.var(place), layer.b.i32(0));
            let found = layer.b.binary(BinaryOp::Max, found, zero);
            layer.b.store(y, row.times(op.k as i64).plus(&t), found);
            let value = layer.b.var(best);
            layer.b.assign(last, value);
            // Behind the row's end, when nothing is left.
            let nothing = negative(layer, place);
            let (end, found) = (layer.b.i32(count as i32), layer.b.var(place));
            let found = layer.b.select(nothing, end, found);
            layer.b.assign(last_place, found);
        });
    });
    layer.finish(0);
    Ok(())
}

fn compare(layer: &mut Layer<'_>, op: BinaryOp, a: Var, b: Var) -> Expr {
    let (a, b) = (layer.b.var(a), layer.b.var(b));
    layer.b.binary(op, a, b)
}

/// Whether `a` comes strictly before `b`.
fn wins(layer: &mut Layer<'_>, largest: bool, a: Var, b: Var) -> Expr {
    let (less, more) = if largest { (b, a) } else { (a, b) };
    compare(layer, BinaryOp::Lt, less, more)
}

fn negative(layer: &mut Layer<'_>, place: Var) -> Expr {
    let (place, zero) = (layer.b.var(place), layer.b.i32(0));
    layer.b.less(place, zero)
}
