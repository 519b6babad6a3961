//! Reads tensor types and quantisations; their `Display` writes them.

use super::cursor::{Cursor, MOST_ELEMENTS, Parse};
use super::lexer::Kind;
use crate::{DType, Quant, Shape, TensorType};

/// `i8[1,8] q(0.5, -3)`.
pub(super) fn tensor_type(cursor: &mut Cursor<'_>) -> Parse<TensorType> {
    let dtype = dtype(cursor)?;
    let start = cursor.position();
    let dims = cursor.list(|c| c.int::<usize>("a dimension"))?;
    if !dims_fit(&dims) {
        return Err(cursor.error_at(start, 605, format!("a tensor has at most {MOST_ELEMENTS} elements")));
    }
    let quant = if cursor.is_word("q") && *cursor.peek_second() == Kind::Mark("(") {
        Some(quant(cursor)?)
    } else {
        None
    };
    Ok(TensorType { dtype, shape: Shape::new(dims), quant })
}

/// Whether the product of the dimensions, zeros passed over, is small enough for strides to be computed.
pub(crate) fn dims_fit(dims: &[usize]) -> bool {
    let product = dims.iter().try_fold(1usize, |product, &d| product.checked_mul(d.max(1)));
    product.is_some_and(|p| p <= MOST_ELEMENTS)
}

pub(super) fn dtype(cursor: &mut Cursor<'_>) -> Parse<DType> {
    let start = cursor.position();
    let word = cursor.word("a type such as `i8`")?;
    word.parse().map_err(|()| {
        let names: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
        let error = cursor.error_at(start, 603, format!("`{word}` is no element type"));
        cursor.help(format!("types are {}", names.join(", ")));
        error
    })
}

/// `q(0.5, -3)` or `q(axis=0, [0.5, 0.25], [0, 0])`.
fn quant(cursor: &mut Cursor<'_>) -> Parse<Quant> {
    let start = cursor.position();
    cursor.keyword("q")?;
    cursor.mark("(")?;
    let quant = if cursor.eat_word("axis") {
        cursor.mark("=")?;
        let axis = cursor.int::<usize>("an axis")?;
        cursor.mark(",")?;
        let scales = cursor.list(Cursor::f32)?;
        cursor.mark(",")?;
        let zero_points = cursor.list(|c| c.int::<i32>("a zero point"))?;
        Quant::per_axis(axis, scales, zero_points)
    } else {
        let scale = cursor.f32()?;
        cursor.mark(",")?;
        Quant::per_tensor(scale, cursor.int::<i32>("a zero point")?)
    };
    cursor.mark(")")?;
    quant.map_err(|e| cursor.error_at(start, 608, e.to_string()))
}
