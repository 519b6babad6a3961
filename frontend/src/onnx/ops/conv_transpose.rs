//! `ConvTranspose`: a `conv2d` with the kernel turned around, over the image with zeros between its rows and columns.
//!
//! The zeros are multiplied like any other number: where strides are large, most products are with them.

use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use crate::onnx::layout::{finish, spatial_rank, to_channels_last};
use crate::onnx::spatial::Spatial;
use tinyc_ir::op::{Conv2d, Pad, Reshape};
use tinyc_ir::{Activation, DType, Diagnostic, Tensor, Value};

/// The most elements that a kernel may get by taps of zero.
const MOST_WEIGHTS: usize = 1 << 22;

/// `ConvTranspose x, weight, bias?` on floats; the weight `[C, O/groups, KH, KW]` is known at compile time.
pub(super) fn conv_transpose(cx: &mut Context<'_, '_>) -> Step<()> {
    let x = cx.float(0)?;
    let known = [1, 2].into_iter().all(|i| cx.operand(i).is_none() || cx.known(i).is_ok());
    if !known || cx.ty(x).shape.rank() > 4 {
        return super::windows::conv_transpose(cx);
    }
    let rank = spatial_rank(cx, x)?;
    let weight = Weight::read(cx, rank)?;
    let image = to_channels_last(cx, x, "x")?;
    let dims = cx.dims(image);
    let size = [dims[1], dims[2]];
    let spatial = Spatial::read(cx, rank, size, Some([weight.rows, weight.columns]))?;
    if weight.channels != dims[3] {
        let message =
            format!("weights for {} channels do not go with {} of the image", weight.channels, dims[3]);
        return Err(Diagnostic::error(code::SHAPE, message));
    }
    let (before, after) = borders(cx, rank, size, &spatial)?;
    // A border that is cut off instead of added: the kernel gets taps of zero, which reach there and keep the result
    // from beginning before them.
    let is_cut = before.iter().chain(&after).any(|&n| n < 0);
    let cut = |n: i64| usize::try_from(-n).unwrap_or(0);
    let taps = Taps {
        step: if is_cut { spatial.dilations } else { [1, 1] },
        front: before.map(cut),
        back: after.map(cut),
    };
    let kernel = weight.turned(&taps)?;
    let kernel = cx.part_constant("weight", kernel, None)?;
    let bias = match cx.operand(2) {
        Some(_) => cx.float(2)?,
        None => {
            cx.part_constant("bias", Tensor::f32([weight.outputs()], vec![0.0; weight.outputs()]), None)?
        }
    };
    cx.require_fixed(bias, "the bias")?;
    let spread = spread(cx, image, spatial.strides)?;
    let dilations = if is_cut { [1, 1] } else { spatial.dilations };
    let border = |n: i64| usize::try_from(n).unwrap_or(0);
    let pads = [border(before[0]), border(before[1]), border(after[0]), border(after[1])];
    let mut op = Conv2d { strides: [1, 1], pads, dilations, groups: weight.groups, act: Activation::NONE };
    let dims = cx.dims(kernel);
    let mut spread = spread;
    if (0..4).any(|side| op.pads[side] >= op.span(side % 2, dims[1 + side % 2])) {
        let [top, left, bottom, right] = std::mem::take(&mut op.pads);
        let pad = Pad { before: vec![0, top, left, 0], after: vec![0, bottom, right, 0], value: 0.0 };
        spread = cx.part("padded", pad, &[spread])?;
    }
    finish(cx, op, &[spread, kernel, bias], None, rank)
}

/// What is added to the spread image on each side along both axes; negative where the result begins or ends inside.
fn borders(
    cx: &Context<'_, '_>,
    rank: usize,
    size: [usize; 2],
    spatial: &Spatial,
) -> Step<([i64; 2], [i64; 2])> {
    let attributes = cx.attributes();
    let pair = |name: &str| -> Step<Option<[i64; 2]>> {
        let Some(values) = attributes.sizes(name)? else { return Ok(None) };
        let wide: Vec<i64> = values.iter().filter_map(|&v| i64::try_from(v).ok()).collect();
        match (rank, wide.as_slice()) {
            (1, &[w]) => Ok(Some([if name == "output_shape" { 1 } else { 0 }, w])),
            (2, &[h, w]) => Ok(Some([h, w])),
            _ => Err(unsupported(name, format!("{values:?}"), "one value for each spatial dimension")),
        }
    };
    let more = pair("output_padding")?.unwrap_or([0, 0]);
    let auto = attributes.string("auto_pad")?.unwrap_or_default();
    let wanted = pair("output_shape")?;
    let (mut before, mut after) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        let [size, stride, span] = [size[axis], spatial.strides[axis], spatial.span(axis)]
            .map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let whole = stride.saturating_mul(size - 1).saturating_add(more[axis]).saturating_add(span);
        let same = auto.starts_with("SAME").then(|| size.saturating_mul(stride));
        let (begin, end) = match wanted.map(|w| w[axis]).or(same) {
            Some(wanted) => {
                let total = whole.saturating_sub(wanted);
                let less = total.div_euclid(2);
                if auto == "SAME_UPPER" { (less, total - less) } else { (total - less, less) }
            }
            None => (spatial.pads[axis] as i64, spatial.pads[axis + 2] as i64),
        };
        if whole.saturating_sub(begin).saturating_sub(end) <= 0 {
            let message = format!("padding {begin}, {end} leaves nothing of {whole} rows or columns");
            return Err(Diagnostic::error(code::SHAPE, message));
        }
        before[axis] = span - 1 - begin;
        // The spread image ends with `stride − 1` zeros.
        after[axis] = more[axis].saturating_add(span - stride).saturating_sub(end);
    }
    Ok((before, after))
}

/// Puts `stride − 1` rows or columns of zeros behind each.
fn spread(cx: &mut Context<'_, '_>, image: Value, strides: [usize; 2]) -> Step<Value> {
    if strides == [1, 1] {
        return Ok(image);
    }
    let [n, h, w, c] = cx.dims(image)[..] else { return Ok(image) };
    let apart = cx.part("apart", Reshape { shape: vec![n, h, 1, w, 1, c] }, &[image])?;
    let after = vec![0, 0, strides[0] - 1, 0, strides[1] - 1, 0];
    let zeros = cx.part("zeros", Pad { before: vec![0; 6], after, value: 0.0 }, &[apart])?;
    cx.part("spread", Reshape { shape: vec![n, h * strides[0], w * strides[1], c] }, &[zeros])
}

/// The weights as ONNX has them.
struct Weight {
    values: Vec<f32>,
    groups: usize,
    channels: usize,
    /// Outputs of each group.
    group_outputs: usize,
    rows: usize,
    columns: usize,
}

/// How many taps the kernel gets for one of before, and beside them.
struct Taps {
    step: [usize; 2],
    front: [usize; 2],
    back: [usize; 2],
}

impl Weight {
    fn read(cx: &Context<'_, '_>, rank: usize) -> Step<Self> {
        let tensor = cx.known(1)?;
        let wrong = |message: String| Diagnostic::error(code::SHAPE, message);
        let (channels, group_outputs, rows, columns) = match (rank, tensor.shape.dims()) {
            (1, &[c, o, w]) => (c, o, 1, w),
            (2, &[c, o, h, w]) => (c, o, h, w),
            _ => return Err(wrong(format!("weights {} do not go with the image", tensor.shape))),
        };
        let Some(values) = tensor.data.as_f32() else {
            let message = format!("weights of {} are not supported", tensor.dtype());
            return Err(
                Diagnostic::error(code::ELEMENT_TYPE, message).help(format!("supported is {}", DType::F32))
            );
        };
        let groups = cx.attributes().int("group")?.unwrap_or(1);
        let groups = usize::try_from(groups).ok().filter(|&g| g > 0 && channels.is_multiple_of(g));
        let groups = groups.ok_or_else(|| wrong(format!("the groups do not divide {channels} channels")))?;
        if values.is_empty() {
            return Err(wrong("the weights have no elements".into()));
        }
        Ok(Self { values: values.to_vec(), groups, channels, group_outputs, rows, columns })
    }

    fn outputs(&self) -> usize {
        self.groups * self.group_outputs
    }

    /// The kernel of the convolution, `[O, KH, KW, C/groups]`: both axes in reverse, channels and outputs exchanged.
    fn turned(&self, taps: &Taps) -> Step<Tensor> {
        let size = |axis: usize, n: usize| {
            let beside = taps.front[axis].saturating_add(taps.back[axis]);
            beside.saturating_add(taps.step[axis].saturating_mul(n - 1)).saturating_add(1)
        };
        let (rows, columns, depth) = (size(0, self.rows), size(1, self.columns), self.channels / self.groups);
        let elements = rows.saturating_mul(columns).saturating_mul(self.outputs() * depth);
        if elements > MOST_WEIGHTS.max(self.values.len()) {
            let message = format!("cutting off so much padding takes a kernel of {rows} × {columns} taps");
            return Err(Diagnostic::error(code::TENSOR_SIZE, message));
        }
        let mut turned = vec![0.0; elements];
        for (at, &value) in self.values.iter().enumerate() {
            let (column, rest) = (at % self.columns, at / self.columns);
            let (row, rest) = (rest % self.rows, rest / self.rows);
            let (output, channel) = (rest % self.group_outputs, rest / self.group_outputs);
            let output = channel / depth * self.group_outputs + output;
            let row = taps.front[0] + taps.step[0] * (self.rows - 1 - row);
            let column = taps.front[1] + taps.step[1] * (self.columns - 1 - column);
            turned[((output * rows + row) * columns + column) * depth + channel % depth] = value;
        }
        Ok(Tensor::f32([self.outputs(), rows, columns, depth], turned))
    }
}
