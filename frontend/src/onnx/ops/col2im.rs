//! `Col2Im`: blocks added into an image where they overlap, by one `scatter` whose positions are known: one for each element of
//! the blocks of a channel.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Scatter;
use tinyc_ir::op::scatter::ScatterKind;
use tinyc_ir::{DType, Data, Diagnostic, Shape, Tensor};

/// `Col2Im x, image, block`: `[N, C·block, L]` to `[N, C, image…]`.
pub(super) fn col2im(cx: &mut Context<'_, '_>) -> Step<()> {
    let sizes = |cx: &Context<'_, '_>, i: usize| -> Step<Vec<usize>> {
        let stated = cx.known_ints(i)?;
        let sizes: Option<Vec<usize>> =
            stated.iter().map(|&n| usize::try_from(n).ok().filter(|n| (1..1 << 31).contains(n))).collect();
        sizes.ok_or_else(|| Diagnostic::error(code::SHAPE, format!("{stated:?} are no sizes of Col2Im")))
    };
    let (image, block) = (sizes(cx, 1)?, sizes(cx, 2)?);
    let rank = image.len();
    let list = |name: &str, default: usize, count: usize| -> Step<Vec<usize>> {
        let values = cx.attributes().sizes(name)?.unwrap_or_else(|| vec![default; count]);
        let fits = values.len() == count && (default == 0 || values.iter().all(|&v| v > 0));
        if fits {
            Ok(values)
        } else {
            Err(unsupported(name, format!("{values:?}"), &format!("{count} values")))
        }
    };
    let (strides, dilations) = (list("strides", 1, rank)?, list("dilations", 1, rank)?);
    let pads = list("pads", 0, 2 * rank)?;
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let dtype = cx.ty(x).dtype;
    let taps: usize = block.iter().try_fold(1usize, |n, &b| n.checked_mul(b)).unwrap_or(0);
    let fits = rank > 0 && block.len() == rank && dims.len() == 3 && taps > 0 && dims[1].is_multiple_of(taps);
    cx.require(fits && dtype != DType::Bool, format!("{} does not hold blocks {block:?}", cx.ty(x)))?;
    // Blocks go into the image with its border, which is cut off afterwards.
    let whole: Vec<usize> = (0..rank).map(|i| pads[i] + image[i] + pads[rank + i]).collect();
    let columns: Option<Vec<usize>> = (0..rank)
        .map(|i| Some(whole[i].checked_sub((block[i] - 1).checked_mul(dilations[i])? + 1)? / strides[i] + 1))
        .collect();
    let columns = columns.filter(|c| c.iter().try_fold(1usize, |n, &c| n.checked_mul(c)) == Some(dims[2]));
    let columns = columns.ok_or_else(|| {
        Diagnostic::error(code::SHAPE, format!("{} does not hold the blocks of an image {image:?}", cx.ty(x)))
    })?;
    let elements = cx.build.make(&whole, dtype)?;
    let (planes, count) = (dims[0] * (dims[1] / taps), taps * dims[2]);
    let steps = Shape::new(whole.clone()).strides();
    let place = |at: &[usize], by: &[usize]| -> usize { (0..rank).map(|i| at[i] * by[i] * steps[i]).sum() };
    let (block, columns) = (Shape::new(block), Shape::new(columns));
    let starts: Vec<usize> = (0..dims[2]).map(|c| place(&columns.unravel(c), &strides)).collect();
    let offsets = (0..taps).map(|t| place(&block.unravel(t), &dilations));
    let places: Vec<i64> = offsets.flat_map(|o| starts.iter().map(move |s| (o + s) as i64)).collect();
    let places = cx.ints("places", DType::I32, &[1, count], places)?;
    let x = if dtype.size() < 4 { cx.map("wide", &[x], |x| x[0].wide())? } else { x };
    let updates = cx.reshape(x, &[planes, count, 1])?;
    let zeros = Data::from_bits(cx.ty(x).dtype, vec![0; elements]);
    let zeros = cx.part_constant("zeros", Tensor::new([1, elements, 1], zeros), None)?;
    let zeros = cx.expand(zeros, &[planes, elements, 1])?;
    let sum = cx.part("sum", Scatter { kind: ScatterKind::Add }, &[zeros, places, updates])?;
    let mut y = cx.reshape(sum, &[&[planes], &whole[..]].concat())?;
    for i in 0..rank {
        y = cx.slice(y, i + 1, pads[i], image[i], 1)?;
    }
    let y = cx.map_to(y, dtype)?;
    let y = cx.reshape(y, &[&[dims[0], dims[1] / taps], &image[..]].concat())?;
    cx.give(0, y)
}
