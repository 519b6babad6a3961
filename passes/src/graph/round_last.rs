//! Moves a clamp before the rounding to half floats, where it can join the operator that made the number. Not exact: of a
//! number that rounds to zero, the sign may be another. Nothing else changes, because rounding is monotone and the
//! bounds are half floats.

use super::store_half::{narrowed, widened};
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::half;
use tinyc_ir::op::Map;
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{DType, Formula, Graph, Op, TensorType};

/// Moves clamps whose argument has no other use.
pub fn run(graph: &Graph) -> Graph {
    let uses = graph.use_counts();
    Rewriter::run(graph, |rewriter, node| match &graph.nodes[node].op {
        Op::Clamp(_) => {
            let wide = graph.nodes[node].inputs[0];
            let half = widened(graph, wide)?;
            let only = |v: Value| uses[tinyc_ir::entity::Entity::index(v)] == 1;
            if only(wide) && only(half) { before(rewriter, node) } else { None }
        }
        // What was rounded stays as it is.
        Op::Map(map) => {
            let half = rewriter.inputs(node)[0];
            let inner = widened(&rewriter.new, half)?;
            let same = map.f.as_conversion() == Some(rewriter.new.ty(inner).dtype);
            (same && narrowed(&rewriter.new, inner).is_some()).then_some(inner)
        }
        _ => None,
    })
}

/// `clamp(f32(half(v)))` as `f32(half(clamp(v)))`.
fn before(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let wide = rewriter.inputs(node)[0];
    let rounded = widened(&rewriter.new, wide)?;
    let v = narrowed(&rewriter.new, rounded)?;
    let dtype = rewriter.new.ty(rounded).dtype;
    let Op::Clamp(clamp) = &rewriter.old.nodes[node].op else { return None };
    let exact = |bound: f32| half::widen(dtype, half::narrow(dtype, bound)) == bound;
    if !exact(clamp.act.lo) || !exact(clamp.act.hi) {
        return None;
    }
    let (name, origin) = (rewriter.name(node), rewriter.origin(node));
    let clamped = rewriter.new.node(clamp.clone(), &[v], format!("{name}/clamped"), origin.clone()).ok()?;
    let convert = |rewriter: &mut Rewriter<'_>, x: Value, to: DType, name: String| {
        let ty: TensorType = rewriter.new.ty(x).clone();
        let f = Formula::write(&[ty.dtype], |x| x[0].to(to));
        rewriter.new.node(Map { f }, &[x], name, origin.clone()).ok()
    };
    let rounded = convert(rewriter, clamped, dtype, format!("{name}/rounded"))?;
    convert(rewriter, rounded, DType::F32, name.to_string())
}
