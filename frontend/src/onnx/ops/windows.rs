//! Pools and convolutions that the image operators do not take: three spatial axes, dilated pools, weights that are computed at
//! run time, transposed convolutions. Windows are laid out by `strided`, then reduced or multiplied.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::functions;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::scatter::ScatterKind;
use tinyc_ir::op::{Pad, Scatter};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Shape, Value};

/// Where windows go, one entry per spatial axis.
struct Grid {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    before: Vec<usize>,
    after: Vec<usize>,
    /// What rounding the output's size up adds behind the padding.
    overhang: Vec<usize>,
}

impl Grid {
    /// The attributes of a node on a tensor `[N, C, …]` with these spatial sizes.
    fn read(cx: &Context<'_, '_>, sizes: &[usize], kernel: Option<&[usize]>) -> Step<Self> {
        let rank = sizes.len();
        let attributes = cx.attributes();
        let list = |name: &str, default: usize, count: usize| -> Step<Vec<usize>> {
            let values = attributes.sizes(name)?.unwrap_or_else(|| vec![default; count]);
            if values.len() == count {
                Ok(values)
            } else {
                Err(unsupported(name, format!("{values:?}"), &format!("{count} values")))
            }
        };
        let kernel = match kernel {
            Some(kernel) => kernel.to_vec(),
            None => list("kernel_shape", 0, rank)?,
        };
        let (strides, dilations) = (list("strides", 1, rank)?, list("dilations", 1, rank)?);
        cx.require(
            kernel.iter().chain(&strides).chain(&dilations).chain(sizes).all(|&v| v > 0),
            "image, kernel, strides and dilations are above 0",
        )?;
        let pads = list("pads", 0, 2 * rank)?;
        let (mut before, mut after) = (pads[..rank].to_vec(), pads[rank..].to_vec());
        let mut grid =
            Self { kernel, strides, dilations, before: vec![], after: vec![], overhang: vec![0; rank] };
        let auto = attributes.string("auto_pad")?.unwrap_or_default();
        for i in 0..rank {
            let span = grid.span(i);
            match auto.as_str() {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let out = sizes[i].div_ceil(grid.strides[i]);
                    let total = ((out - 1) * grid.strides[i] + span).saturating_sub(sizes[i]);
                    let less = total / 2;
                    (before[i], after[i]) =
                        if auto == "SAME_UPPER" { (less, total - less) } else { (total - less, less) };
                }
                "VALID" => (before[i], after[i]) = (0, 0),
                _ => {}
            }
            let padded = before[i] + sizes[i] + after[i];
            cx.require(
                padded >= span,
                format!("a window of {span} does not fit in {}", counted(padded, "element")),
            )?;
            if attributes.flag("ceil_mode")?.unwrap_or(false) {
                let mut last = (padded - span).div_ceil(grid.strides[i]) * grid.strides[i];
                // A window that would start behind the data is left out.
                if last >= sizes[i] + before[i] {
                    last -= grid.strides[i];
                }
                grid.overhang[i] = (last + span).saturating_sub(padded);
            }
        }
        (grid.before, grid.after) = (before, after);
        Ok(grid)
    }

    fn span(&self, i: usize) -> usize {
        self.dilations[i] * (self.kernel[i] - 1) + 1
    }

    fn outputs(&self, sizes: &[usize]) -> Vec<usize> {
        (0..sizes.len())
            .map(|i| {
                let padded = self.before[i] + sizes[i] + self.after[i] + self.overhang[i];
                (padded - self.span(i)) / self.strides[i] + 1
            })
            .collect()
    }

    /// `[N, C, outputs…, kernel…]` of `[N, C, …]` with `value` around it.
    fn windows(&self, cx: &mut Context<'_, '_>, x: Value, value: f32) -> Step<Value> {
        let dims = cx.dims(x);
        let outputs = self.outputs(&dims[2..]);
        let around = |own: &[usize]| [&[0, 0], own].concat();
        let after: Vec<usize> = self.after.iter().zip(&self.overhang).map(|(a, o)| a + o).collect();
        let mut padded = x;
        if self.before.iter().chain(&after).any(|&n| n > 0) {
            let op = Pad { before: around(&self.before), after: around(&after), value };
            padded = cx.part("padded", op, &[x])?;
        }
        let strides: Vec<i64> = cx.ty(padded).shape.strides().into_iter().map(|s| s as i64).collect();
        let step =
            |by: &[usize]| by.iter().zip(&strides[2..]).map(|(&b, &s)| b as i64 * s).collect::<Vec<i64>>();
        let all = [&strides[..2], &step(&self.strides), &step(&self.dilations)].concat();
        let shape = [&dims[..2], &outputs, &self.kernel].concat();
        if shape.len() > 8 {
            return Err(Diagnostic::error(code::FORM, "windows over more than three axes are not supported"));
        }
        cx.strided(padded, shape, all, 0)
    }

    /// Where in x, of these dimensions, each of the `windows` has its first maximum (i64).
    fn places(
        &self,
        cx: &mut Context<'_, '_>,
        windows: Value,
        dims: &[usize],
        by_column: bool,
    ) -> Step<Value> {
        let (rank, outputs) = (self.kernel.len(), self.outputs(&dims[2..]));
        let pooled = [&dims[..2], &outputs].concat();
        let rows = cx.reshape(windows, &[&pooled[..], &[self.kernel.iter().product()]].concat())?;
        let tap = cx.reduce(rows, ReduceKind::ArgMax, &[2 + rank])?;
        let tap = cx.reshape(tap, &pooled)?;
        // How far apart neighbours along each spatial axis are in what is counted.
        let step = |i: usize| -> usize {
            let others = if by_column { 2..2 + i } else { 3 + i..2 + rank };
            dims[others].iter().product()
        };
        let mut inputs = vec![tap];
        let plane: usize = dims[2..].iter().product();
        let planes = (0..dims[0] * dims[1]).map(|p| (p * plane) as i64).collect();
        let shape: Vec<usize> = [&dims[..2], &vec![1; rank][..]].concat();
        inputs.push(cx.ints("planes", DType::I32, &shape, planes)?);
        for (i, &count) in outputs.iter().enumerate() {
            let shape: Vec<usize> = (0..rank).map(|j| if i == j { count } else { 1 }).collect();
            let start = |o: usize| ((o * self.strides[i]) as i64 - self.before[i] as i64) * step(i) as i64;
            inputs.push(cx.ints("starts", DType::I32, &shape, (0..count).map(start).collect())?);
        }
        cx.map("positions", &inputs, |x| {
            let tap = x[0].to(DType::I32);
            let first = x[2..].iter().fold(x[1], |sum, &start| sum + start);
            let all = (0..rank).fold(first, |sum, i| {
                let inner: usize = self.kernel[i + 1..].iter().product();
                let along = (tap / inner as f64).remainder(tap.literal(self.kernel[i] as f64));
                sum + along * (self.dilations[i] * step(i)) as f64
            });
            all.to(DType::I64)
        })
    }

    /// The axes of a window in [`windows`](Self::windows).
    fn inner(&self) -> Vec<usize> {
        let rank = self.kernel.len();
        (2 + rank..2 + 2 * rank).collect()
    }
}

/// `MaxPool x`, with the positions of the maxima if they are asked for: the first of equals, counted through all of x, with
/// columns in front of rows if `storage_order` is 1.
pub(super) fn max_pool(cx: &mut Context<'_, '_>) -> Step<()> {
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
pub(super) fn max_unpool(cx: &mut Context<'_, '_>) -> Step<()> {
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
    let total = crate::onnx::tensor::checked_elements(&whole, cx.ty(x).dtype)?;
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
pub(super) fn average_pool(cx: &mut Context<'_, '_>) -> Step<()> {
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
pub(super) fn lp_pool(cx: &mut Context<'_, '_>) -> Step<()> {
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
pub(super) fn conv(cx: &mut Context<'_, '_>) -> Step<Value> {
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
pub(super) fn conv_integer(cx: &mut Context<'_, '_>) -> Step<()> {
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
pub(super) fn conv_transpose(cx: &mut Context<'_, '_>) -> Step<()> {
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
