//! `avg_pool2d` and `max_pool2d`: one output at a time, channels innermost as they lie.

use super::division::round_half_even;
use super::layer::Layer;
use super::requant::{Channel, Prepared, Requant, Shift, Target, clamp, round_shift};
use super::weighted_sum::{activate, stored_range};
use super::window::Window;
use super::{Lowering, Unsupported};
use tinyc_ir::exact::decompose;
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Param, Scalar, Var};
use tinyc_ir::op::{AvgPool2d, requantize, window};
use tinyc_ir::{Data, Node, Shape, TensorType};

/// Lowers a `max_pool2d`.
pub fn max(lowering: &mut Lowering<'_>, node: Node, op: &window::Window) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let pool = Pool::new(op, inputs[0], output);
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, pool.name("max_pool"), pool.comment());
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    let float = output.dtype.is_float();
    pool.each_output(&mut layer, &mut |layer, at| {
        let least = if float {
            layer.b.f32(f32::NEG_INFINITY)
        } else {
            layer.b.i32(stored_range(output.dtype).0 as i32)
        };
        let best = layer.b.let_("best", least);
        pool.each_tap(layer, at, &mut |layer, index| {
            let value = layer.b.load_as(if float { Scalar::F32 } else { Scalar::I32 }, x, index);
            let old = layer.b.var(best);
            let value = if float {
                // A later element wins only if greater, so NaN is passed over.
                let value = layer.b.let_("v", value);
                let (v, chosen) = (layer.b.var(value), layer.b.var(value));
                let other = layer.b.var(best);
                let greater = layer.b.less(old, v);
                layer.b.select(greater, chosen, other)
            } else {
                layer.b.binary(BinaryOp::Max, old, value)
            };
            layer.b.assign(best, value);
        });
        let value = layer.b.var(best);
        layer.b.store(y, pool.output(at), value);
    });
    layer.finish(0);
    Ok(())
}

/// Lowers an `avg_pool2d`.
pub fn average(lowering: &mut Lowering<'_>, node: Node, op: &AvgPool2d) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let pool = Pool::new(&op.window, inputs[0], output);
    let counts = Counts::new(op, inputs[0], output);
    let mean = match requantize::rescale(inputs[0], output) {
        None => None,
        Some((scale, zero)) => Some(Mean::new(op, scale, zero, inputs[0], output, &counts)?),
    };
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, pool.name("avg_pool"), pool.comment());
    let x = layer.read("x", x);
    let count = counts.prepare(&mut layer);
    let mean = mean.map(|mean| mean.prepare(&mut layer));
    let y = layer.write("y", y);
    pool.each_output(&mut layer, &mut |layer, at| {
        let zero = if mean.is_some() { layer.b.i32(0) } else { layer.b.f32(0.0) };
        let acc = layer.b.let_("acc", zero);
        pool.each_tap(layer, at, &mut |layer, index| {
            let value = match &mean {
                None => layer.b.load_as(Scalar::F32, x, index),
                Some(mean) => {
                    let value = layer.b.load_as(Scalar::I32, x, index);
                    let zero = layer.b.i32(mean.zero);
                    layer.b.sub(value, zero)
                }
            };
            layer.b.accumulate(acc, value);
        });
        let value = match &mean {
            None => {
                let divisor = count.get(layer, Scalar::F32, at);
                let sum = layer.b.var(acc);
                let average = layer.b.binary(BinaryOp::Div, sum, divisor);
                let average = layer.b.let_("average", average);
                activate(layer, average, op.act)
            }
            Some(mean) => mean.emit(layer, acc, &count, at),
        };
        layer.b.store(y, pool.output(at), value);
    });
    layer.finish(0);
    Ok(())
}

/// The loops of a pool.
struct Pool {
    window: Window,
    x: Shape,
    y: Shape,
}

impl Pool {
    fn new(op: &window::Window, x: &TensorType, y: &TensorType) -> Self {
        let window = Window {
            size: [x.shape[1], x.shape[2]],
            kernel: op.kernel,
            strides: op.strides,
            dilations: [1, 1],
            // Windows that hang over the end without padding (ceil_mode) are bounded like padding.
            pads: op.pads,
        };
        Self { window, x: x.shape.clone(), y: y.shape.clone() }
    }

    fn name(&self, kind: &str) -> String {
        let (k, x) = (self.window.kernel, &self.x);
        format!("{kind}{}x{}_{}x{}x{}", k[0], k[1], x[1], x[2], x[3])
    }

    fn comment(&self) -> String {
        let (k, s) = (self.window.kernel, self.window.strides);
        format!("{}x{} window, strides {} and {}, {} to {}", k[0], k[1], s[0], s[1], self.x, self.y)
    }

    fn each_output(&self, layer: &mut Layer<'_>, body: &mut dyn FnMut(&mut Layer<'_>, &[Affine])) {
        let y = &self.y;
        layer.nest(&[("n", y[0]), ("oy", y[1]), ("ox", y[2]), ("c", y[3])], body);
    }

    /// The position in x of every tap inside the input.
    fn each_tap(&self, layer: &mut Layer<'_>, at: &[Affine], body: &mut dyn FnMut(&mut Layer<'_>, Affine)) {
        let [n, oy, ox, c] = at else { unreachable!("four dimensions") };
        let (lo, hi) = self.window.taps(0, oy);
        layer.for_("ky", lo, hi, |layer, ky| {
            let row = n.times(self.x[1] as i64).plus(&self.window.under(0, oy, &ky.into()));
            let (lo, hi) = self.window.taps(1, ox);
            layer.for_("kx", lo, hi, |layer, kx| {
                let pixel = row.times(self.x[2] as i64).plus(&self.window.under(1, ox, &kx.into()));
                body(layer, pixel.times(self.x[3] as i64).plus(c));
            });
        });
    }

    fn output(&self, at: &[Affine]) -> Affine {
        at.iter()
            .zip(self.y.strides())
            .fold(Affine::constant(0), |sum, (i, stride)| sum.plus(&i.times(stride as i64)))
    }
}

/// The divisors of an average: one factor per output row, one per output column.
struct Counts {
    rows: Vec<u32>,
    columns: Vec<u32>,
}

/// A divisor inside a kernel.
enum Count {
    Constant(u32),
    Tables { rows: Param, columns: Param },
}

impl Counts {
    fn new(op: &AvgPool2d, x: &TensorType, y: &TensorType) -> Self {
        let along = |axis: usize| {
            (0..y.shape[axis + 1]).map(|at| op.count_along(axis, at, x.shape[axis + 1])).collect()
        };
        Self { rows: along(0), columns: along(1) }
    }

    fn constant(&self) -> Option<u32> {
        let [rows, columns] =
            [&self.rows, &self.columns].map(|v| v.iter().all(|c| *c == v[0]).then_some(v[0]));
        Some(rows? * columns?)
    }

    fn greatest(&self) -> u32 {
        let [rows, columns] = [&self.rows, &self.columns].map(|v| v.iter().copied().max().unwrap_or(1));
        rows * columns
    }

    fn prepare(&self, layer: &mut Layer<'_>) -> Count {
        match self.constant() {
            Some(count) => Count::Constant(count),
            None => Count::Tables {
                rows: layer.constant("row_count", Data::U32(self.rows.clone())),
                columns: layer.constant("column_count", Data::U32(self.columns.clone())),
            },
        }
    }
}

impl Count {
    /// The divisor of the output at `at`, as an f32 or i64.
    fn get(&self, layer: &mut Layer<'_>, scalar: Scalar, at: &[Affine]) -> Expr {
        match *self {
            Self::Constant(count) if scalar == Scalar::F32 => layer.b.f32(count as f32),
            Self::Constant(count) => layer.b.int(scalar, count.into()),
            Self::Tables { rows, columns } => {
                let row = layer.b.load(rows, at[1].clone());
                let column = layer.b.load(columns, at[2].clone());
                let count = layer.b.mul(row, column);
                layer.b.convert(scalar, count)
            }
        }
    }
}

/// How a quantised average is rounded: `clamp(zy + rhe(acc · M / count))`, exactly.
struct Mean {
    /// x's zero point.
    zero: i32,
    rule: Rule,
    target: Target,
}

enum Rule {
    /// One multiplier for the constant divisor, checked against the definition for every possible sum.
    Multiply(Requant),
    /// `(acc · factor + lift · den) / den` in 64 bits with `den = count << shift`; `lift` keeps it positive.
    Divide { factor: i64, shift: u32, lift: i64 },
    /// The floor of `acc · factor / count` and whether there is a rest, then rounded by `2^shift`: for scales that leave
    /// [`Divide`](Self::Divide) no room.
    Floor { factor: i64, shift: u8 },
}

/// A [`Mean`] whose tables are parameters of a kernel.
struct PreparedMean {
    zero: i32,
    rule: PreparedRule,
    target: Target,
}

enum PreparedRule {
    Multiply(Prepared),
    Divide { factor: i64, shift: u32, lift: i64 },
    Floor { factor: i64, shift: u8 },
}

impl Mean {
    fn new(
        op: &AvgPool2d,
        scale: f32,
        zero: i32,
        x: &TensorType,
        y: &TensorType,
        counts: &Counts,
    ) -> Result<Self, Unsupported> {
        let (sy, zy) = y.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked by the operator");
        let (lo, hi) = op.act.quantized(sy, zy, stored_range(y.dtype));
        let target = Target { zero_point: zy, lo: lo as i32, hi: hi as i32 };
        let (xlo, xhi) = stored_range(x.dtype);
        let elements = i64::from(counts.greatest());
        let channel =
            Channel { scale, acc: ((xlo - i64::from(zero)) * elements, (xhi - i64::from(zero)) * elements) };
        let multiply = counts.constant().and_then(|count| Requant::mean(channel, count, target));
        let rule = match multiply {
            Some(requant) => Rule::Multiply(requant),
            None => divide(scale, channel, elements)?,
        };
        Ok(Self { zero, rule, target })
    }

    fn prepare(&self, layer: &mut Layer<'_>) -> PreparedMean {
        let rule = match &self.rule {
            Rule::Multiply(requant) => PreparedRule::Multiply(requant.prepare(layer)),
            &Rule::Divide { factor, shift, lift } => PreparedRule::Divide { factor, shift, lift },
            &Rule::Floor { factor, shift } => PreparedRule::Floor { factor, shift },
        };
        PreparedMean { zero: self.zero, rule, target: self.target }
    }
}

/// The rule that divides, if its numbers fit 64 bits.
fn divide(scale: f32, channel: Channel, elements: i64) -> Result<Rule, Unsupported> {
    // From 2^20 on every average but 0 saturates, so a greater scale changes nothing.
    let (mantissa, exponent) = decompose(scale.min(1_048_576.0));
    let zeros = mantissa.trailing_zeros() as i32;
    let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros);
    let (factor, shift) = (mantissa << exponent.max(0), (-exponent).max(0) as u32);
    let greatest = channel.acc.0.abs().max(channel.acc.1.abs());
    let average = (greatest / elements + 1) as f64 * f64::from(scale.min(1_048_576.0));
    let lift = 2 * (average as i64 / 2 + 2);
    let fits = shift < 62
        && i128::from(greatest) * i128::from(factor)
            + (i128::from(lift) + 2) * (i128::from(elements) << shift)
            < 1 << 62;
    if !fits {
        return floor(scale, greatest, elements);
    }
    Ok(Rule::Divide { factor, shift, lift })
}

/// The rule that takes the floor first.
fn floor(scale: f32, greatest: i64, elements: i64) -> Result<Rule, Unsupported> {
    let (factor, exponent) = decompose(scale.min(1_048_576.0));
    // An average is below 2^17, so that from here on less than a quarter is left of a step.
    let shift = u8::try_from(1 - exponent).unwrap_or(u8::MAX);
    if shift > 45 {
        return Ok(Rule::Floor { factor: 0, shift: 1 });
    }
    if i128::from(greatest) * i128::from(factor) >= 1 << 62 {
        return Err(Unsupported::new(format!("an average of {elements} elements")));
    }
    Ok(Rule::Floor { factor, shift })
}

impl PreparedMean {
    /// `rhe(acc · factor / (count · 2^(shift − 1)))`.
    fn emit_floor(&self, layer: &mut Layer<'_>, acc: Var, count: Expr, factor: i64, shift: u8) -> Expr {
        let count = layer.b.let_("count", count);
        let sum = layer.b.var(acc);
        let sum = layer.b.convert(Scalar::I64, sum);
        let factor = layer.b.int(Scalar::I64, factor);
        let scaled = layer.b.mul(sum, factor);
        let scaled = layer.b.let_("scaled", scaled);
        let (s, c) = (layer.b.var(scaled), layer.b.var(count));
        let quotient = layer.b.binary(BinaryOp::Div, s, c);
        let quotient = layer.b.let_("quotient", quotient);
        let (s, q, c) = (layer.b.var(scaled), layer.b.var(quotient), layer.b.var(count));
        let whole = layer.b.mul(q, c);
        let rest = layer.b.sub(s, whole);
        let rest = layer.b.let_("rest", rest);
        // Division goes towards zero; the floor is one lower where the rest is negative. Twice the floor, plus the rest's
        // share of a step as one unit.
        let choice = |layer: &mut Layer<'_>, op: BinaryOp, value: i64| {
            let (r, zero) = (layer.b.var(rest), layer.b.int(Scalar::I64, 0));
            let holds = layer.b.binary(op, r, zero);
            let (then, otherwise) = (layer.b.int(Scalar::I64, value), layer.b.int(Scalar::I64, 0));
            layer.b.select(holds, then, otherwise)
        };
        let (down, sticky) = (choice(layer, BinaryOp::Lt, -2), choice(layer, BinaryOp::Ne, 1));
        let (q, two) = (layer.b.var(quotient), layer.b.int(Scalar::I64, 2));
        let twice = layer.b.mul(q, two);
        let floor = layer.b.add(twice, down);
        let value = layer.b.add(floor, sticky);
        let value = layer.b.let_("value", value);
        let rounded = round_shift(layer, value, true, Shift::Literal(shift));
        let zero = layer.b.int(Scalar::I64, self.target.zero_point.into());
        let value = layer.b.add(rounded, zero);
        let value = layer.b.let_("q", value);
        let value = clamp(layer, value, i64::from(self.target.lo), i64::from(self.target.hi));
        layer.b.convert(Scalar::I32, value)
    }

    fn emit(&self, layer: &mut Layer<'_>, acc: Var, count: &Count, at: &[Affine]) -> Expr {
        let (factor, shift, lift) = match &self.rule {
            PreparedRule::Multiply(requant) => return requant.emit(layer, acc, &Affine::constant(0)),
            &PreparedRule::Floor { factor, shift } => {
                let count = count.get(layer, Scalar::I64, at);
                return self.emit_floor(layer, acc, count, factor, shift);
            }
            &PreparedRule::Divide { factor, shift, lift } => (factor, shift, lift),
        };
        let count = count.get(layer, Scalar::I64, at);
        let unit = layer.b.int(Scalar::I64, 1 << shift);
        let den = layer.b.mul(count, unit);
        let den = layer.b.let_("den", den);
        let sum = layer.b.var(acc);
        let sum = layer.b.convert(Scalar::I64, sum);
        let factor = layer.b.int(Scalar::I64, factor);
        let scaled = layer.b.mul(sum, factor);
        let (d, times) = (layer.b.var(den), layer.b.int(Scalar::I64, lift));
        let lifted = layer.b.mul(d, times);
        let num = layer.b.add(scaled, lifted);
        let num = layer.b.let_("num", num);
        let rounded = round_half_even(layer, num, den);
        let offset = layer.b.int(Scalar::I64, i64::from(self.target.zero_point) - lift);
        let value = layer.b.add(rounded, offset);
        let value = layer.b.let_("q", value);
        let value = clamp(layer, value, i64::from(self.target.lo), i64::from(self.target.hi));
        layer.b.convert(Scalar::I32, value)
    }
}
