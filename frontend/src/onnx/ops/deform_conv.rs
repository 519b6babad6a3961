//! `DeformConv`: a convolution whose kernel's elements look where an operand says. Each of them is a sample of the image
//! and a product with its weights, so that no more than one sample per result is stored at a time.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::TO_FIRST;
use crate::onnx::sampling::{Taps, inside, linear, sample};
use crate::onnx::spatial::Spatial;
use tinyc_ir::op::sample::SampleKind;
use tinyc_ir::op::{Add, Conv2d};
use tinyc_ir::wording::counted;
use tinyc_ir::{Activation, Diagnostic, Value};

/// `DeformConv x, w, offset, b?, mask?`
pub(super) fn deform_conv(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, offset) = (cx.float(0)?, cx.float(2)?);
    let mask = if cx.operand(4).is_some() { Some(cx.float(4)?) } else { None };
    let (weights, kernel) = (cx.known_floats(1)?, cx.known(1)?.shape.to_vec());
    let (dims, offsets) = (cx.dims(x), cx.dims(offset));
    let (&[n, channels, h, w], &[outputs, share, kh, kw]) = (dims.as_slice(), kernel.as_slice()) else {
        let message =
            format!("DeformConv of a tensor of {} is not supported", counted(dims.len(), "dimension"));
        return Err(Diagnostic::error(code::FORM, message).help("supported is [N, C, H, W]"));
    };
    let spatial = Spatial::read(cx, 2, [h, w], Some([kh, kw]))?;
    let number = |name: &str, whole: usize| -> Step<usize> {
        let stated = cx.attributes().int(name)?.unwrap_or(1);
        let parts = usize::try_from(stated).ok().filter(|&p| p > 0 && whole.is_multiple_of(p));
        parts.ok_or_else(|| {
            let message = format!("attribute {name}={stated} does not divide {whole} channels");
            Diagnostic::error(code::ATTRIBUTE, message)
        })
    };
    let (groups, parts) = (number("group", channels)?, number("offset_group", channels)?);
    let taps = kh * kw;
    let fits = offsets.len() == 4 && offsets[0] == n && offsets[1] == parts * taps * 2;
    cx.require(fits && share * groups == channels, "the operands of DeformConv do not go together")?;
    let (rows, columns) = (offsets[2], offsets[3]);
    let bias = if cx.operand(3).is_some() { cx.known_floats(3)? } else { vec![0.0; outputs] };
    cx.require(bias.len() == outputs, "the bias of DeformConv has one number for each output channel")?;

    let image = cx.reshape(x, &[n * parts, channels / parts, h * w])?;
    let image = cx.transpose(image, &[0, 2, 1])?;
    let offset = cx.reshape(offset, &[n * parts, taps * 2, rows, columns])?;
    let mask = mask.map(|mask| cx.reshape(mask, &[n * parts, taps, rows, columns])).transpose()?;
    let first = |count: usize, axis: usize| -> Vec<f32> {
        let (stride, pad) = (spatial.strides[axis], spatial.pads[axis]);
        (0..count).map(|i| (i * stride) as f32 - pad as f32).collect()
    };
    let bases = [
        cx.floats("rows", &[rows, 1, 1], first(rows, 0))?,
        cx.floats("columns", &[columns, 1], first(columns, 1))?,
    ];
    let mut sum: Option<Value> = None;
    for tap in 0..taps {
        let at = [tap / kw, tap % kw];
        let mut axes = Vec::new();
        for axis in 0..2 {
            let moved = cx.slice(offset, 1, tap * 2 + axis, 1, 1)?;
            let moved = cx.reshape(moved, &[n * parts, rows, columns, 1])?;
            // A constant, not a literal: all elements of the kernel share one loop.
            let shift = cx.floats("shift", &[1], vec![(at[axis] * spatial.dilations[axis]) as f32])?;
            let u = cx.map("coordinate", &[moved, bases[axis], shift], |x| x[1] + x[2] + x[0])?;
            let size = dims[2 + axis];
            let own = Taps::around(cx, u, size, &[0.0, 1.0], |v, _| inside(v, size), |f, d, _| linear(f, d))?;
            let shape = if axis == 0 { [2, 1] } else { [1, 2] };
            axes.push(own.shaped(cx, &[n * parts, rows, columns, shape[0], shape[1]])?);
        }
        let scale = match mask {
            None => None,
            Some(mask) => {
                let own = cx.slice(mask, 1, tap, 1, 1)?;
                Some(cx.reshape(own, &[n * parts, rows, columns, 1, 1])?)
            }
        };
        let picked = sample(cx, image, &axes, scale, [n * parts, rows * columns, 4], SampleKind::Sum)?;
        let picked = cx.reshape(picked, &[n, parts, rows * columns, channels / parts])?;
        let picked = if parts > 1 { cx.transpose(picked, &[0, 2, 1, 3])? } else { picked };
        let picked = cx.reshape(picked, &[n, rows, columns, channels])?;
        let own: Vec<f32> = (0..outputs * share).map(|i| weights[i * taps + tap]).collect();
        let own = cx.floats("weight", &[outputs, 1, 1, share], own)?;
        let bias = if tap == 0 { bias.clone() } else { vec![0.0; outputs] };
        let bias = cx.floats("bias", &[outputs], bias)?;
        let op = Conv2d { strides: [1, 1], pads: [0; 4], dilations: [1, 1], groups, act: Activation::NONE };
        let product = cx.part("product", op, &[picked, own, bias])?;
        sum = Some(match sum {
            None => product,
            Some(sum) => cx.part("sum", Add { act: Activation::NONE }, &[sum, product])?,
        });
    }
    let y = sum.expect("a kernel has elements");
    let y = cx.transpose(y, &TO_FIRST)?;
    cx.give(0, y)
}
