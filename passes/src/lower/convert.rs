//! `quantize` and `dequantize`: the float edges of an integer network.

use super::requant::clamp;
use super::weighted_sum::{activate, stored_range};
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, BinaryOp, Scalar, UnaryOp};
use tinyc_ir::{Activation, DType, Node, Quant, Shape};

/// Lowers a `quantize`.
pub fn quantize(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (_, output) = lowering.node_types(node);
    let quant = output.quant.as_ref().expect("checked by the operator");
    let (lo, hi) = stored_range(output.dtype);
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, "quantize".into(), format!("{} floats", output.shape.elements()));
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    for run in runs(&output.shape, quant) {
        let (scale, zero) = run.quant;
        // Clamping before the cast is the same as after it, because the bounds are small integers; NaN becomes 0.
        let act = Activation { lo: (lo - i64::from(zero)) as f32, hi: (hi - i64::from(zero)) as f32 };
        let index = |at: &[Affine]| run.index(at);
        layer.nest(&run.dims(), &mut |layer, at| {
            let x = layer.b.load_as(Scalar::F32, x, index(at));
            let scale = layer.b.f32(scale);
            let quotient = layer.b.binary(BinaryOp::Div, x, scale);
            let rounded = layer.b.unary(UnaryOp::RoundTiesEven, quotient);
            if output.dtype == DType::I32 {
                let steps = layer.b.convert(Scalar::I64, rounded);
                let steps = layer.b.let_("steps", steps);
                // Beyond every sum with a zero point that is inside.
                let steps = clamp(layer, steps, -(1 << 40), 1 << 40);
                let zero = layer.b.int(Scalar::I64, zero.into());
                let stored = layer.b.add(steps, zero);
                let stored = layer.b.let_("stored", stored);
                let stored = clamp(layer, stored, lo, hi);
                return layer.b.store(y, index(at), stored);
            }
            let rounded = layer.b.let_("rounded", rounded);
            let bounded = activate(layer, rounded, act);
            let stored = layer.b.convert(Scalar::I32, bounded);
            let zero = layer.b.i32(zero);
            let stored = layer.b.add(stored, zero);
            layer.store(y, index(at), stored);
        });
    }
    layer.finish(0);
    Ok(())
}

/// Lowers a `dequantize`.
pub fn dequantize(lowering: &mut Lowering<'_>, node: Node) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let quant = inputs[0].quant.as_ref().expect("checked by the operator");
    // Only i32 with a zero point could overflow.
    let wide = inputs[0].dtype == DType::I32;
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, "dequantize".into(), format!("{} floats", output.shape.elements()));
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    for run in runs(&output.shape, quant) {
        let (scale, zero) = run.quant;
        layer.nest(&run.dims(), &mut |layer, at| {
            let scalar = if wide { Scalar::I64 } else { Scalar::I32 };
            let x = layer.load_as(scalar, x, run.index(at));
            let zero = layer.b.int(scalar, i64::from(zero));
            let difference = layer.b.sub(x, zero);
            let real = layer.b.convert(Scalar::F32, difference);
            let scale = layer.b.f32(scale);
            let real = layer.b.mul(real, scale);
            layer.b.store(y, run.index(at), real);
        });
    }
    layer.finish(0);
    Ok(())
}

/// The elements that share a scale and a zero point: `outer` stretches of `inner` neighbours, `stride` apart.
struct Run {
    quant: (f32, i32),
    outer: usize,
    stride: usize,
    inner: usize,
    first: usize,
}

fn runs(shape: &Shape, quant: &Quant) -> Vec<Run> {
    let Some(axis) = quant.axis() else {
        let inner = shape.elements();
        return vec![Run {
            quant: (quant.scale(0), quant.zero_point(0)),
            outer: 1,
            stride: inner,
            inner,
            first: 0,
        }];
    };
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    (0..shape[axis])
        .map(|i| Run {
            quant: (quant.scale(i), quant.zero_point(i)),
            outer,
            stride: shape[axis] * inner,
            inner,
            first: i * inner,
        })
        .collect()
}

impl Run {
    fn dims(&self) -> [(&'static str, usize); 2] {
        [("o", self.outer), ("i", self.inner)]
    }

    fn index(&self, at: &[Affine]) -> Affine {
        at[0].times(self.stride as i64).plus(&at[1]).offset(self.first as i64)
    }
}
