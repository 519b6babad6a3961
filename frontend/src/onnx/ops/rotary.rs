//! `RotaryEmbedding`: pairs of elements turned by angles of their position. Not here: the tables of cosines and sines, which
//! are operands.
//!
//! Each element is `x·cos ± partner·sin`: one copy brings the partners beside, one loop over all elements does the rest.

use super::attention::count;
use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Gather;
use tinyc_ir::{DType, Diagnostic, Shape, Value};

/// `RotaryEmbedding x, cos, sin, positions?`
pub(super) fn rotary_embedding(cx: &mut Context<'_, '_>) -> Step<()> {
    let interleaved = cx.attributes().flag("interleaved")?.unwrap_or(false);
    let stated = cx.attributes().int("rotary_embedding_dim")?.unwrap_or(0);
    let turned = usize::try_from(stated)
        .map_err(|_| unsupported("rotary_embedding_dim", stated, "the number of elements that turn"))?;
    let x = cx.plain(0)?;
    let positions = if cx.operand(3).is_some() { Some(cx.plain(3)?) } else { None };
    let tables = [cx.plain(1)?, cx.plain(2)?];
    let heads = if cx.dims(x).len() == 3 { count(cx, "num_heads")? } else { 0 };
    embed(cx, x, tables, positions, Turn { interleaved, turned, heads })
}

/// Which elements are pairs.
pub(super) struct Turn {
    /// Neighbours, not the halves of what turns.
    pub(super) interleaved: bool,
    /// The first elements of a head, which turn; zero for all.
    pub(super) turned: usize,
    /// How many heads lie side by side in three dimensions.
    pub(super) heads: usize,
}

/// `[B, H, S, D]` or `[B, S, H·D]` turned, as the result. Tables are `[positions, D/2]`, or `[B, S, D/2]` without positions.
pub(super) fn embed(
    cx: &mut Context<'_, '_>,
    x: Value,
    tables: [Value; 2],
    positions: Option<Value>,
    turn: Turn,
) -> Step<()> {
    let dims = cx.dims(x);
    // Heads lie in front of the positions, or behind them.
    let (shape, batch, steps, axis) = match *dims.as_slice() {
        [batch, heads, steps, depth] => ([batch, heads, steps, depth], batch, steps, 1),
        [batch, steps, width] => {
            let heads = turn.heads;
            let fits = heads > 0 && width.is_multiple_of(heads);
            cx.require(fits, format!("{} does not hold {heads} heads side by side", cx.ty(x)))?;
            ([batch, steps, heads, width / heads], batch, steps, 2)
        }
        _ => return Err(Diagnostic::error(code::SHAPE, "RotaryEmbedding takes three or four dimensions")),
    };
    let mut tables = tables;
    for table in &mut tables {
        let rows = match positions {
            Some(positions) => picked(cx, *table, positions, [batch, steps])?,
            None => *table,
        };
        let mut own = cx.dims(rows);
        cx.require(own.len() == 3, format!("{} is no table of angles", cx.ty(*table)))?;
        own.insert(axis, 1);
        *table = cx.reshape(rows, &own)?;
    }
    let x = cx.reshape(x, &shape)?;
    let turned = if turn.turned == 0 { shape[3] } else { turn.turned };
    let y = rotate(cx, x, tables, turn.interleaved, turned)?;
    let y = cx.reshape(y, &dims)?;
    cx.give(0, y)
}

/// The rows of a table at `positions`, `[batch, steps]`, or from a single one on.
fn picked(
    cx: &mut Context<'_, '_>,
    table: Value,
    positions: Value,
    [batch, steps]: [usize; 2],
) -> Step<Value> {
    let dims = cx.dims(table);
    let dtype = cx.ty(positions).dtype;
    let plain = matches!(dtype, DType::I32 | DType::I64);
    cx.require(dims.len() == 2 && plain, "positions are integers that pick rows of a table")?;
    let mut positions = positions;
    if cx.dims(positions) == [1] {
        let numbers = cx.ints("numbers", dtype, &[steps], (0..steps as i64).collect())?;
        positions = cx.map("positions", &[positions, numbers], |x| x[0] + x[1])?;
        positions = cx.expand(positions, &[batch, steps])?;
    }
    cx.require(cx.dims(positions) == [batch, steps], "there is one position for each element of a sequence")?;
    let positions = cx.reshape(positions, &[1, batch * steps])?;
    let table = cx.reshape(table, &[1, dims[0], dims[1]])?;
    let rows = cx.part("angles", Gather, &[table, positions])?;
    cx.reshape(rows, &[batch, steps, dims[1]])
}

/// The first `turned` elements of each row of `[A, B, C, D]`, turned by angles `[…, turned / 2]`; the others stay.
fn rotate(
    cx: &mut Context<'_, '_>,
    x: Value,
    [cos, sin]: [Value; 2],
    interleaved: bool,
    turned: usize,
) -> Step<Value> {
    let dims = cx.dims(x);
    let depth = dims[3];
    let half = turned / 2;
    let fits = turned.is_multiple_of(2) && half > 0 && turned <= depth;
    let angles = [cos, sin].iter().all(|&t| cx.dims(t)[3] == half && cx.ty(t).dtype == cx.ty(x).dtype);
    cx.require(fits && angles, format!("{} and angles {} do not go together", cx.ty(x), cx.ty(cos)))?;
    let outer = &dims[..3];
    let (pairs, back, first) = match interleaved {
        true => ([half, 2], [2, -1], 1),
        false => ([2, half], [-(half as i64), 1], half),
    };
    let angle = if interleaved { [half, 1] } else { [1, half] };
    let row = |t: &[usize]| [&t[..3], &angle].concat();
    let (of_cos, of_sin) = (cx.dims(cos), cx.dims(sin));
    let (cos, sin) = (cx.reshape(cos, &row(&of_cos))?, cx.reshape(sin, &row(&of_sin))?);
    let signs = if interleaved { vec![2] } else { vec![2, 1] };
    let signs = cx.ints("signs", DType::Bool, &signs, vec![1, 0])?;
    let mut strides: Vec<i64> = Shape::new(dims.clone()).strides()[..3].iter().map(|&s| s as i64).collect();
    strides.extend(back);
    let shape = [outer, &pairs].concat();
    let partners = cx.strided(x, shape.clone(), strides, first)?;
    let turning = cx.slice(x, 3, 0, turned, 1)?;
    let turning = cx.reshape(turning, &shape)?;
    let y = cx.map("turned", &[turning, partners, cos, sin, signs], |x| {
        let across = x[1] * x[3];
        x[0] * x[2] + x[4].select(-across, across)
    })?;
    let y = cx.reshape(y, &[outer, &[turned]].concat())?;
    if turned == depth {
        return Ok(y);
    }
    let rest = cx.slice(x, 3, turned, depth - turned, 1)?;
    cx.concat(&[y, rest], 3)
}
