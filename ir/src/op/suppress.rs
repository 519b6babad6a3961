//! Non-maximum suppression: of boxes that overlap, the one with the best score.
//!
//! Composing would unroll a step of some ten nodes for each box kept, or store how much every box overlaps with every other.

use super::{Arity, Operator, TypeError};
use crate::text::attrs::{AttrError, Attrs};
use crate::{DType, Data, Tensor, TensorType};

/// `suppress boxes, scores {keep=…, iou=…, above=…, centered=…}`: `[B, N, 4]` and `[B, C, N]`, f32, to `[B, C, keep]` positions
/// of boxes (i32)
///
/// In each row of scores: of the boxes whose score is greater than `above` (a NaN never is), the one with the greatest score
/// is kept, the first of equals; those that overlap it by more than `iou` are dropped; and so on with the rest, until `keep`
/// are found. The best comes first, −1 stands behind the last.
///
/// A box is two opposite corners `y, x, y, x`, or, if `centered`, its middle and size `x, y, w, h`: the corners are then
/// `x − w·½` and `x + w·½`. Two boxes overlap by `inter / ((a + b) − inter)`, with `a` and `b` their areas and
/// `inter = (min of the right ends − max of the left ends) · (the same vertically)`; by nothing if one of these factors, areas
/// or the divisor is not above zero. Every operation is rounded once.
#[derive(Clone, PartialEq, Debug)]
pub struct Suppress {
    /// The most boxes that a row keeps, at most N.
    pub keep: usize,
    /// Which share of their common area two boxes may have in common.
    pub iou: f32,
    /// Boxes need a greater score; −inf leaves out only −inf and NaN.
    pub above: f32,
    /// Whether boxes are given by middle and size.
    pub centered: bool,
}

/// A box: its ends along both axes and its area.
struct Corners {
    low: [f32; 2],
    high: [f32; 2],
    area: f32,
}

impl Corners {
    fn new(stored: [f32; 4], centered: bool) -> Self {
        let [a, b, c, d] = stored;
        let ends = if centered {
            [(a - c * 0.5, a + c * 0.5), (b - d * 0.5, b + d * 0.5)]
        } else {
            [(least(a, c), greatest(a, c)), (least(b, d), greatest(b, d))]
        };
        let (low, high) = (ends.map(|e| e.0), ends.map(|e| e.1));
        Self { low, high, area: (high[0] - low[0]) * (high[1] - low[1]) }
    }

    fn overlaps(&self, other: &Self, iou: f32) -> bool {
        let shared = |axis: usize| {
            least(self.high[axis], other.high[axis]) - greatest(self.low[axis], other.low[axis])
        };
        let (h, w) = (shared(0), shared(1));
        let inter = h * w;
        let whole = (self.area + other.area) - inter;
        let solid = h > 0.0 && w > 0.0 && inter > 0.0 && self.area > 0.0 && other.area > 0.0 && whole > 0.0;
        solid && inter / whole > iou
    }
}

/// The lesser; NaN if either is NaN, as the loop IR has it.
fn least(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.min(b) }
}

/// The greater; NaN if either is NaN.
fn greatest(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
}

impl Operator for Suppress {
    const NAME: &'static str = "suppress";
    const ARITY: Arity = Arity::Exactly(2);

    fn write_attrs(&self, attrs: &mut Attrs) {
        attrs.put("keep", self.keep);
        attrs.put("iou", self.iou);
        attrs.put_unless("above", self.above, f32::NEG_INFINITY);
        attrs.put_unless("centered", self.centered, false);
    }

    fn read_attrs(attrs: &mut Attrs) -> Result<Self, AttrError> {
        Ok(Self {
            keep: attrs.take("keep")?,
            iou: attrs.take("iou")?,
            above: attrs.take_or("above", f32::NEG_INFINITY)?,
            centered: attrs.take_or("centered", false)?,
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<TensorType, TypeError> {
        let [boxes, scores] = inputs else { unreachable!("arity is checked") };
        let (&[batches, count, 4], &[same, classes, columns]) = (boxes.shape.dims(), scores.shape.dims())
        else {
            return Err(TypeError::new(format!("{boxes} and {scores} are not [B, N, 4] and [B, C, N]")));
        };
        let plain = [boxes, scores].iter().all(|t| t.dtype == DType::F32 && !t.is_quantized());
        require!(plain, "boxes and scores are f32, not {boxes} and {scores}");
        require!(same == batches && columns == count, "{scores} does not go with {boxes}");
        require!((1..=count).contains(&self.keep), "between 1 and {count} boxes are kept, not {}", self.keep);
        require!(!self.iou.is_nan() && !self.above.is_nan(), "a threshold is not a number");
        Ok(TensorType::new(DType::I32, [batches, classes, self.keep]))
    }

    fn eval(&self, inputs: &[(&TensorType, &Tensor)], output: &TensorType) -> Tensor {
        let [(_, boxes), (_, scores)] = inputs else { unreachable!("arity is checked") };
        let (classes, count) = (scores.shape[1], scores.shape[2]);
        let all = boxes.data.as_f32().expect("checked: f32");
        let scores = scores.data.as_f32().expect("checked: f32");
        let mut positions = Vec::with_capacity(output.shape.elements());
        for (row, scores) in scores.chunks(count).enumerate() {
            let corners = |j: usize| {
                let first = (row / classes * count + j) * 4;
                Corners::new(std::array::from_fn(|i| all[first + i]), self.centered)
            };
            let mut left: Vec<usize> = (0..count).filter(|&j| scores[j] > self.above).collect();
            let end = positions.len() + self.keep;
            while let Some(&first) = left.first().filter(|_| positions.len() < end) {
                let best = left.iter().fold(first, |best, &j| if scores[j] > scores[best] { j } else { best });
                positions.push(best as i32);
                let kept = corners(best);
                left.retain(|&j| j != best && !corners(j).overlaps(&kept, self.iou));
            }
            positions.resize(end, -1);
        }
        Tensor::new(output.shape.clone(), Data::I32(positions))
    }
}
