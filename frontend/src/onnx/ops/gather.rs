//! Reading and writing at positions that are data: `Gather`, `GatherElements`, `GatherND`, and the scatters.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::scatter::ScatterKind;
use tinyc_ir::op::{Gather, Scatter};
use tinyc_ir::{DType, Diagnostic, Shape, Value};

/// Operand `i` as positions, i32 or i64; 0 where none is meant.
pub(super) fn positions(cx: &mut Context<'_, '_>, i: usize) -> Step<Value> {
    let value = cx.plain(i)?;
    match cx.ty(value).dtype {
        DType::I32 | DType::I64 => cx.beyond(value, 0.0),
        other => Err(Diagnostic::error(code::ELEMENT_TYPE, format!("positions are i32 or i64, not {other}"))),
    }
}

/// `Gather x, i` along an axis.
pub(super) fn gather(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, i) = (cx.input(0)?, positions(cx, 1)?);
    let (dims, picked) = (cx.dims(x), cx.dims(i));
    let axis = cx.axis("axis", 0, dims.len())?;
    let split = [dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product()];
    let x = cx.reshape(x, &split)?;
    let i = cx.reshape(i, &[1, picked.iter().product()])?;
    let y = cx.part("picked", Gather, &[x, i])?;
    let y = cx.reshape(y, &[&dims[..axis], &picked, &dims[axis + 1..]].concat())?;
    cx.give(0, y)
}

/// Brings an axis to the end, the others in front as rows.
fn rows(cx: &mut Context<'_, '_>, x: Value, axis: usize) -> Step<Value> {
    let x = cx.axis_to_end(x, axis, false)?;
    let dims = cx.dims(x);
    let (&count, outer) = dims.split_last().expect("it has the axis");
    cx.reshape(x, &[outer.iter().product(), count])
}

/// The first elements of all axes but one, as many as another tensor has.
fn cut(cx: &mut Context<'_, '_>, x: Value, axis: usize, sizes: &[usize]) -> Step<Value> {
    let mut x = x;
    cx.require(cx.dims(x).len() == sizes.len(), "data and positions have as many dimensions")?;
    for i in (0..sizes.len()).filter(|&i| i != axis) {
        cx.require(sizes[i] <= cx.dims(x)[i], "there are more positions than data along an axis")?;
        x = cx.slice(x, i, 0, sizes[i], 1)?;
    }
    Ok(x)
}

/// `GatherElements x, i`: along an axis, each result by its own position.
pub(super) fn gather_elements(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, i) = (cx.input(0)?, positions(cx, 1)?);
    let picked = cx.dims(i);
    let axis = cx.axis("axis", 0, cx.dims(x).len())?;
    let x = cut(cx, x, axis, &picked)?;
    let (x, i) = (rows(cx, x, axis)?, rows(cx, i, axis)?);
    let (batches, count) = (cx.dims(x)[0], cx.dims(x)[1]);
    let x = cx.reshape(x, &[batches, count, 1])?;
    let y = cx.part("picked", Gather, &[x, i])?;
    back(cx, y, axis, &picked)
}

/// Rows back in the order of the axes, as the result.
fn back(cx: &mut Context<'_, '_>, y: Value, axis: usize, dims: &[usize]) -> Step<()> {
    let mut moved = dims.to_vec();
    let size = moved.remove(axis);
    moved.push(size);
    let y = cx.reshape(y, &moved)?;
    let y = cx.axis_to_end(y, axis, true)?;
    cx.give(0, y)
}

/// Tuples of positions in the last axis as one position among all that the first axes of `dims` span.
fn joined(cx: &mut Context<'_, '_>, i: Value, dims: &[usize]) -> Step<Value> {
    let tuple = dims.len();
    let (strides, dtype) = (Shape::new(dims.to_vec()).strides(), cx.ty(i).dtype);
    if tuple == 1 {
        return Ok(i);
    }
    let ints = |values: &[usize]| values.iter().map(|&v| v as i64).collect::<Vec<i64>>();
    let sizes = cx.ints("sizes", dtype, &[tuple], ints(dims))?;
    let strides = cx.ints("strides", dtype, &[tuple], ints(&strides))?;
    let total = dims.iter().product::<usize>() as f64;
    // A position that is outside its own axis must not become one inside another row.
    let terms = cx.map("terms", &[i, sizes, strides], |x| {
        let (zero, at) = (x[0].literal(0.0), x[0]);
        let wrapped = at.lt(zero).select(at + x[1], at);
        let outside = wrapped.lt(zero) | x[1].le(wrapped);
        outside.select(x[0].literal(total), wrapped * x[2])
    })?;
    let axis = cx.dims(terms).len() - 1;
    cx.reduce(terms, tinyc_ir::op::reduce::ReduceKind::Sum, &[axis])
}

/// `GatherND x, i`: tuples of positions pick whole sub-tensors.
pub(super) fn gather_nd(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, i) = (cx.input(0)?, positions(cx, 1)?);
    let (dims, picked) = (cx.dims(x), cx.dims(i));
    let batch = cx.attributes().int("batch_dims")?.and_then(|b| usize::try_from(b).ok()).unwrap_or(0);
    let Some((&tuple, places)) =
        picked.split_last().filter(|(t, p)| batch <= p.len() && batch + **t <= dims.len())
    else {
        return Err(Diagnostic::error(code::SHAPE, "the positions of GatherND do not go with its data"));
    };
    let batches: usize = dims[..batch].iter().product();
    cx.require(dims[..batch] == places[..batch], "the batches of GatherND differ")?;
    let i = joined(cx, i, &dims[batch..batch + tuple])?;
    let i = cx.reshape(i, &[batches, places[batch..].iter().product()])?;
    let (count, stretch) = (&dims[batch..batch + tuple], &dims[batch + tuple..]);
    let x = cx.reshape(x, &[batches, count.iter().product(), stretch.iter().product()])?;
    let y = cx.part("picked", Gather, &[x, i])?;
    let y = cx.reshape(y, &[places, stretch].concat())?;
    cx.give(0, y)
}

/// What a scatter does to an element.
fn kind(cx: &Context<'_, '_>) -> Step<ScatterKind> {
    let reduction = cx.attributes().string("reduction")?.unwrap_or_default();
    Ok(match reduction.as_str() {
        "" | "none" => ScatterKind::Set,
        "add" => ScatterKind::Add,
        "mul" => ScatterKind::Mul,
        "min" => ScatterKind::Min,
        "max" => ScatterKind::Max,
        _ => return Err(unsupported("reduction", reduction, "none, add, mul, min, max")),
    })
}

/// `ScatterElements x, i, u`: along an axis, each update at its own position.
pub(super) fn scatter_elements(cx: &mut Context<'_, '_>) -> Step<()> {
    let kind = kind(cx)?;
    let (x, i, u) = (cx.input(0)?, positions(cx, 1)?, cx.input(2)?);
    let (dims, written) = (cx.dims(x), cx.dims(i));
    let axis = cx.axis("axis", 0, dims.len())?;
    let fits = written.len() == dims.len() && (0..dims.len()).all(|d| d == axis || written[d] <= dims[d]);
    cx.require(fits && cx.dims(u) == written, "data, positions and updates do not go together")?;
    let partial = (0..dims.len()).any(|d| d != axis && written[d] < dims[d]);
    let (i, u) = (rows(cx, i, axis)?, rows(cx, u, axis)?);
    let count = dims[axis];
    let data = rows(cx, x, axis)?;
    // Where positions do not cover all rows, each counts among all elements.
    let (batches, i, size) = if partial {
        let mut outer = dims.clone();
        outer.remove(axis);
        let mut inner = written.clone();
        let length = inner.remove(axis);
        let (all, part) = (Shape::new(outer), Shape::new(inner));
        let strides = all.strides();
        let row = |r: usize| part.unravel(r).iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>();
        let starts: Vec<i64> = (0..part.elements()).map(|r| (row(r) * count) as i64).collect();
        let dtype = cx.ty(i).dtype;
        let starts = cx.ints("starts", dtype, &[part.elements(), 1], starts)?;
        let total = (all.elements() * count) as f64;
        let flat = cx.map("places", &[i, starts], |x| {
            let zero = x[0].literal(0.0);
            let wrapped = x[0].lt(zero).select(x[0] + count as f64, x[0]);
            let outside = wrapped.lt(zero) | x[0].literal(count as f64).le(wrapped);
            outside.select(x[0].literal(total), wrapped + x[1])
        })?;
        (1, cx.reshape(flat, &[1, part.elements() * length])?, all.elements() * count)
    } else {
        (cx.dims(data)[0], i, count)
    };
    let data = cx.reshape(data, &[batches, size, 1])?;
    let updates = cx.reshape(u, &[batches, cx.dims(i)[1], 1])?;
    let y = cx.part("written", Scatter { kind }, &[data, i, updates])?;
    back(cx, y, axis, &dims)
}

/// `ScatterND x, i, u`: tuples of positions say where whole sub-tensors go.
pub(super) fn scatter_nd(cx: &mut Context<'_, '_>) -> Step<()> {
    let kind = kind(cx)?;
    let (x, i, u) = (cx.input(0)?, positions(cx, 1)?, cx.input(2)?);
    let (dims, written) = (cx.dims(x), cx.dims(i));
    let Some((&tuple, places)) = written.split_last().filter(|(t, _)| **t <= dims.len()) else {
        return Err(Diagnostic::error(code::SHAPE, "the positions of ScatterND do not go with its data"));
    };
    let (count, stretch) = (dims[..tuple].iter().product(), dims[tuple..].iter().product());
    let updates: usize = places.iter().product();
    let i = joined(cx, i, &dims[..tuple])?;
    let i = cx.reshape(i, &[1, updates])?;
    let data = cx.reshape(x, &[1, count, stretch])?;
    cx.require(cx.ty(u).shape.elements() == updates * stretch, "the updates of ScatterND have another size")?;
    let u = cx.reshape(u, &[1, updates, stretch])?;
    let y = cx.part("written", Scatter { kind }, &[data, i, u])?;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}
