//! `Unique`: entries are sorted, the first of each run of equals is kept. Results have their greatest size, with zeros behind
//! what is found, and a count. A NaN counts as infinity.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::formula::Number;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::scatter::ScatterKind;
use tinyc_ir::op::{Compact, Cumulative, Gather, Scatter, TopK};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Value};

/// Entries along an axis are compared element by element, by so many sorts.
const MOST_ELEMENTS: usize = 16;

/// `Unique x`: the entries, where each is first, which of them each entry of x is, and how often each occurs.
pub(super) fn unique(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let stated = cx.attributes().int("axis")?;
    let along = match stated {
        None => None,
        Some(stated) => Some(axis(stated, dims.len()).ok_or_else(|| {
            Diagnostic::error(
                code::SHAPE,
                format!("axis {stated} is no axis of {}", counted(dims.len(), "dimension")),
            )
        })?),
    };
    // Entries as rows: all elements, or what one position of the axis holds.
    let mut others = dims.clone();
    let count = match along {
        Some(along) => others.remove(along),
        None => std::mem::take(&mut others).iter().product(),
    };
    let width: usize = others.iter().product();
    if width > MOST_ELEMENTS {
        let message = format!("Unique along an axis compares {} of each entry", counted(width, "element"));
        return Err(Diagnostic::error(code::FORM, message)
            .help(format!("supported are entries of up to {MOST_ELEMENTS} elements")));
    }
    let mut front = x;
    if let Some(along) = along {
        let perm: Vec<usize> =
            std::iter::once(along).chain((0..dims.len()).filter(|&a| a != along)).collect();
        front = cx.transpose(x, &perm)?;
    }
    let rows = cx.reshape(front, &[1, count, width])?;
    let groups = Groups::find(cx, rows, count, width)?;

    let first = groups.first;
    let y = picked(cx, rows, first)?;
    let numbers = cx.ints("numbers", DType::I32, &[1, count, 1], (0..count as i64).collect())?;
    let y = cx.map("kept", &[y, numbers, groups.count], |x| {
        x[1].lt(x[2]).select(x[0], x[0].wide().literal(0.0).to(x[0].ty()))
    })?;
    let y = match along {
        None => cx.reshape(y, &[count])?,
        Some(along) => {
            let y = cx.reshape(y, &[&[count], others.as_slice()].concat())?;
            let perm: Vec<usize> = (1..=along).chain([0]).chain(along + 1..dims.len()).collect();
            cx.transpose(y, &perm)?
        }
    };
    cx.give(0, y)?;
    cx.limit(0, along.unwrap_or(0), groups.count);
    for (i, row) in [(1, first), (3, groups.sizes)] {
        let numbers = numbers_row(cx, count)?;
        let row = cx.map("y", &[row, numbers, groups.count], |x| {
            let value = x[0].to(DType::I64);
            x[1].lt(x[2]).select(value, value.literal(0.0))
        })?;
        let row = cx.reshape(row, &[count])?;
        cx.give(i, row)?;
        cx.limit(i, 0, groups.count);
    }
    let inverse = cx.map("y", &[groups.of_each], |x| x[0].to(DType::I64))?;
    let inverse = cx.reshape(inverse, &[count])?;
    cx.give(2, inverse)
}

/// Runs of equal entries; all rows are `[1, N]`.
struct Groups {
    /// Where in the argument each group's first entry is; anything behind the last group.
    first: Value,
    /// How many entries each group has.
    sizes: Value,
    /// The group of each entry of the argument.
    of_each: Value,
    /// How many groups there are: i32\[1\].
    count: Value,
}

impl Groups {
    fn find(cx: &mut Context<'_, '_>, rows: Value, count: usize, width: usize) -> Step<Self> {
        let order = order(cx, rows, count, width)?;
        let sorted = picked(cx, rows, order)?;
        let before = cx.pick(sorted, 1, (0..count as i64).map(|i| (i - 1).max(0)).collect())?;
        let differs = cx.map("differs", &[sorted, before], |x| {
            let [a, b] = [x[0], x[1]].map(|x| if x.ty() == DType::Bool { x } else { number(x) });
            a.differs(b).to(DType::I32)
        })?;
        let differs = if width > 1 { cx.reduce(differs, ReduceKind::Max, &[2])? } else { differs };
        let differs = cx.reshape(differs, &[1, count])?;
        let numbers = numbers_row(cx, count)?;
        let is_new = cx.map("is_new", &[differs, numbers], |x| {
            let zero = x[0].literal(0.0);
            x[1].equals(zero) | x[0].differs(zero)
        })?;
        let found = cx.count(is_new)?;
        let starts = cx.part("starts", Compact, &[is_new])?;
        let next = cx.pick(starts, 1, (1..=count as i64).map(|i| i.min(count as i64 - 1)).collect())?;
        let sizes = cx.map("sizes", &[starts, next, numbers, found], |x| {
            let is_last = x[3].le(x[2] + 1.0);
            is_last.select(x[0].literal(count as f64), x[1]) - x[0]
        })?;
        let ones = cx.map("ones", &[is_new], |x| x[0].to(DType::I32))?;
        let op = Cumulative { kind: ReduceKind::Sum, axis: 1, exclusive: false, reverse: false };
        let groups = cx.part("groups", op, &[ones])?;
        let groups = cx.map("group", &[groups], |x| x[0] - 1.0)?;
        let of_each = moved(cx, groups, order)?;
        let inside = cx.map("inside", &[starts], |x| x[0].max(x[0].literal(0.0)))?;
        let first = chosen(cx, order, inside)?;
        let this = Self { first, sizes, of_each, count: found };
        if cx.attributes().flag("sorted")?.unwrap_or(true) { Ok(this) } else { this.by_first(cx, count) }
    }

    /// The groups in the order of their first entries.
    fn by_first(self, cx: &mut Context<'_, '_>, count: usize) -> Step<Self> {
        let numbers = numbers_row(cx, count)?;
        let keys = cx.map("keys", &[self.first, numbers, self.count], |x| {
            x[1].lt(x[2]).select(x[0], x[0].literal(count as f64))
        })?;
        let order = cx.part("by_first", TopK { k: count, largest: false }, &[keys])?;
        let place = moved(cx, numbers, order)?;
        Ok(Self {
            first: chosen(cx, self.first, order)?,
            sizes: chosen(cx, self.sizes, order)?,
            of_each: chosen(cx, place, self.of_each)?,
            count: self.count,
        })
    }
}

/// A number of a type with arithmetic; a NaN is infinity.
fn number(x: Number<'_>) -> Number<'_> {
    let wide = x.wide();
    if wide.ty().is_float() { wide.differs(wide).select(wide.literal(f64::INFINITY), wide) } else { wide }
}

/// 0, 1, 2, …
fn numbers_row(cx: &mut Context<'_, '_>, count: usize) -> Step<Value> {
    cx.ints("numbers", DType::I32, &[1, count], (0..count as i64).collect())
}

/// The positions that sort rows, those of equals in their order: by the last element first, by the first one last.
fn order(cx: &mut Context<'_, '_>, rows: Value, count: usize, width: usize) -> Step<Value> {
    let mut order = None;
    for column in (0..width).rev() {
        let keys = cx.slice(rows, 2, column, 1, 1)?;
        let keys = cx.reshape(keys, &[1, count])?;
        let mut keys = cx.map("keys", &[keys], |x| number(x[0]))?;
        if let Some(order) = order {
            keys = chosen(cx, keys, order)?;
        }
        let next = cx.part("order", TopK { k: count, largest: false }, &[keys])?;
        order = Some(match order {
            None => next,
            Some(order) => chosen(cx, order, next)?,
        });
    }
    order.ok_or_else(|| Diagnostic::error(code::TENSOR_SIZE, "Unique of nothing"))
}

/// Rows `[1, N, S]` at positions `[1, M]`.
fn picked(cx: &mut Context<'_, '_>, rows: Value, positions: Value) -> Step<Value> {
    cx.part("picked", Gather, &[rows, positions])
}

/// Elements of `[1, N]` at positions.
fn chosen(cx: &mut Context<'_, '_>, row: Value, positions: Value) -> Step<Value> {
    let dims = cx.dims(row);
    let row = cx.reshape(row, &[1, dims[1], 1])?;
    let row = picked(cx, row, positions)?;
    cx.reshape(row, &dims)
}

/// Elements of `[1, N]`, each where a permutation says.
fn moved(cx: &mut Context<'_, '_>, row: Value, to: Value) -> Step<Value> {
    let dims = cx.dims(row);
    let row = cx.reshape(row, &[1, dims[1], 1])?;
    let row = cx.part("moved", Scatter { kind: ScatterKind::Set }, &[row, to, row])?;
    cx.reshape(row, &dims)
}
