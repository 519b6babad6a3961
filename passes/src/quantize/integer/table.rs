//! A function of each element of an 8-bit tensor as a table of its 256 results: exactly what the floats between
//! `dequantize` and `quantize` would have come to.

use tinyc_ir::formula::{Applied, Formula};
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::op::quantize::quantized;
use tinyc_ir::op::{Gather, Map, Reshape};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, DType, Data, Graph, Op, Origin, Tensor, TensorType};

/// The integers of type `ty` that `quantize` at `node` makes of `act(formula(dequantize(q)))`; `None` if `q` has more than 8 bits or
/// the formula is not one of floats.
pub(crate) fn of(
    rewriter: &mut Rewriter<'_>,
    node: Node,
    formula: &Formula,
    q: Value,
    act: Activation,
    ty: &TensorType,
) -> Option<Value> {
    let own = rewriter.new.ty(q).clone();
    if !matches!(own.dtype, DType::I8 | DType::U8) || !matches!(ty.dtype, DType::I8 | DType::U8 | DType::I16)
    {
        return None;
    }
    let (scale, zero_point) = own.quant.as_ref()?.tensor_wide()?;
    let (step, zero) = ty.quant.as_ref()?.tensor_wide()?;
    let mut applied = Applied::new(formula, &[DType::F32]).ok().filter(|f| f.dtype() == DType::F32)?;
    let (lo, hi) = own.dtype.int_range()?;
    let entries: Vec<i64> = (lo as i64..=hi as i64)
        .map(|stored| {
            let real = (stored - i64::from(zero_point)) as f32 * scale;
            let result = f32::from_bits(applied.apply(&[u64::from(real.to_bits())]) as u32);
            quantized(act.apply(result), step, zero, ty.dtype)
        })
        .collect();
    let (name, origin) = (rewriter.name(node), rewriter.origin(node));
    let entries = Tensor::new([1, 256, 1], Data::from_ints(ty.dtype, entries));
    let table = TensorType { shape: entries.shape.clone(), ..ty.clone() };
    let table = rewriter.new.constant(format!("{name}/table"), table, entries);
    let count = own.shape.elements();
    let part = |graph: &mut Graph, op: Op, inputs: &[Value], part: &str, origin: &Origin| {
        graph.node(op, inputs, format!("{name}/{part}"), origin.clone()).ok()
    };
    let place = Formula::write(&[own.dtype], |x| (x[0].to(DType::I32) - lo as f64).to(DType::U8));
    let new = &mut rewriter.new;
    let places = part(new, Map { f: place }.into(), &[q], "places", &origin)?;
    let places = part(new, Reshape { shape: vec![1, count] }.into(), &[places], "flat", &origin)?;
    let found = part(new, Gather.into(), &[table, places], "found", &origin)?;
    let shape = ty.shape.to_vec();
    rewriter.new.node_typed(Reshape { shape }, &[found], name, ty.clone(), origin).ok()
}
