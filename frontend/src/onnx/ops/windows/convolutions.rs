//! Windows multiplied: one product with a matrix for each group of channels.

use super::Grid;
use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use tinyc_ir::{DType, Shape, Value};

/// The groups of a convolution of `channels`.
fn groups(cx: &Context<'_, '_>, channels: usize) -> Step<usize> {
    let groups = cx.attributes().int("group")?.unwrap_or(1);
    let found = usize::try_from(groups).ok().filter(|&g| g > 0 && channels.is_multiple_of(g));
    found.ok_or_else(|| unsupported("group", groups, &format!("a divisor of {channels} channels")))
}

/// Products of the windows of `[N, C, …]` with one matrix `[C/g · kernel, outputs]` for each group.
fn multiply(cx: &mut Context<'_, '_>, x: Value, grid: &Grid, matrices: &[Value]) -> Step<Value> {
    let dims = cx.dims(x);
    let (rank, share) = (dims.len() - 2, dims[1] / matrices.len());
    let outputs = grid.outputs(&dims[2..]);
    let places = dims[0] * outputs.iter().product::<usize>();
    let windows = grid.windows(cx, x, 0.0)?;
    // Channels go behind the places, in front of the taps.
    let perm: Vec<usize> =
        [0].into_iter().chain(2..2 + rank).chain([1]).chain(2 + rank..2 + 2 * rank).collect();
    let mut parts = Vec::new();
    for (g, &matrix) in matrices.iter().enumerate() {
        let own = cx.slice(windows, 1, g * share, share, 1)?;
        let rows = cx.transpose(own, &perm)?;
        let rows = cx.reshape(rows, &[places, share * grid.kernel.iter().product::<usize>()])?;
        let product = cx.product(rows, matrix)?;
        let units = cx.dims(product)[1];
        let image = cx.reshape(product, &[&dims[..1], &outputs, &[units]].concat())?;
        let back: Vec<usize> = [0, 1 + rank].into_iter().chain(1..1 + rank).collect();
        parts.push(cx.transpose(image, &back)?);
    }
    cx.concat(&parts, 1)
}

/// A sum per channel of `[N, C, …]` with operand `i`, if it is there.
fn with_bias(cx: &mut Context<'_, '_>, y: Value, i: usize) -> Step<Value> {
    if cx.operand(i).is_none() {
        return Ok(y);
    }
    let bias = cx.plain(i)?;
    let rank = cx.dims(y).len() - 2;
    let bias = cx.reshape(bias, &[vec![cx.dims(y)[1]], vec![1; rank]].concat())?;
    cx.map("y", &[y, bias], |x| x[0] + x[1])
}

/// `Conv x, weight, bias?` of any number of spatial axes up to three, with any weight.
pub(in crate::onnx::ops) fn conv(cx: &mut Context<'_, '_>) -> Step<Value> {
    let (x, weight) = (cx.plain(0)?, cx.plain(1)?);
    let y = convolution(cx, x, weight)?;
    with_bias(cx, y, 2)
}

fn convolution(cx: &mut Context<'_, '_>, x: Value, weight: Value) -> Step<Value> {
    let (dims, kernel) = (cx.dims(x), cx.dims(weight));
    cx.require(dims.len() > 2 && kernel.len() == dims.len(), "image and weight have as many dimensions")?;
    let groups = groups(cx, dims[1])?;
    let fits = kernel[1] * groups == dims[1] && kernel[0].is_multiple_of(groups);
    cx.require(fits, format!("{} and weights {} do not go together", cx.ty(x), cx.ty(weight)))?;
    let grid = Grid::read(cx, &dims[2..], Some(&kernel[2..]))?;
    let share = kernel[0] / groups;
    let mut matrices = Vec::new();
    for g in 0..groups {
        let own = cx.slice(weight, 0, g * share, share, 1)?;
        let rows = cx.reshape(own, &[share, kernel[1..].iter().product()])?;
        matrices.push(cx.transpose(rows, &[1, 0])?);
    }
    multiply(cx, x, &grid, &matrices)
}

/// `ConvInteger x, weight, xz?, wz?`, in i32.
pub(in crate::onnx::ops) fn conv_integer(cx: &mut Context<'_, '_>) -> Step<()> {
    let mut operand = |i: usize, zero: usize| -> Step<Value> {
        let x = cx.input(i)?;
        if cx.operand(zero).is_none() {
            return cx.map("wide", &[x], |x| x[0].to(DType::I32));
        }
        let mut zero = cx.plain(zero)?;
        if cx.ty(zero).shape.elements() > 1 && !cx.dims(x).is_empty() {
            let rank = cx.dims(x).len();
            zero = cx.reshape(zero, &[vec![cx.dims(x)[0]], vec![1; rank - 1]].concat())?;
        }
        cx.map("centred", &[x, zero], |x| x[0].to(DType::I32) - x[1].to(DType::I32))
    };
    let (x, weight) = (operand(0, 2)?, operand(1, 3)?);
    let y = convolution(cx, x, weight)?;
    cx.give(0, y)
}

/// `ConvTranspose x, weight, bias?`: a convolution of the elements moved apart with the weight turned around.
pub(in crate::onnx::ops) fn conv_transpose(cx: &mut Context<'_, '_>) -> Step<()> {
    let (x, weight) = (cx.float(0)?, cx.float(1)?);
    let (dims, kernel) = (cx.dims(x), cx.dims(weight));
    cx.require(
        dims.len() > 2 && kernel.len() == dims.len() && kernel[0] == dims[1],
        "image and weight of ConvTranspose do not go together",
    )?;
    let rank = dims.len() - 2;
    let groups = groups(cx, dims[1])?;
    let list = |name: &str, default: usize, count: usize| -> Step<Vec<usize>> {
        Ok(cx.attributes().sizes(name)?.filter(|v| v.len() == count).unwrap_or_else(|| vec![default; count]))
    };
    let (strides, dilations) = (list("strides", 1, rank)?, list("dilations", 1, rank)?);
    let (extra, pads) = (list("output_padding", 0, rank)?, list("pads", 0, 2 * rank)?);
    let wanted = cx.attributes().sizes("output_shape")?.filter(|sizes| sizes.len() >= rank);
    let auto = cx.attributes().string("auto_pad")?.unwrap_or_default();
    let (mut before, mut after) = (vec![0i64; rank], vec![0i64; rank]);
    let mut spread = x;
    cx.require(
        dims[2..].iter().chain(&kernel[2..]).chain(&strides).chain(&dilations).all(|&v| v > 0),
        "image, kernel, strides and dilations are above 0",
    )?;
    for i in 0..rank {
        let (size, span) = (dims[2 + i], dilations[i] * (kernel[2 + i] - 1) + 1);

        let whole = strides[i] * (size - 1) + extra[i] + span;
        let out = match (&wanted, auto.as_str()) {
            (Some(wanted), _) => Some(wanted[wanted.len() - rank + i]),
            (None, "SAME_UPPER" | "SAME_LOWER") => Some(size * strides[i]),
            _ => None,
        };
        let (low, high) = match out {
            Some(out) => {
                let total = whole as i64 - out as i64;
                let less = total.div_euclid(2);
                if auto == "SAME_UPPER" { (less, total - less) } else { (total - less, less) }
            }
            None => (pads[i] as i64, pads[rank + i] as i64),
        };
        before[i] = span as i64 - 1 - low;
        after[i] = span as i64 - 1 - high + extra[i] as i64;
        if strides[i] > 1 {
            let mut apart = cx.dims(spread);
            apart.insert(3 + i, 1);
            let rows = cx.reshape(spread, &apart)?;
            let mut behind = vec![0; apart.len()];
            behind[3 + i] = strides[i] - 1;
            let rows = cx.pad_zeros(rows, vec![0; apart.len()], behind)?;
            apart.remove(3 + i);
            apart[2 + i] = size * strides[i];
            let joined = cx.reshape(rows, &apart)?;
            spread = cx.slice(joined, 2 + i, 0, (size - 1) * strides[i] + 1, 1)?;
        }
    }
    // Negative padding cuts off.
    for i in 0..rank {
        let size = cx.dims(spread)[2 + i];
        let (front, back) = ((-before[i]).max(0) as usize, (-after[i]).max(0) as usize);
        cx.require(front + back < size, "the padding of ConvTranspose leaves nothing")?;
        spread = cx.slice(spread, 2 + i, front, size - front - back, 1)?;
    }
    let sizes = |v: &[i64]| v.iter().map(|&p| p.max(0) as usize).collect::<Vec<usize>>();
    let grid = Grid {
        kernel: kernel[2..].to_vec(),
        strides: vec![1; rank],
        dilations,
        before: sizes(&before),
        after: sizes(&after),
        overhang: vec![0; rank],
    };
    // Turned around: backwards from the last tap.
    let own = Shape::new(kernel.clone()).strides();
    let turned: Vec<i64> =
        own.iter().enumerate().map(|(i, &s)| if i < 2 { s as i64 } else { -(s as i64) }).collect();
    let last: usize = (2..2 + rank).map(|i| (kernel[i] - 1) * own[i]).sum();
    let weight = cx.strided(weight, kernel.clone(), turned, last)?;
    let share = kernel[0] / groups;
    let mut matrices = Vec::new();
    for g in 0..groups {
        let part = cx.slice(weight, 0, g * share, share, 1)?;
        let perm: Vec<usize> = [0].into_iter().chain(2..2 + rank).chain([1]).collect();
        let part = cx.transpose(part, &perm)?;
        let rows = share * kernel[2..].iter().product::<usize>();
        matrices.push(cx.reshape(part, &[rows, kernel[1]])?);
    }
    let y = multiply(cx, spread, &grid, &matrices)?;
    let y = with_bias(cx, y, 2)?;
    cx.give(0, y)
}
