//! Reductions along axes, and what is made of them: norms, positions, running sums.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::{Cumulative, TopK};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Value};

/// The axes of operand 1 or of the attribute, all of them if none is stated; `None` if then nothing is to be done.
pub(in crate::onnx) fn axes(cx: &Context<'_, '_>, rank: usize) -> Step<Option<Vec<usize>>> {
    let stated = match cx.operand(1) {
        Some(_) => Some(cx.known_ints(1)?),
        None => cx.attributes().ints("axes")?.map(<[i64]>::to_vec),
    };
    let stated = stated.filter(|axes| !axes.is_empty());
    let Some(stated) = stated else {
        let nothing = cx.attributes().flag("noop_with_empty_axes")?.unwrap_or(false);
        return Ok((!nothing).then(|| (0..rank).collect()));
    };
    let found: Option<Vec<usize>> = stated.iter().map(|&a| axis(a, rank)).collect();
    let mut found = found.ok_or_else(|| {
        Diagnostic::error(
            code::SHAPE,
            format!("axes {stated:?} are not axes of {}", counted(rank, "dimension")),
        )
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// The dimensions without the reduced axes.
fn dropped(dims: &[usize], axes: &[usize]) -> Vec<usize> {
    (0..dims.len()).filter(|i| !axes.contains(i)).map(|i| dims[i]).collect()
}

/// `ReduceX x, axes?`: the elements through a formula, their reduction, and the result through another.
pub(super) fn reduce(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let dtype = cx.ty(x).dtype;
    let name = cx.node.op_type();
    let axes = axes(cx, dims.len())?;
    let wide = cx.map("wide", &[x], |x| x[0].wide());
    let x = if dtype.size() < 4 { wide? } else { x };
    let before = match name {
        "ReduceL1" => Some(cx.map("magnitude", &[x], |x| crate::onnx::functions::abs(x[0]))?),
        "ReduceL2" | "ReduceSumSquare" => Some(cx.map("square", &[x], |x| x[0] * x[0])?),
        _ => None,
    };
    let Some(axes) = axes else {
        let y = cx.map("y", &[before.unwrap_or(x)], |x| {
            match name {
                "ReduceL2" => x[0].sqrt(),
                "ReduceLogSum" => x[0].log(),
                _ => x[0],
            }
            .to(dtype)
        })?;
        return cx.give(0, y);
    };
    if name == "ReduceLogSumExp" {
        let most = cx.reduce(x, ReduceKind::Max, &axes)?;
        // A row of −inf has no finite maximum to take out.
        let e = cx.map("e", &[x, most], |x| {
            let most = x[1].abs().equals(x[1].literal(f64::INFINITY)).select(x[1].literal(0.0), x[1]);
            (x[0] - most).exp()
        })?;
        let sum = cx.reduce(e, ReduceKind::Sum, &axes)?;
        let y = cx.map("y", &[sum, most], |x| {
            let most = x[1].abs().equals(x[1].literal(f64::INFINITY)).select(x[1].literal(0.0), x[1]);
            x[0].log() + most
        })?;
        return finish(cx, y, &dims, &axes);
    }
    let kind = match name {
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        _ => ReduceKind::Sum,
    };
    let count: usize = axes.iter().map(|&a| dims[a]).product();
    let mut y = cx.reduce(before.unwrap_or(x), kind, &axes)?;
    if count == 0 && matches!(kind, ReduceKind::Min | ReduceKind::Max) {
        // Of nothing, the end of the narrow type, not of the wide one.
        let (lo, hi) = dtype.int_range().map_or((0.0, 1.0), |(lo, hi)| (lo as f64, hi as f64));
        if dtype.size() < 4 {
            y = cx.map("end", &[y], |x| x[0].max(x[0].literal(lo)).min(x[0].literal(hi)))?;
        }
    }
    let after = matches!(name, "ReduceL2" | "ReduceLogSum" | "ReduceMean");
    if after || dtype.size() < 4 {
        y = cx.map("y", &[y], |x| {
            match name {
                "ReduceL2" => x[0].sqrt(),
                "ReduceLogSum" => x[0].log(),
                "ReduceMean" => x[0] / count as f64,
                _ => x[0],
            }
            .to(dtype)
        })?;
    }
    finish(cx, y, &dims, &axes)
}

fn finish(cx: &mut Context<'_, '_>, y: Value, dims: &[usize], axes: &[usize]) -> Step<()> {
    let keep = cx.attributes().flag("keepdims")?.unwrap_or(true);
    let y = if keep { y } else { cx.reshape(y, &dropped(dims, axes))? };
    cx.give(0, y)
}

/// `ArgMax x` and `ArgMin x`.
pub(super) fn arg(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let axis = cx.axis("axis", 0, dims.len())?;
    let last = cx.attributes().flag("select_last_index")?.unwrap_or(false);
    let kind = match (cx.node.op_type(), last) {
        ("ArgMax", false) => ReduceKind::ArgMax,
        ("ArgMax", true) => ReduceKind::LastArgMax,
        (_, false) => ReduceKind::ArgMin,
        (_, true) => ReduceKind::LastArgMin,
    };
    let x = if cx.ty(x).dtype.size() < 4 { cx.map("wide", &[x], |x| x[0].wide())? } else { x };
    let y = cx.reduce(x, kind, &[axis])?;
    finish(cx, y, &dims, &[axis])
}

/// `CumSum x, axis` and `CumProd x, axis`.
pub(super) fn cumulative(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let rank = cx.dims(x).len();
    let stated = cx.known_ints(1)?;
    let axis = stated.first().and_then(|&a| axis(a, rank));
    let axis = axis.ok_or_else(|| {
        Diagnostic::error(
            code::SHAPE,
            format!("axis {stated:?} is no axis of {}", counted(rank, "dimension")),
        )
    })?;
    let op = Cumulative {
        kind: if cx.node.op_type() == "CumSum" { ReduceKind::Sum } else { ReduceKind::Prod },
        axis,
        exclusive: cx.attributes().flag("exclusive")?.unwrap_or(false),
        reverse: cx.attributes().flag("reverse")?.unwrap_or(false),
    };
    let y = cx.part("y", op, &[x])?;
    cx.give(0, y)
}

/// The exponentials of `x − max` and their sum along an axis.
fn exponentials(cx: &mut Context<'_, '_>, x: Value, axis: usize) -> Step<[Value; 3]> {
    let most = cx.reduce(x, ReduceKind::Max, &[axis])?;
    let e = cx.map("e", &[x, most], |x| (x[0] - x[1]).exp())?;
    let sum = cx.reduce(e, ReduceKind::Sum, &[axis])?;
    Ok([most, e, sum])
}

/// `LogSoftmax x`: `x − max − ln Σ e^(x − max)`. Before operator set 13, all from the axis on is one row.
pub(super) fn log_softmax(cx: &mut Context<'_, '_>) -> Step<()> {
    rows(cx, |cx, x, axis| {
        let [most, _, sum] = exponentials(cx, x, axis)?;
        cx.map("y", &[x, most, sum], |x| x[0] - x[1] - x[2].log())
    })
}

/// `Softmax x` of f64, composed.
pub(super) fn softmax(cx: &mut Context<'_, '_>) -> Step<()> {
    rows(cx, shares)
}

/// `e^(x − max)` along an axis, divided by its sum.
pub(super) fn shares(cx: &mut Context<'_, '_>, x: Value, axis: usize) -> Step<Value> {
    let [_, e, sum] = exponentials(cx, x, axis)?;
    cx.map("y", &[e, sum], |x| x[0] / x[1])
}

/// `Hardmax x`: 1 for the first of the greatest along an axis, else 0.
pub(super) fn hardmax(cx: &mut Context<'_, '_>) -> Step<()> {
    rows(cx, |cx, x, axis| {
        let place = cx.reduce(x, ReduceKind::ArgMax, &[axis])?;
        let dims = cx.dims(x);
        let shape: Vec<usize> = (0..dims.len()).map(|i| if i == axis { dims[i] } else { 1 }).collect();
        let numbers = cx.ints("numbers", DType::I64, &shape, (0..dims[axis] as i64).collect())?;
        // The argument gives the result its type.
        cx.map("y", &[place, numbers, x], |x| x[0].equals(x[1]).select(x[2].literal(1.0), x[2].literal(0.0)))
    })
}

fn rows(
    cx: &mut Context<'_, '_>,
    body: impl FnOnce(&mut Context<'_, '_>, Value, usize) -> Step<Value>,
) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    if cx.opset >= 13 {
        let axis = cx.axis("axis", -1, dims.len())?;
        let y = body(cx, x, axis)?;
        return cx.give(0, y);
    }
    let axis = cx.axis("axis", 1, dims.len())?;
    let flat = cx.reshape(x, &[dims[..axis].iter().product(), dims[axis..].iter().product()])?;
    let y = body(cx, flat, 1)?;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}

/// `LpNormalization x`: divided by the norm along an axis; 0 where that is 0.
pub(super) fn lp_normalization(cx: &mut Context<'_, '_>) -> Step<()> {
    let p = cx.attributes().int("p")?.unwrap_or(2);
    let x = cx.plain(0)?;
    let axis = cx.axis("axis", -1, cx.dims(x).len())?;
    let part = cx.map("part", &[x], |x| if p == 1 { x[0].abs() } else { x[0] * x[0] })?;
    let sum = cx.reduce(part, ReduceKind::Sum, &[axis])?;
    let y = cx.map("y", &[x, sum], |x| {
        let norm = if p == 1 { x[1] } else { x[1].sqrt() };
        norm.equals(norm.literal(0.0)).select(norm.literal(0.0), x[0] / norm)
    })?;
    cx.give(0, y)
}

/// `TopK x, k`: values and positions, the best first.
pub(super) fn top_k(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let axis = cx.axis("axis", -1, dims.len())?;
    let largest = cx.attributes().flag("largest")?.unwrap_or(true);
    let k = match cx.operand(1) {
        Some(_) => cx.known_ints(1)?.first().copied(),
        None => cx.attributes().int("k")?,
    };
    let k = k.and_then(|k| usize::try_from(k).ok()).filter(|&k| k <= dims[axis]).ok_or_else(|| {
        Diagnostic::error(code::SHAPE, format!("k of TopK is a number up to {}", dims[axis]))
    })?;
    let dtype = cx.ty(x).dtype;
    let last = cx.axis_to_end(x, axis, false)?;
    let mut shape = cx.dims(last);
    let count = dims[axis];
    let outer = shape[..shape.len() - 1].iter().product();
    let rows = cx.reshape(last, &[outer, count])?;
    let keys = if dtype.size() < 4 { cx.map("wide", &[rows], |x| x[0].wide())? } else { rows };
    let places = cx.part("places", TopK { k, largest }, &[keys])?;
    let stretch = cx.reshape(rows, &[cx.dims(rows)[0], count, 1])?;
    let values = cx.part("values", tinyc_ir::op::Gather, &[stretch, places])?;
    *shape.last_mut().expect("it has the axis") = k;
    for (i, found) in [values, places].into_iter().enumerate() {
        let found = cx.reshape(found, &shape)?;
        let found = cx.axis_to_end(found, axis, true)?;
        cx.give(i, found)?;
    }
    Ok(())
}
