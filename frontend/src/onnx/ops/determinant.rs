//! `Det`: elimination with the largest pivot of each column, unrolled. A matrix of M rows takes M rounds of some ten kernels.

use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Gather;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Value};

/// Rows that are unrolled at most.
const MOST_ROWS: usize = 128;

/// `Det x` of `[…, M, M]`
pub(super) fn determinant(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let square = dims.len() > 1 && dims[dims.len() - 1] == dims[dims.len() - 2] && cx.ty(x).dtype.is_float();
    cx.require(square, format!("Det takes square matrices of floats, not {}", cx.ty(x)))?;
    let (outer, rows) = (dims[..dims.len() - 2].to_vec(), dims[dims.len() - 1]);
    cx.require(rows <= MOST_ROWS, format!("{rows} rows are more than {MOST_ROWS}, which are unrolled"))?;
    let batch = outer.iter().product();
    let mut matrix = cx.reshape(x, &[batch, rows, rows])?;
    let mut product: Option<Value> = None;
    for _ in 1..rows {
        let (pivot, odd, rest) = round(cx, matrix)?;
        let inputs: Vec<Value> = [pivot, odd].into_iter().chain(product).collect();
        product = Some(cx.map("product", &inputs, |x| {
            let signed = x[1].select(-x[0], x[0]);
            x.get(2).map_or(signed, |&product| product * signed)
        })?);
        matrix = rest;
    }
    let y = match product {
        Some(product) => cx.map("y", &[product, matrix], |x| x[0] * x[1])?,
        None => matrix,
    };
    let y = cx.reshape(y, &outer)?;
    cx.give(0, y)
}

/// The largest element of the first column, whether its row has an odd number, and what elimination leaves of the others.
fn round(cx: &mut Context<'_, '_>, matrix: Value) -> Step<(Value, Value, Value)> {
    let dims = cx.dims(matrix);
    let (batch, size) = (dims[0], dims[1]);
    let column = cx.slice(matrix, 2, 0, 1, 1)?;
    let magnitude = cx.map("magnitude", &[column], |x| x[0].abs())?;
    let place = cx.reduce(magnitude, ReduceKind::ArgMax, &[1])?;
    let place = cx.map_to(place, DType::I32)?;
    let place = cx.reshape(place, &[batch, 1])?;
    // All rows but that one, in their order: to leave out row p has the sign of (−1)^p.
    let numbers = cx.ints("numbers", DType::I32, &[size - 1], (0..size as i64 - 1).collect())?;
    let others = cx.map("others", &[numbers, place], |x| x[1].le(x[0]).select(x[0] + 1.0, x[0]))?;
    let chosen = cx.part("chosen", Gather, &[matrix, place])?;
    let rest = cx.part("rest", Gather, &[matrix, others])?;
    let pivot = cx.slice(chosen, 2, 0, 1, 1)?;
    let lead = cx.slice(rest, 2, 0, 1, 1)?;
    let above = cx.slice(chosen, 2, 1, size - 1, 1)?;
    let below = cx.slice(rest, 2, 1, size - 1, 1)?;
    // A pivot of zero makes the product zero; nothing needs to be taken away.
    let share = cx.map("share", &[lead, pivot], |x| {
        let zero = x[1].literal(0.0);
        x[1].equals(zero).select(zero, x[0] / x[1])
    })?;
    let left = cx.map("left", &[below, share, above], |x| x[0] - x[1] * x[2])?;
    let place = cx.reshape(place, &[batch, 1, 1])?;
    let odd = cx.map("odd", &[place], |x| (x[0] & 1.0).differs(x[0].literal(0.0)))?;
    Ok((pivot, odd, left))
}
