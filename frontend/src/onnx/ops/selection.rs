//! Operators that keep what data say: `NonZero` and `Compress`. Results have their greatest size, with zeros behind what is kept,
//! and a count; where the data are constants, they have their own size.

use crate::onnx::attribute::axis;
use crate::onnx::builder::Slot;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use std::sync::Arc;
use tinyc_ir::op::{Compact, Gather};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Data, Diagnostic, Shape, Tensor, Value};

/// The positions of a row of truth values, `[1, N]` with −1 behind them, and their count.
fn positions(cx: &mut Context<'_, '_>, mask: Value) -> Step<(Value, Value)> {
    let length = cx.dims(mask).iter().product();
    let row = cx.reshape(mask, &[1, length])?;
    let count = cx.count(row)?;
    Ok((cx.part("positions", Compact, &[row])?, count))
}

/// A truth value for each element: whether it is not zero and meant.
fn truth(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    let mask = match cx.ty(x).dtype {
        DType::Bool => x,
        _ => cx.map("nonzero", &[x], |x| x[0].wide().differs(x[0].wide().literal(0.0)))?,
    };
    match cx.meant(x)? {
        Some(meant) => cx.map("truth", &[mask, meant], |x| x[0] & x[1]),
        None => Ok(mask),
    }
}

/// `NonZero x`: a row of positions for each axis.
pub(super) fn non_zero(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    cx.require(!dims.is_empty(), "NonZero takes a tensor with dimensions")?;
    let (rank, shape) = (dims.len(), Shape::new(dims.clone()));
    let mask = truth(cx, x)?;
    if let Some(known) = cx.build.numbers(mask) {
        let found: Vec<usize> = (0..known.data.len()).filter(|&i| known.data.bits(i) != 0).collect();
        let at = |axis: usize, i: usize| shape.unravel(i)[axis] as i64;
        let rows = (0..rank).flat_map(|axis| found.iter().map(move |&i| at(axis, i)));
        let tensor = Tensor::new([rank, found.len()], Data::from_ints(DType::I64, rows));
        cx.define(Slot::Constant(Arc::new(tensor)));
        return Ok(());
    }
    let (places, count) = positions(cx, mask)?;
    let y = if rank == 1 {
        cx.map("y", &[places], |x| x[0].max(x[0].literal(0.0)).to(DType::I64))?
    } else {
        let column = |values: Vec<usize>| values.into_iter().map(|v| v as i64).collect::<Vec<i64>>();
        let strides = cx.ints("strides", DType::I32, &[rank, 1], column(shape.strides()))?;
        let sizes = cx.ints("sizes", DType::I32, &[rank, 1], column(dims))?;
        cx.map("y", &[places, strides, sizes], |x| {
            let at = (x[0] / x[1]).remainder(x[2]);
            x[0].lt(x[0].literal(0.0)).select(x[0].literal(0.0), at).to(DType::I64)
        })?
    };
    cx.give(0, y)?;
    cx.limit(0, 1, count);
    Ok(())
}

/// `Compress x, condition`: along an axis, or of all elements, those for which the condition holds.
pub(super) fn compress(cx: &mut Context<'_, '_>) -> Step<()> {
    let (mut x, condition) = (cx.input(0)?, cx.plain(1)?);
    let mut dims = cx.dims(x);
    let extent = cx.extent(x);
    let along = match cx.attributes().int("axis")? {
        Some(stated) => axis(stated, dims.len()).ok_or_else(|| {
            Diagnostic::error(
                code::SHAPE,
                format!("axis {stated} is no axis of {}", counted(dims.len(), "dimension")),
            )
        })?,
        None => {
            dims = vec![dims.iter().product()];
            x = cx.reshape(x, &dims)?;
            0
        }
    };
    let length = cx.dims(condition).iter().product::<usize>();
    let is_bool = cx.ty(condition).dtype == DType::Bool && cx.dims(condition).len() == 1;
    cx.require(
        is_bool && length <= dims[along],
        "the condition of Compress has a truth value for each entry",
    )?;
    if let Some(extent) = extent {
        // Only what is meant can be kept; another axis that depends on data would be a second one.
        let same = cx.extent(condition).is_some_and(|own| own.count == extent.count);
        if !same || extent.axis != along || cx.attributes().int("axis")?.is_none() {
            return Err(cx.refuse_extent(&cx.node.input[0]));
        }
    }
    let mask = truth(cx, condition)?;
    if let Some(known) = cx.build.numbers(mask) {
        let kept = (0..length).filter(|&i| known.data.bits(i) != 0).map(|i| i as i64).collect();
        let y = cx.pick(x, along, kept)?;
        return cx.give(0, y);
    }
    let x = if extent.is_none() { plain(cx, x)? } else { x };
    let (places, count) = positions(cx, mask)?;
    let split = [dims[..along].iter().product(), dims[along], dims[along + 1..].iter().product()];
    let rows = cx.reshape(x, &split)?;
    let inside = cx.map("inside", &[places], |x| x[0].max(x[0].literal(0.0)))?;
    let picked = cx.part("picked", Gather, &[rows, inside])?;
    let places = cx.reshape(places, &[1, length, 1])?;
    let y = cx.map("kept", &[picked, places], |x| {
        let nothing = x[0].wide().literal(0.0).to(x[0].ty());
        x[1].lt(x[1].literal(0.0)).select(nothing, x[0])
    })?;
    dims[along] = length;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)?;
    cx.limit(0, along, count);
    Ok(())
}

/// The value, if it is not quantised.
fn plain(cx: &Context<'_, '_>, x: Value) -> Step<Value> {
    if cx.ty(x).is_quantized() {
        let message = format!("Compress of {} by a condition that is computed is not supported", cx.ty(x));
        return Err(Diagnostic::error(code::ELEMENT_TYPE, message).help("dequantise it before"));
    }
    Ok(x)
}
