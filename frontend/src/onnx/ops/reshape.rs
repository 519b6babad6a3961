//! `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`: the same elements with other dimensions.

use crate::onnx::attribute::{axis, unsupported};
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Reshape;
use tinyc_ir::wording::counted;
use tinyc_ir::{Diagnostic, Shape, Value};

/// `Reshape x, shape` with `-1`, `0` and `allowzero`.
pub(super) fn reshape(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let wanted = cx.known_ints(1)?;
    let allow_zero = cx.attributes().flag("allowzero")?.unwrap_or(false);
    let dims = cx.dims(x);
    let refuse = || {
        Diagnostic::error(code::SHAPE, format!("{} cannot be reshaped to {wanted:?}", cx.ty(x)))
            .help("if the batch was fixed at export, export it with batch 1 or leave it open")
    };
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (i, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            -1 if open.is_none() => {
                open = Some(i);
                1
            }
            0 if !allow_zero => *dims.get(i).ok_or_else(refuse)?,
            size => usize::try_from(size).map_err(|_| refuse())?,
        });
    }
    let elements = cx.ty(x).shape.elements();
    let product = Shape::new(shape.clone()).checked_elements().ok_or_else(refuse)?;
    match open {
        // Beside a zero, any number would do.
        Some(i) if product > 0 && elements.is_multiple_of(product) => shape[i] = elements / product,
        None if product == elements => {}
        _ => return Err(refuse()),
    }
    to_shape(cx, x, shape)
}

/// `Flatten x` to a matrix, cut before `axis`.
pub(super) fn flatten(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let stated = cx.attributes().int("axis")?.unwrap_or(1);
    let cut = axis(stated, dims.len())
        .or((usize::try_from(stated) == Ok(dims.len())).then_some(dims.len()))
        .ok_or_else(|| unsupported("axis", stated, &format!("an axis of {}", cx.ty(x))))?;
    to_shape(cx, x, vec![dims[..cut].iter().product(), dims[cut..].iter().product()])
}

/// `Squeeze x, axes?`: leaves out dimensions of size 1.
pub(super) fn squeeze(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let left_out = match axes(cx)? {
        Some(axes) => positions(cx, &axes, dims.len())?,
        None => (0..dims.len()).filter(|&i| dims[i] == 1).collect(),
    };
    if let Some(&i) = left_out.iter().find(|&&i| dims[i] != 1) {
        return Err(Diagnostic::error(code::SHAPE, format!("axis {i} of {} is not of size 1", cx.ty(x))));
    }
    to_shape(cx, x, (0..dims.len()).filter(|i| !left_out.contains(i)).map(|i| dims[i]).collect())
}

/// `Unsqueeze x, axes`: puts dimensions of size 1 in; axes are those of the result.
pub(super) fn unsqueeze(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let axes =
        axes(cx)?.ok_or_else(|| Diagnostic::error(code::OPERAND_MISSING, "Unsqueeze lacks its axes"))?;
    let dims = cx.dims(x);
    let rank = dims.len() + axes.len();
    let added = positions(cx, &axes, rank)?;
    let mut old = dims.into_iter();
    to_shape(cx, x, (0..rank).map(|i| if added.contains(&i) { 1 } else { old.next().unwrap_or(1) }).collect())
}

/// The axes: an attribute before operator set 13, then an operand.
fn axes(cx: &Context<'_, '_>) -> Step<Option<Vec<i64>>> {
    match cx.operand(1) {
        Some(_) if cx.opset >= 13 => cx.known_ints(1).map(Some),
        _ => Ok(cx.attributes().ints("axes")?.map(<[i64]>::to_vec)),
    }
}

fn positions(cx: &Context<'_, '_>, axes: &[i64], rank: usize) -> Step<Vec<usize>> {
    let found: Option<Vec<usize>> = axes.iter().map(|&a| axis(a, rank)).collect();
    let distinct = |v: &Vec<usize>| v.iter().enumerate().all(|(i, a)| !v[..i].contains(a));
    found.filter(|v| v.len() <= rank && distinct(v)).ok_or_else(|| {
        let message = format!(
            "axes {axes:?} of {} are not distinct axes of {}",
            cx.node.op_type(),
            counted(rank, "dimension")
        );
        Diagnostic::error(code::SHAPE, message)
    })
}

fn to_shape(cx: &mut Context<'_, '_>, x: Value, shape: Vec<usize>) -> Step<()> {
    if cx.ty(x).quant.as_ref().is_some_and(|q| q.axis().is_some()) {
        let message = format!("{} of a tensor quantised per axis is not supported", cx.node.op_type());
        return Err(
            Diagnostic::error(code::PER_AXIS, message).help("reshape the floats behind DequantizeLinear")
        );
    }
    cx.result(Reshape { shape }, &[x])
}
