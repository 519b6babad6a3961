//! `pad`, and the padding of a convolution whose borders the loops cannot bound.

use super::layer::Layer;
use super::map::register;
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, Buffer, Expr, Literal, Scalar};
use tinyc_ir::op::Pad;
use tinyc_ir::{Node, Shape};

/// Lowers a `pad`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &Pad) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let stored = op.stored(inputs[0]);
    let (x, y) = lowering.data_buffers(node);
    let mut layer = lowering.layer(node, "pad".into(), format!("{} to {}", inputs[0].shape, output.shape));
    let fill = |layer: &mut Layer<'_>| match stored {
        Some(value) => {
            let register = register(output.dtype);
            layer.b.literal(super::map::literal(register, value as u64))
        }
        None if register(output.dtype) == Scalar::F32 => layer.b.f32(op.value),
        None => layer.b.literal(Literal::F64(op.value.into())),
    };
    emit(&mut layer, x, y, &inputs[0].shape, &output.shape, &op.before, &fill);
    layer.finish(0);
    Ok(())
}

/// Copies an image `[N, H, W, C]` into padded scratch memory: zeros, or x's zero point. Returns it with its shape.
pub fn into_scratch(lowering: &mut Lowering<'_>, node: Node, x: Buffer, pads: [usize; 4]) -> (Buffer, Shape) {
    let ty = lowering.node_types(node).0[0];
    let shape = Shape::from([
        ty.shape[0],
        ty.shape[1] + pads[0] + pads[2],
        ty.shape[2] + pads[1] + pads[3],
        ty.shape[3],
    ]);
    let y = lowering.scratch("padded", &ty.with_shape(shape.clone()));
    let mut layer = lowering.layer(node, "pad".into(), format!("{} to {shape}", ty.shape));
    let zero = ty.quant.as_ref().map(|q| q.zero_point(0));
    let fill = |layer: &mut Layer<'_>| match zero {
        Some(zero) => layer.b.i32(zero),
        None => layer.b.f32(0.0),
    };
    emit(&mut layer, x, y, &ty.shape, &shape, &[0, pads[0], pads[1], 0], &fill);
    layer.finish(0);
    (y, shape)
}

fn emit(
    layer: &mut Layer<'_>,
    x: Buffer,
    y: Buffer,
    inner: &Shape,
    outer: &Shape,
    before: &[usize],
    fill: &dyn Fn(&mut Layer<'_>) -> Expr,
) {
    let (x, y) = (layer.read("x", x), layer.write("y", y));
    layer.each("i", outer.elements(), &mut |layer, i| {
        let value = fill(layer);
        layer.b.store(y, i, value);
    });
    let names: Vec<String> = (0..inner.rank()).map(|i| format!("i{i}")).collect();
    let dims: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(inner.iter().copied()).collect();
    layer.nest(&dims, &mut |layer, at| {
        let dot = |strides: Vec<usize>, offsets: &[usize]| {
            at.iter().zip(strides).zip(offsets).fold(Affine::constant(0), |sum, ((i, stride), &offset)| {
                sum.plus(&i.offset(offset as i64).times(stride as i64))
            })
        };
        let value = layer.b.load(x, dot(inner.strides(), &vec![0; inner.rank()]));
        layer.b.store(y, dot(outer.strides(), before), value);
    });
}
