//! Parts of tensors: `Slice`, `Split`, and what else picks a range of each axis.

use crate::onnx::attribute::axis;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::{Diagnostic, Shape};

/// `Slice x, starts, ends, axes?, steps?`; attributes before operator set 10.
pub(super) fn slice(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let numbers = |i: usize, name: &str| -> Step<Option<Vec<i64>>> {
        if cx.opset < 10 {
            return Ok(cx.attributes().ints(name)?.map(<[i64]>::to_vec));
        }
        if cx.operand(i).is_none() { Ok(None) } else { cx.known_ints(i).map(Some) }
    };
    let missing = || Diagnostic::error(code::OPERAND_MISSING, "Slice lacks its starts or ends");
    let starts = numbers(1, "starts")?.ok_or_else(missing)?;
    let ends = numbers(2, "ends")?.ok_or_else(missing)?;
    let axes = numbers(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = numbers(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    let lengths = [ends.len(), axes.len(), steps.len()];
    cx.require(lengths.iter().all(|&n| n == starts.len()), "the operands of Slice have as many entries")?;
    let own = Shape::new(dims.clone()).strides();
    let (mut shape, mut offset) = (dims.clone(), 0);
    let mut strides: Vec<i64> = own.iter().map(|&s| s as i64).collect();
    for (i, &stated) in axes.iter().enumerate() {
        let step = steps[i];
        let axis = axis(stated, dims.len()).filter(|_| step != 0).ok_or_else(|| {
            let message = format!("axis {stated} or step {step} of Slice does not go with {}", cx.ty(x));
            Diagnostic::error(code::SHAPE, message)
        })?;
        let size = dims[axis] as i64;
        if size == 0 {
            continue; // nothing of nothing, whatever the ends
        }
        let from_end = |v: i64| if v < 0 { v.saturating_add(size) } else { v };
        let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let start = from_end(starts[i]).clamp(low.max(0), high);
        // −1 cannot be counted from the end: the least number means before the first element.
        let end = if step < 0 && ends[i] < -size { -1 } else { from_end(ends[i]).clamp(low, high) };
        let reach = (end - start).checked_div(step).unwrap_or(0);
        let rest = (end - start).checked_rem(step).unwrap_or(0);
        let count = (reach + i64::from(rest != 0)).max(0);
        shape[axis] = count as usize;
        strides[axis] = strides[axis].saturating_mul(step);
        offset += start.max(0) as usize * own[axis];
    }
    if shape == dims && steps.iter().all(|&s| s > 0) {
        return cx.pass_on(0);
    }
    let y = cx.strided(x, shape, strides, offset)?;
    cx.give(0, y)
}

/// `Split x, sizes?` into parts along an axis: of the stated sizes, or as equal as they can be.
pub(super) fn split(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let axis = cx.axis("axis", 0, dims.len())?;
    let stated = match cx.operand(1) {
        Some(_) => Some(cx.known_ints(1)?),
        None => cx.attributes().ints("split")?.map(<[i64]>::to_vec),
    };
    let parts = cx.node.output.len();
    let count = cx.attributes().int("num_outputs")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(parts);
    let sizes: Vec<usize> = match stated {
        Some(sizes) => sizes.iter().filter_map(|&s| usize::try_from(s).ok()).collect(),
        None => {
            let each = dims[axis].div_ceil(count.max(1));
            (0..count).map(|i| each.min(dims[axis].saturating_sub(i * each))).collect()
        }
    };
    let fits = sizes.len() == parts && sizes.iter().sum::<usize>() == dims[axis];
    cx.require(fits, format!("{} is not split into {sizes:?} along axis {axis}", cx.ty(x)))?;
    let mut first = 0;
    for (i, &size) in sizes.iter().enumerate() {
        let y = cx.slice(x, axis, first, size, 1)?;
        cx.give(i, y)?;
        first += size;
    }
    Ok(())
}

/// `CenterCropPad x, shape`: the middle of each axis, or zeros around it.
pub(super) fn center_crop_pad(cx: &mut Context<'_, '_>) -> Step<()> {
    let mut x = cx.plain(0)?;
    let dims = cx.dims(x);
    let wanted = cx.known_ints(1)?;
    let axes: Vec<usize> = match cx.attributes().ints("axes")? {
        Some(axes) => axes.iter().filter_map(|&a| axis(a, dims.len())).collect(),
        None => (0..dims.len()).collect(),
    };
    cx.require(axes.len() == wanted.len(), "CenterCropPad has one size for each axis")?;
    let (mut before, mut after) = (vec![0; dims.len()], vec![0; dims.len()]);
    for (&axis, &size) in axes.iter().zip(&wanted) {
        let size = usize::try_from(size).unwrap_or(0);
        if size < dims[axis] {
            x = cx.slice(x, axis, (dims[axis] - size) / 2, size, 1)?;
        } else {
            before[axis] = (size - dims[axis]) / 2;
            after[axis] = size - dims[axis] - before[axis];
        }
    }
    let y = cx.pad_zeros(x, before, after)?;
    cx.give(0, y)
}

/// `Concat x, …`
pub(super) fn concat(cx: &mut Context<'_, '_>) -> Step<()> {
    let inputs: Vec<_> = (0..cx.node.input.len()).map(|i| cx.input(i)).collect::<Step<_>>()?;
    let rank = inputs.first().map_or(0, |&v| cx.dims(v).len());
    let axis = cx.axis("axis", 1, rank)?;
    let y = cx.concat(&inputs, axis)?;
    cx.give(0, y)
}

/// `Expand x, shape`: broadcast both ways.
pub(super) fn expand(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let wanted: Option<Vec<usize>> = cx.known_ints(1)?.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = wanted.and_then(|dims| Shape::broadcast(&cx.ty(x).shape, &dims.into()));
    let shape = shape.ok_or_else(|| {
        Diagnostic::error(code::SHAPE, format!("{} cannot be expanded to that shape", cx.ty(x)))
    })?;
    let y = cx.expand(x, &shape)?;
    cx.give(0, y)
}

/// `Tile x, repeats`: each axis of size d becomes one of r rows of d, read as one.
pub(super) fn tile(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let repeats: Vec<usize> = cx.known_ints(1)?.iter().filter_map(|&r| usize::try_from(r).ok()).collect();
    cx.require(repeats.len() == dims.len(), format!("Tile of {} has one count per axis", cx.ty(x)))?;
    let own = cx.ty(x).shape.strides();
    let (mut shape, mut strides) = (Vec::new(), Vec::new());
    for (i, &size) in dims.iter().enumerate() {
        shape.extend([repeats[i], size]);
        strides.extend([0, own[i] as i64]);
    }
    let tiled = cx.strided(x, shape, strides, 0)?;
    let result: Vec<usize> = dims.iter().zip(&repeats).map(|(d, r)| d * r).collect();
    let y = cx.reshape(tiled, &result)?;
    cx.give(0, y)
}

/// `DepthToSpace x`: blocks of channels become squares of pixels.
pub(super) fn depth_to_space(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, block) = blocks(cx)?;
    let &[n, c, h, w] = cx.dims(x).as_slice() else {
        return Err(Diagnostic::error(code::SHAPE, "DepthToSpace takes [N, C, H, W]"));
    };
    cx.require(c.is_multiple_of(block * block), format!("{c} channels are no blocks of {block}"))?;
    let depth = c / (block * block);
    let by_column = cx.attributes().string("mode")?.unwrap_or_default() == "CRD";
    let (split, perm) = if by_column {
        ([n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3])
    } else {
        ([n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2])
    };
    let x = cx.reshape(x, &split)?;
    let x = cx.transpose(x, &perm)?;
    let y = cx.reshape(x, &[n, depth, h * block, w * block])?;
    cx.give(0, y)
}

/// `SpaceToDepth x`: squares of pixels become blocks of channels.
pub(super) fn space_to_depth(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, block) = blocks(cx)?;
    let &[n, c, h, w] = cx.dims(x).as_slice() else {
        return Err(Diagnostic::error(code::SHAPE, "SpaceToDepth takes [N, C, H, W]"));
    };
    let whole = h.is_multiple_of(block) && w.is_multiple_of(block);
    cx.require(whole, format!("{h} by {w} pixels are no squares of {block}"))?;
    let x = cx.reshape(x, &[n, c, h / block, block, w / block, block])?;
    let by_column = cx.attributes().string("mode")?.unwrap_or_default() == "CRD";
    let x = cx.transpose(x, &if by_column { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] })?;
    let y = cx.reshape(x, &[n, c * block * block, h / block, w / block])?;
    cx.give(0, y)
}

fn blocks(cx: &mut Context<'_, '_>) -> Step<(tinyc_ir::Value, usize)> {
    let x = cx.input(0)?;
    let block = cx.attributes().int("blocksize")?.and_then(|b| usize::try_from(b).ok()).filter(|&b| b > 0);
    let block = block.filter(|&b| b < 1 << 12);
    let block = block.ok_or_else(|| Diagnostic::error(code::ATTRIBUTE, "blocksize is a number above 0"))?;
    Ok((x, block))
}

/// `Trilu x, k?`: the upper or the lower triangle of matrices, zeros elsewhere.
pub(super) fn trilu(cx: &mut Context<'_, '_>) -> Step<()> {
    let upper = cx.attributes().flag("upper")?.unwrap_or(true);
    let x = cx.plain(0)?;
    let dims = cx.dims(x);
    let k = if cx.operand(1).is_some() { cx.known_ints(1)?.first().copied().unwrap_or(0) } else { 0 };
    let [.., rows, columns] = dims[..] else {
        return Err(Diagnostic::error(code::SHAPE, format!("Trilu takes matrices, not {}", cx.ty(x))));
    };
    let first = cx.ints("rows", tinyc_ir::DType::I32, &[rows, 1], (0..rows as i64).collect())?;
    // Shifted by k and cut to what can matter, so that it fits.
    let limit = (rows + columns) as i64;
    let shifted = (0..columns as i64).map(|c| c - k.clamp(-limit, limit)).collect();
    let second = cx.ints("columns", tinyc_ir::DType::I32, &[1, columns], shifted)?;
    let y = cx.map("y", &[x, first, second], |x| {
        let keep = if upper { x[1].le(x[2]) } else { x[2].le(x[1]) };
        let zero = if x[0].ty() == tinyc_ir::DType::Bool {
            x[0].literal(0.0)
        } else {
            x[0].wide().literal(0.0).to(x[0].ty())
        };
        keep.select(x[0], zero)
    })?;
    cx.give(0, y)
}

/// `ReverseSequence x, lengths`: the first elements of each row the other way round.
pub(super) fn reverse_sequence(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.input(0)?;
    let rank = cx.dims(x).len();
    let (batch, time) = (cx.axis("batch_axis", 1, rank)?, cx.axis("time_axis", 0, rank)?);
    cx.require(batch + time == 1, "the axes of ReverseSequence are 0 and 1")?;
    let lengths = cx.known_ints(1)?;
    let x = if batch == 0 { x } else { swap(cx, x)? };
    let dims = cx.dims(x);
    cx.require(lengths.len() == dims[0], "ReverseSequence has one length for each row")?;
    let steps = dims[1] as i64;
    let turned = |length: i64| (0..steps).map(move |t| if t < length { length - 1 - t } else { t });
    let positions: Vec<i64> = lengths.iter().flat_map(|&l| turned(l.clamp(0, steps))).collect();
    let i = cx.ints("positions", tinyc_ir::DType::I32, &[dims[0], dims[1]], positions)?;
    let stretches = cx.reshape(x, &[dims[0], dims[1], dims[2..].iter().product()])?;
    let y = cx.part("reversed", tinyc_ir::op::Gather, &[stretches, i])?;
    let y = cx.reshape(y, &dims)?;
    let y = if batch == 0 { y } else { swap(cx, y)? };
    cx.give(0, y)
}

fn swap(cx: &mut Context<'_, '_>, x: tinyc_ir::Value) -> Step<tinyc_ir::Value> {
    let mut perm: Vec<usize> = (0..cx.dims(x).len()).collect();
    perm.swap(0, 1);
    cx.transpose(x, &perm)
}
