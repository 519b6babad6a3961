//! `add`, `mul`, `clamp` and `requantize`: one element at a time, in place where memory allows.

use super::layer::Layer;
use super::nest::Nest;
use super::requant::{Channel, Requant, Target};
use super::sum::Sum;
use super::weighted_sum::{activate, stored_range};
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, Buffer, Dynamic, Expr, Index, Param, Scalar};
use tinyc_ir::op::mul::product_scale;
use tinyc_ir::op::requantize::rescale;
use tinyc_ir::wording::counted;
use tinyc_ir::{Activation, Data, Node, TensorType};

/// Lowers an `add`.
pub fn add(lowering: &mut Lowering<'_>, node: Node, act: Activation) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let rule = match (rescale(inputs[0], output), rescale(inputs[1], output)) {
        (Some(a), Some(b)) => Some(Sum::new([inputs[0], inputs[1]], [a, b], target(output, act))),
        _ => None,
    };
    let binary = Binary::new(lowering, node, "add");
    binary.emit(lowering, node, &mut |layer, a, b| match &rule {
        None => {
            let sum = layer.b.add(a, b);
            let sum = layer.b.let_("sum", sum);
            activate(layer, sum, act)
        }
        Some(rule) => rule.emit(layer, a, b),
    });
    Ok(())
}

/// Lowers a `mul`.
pub fn mul(lowering: &mut Lowering<'_>, node: Node, act: Activation) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let Some((scale, zeros)) = product_scale(inputs[0], inputs[1], output) else {
        let binary = Binary::new(lowering, node, "mul");
        binary.emit(lowering, node, &mut |layer, a, b| {
            let product = layer.b.mul(a, b);
            let product = layer.b.let_("product", product);
            activate(layer, product, act)
        });
        return Ok(());
    };
    let range = |i: usize| {
        let (lo, hi) = stored_range(inputs[i].dtype);
        (lo - i64::from(zeros[i]), hi - i64::from(zeros[i]))
    };
    let (a, b) = (range(0), range(1));
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    let acc = (corners.into_iter().fold(0, i64::min), corners.into_iter().fold(0, i64::max));
    let requant = Requant::choose(&[Channel { scale, acc }], target(output, act));
    let scalar = if acc.0.abs().max(acc.1) <= i64::from(i32::MAX) { Scalar::I32 } else { Scalar::I64 };
    let binary = Binary::new(lowering, node, "mul");
    binary.emit(lowering, node, &mut |layer, a, b| {
        let [a, b] = [(a, zeros[0]), (b, zeros[1])].map(|(value, zero)| {
            let zero = layer.b.i32(zero);
            let difference = layer.b.sub(value, zero);
            layer.b.convert(scalar, difference)
        });
        let product = layer.b.mul(a, b);
        let product = layer.b.let_("acc", product);
        // All channels share one scale, so no table is needed.
        let requant = requant.prepare(layer);
        requant.emit(layer, product, &Affine::constant(0))
    });
    Ok(())
}

/// Lowers a `clamp`.
pub fn clamp(lowering: &mut Lowering<'_>, node: Node, act: Activation) -> Result<(), Unsupported> {
    unary(lowering, node, "clamp", &mut |layer, x, i| {
        let value = layer.b.load_as(Scalar::F32, x, i);
        let value = layer.b.let_("v", value);
        activate(layer, value, act)
    });
    Ok(())
}

/// Lowers a `requantize`: a table for 8-bit arguments, arithmetic for wider ones.
pub fn requantize(lowering: &mut Lowering<'_>, node: Node, act: Activation) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    if inputs[0].dtype.size() == 1 {
        let table = Table::requantize(inputs[0], output, act);
        let mut param = None;
        unary(lowering, node, "requantize", &mut |layer, x, i| {
            let param = *param.get_or_insert_with(|| table.prepare(layer));
            let value = layer.b.load_as(Scalar::I32, x, i);
            table.emit(layer, param, value)
        });
        return Ok(());
    }
    let (requant, (lo, hi), zero) = requant(inputs[0], output, act);
    let scalar = if lo.abs().max(hi.abs()) <= i64::from(i32::MAX) { Scalar::I32 } else { Scalar::I64 };
    unary(lowering, node, "requantize", &mut |layer, x, i| {
        let value = layer.b.load_as(scalar, x, i);
        let zero = layer.b.int(scalar, zero.into());
        let acc = layer.b.sub(value, zero);
        let acc = layer.b.let_("acc", acc);
        let requant = requant.prepare(layer);
        requant.emit(layer, acc, &Affine::constant(0))
    });
    Ok(())
}

/// The requantisation of `x − zero`, the range of that difference, and x's zero point.
fn requant(x: &TensorType, y: &TensorType, act: Activation) -> (Requant, (i64, i64), i32) {
    let (scale, zero) = rescale(x, y).expect("checked by the operator");
    let (lo, hi) = stored_range(x.dtype);
    let acc = (lo - i64::from(zero), hi - i64::from(zero));
    (Requant::choose(&[Channel { scale, acc }], target(y, act)), acc, zero)
}

/// A function of one 8-bit number as 256 stored results.
#[derive(Clone, Debug)]
pub struct Table {
    values: Data,
    /// The least and the greatest argument.
    range: (i64, i64),
}

impl Table {
    /// The table of a `requantize` of an 8-bit type.
    pub fn requantize(x: &TensorType, y: &TensorType, act: Activation) -> Self {
        let (requant, acc, _) = requant(x, y, act);
        let stored = (acc.0..=acc.1).map(|acc| requant.apply(0, acc).expect("proven not to overflow"));
        Self { values: Data::from_ints(y.dtype, stored), range: stored_range(x.dtype) }
    }

    /// Adds the table to a layer.
    pub fn prepare(&self, layer: &mut Layer<'_>) -> Param {
        layer.constant("table", self.values.clone())
    }

    /// The entry for an i32 in the argument's range.
    pub fn emit(&self, layer: &mut Layer<'_>, param: Param, value: Expr) -> Expr {
        let (lo, hi) = self.range;
        let dynamic = Dynamic { stride: 1, value, lo, hi };
        layer.b.load(param, Index { affine: Affine::constant(-lo), ring: None, dynamic: Some(dynamic) })
    }
}

/// The bounds of a quantised result.
pub fn target(output: &TensorType, act: Activation) -> Target {
    let (scale, zero_point) =
        output.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked by the operator");
    let (lo, hi) = act.quantized(scale, zero_point, stored_range(output.dtype));
    Target { zero_point, lo: lo as i32, hi: hi as i32 }
}

fn unary(
    lowering: &mut Lowering<'_>,
    node: Node,
    name: &str,
    value: &mut dyn FnMut(&mut Layer<'_>, Param, Affine) -> Expr,
) {
    let elements = lowering.node_types(node).1.shape.elements();
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, format!("{name}_{elements}"), counted(elements, "element"));
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    if layer.fits_in_place(x, y) {
        layer.b.may_alias(y, x);
    }
    layer.each("i", elements, &mut |layer, i| {
        let result = value(layer, x, i.clone());
        layer.b.store(y, i, result);
    });
    layer.finish(0);
}

/// The loops of an operator on two broadcast arguments.
struct Binary {
    name: String,
    comment: String,
    buffers: [Buffer; 2],
    /// Where both arguments and the result are.
    nest: Nest,
}

impl Binary {
    fn new(lowering: &mut Lowering<'_>, node: Node, name: &str) -> Self {
        let (inputs, output) = lowering.node_types(node);
        let values = &lowering.graph.nodes[node].inputs;
        let buffers = [lowering.buffer(values[0]), lowering.buffer(values[1])];
        let elements = output.shape.elements();
        let [a, b] = [0, 1].map(|i: usize| inputs[i].shape.broadcast_strides(&output.shape));
        let nest = Nest::of(&output.shape, &[&a, &b, &output.shape.strides()]);
        let comment = format!("{} and {}", inputs[0].shape, inputs[1].shape);
        Self { name: format!("{name}_{elements}"), comment, buffers, nest }
    }

    fn emit(
        &self,
        lowering: &mut Lowering<'_>,
        node: Node,
        value: &mut dyn FnMut(&mut Layer<'_>, Expr, Expr) -> Expr,
    ) {
        let y = lowering.result(node);
        let mut layer = lowering.layer(node, self.name.clone(), self.comment.clone());
        let params = [layer.read("a", self.buffers[0]), layer.read("b", self.buffers[1])];
        let y = layer.write("y", y);
        // In place in whichever argument has the result's form; the memory plan decides whether it dies here.
        let fits = |&i: &usize| {
            self.nest.same(i, 2) && layer.fits_in_place(params[i], y) && layer.is_ours(params[i])
        };
        if let Some(i) = (0..2).find(fits) {
            layer.b.may_alias(y, params[i]);
        }
        let float = layer.scalar(y).is_float();
        self.nest.each(&mut layer, "i", &mut |layer, at| {
            let scalar = if float { Scalar::F32 } else { Scalar::I32 };
            let a = layer.b.load_as(scalar, params[0], at[0].clone());
            let b = layer.b.load_as(scalar, params[1], at[1].clone());
            let sum = value(layer, a, b);
            layer.b.store(y, at[2].clone(), sum);
        });
        layer.finish(0);
    }
}
