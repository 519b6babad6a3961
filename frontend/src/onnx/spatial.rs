//! Kernel, strides, dilations and padding of a convolution or pool, from its attributes and the image's size.

use super::attribute::unsupported;
use super::code;
use super::context::{Context, Step};
use tinyc_ir::Diagnostic;
use tinyc_ir::Value;
use tinyc_ir::op::Pad;

/// Where a window goes, for two spatial dimensions; an image of one has a row of its own in front.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Spatial {
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// Top, left, bottom, right.
    pub(super) pads: [usize; 4],
    /// What rounding the output's size up adds at the bottom and at the right; not part of the padded image.
    pub(super) overhang: [usize; 2],
}

impl Spatial {
    /// Reads the attributes of a node on images of `size` rows and columns with `rank` spatial dimensions (1 or 2).
    /// `kernel` is the weights' size, if there are weights.
    pub(super) fn read(
        cx: &Context<'_, '_>,
        rank: usize,
        size: [usize; 2],
        kernel: Option<[usize; 2]>,
    ) -> Step<Self> {
        let attributes = cx.attributes();
        let pair = |name: &str, default: usize| -> Step<[usize; 2]> {
            let Some(values) = attributes.sizes(name)? else { return Ok([1, default]) };
            match (rank, values.as_slice()) {
                (1, &[w]) => Ok([1, w]),
                (2, &[h, w]) => Ok([h, w]),
                _ => Err(unsupported(
                    name,
                    format!("{values:?}"),
                    &format!("{rank} values, one for each spatial dimension"),
                )),
            }
        };
        let declared = attributes.sizes("kernel_shape")?.map(|_| pair("kernel_shape", 1)).transpose()?;
        let kernel = match (kernel, declared) {
            (Some(kernel), Some(declared)) if kernel != declared => {
                let message = format!("kernel_shape is {declared:?}, but the weights are {kernel:?}");
                return Err(Diagnostic::error(code::ATTRIBUTE, message));
            }
            (Some(kernel), _) | (None, Some(kernel)) => kernel,
            (None, None) => {
                return Err(Diagnostic::error(code::ATTRIBUTE, "attribute kernel_shape is missing"));
            }
        };
        cx.require(
            size.iter().all(|&n| n > 0),
            format!("an image of {} by {} has no pixels", size[0], size[1]),
        )?;
        let (strides, dilations) = (pair("strides", 1)?, pair("dilations", 1)?);
        for (name, values) in [("kernel_shape", kernel), ("strides", strides), ("dilations", dilations)] {
            if values.contains(&0) {
                return Err(unsupported(name, format!("{values:?}"), "values above zero"));
            }
        }
        let mut spatial = Self { kernel, strides, dilations, pads: [0; 4], overhang: [0; 2] };
        spatial.read_pads(cx, rank, size)?;
        if attributes.flag("ceil_mode")?.unwrap_or(false) {
            spatial.round_up(size);
        }
        Ok(spatial)
    }

    /// The rows (axis 0) or columns (axis 1) under the window, gaps included.
    pub(super) fn span(&self, axis: usize) -> usize {
        self.dilations[axis] * (self.kernel[axis] - 1) + 1
    }

    fn read_pads(&mut self, cx: &Context<'_, '_>, rank: usize, size: [usize; 2]) -> Step<()> {
        let attributes = cx.attributes();
        let auto = attributes.string("auto_pad")?.unwrap_or_default();
        match auto.as_str() {
            "" | "NOTSET" => {
                self.pads = match (rank, attributes.sizes("pads")?.as_deref()) {
                    (_, None) => [0; 4],
                    (1, Some(&[left, right])) => [0, left, 0, right],
                    (2, Some(&[top, left, bottom, right])) => [top, left, bottom, right],
                    (_, Some(pads)) => {
                        return Err(unsupported(
                            "pads",
                            format!("{pads:?}"),
                            &format!("{} values", 2 * rank),
                        ));
                    }
                };
            }
            "VALID" => {}
            "SAME_UPPER" | "SAME_LOWER" => {
                for (axis, &size) in size.iter().enumerate() {
                    let out = size.div_ceil(self.strides[axis]);
                    let total = ((out - 1) * self.strides[axis] + self.span(axis)).saturating_sub(size);
                    let (less, more) = (total / 2, total - total / 2);
                    let upper = auto == "SAME_UPPER";
                    (self.pads[axis], self.pads[axis + 2]) = if upper { (less, more) } else { (more, less) };
                }
            }
            other => return Err(unsupported("auto_pad", other, "NOTSET, VALID, SAME_UPPER, SAME_LOWER")),
        }
        Ok(())
    }

    /// Makes room for the last window where the output's size is rounded up; a window that would start behind the
    /// image is left out, as ONNX says.
    fn round_up(&mut self, size: [usize; 2]) {
        for (axis, &size) in size.iter().enumerate() {
            let padded = self.pads[axis] + size + self.pads[axis + 2];
            let Some(room) = padded.checked_sub(self.span(axis)) else { continue };
            let mut last = room.div_ceil(self.strides[axis]) * self.strides[axis];
            if last >= size + self.pads[axis] {
                last = last.saturating_sub(self.strides[axis]);
            }
            self.overhang[axis] = (last + self.span(axis)).saturating_sub(padded);
        }
    }

    /// Moves all padding into a `pad` node before the channels-last image `x`, with real value 0.
    pub(super) fn pad_before(&mut self, cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
        let [top, left, bottom, right] = std::mem::take(&mut self.pads);
        let pad = Pad { before: vec![0, top, left, 0], after: vec![0, bottom, right, 0], value: 0.0 };
        cx.part("padded", pad, &[x])
    }

    /// Whether a side's padding is as wide as the window, which the graph IR's operators do not take.
    pub(super) fn pads_exceed_window(&self) -> bool {
        (0..4).any(|side| self.pads[side] >= self.span(side % 2))
    }
}
