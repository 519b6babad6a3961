//! Windows reduced: the greatest, sums, means and norms, and greatest elements put back where they were.

use super::Grid;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions;
use crate::onnx::tensor;
use tinyc_ir::Diagnostic;
use tinyc_ir::op::Scatter;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::scatter::ScatterKind;

/// `MaxPool x`, with the positions of the maxima if they are asked for: the first of equals, counted through all of x, with
/// columns in front of rows if `storage_order` is 1.
pub(in crate::onnx::ops) fn max_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let (dims, dtype) = (cx.dims(x), cx.ty(x).dtype);
    cx.require(dims.len() > 2, "MaxPool takes [N, C, …]")?;
    let grid = Grid::read(cx, &dims[2..], None)?;
    let x = if dtype.size() < 4 { cx.map("wide", &[x], |x| x[0].wide())? } else { x };
    let windows = grid.windows(cx, x, f32::NEG_INFINITY)?;
    let most = cx.reduce(windows, ReduceKind::Max, &grid.inner())?;
    let most = cx.reshape(most, &[&dims[..2], &grid.outputs(&dims[2..])].concat())?;
    let y = if dtype.size() < 4 { cx.map("narrow", &[most], |x| x[0].to(dtype))? } else { most };
    cx.give(0, y)?;
    if cx.node.output.get(1).is_none_or(String::is_empty) {
        return Ok(());
    }
    let by_column = cx.attributes().flag("storage_order")?.unwrap_or(false);
    let places = grid.places(cx, windows, &dims, by_column)?;
    cx.give(1, places)
}

/// `MaxUnpool x, positions, shape?`: each element back to where it was, zeros elsewhere.
pub(in crate::onnx::ops) fn max_unpool(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, places) = (cx.plain(0)?, cx.plain(1)?);
    let dims = cx.dims(x);
    cx.require(dims.len() > 2 && cx.dims(places) == dims, "MaxUnpool takes [N, C, …] and as many positions")?;
    let rank = dims.len() - 2;
    let list = |name: &str, default: usize, count: usize| -> Step<Vec<usize>> {
        Ok(cx.attributes().sizes(name)?.filter(|v| v.len() == count).unwrap_or_else(|| vec![default; count]))
    };
    let (kernel, strides, pads) =
        (list("kernel_shape", 0, rank)?, list("strides", 1, rank)?, list("pads", 0, 2 * rank)?);
    let size = |i: usize| {
        let whole = dims[2 + i].checked_sub(1)?.checked_mul(strides[i])?.checked_add(kernel[i])?;
        whole.checked_sub(pads[i] + pads[rank + i]).filter(|&size| size > 0)
    };
    let sizes: Option<Vec<usize>> = (0..rank).map(size).collect();
    let sizes =
        sizes.ok_or_else(|| Diagnostic::error(code::SHAPE, "the window of MaxUnpool leaves nothing"))?;
    let whole = [&dims[..2], &sizes].concat();
    let total = tensor::checked_elements(&whole, cx.ty(x).dtype)?;
    let count = cx.ty(x).shape.elements();
    let flat = cx.reshape(x, &[1, count, 1])?;
    // Zeros that the run makes: as constants they would lie in flash.
    let first = cx.slice(flat, 1, 0, count.min(1), 1)?;
    let zero = cx.map("zero", &[first], |x| x[0].wide().literal(0.0).to(x[0].ty()))?;
    let zeros = cx.strided(zero, vec![1, total, 1], vec![0; 3], 0)?;
    let places = cx.reshape(places, &[1, count])?;
    let y = cx.part("written", Scatter { kind: ScatterKind::Set }, &[zeros, places, flat])?;
    let mut y = cx.reshape(y, &whole)?;
    if cx.operand(2).is_some() {
        let wanted: Vec<usize> = cx.known_ints(2)?.iter().filter_map(|&d| usize::try_from(d).ok()).collect();
        let fits = wanted.len() == whole.len() && wanted.iter().zip(&whole).all(|(w, d)| w >= d);
        cx.require(fits, format!("MaxUnpool makes {whole:?}, which does not fit into {wanted:?}"))?;
        let after = wanted.iter().zip(&whole).map(|(w, d)| w - d).collect();
        y = cx.pad_zeros(y, vec![0; wanted.len()], after)?;
    }
    cx.give(0, y)
}

/// `AveragePool x`: the sum of a window divided by the number of elements that count.
pub(in crate::onnx::ops) fn average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let dims = cx.dims(x);
    let rank = dims.len() - 2;
    let grid = Grid::read(cx, &dims[2..], None)?;
    let padding_counts = cx.attributes().flag("count_include_pad")?.unwrap_or(false);
    let windows = grid.windows(cx, x, 0.0)?;
    let sum = cx.reduce(windows, ReduceKind::Sum, &grid.inner())?;
    let outputs = grid.outputs(&dims[2..]);
    let sum = cx.reshape(sum, &[&dims[..2], &outputs].concat())?;
    let mut inputs = vec![sum];
    for i in 0..rank {
        let (low, high) = match padding_counts {
            true => (0, grid.before[i] + dims[2 + i] + grid.after[i]),
            false => (grid.before[i], grid.before[i] + dims[2 + i]),
        };
        let counts = |o: usize| {
            let at = |k: usize| o * grid.strides[i] + k * grid.dilations[i];
            (0..grid.kernel[i]).filter(|&k| (low..high).contains(&at(k))).count().max(1) as f32
        };
        let shape: Vec<usize> = (0..rank).map(|j| if i == j { outputs[i] } else { 1 }).collect();
        inputs.push(cx.floats("counts", &shape, (0..outputs[i]).map(counts).collect())?);
    }
    let y = cx.map("y", &inputs, |x| x[0] / x[2..].iter().fold(x[1], |product, &c| product * c))?;
    cx.give(0, y)
}

/// `LpPool x`: the p-norm of a window.
pub(in crate::onnx::ops) fn lp_pool(cx: &mut Context<'_, '_>) -> Step<()> {
    let p = cx.attributes().int("p")?.unwrap_or(2);
    let x = cx.float(0)?;
    let dims = cx.dims(x);
    cx.require(dims.len() > 2, "LpPool takes [N, C, …]")?;
    let grid = Grid::read(cx, &dims[2..], None)?;
    let power = cx.map("power", &[x], |x| match p {
        1 => x[0].abs(),
        2 => x[0] * x[0],
        _ => functions::pow(x[0].abs(), x[0].literal(p as f64)),
    })?;
    let windows = grid.windows(cx, power, 0.0)?;
    let sum = cx.reduce(windows, ReduceKind::Sum, &grid.inner())?;
    let sum = cx.reshape(sum, &[&dims[..2], &grid.outputs(&dims[2..])].concat())?;
    let y = cx.map("y", &[sum], |x| match p {
        1 => x[0],
        2 => x[0].sqrt(),
        _ => functions::pow(x[0], x[0].literal(1.0 / p as f64)),
    })?;
    cx.give(0, y)
}
