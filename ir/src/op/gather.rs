//! Elements picked by run-time positions: embeddings, tables, resizing. No other operator reads where data say.

use super::{Arity, Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Tensor, TensorType};

/// `gather x, i`: `[B, N, S]` and `[A, M]` to `[B, M, S]`, where A is B or 1; x of any type, quantised per tensor if at all;
/// i is u8, u16, i32 or i64
///
/// `y[b, m] = x[b, i[b, m]]`, stretches of S elements. A negative position counts from behind. One that is outside then is
/// an error of the run, with [`OUTSIDE`]; `eval` of the graph reports it, and goes on with the nearest.
#[derive(Clone, PartialEq, Debug)]
pub struct Gather;

/// What the emitted `run` returns for a position that is outside.
pub const OUTSIDE: u8 = 3;

/// Checks that `i` holds positions for `batches`; returns their number.
pub(super) fn positions(i: &TensorType, batches: usize) -> Result<usize, TypeError> {
    let &[rows, count] = i.shape.dims() else {
        return Err(TypeError::new(format!("i has two dimensions, not {i}")));
    };
    let plain = matches!(i.dtype, DType::U8 | DType::U16 | DType::I32 | DType::I64) && !i.is_quantized();
    require!(plain && (rows == batches || rows == 1), "i is u8, u16, i32 or i64 of 1 or {batches} rows, not {i}");
    Ok(count)
}

/// The position that a stored one means among `count`, at least 1.
pub(super) fn position(stored: i64, count: usize) -> usize {
    let count = count as i64;
    let wrapped = if stored < 0 { stored.saturating_add(count) } else { stored };
    wrapped.clamp(0, count - 1) as usize
}

/// The first position that is outside `0..count`, counted from behind or not.
pub(super) fn outside(i: &Tensor, count: usize) -> Option<String> {
    let count = count as i64;
    let at = (0..i.data.len()).find(|&at| !(-count..count).contains(&i.data.int(at)))?;
    Some(format!("position {} is outside of {count} (element {at} of i)", i.data.int(at)))
}

impl Operator for Gather {
    const NAME: &'static str = "gather";
    const ARITY: Arity = Arity::Exactly(2);

    fn write_attrs(&self, _attrs: &mut Attrs) {}

    fn read_attrs(_attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [x, i] = inputs else { unreachable!("arity is checked") };
        let &[batches, count, stretch] = x.shape.dims() else {
            return Err(TypeError::new(format!("x has three dimensions, not {x}")));
        };
        require!(x.quant.as_ref().is_none_or(|q| q.axis().is_none()), "x is not quantised per axis: {x}");
        let picked = positions(i, batches)?;
        require!(count > 0 || picked == 0, "there is nothing to pick in {x}");
        Ok(x.with_shape([batches, picked, stretch]))
    }

    fn failure(&self, inputs: &[(&TensorType, &Tensor)]) -> Option<String> {
        let [(x, _), (_, i)] = inputs else { unreachable!("arity is checked") };
        // Without batches or elements nothing is picked.
        if x.shape[0] * x.shape[2] == 0 { None } else { outside(i, x.shape[1]) }
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, x), (_, i)] = inputs else { unreachable!("arity is checked") };
        let (count, stretch) = (x.shape[1], x.shape[2]);
        let source = |at: usize| {
            let at = output.shape.unravel(at);
            let row = if i.shape[0] == 1 { 0 } else { at[0] };
            let picked = position(i.data.int(row * i.shape[1] + at[1]), count);
            (at[0] * count + picked) * stretch + at[2]
        };
        let sources: Vec<usize> = (0..output.shape.elements()).map(source).collect();
        Tensor::new(output.shape.clone(), x.data.gather(&sources))
    }
}
