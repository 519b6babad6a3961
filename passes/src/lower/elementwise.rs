//! `add`, `mul`, `clamp` and `requantize`: one element at a time, in place where memory allows.

use super::layer::Layer;
use super::nest::Nest;
use super::requant::{Channel, Requant, Shift, Target, clamp as clamp_int, round_shift};
use super::weighted_sum::{activate, stored_range};
use super::{Lowering, Unsupported};
use tinyc_ir::exact::{decompose, round_half_even_sum};
use tinyc_ir::loops::{Affine, Buffer, Dynamic, Expr, Index, Param, Scalar};
use tinyc_ir::op::mul::product_scale;
use tinyc_ir::op::requantize::rescale;
use tinyc_ir::{Activation, Data, Node, TensorType};

/// Lowers an `add`.
pub fn add(lowering: &mut Lowering<'_>, node: Node, act: Activation) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let rule = match (rescale(inputs[0], output), rescale(inputs[1], output)) {
        (Some(a), Some(b)) => Some(Sum::new([inputs[0], inputs[1]], [a, b], output, act)?),
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
    let mut layer = lowering.layer(node, format!("{name}_{elements}"), format!("{elements} elements"));
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
            self.nest.same(i, 2) && layer.fits_in_place(params[i], y) && layer.is_arena(params[i])
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

/// `clamp(zy + rhe((a − za)·Ma + (b − zb)·Mb))` as `(a·A + b·B + C) >> shift` in 64 bits.
struct Sum {
    factors: [i64; 2],
    /// The zero points' share, and the rounding where no tie can occur.
    constant: i64,
    shift: u8,
    ties: bool,
    target: Target,
}

impl Sum {
    fn new(
        inputs: [&TensorType; 2],
        scales: [(f32, i32); 2],
        output: &TensorType,
        act: Activation,
    ) -> Result<Self, Unsupported> {
        let target = target(output, act);
        let small = inputs.iter().all(|t| t.dtype.size() == 1);
        let quick = if small { Self::checked(inputs, scales, target) } else { None };
        match quick {
            Some(sum) => Ok(sum),
            None => Self::exact(inputs, scales, target),
        }
    }

    /// 31-bit factors, legal because all pairs of arguments have been tried.
    fn checked(inputs: [&TensorType; 2], scales: [(f32, i32); 2], target: Target) -> Option<Self> {
        let greatest = f64::from(scales[0].0.max(scales[1].0));
        let shift = (1..=60).rev().find(|&s| greatest * f64::from(2f32.powi(s)) < 2_147_483_000.0)?;
        // Scales are f32 and powers of two exact, so the product is exact in f64.
        let factors =
            scales.map(|(m, _)| (f64::from(m) * f64::from(2f32.powi(shift))).round_ties_even() as i64);
        let zeros = factors[0] * i64::from(scales[0].1) + factors[1] * i64::from(scales[1].1);
        let constant = (1i64 << (shift - 1)) - zeros;
        let sum = Self { factors, constant, shift: shift as u8, ties: false, target };
        let (a, b) = (stored_range(inputs[0].dtype), stored_range(inputs[1].dtype));
        let exact = |a: i64, b: i64| {
            let terms =
                [(a - i64::from(scales[0].1), scales[0].0), (b - i64::from(scales[1].1), scales[1].0)];
            let stored = round_half_even_sum(&terms).saturating_add(target.zero_point.into());
            sum.apply(a, b) == stored.clamp(target.lo.into(), target.hi.into())
        };
        (a.0..=a.1).all(|i| (b.0..=b.1).all(|j| exact(i, j))).then_some(sum)
    }

    /// Both scales over one power of two.
    fn exact(inputs: [&TensorType; 2], scales: [(f32, i32); 2], target: Target) -> Result<Self, Unsupported> {
        let parts = scales.map(|(m, _)| decompose(m));
        let least = parts[0].1.min(parts[1].1);
        let reach = |i: usize| {
            let (lo, hi) = stored_range(inputs[i].dtype);
            let zero = i64::from(scales[i].1);
            i128::from((lo - zero).abs().max((hi - zero).abs()).max(lo.abs()).max(hi))
        };
        let fits = (-62..=-1).contains(&least) && {
            let share = |i: usize| (2 * reach(i) * i128::from(parts[i].0)) << (parts[i].1 - least).min(60);
            let total = share(0) + share(1);
            total + (1i128 << -least) < 1 << 62
        };
        if !fits {
            return Err(Unsupported::new(format!(
                "effective scales {:e} and {:e} this large, small or far apart",
                scales[0].0, scales[1].0
            )));
        }
        let factors = parts.map(|(mantissa, exponent)| mantissa << (exponent - least));
        let zeros = factors[0] * i64::from(scales[0].1) + factors[1] * i64::from(scales[1].1);
        Ok(Self { factors, constant: -zeros, shift: -least as u8, ties: true, target })
    }

    fn apply(&self, a: i64, b: i64) -> i64 {
        let sum = a * self.factors[0] + b * self.factors[1] + self.constant;
        debug_assert!(!self.ties);
        ((sum >> self.shift) + i64::from(self.target.zero_point))
            .clamp(self.target.lo.into(), self.target.hi.into())
    }

    fn emit(&self, layer: &mut Layer<'_>, a: Expr, b: Expr) -> Expr {
        let [a, b] = [(a, self.factors[0]), (b, self.factors[1])].map(|(value, factor)| {
            let value = layer.b.convert(Scalar::I64, value);
            let factor = layer.b.int(Scalar::I64, factor);
            layer.b.mul(value, factor)
        });
        let sum = layer.b.add(a, b);
        let constant = layer.b.int(Scalar::I64, self.constant);
        let sum = layer.b.add(sum, constant);
        let rounded = if self.ties {
            let sum = layer.b.let_("sum", sum);
            round_shift(layer, sum, true, Shift::Literal(self.shift))
        } else {
            let shift = layer.b.int(Scalar::I64, self.shift.into());
            layer.b.binary(tinyc_ir::loops::BinaryOp::Shr, sum, shift)
        };
        let zero = layer.b.int(Scalar::I64, self.target.zero_point.into());
        let value = layer.b.add(rounded, zero);
        let value = layer.b.let_("q", value);
        let value = clamp_int(layer, value, self.target.lo.into(), self.target.hi.into());
        layer.b.convert(Scalar::I32, value)
    }
}
