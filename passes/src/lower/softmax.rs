//! `softmax` over rows: the maximum, the sum, then each share.

use super::division::round_half_even;
use super::layer::Layer;
use super::weighted_sum::stored_range;
use super::{Lowering, Unsupported};
use tinyc_ir::exact::decompose;
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Literal, Param, Scalar, UnaryOp, Var};
use tinyc_ir::op::softmax::exp_table;
use tinyc_ir::wording::counted;
use tinyc_ir::{Data, Node};

/// Lowers a `softmax`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let n = *output.shape.last().expect("checked by the operator");
    let rows = output.shape.elements() / n;
    let (x, y) = lowering.data_buffers(node);
    let mut layer =
        lowering.layer(node, format!("softmax_{rows}x{n}"), format!("{} of {n}", counted(rows, "row")));
    let x = layer.read("x", x);
    // The float kernel keeps the exponentials in the result until it knows their sum.
    let float = !output.is_quantized();
    let y = if float { layer.read_write("y", y) } else { layer.write("y", y) };
    // Each element of a float row is read before its exponential takes its place.
    if float && layer.is_ours(x) {
        layer.b.may_alias(y, x);
    }
    match (&inputs[0].quant, output.quant.as_ref().and_then(|q| q.tensor_wide())) {
        (Some(quant), Some((scale, zero))) => {
            let table = layer.constant("exp_table", Data::U32(exp_table(quant.scale(0), n).to_vec()));
            let (lo, hi) = stored_range(output.dtype);
            let share = Share { table, scale, zero, lo, hi };
            layer.each("row", rows, &mut |layer, row| share.row(layer, x, y, &row.times(n as i64), n));
        }
        _ => layer.each("row", rows, &mut |layer, row| float_row(layer, x, y, &row.times(n as i64), n)),
    }
    layer.finish(0);
    Ok(())
}

/// The greatest element of a row, in a register.
fn row_max(layer: &mut Layer<'_>, x: Param, row: &Affine, n: usize, scalar: Scalar) -> Var {
    let first = layer.b.load_as(scalar, x, row.clone());
    let best = layer.b.let_("best", first);
    layer.for_("k", 1, n as i64, |layer, k| {
        let value = layer.b.load_as(scalar, x, row.plus(&k.into()));
        let value = layer.b.let_("v", value);
        // Greater, not `Max`: a NaN in the row is passed over here, as the operator's definition has it.
        let (old, v, chosen, other) =
            (layer.b.var(best), layer.b.var(value), layer.b.var(value), layer.b.var(best));
        let greater = layer.b.less(old, v);
        let value = layer.b.select(greater, chosen, other);
        layer.b.assign(best, value);
    });
    best
}

fn float_row(layer: &mut Layer<'_>, x: Param, y: Param, row: &Affine, n: usize) {
    let best = row_max(layer, x, row, n, Scalar::F32);
    let zero = layer.b.f32(0.0);
    let sum = layer.b.let_("sum", zero);
    layer.for_("j", 0, n as i64, |layer, j| {
        let index = row.plus(&j.into());
        let (value, best) = (layer.b.load_as(Scalar::F32, x, index.clone()), layer.b.var(best));
        let difference = layer.b.sub(value, best);
        let e = layer.b.unary(UnaryOp::Exp, difference);
        let e = layer.b.let_("e", e);
        let value = layer.b.var(e);
        layer.b.store(y, index, value);
        let value = layer.b.var(e);
        layer.b.accumulate(sum, value);
    });
    layer.for_("i", 0, n as i64, |layer, i| {
        let index = row.plus(&i.into());
        let (value, sum) = (layer.b.load(y, index.clone()), layer.b.var(sum));
        let share = layer.b.binary(BinaryOp::Div, value, sum);
        layer.b.store(y, index, share);
    });
}

/// A quantised row: `clamp(zero + rhe(e / (sum · scale)))`.
struct Share {
    table: Param,
    scale: f32,
    zero: i32,
    lo: i64,
    hi: i64,
}

impl Share {
    fn exponential(&self, layer: &mut Layer<'_>, x: Param, index: Affine, best: Var) -> Expr {
        let value = layer.b.load_as(Scalar::I32, x, index);
        let best = layer.b.var(best);
        let value = layer.b.sub(best, value);
        let dynamic = Dynamic { stride: 1, value, lo: 0, hi: 255 };
        layer.b.load(self.table, Index { dynamic: Some(dynamic), ..Index::default() })
    }

    fn row(&self, layer: &mut Layer<'_>, x: Param, y: Param, row: &Affine, n: usize) {
        let best = row_max(layer, x, row, n, Scalar::I32);
        let zero = layer.b.literal(Literal::U32(0));
        let sum = layer.b.let_("sum", zero);
        layer.for_("j", 0, n as i64, |layer, j| {
            let e = self.exponential(layer, x, row.plus(&j.into()), best);
            layer.b.accumulate(sum, e);
        });
        // scale = mantissa / 2^shift with an odd mantissa; 32 bits do for the usual powers of two.
        let (mantissa, exponent) = decompose(self.scale);
        let zeros = mantissa.trailing_zeros() as i32;
        let (mantissa, shift) = (mantissa >> zeros, -(exponent + zeros));
        let narrow = mantissa == 1 && (0..=8).contains(&shift);
        let scalar = if narrow { Scalar::U32 } else { Scalar::U64 };
        let constant = |layer: &mut Layer<'_>, value: u64| {
            layer.b.literal(if narrow { Literal::U32(value as u32) } else { Literal::U64(value) })
        };
        let total = layer.b.var(sum);
        let total = layer.b.convert(scalar, total);
        let unit = constant(layer, (mantissa as u64) << (-shift).max(0));
        let den = layer.b.mul(total, unit);
        let den = layer.b.let_("den", den);
        layer.for_("i", 0, n as i64, |layer, i| {
            let index = row.plus(&i.into());
            let e = self.exponential(layer, x, index.clone(), best);
            let e = layer.b.convert(scalar, e);
            let unit = constant(layer, 1 << shift.max(0));
            let num = layer.b.mul(e, unit);
            let num = layer.b.let_("num", num);
            let share = round_half_even(layer, num, den);
            let share = layer.b.let_("share", share);
            // Cut before the cast: with a tiny scale the share is larger than any stored value.
            let (value, most) =
                (layer.b.var(share), constant(layer, (self.hi - i64::from(self.zero)).max(0) as u64));
            let value = layer.b.binary(BinaryOp::Min, value, most);
            let value = layer.b.convert(Scalar::I32, value);
            let zero = layer.b.i32(self.zero);
            let value = layer.b.add(value, zero);
            let lo = layer.b.i32(self.lo as i32);
            let value = layer.b.binary(BinaryOp::Max, value, lo);
            layer.b.store(y, index, value);
        });
    }
}
