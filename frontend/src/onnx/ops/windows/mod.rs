//! Pools and convolutions that the image operators do not take: three spatial axes, dilated pools, weights that are computed at
//! run time, transposed convolutions. Here is where windows lie; they are laid out by `strided`, then reduced ([`pools`]) or
//! multiplied ([`convolutions`]).

mod convolutions;
mod pools;

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Pad;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Value};

pub(super) use convolutions::{conv, conv_integer, conv_transpose};
pub(super) use pools::{average_pool, lp_pool, max_pool, max_unpool};

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
