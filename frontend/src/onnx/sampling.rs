//! Values between the elements of an image: for each axis which elements and how much of each, then all axes together.
//! Not here: where an operator looks.

use super::context::{Context, Step};
use super::functions::floor;
use tinyc_ir::formula::Number;
use tinyc_ir::op::Sample;
use tinyc_ir::op::sample::SampleKind;
use tinyc_ir::{DType, Value};

/// What a value needs along one axis.
pub(super) struct Taps {
    /// Positions (i32) among `size`; a negative one stands for none.
    pub(super) places: Value,
    /// How much of each, of the same shape (f32); 1 if it is not said.
    pub(super) weights: Option<Value>,
    /// The length of the axis.
    pub(super) size: usize,
}

impl Taps {
    /// The elements at given distances from the one before a coordinate. `u` is coordinates (f32) whose last dimension is
    /// 1, there the distances go. `place` makes a position of a whole number, `weight` a weight of the coordinate's fraction and
    /// the distance; both also see the coordinate, last.
    pub(super) fn around(
        cx: &mut Context<'_, '_>,
        u: Value,
        size: usize,
        distances: &[f32],
        place: impl for<'w> Fn(Number<'w>, Number<'w>) -> Number<'w>,
        weight: impl for<'w> Fn(Number<'w>, Number<'w>, Number<'w>) -> Number<'w>,
    ) -> Step<Self> {
        let o = cx.floats("distances", &[distances.len()], distances.to_vec())?;
        let places = cx.map("places", &[u, o], |x| place(floor(x[0]) + x[1], x[0]).to(DType::I32))?;
        let weights = cx.map("weights", &[u, o], |x| weight(x[0] - floor(x[0]), x[1], x[0]))?;
        Ok(Self { places, weights: Some(weights), size })
    }

    /// The same with other dimensions.
    pub(super) fn shaped(self, cx: &mut Context<'_, '_>, shape: &[usize]) -> Step<Self> {
        let places = cx.reshape(self.places, shape)?;
        let weights = self.weights.map(|w| cx.reshape(w, shape)).transpose()?;
        Ok(Self { places, weights, size: self.size })
    }
}

/// A whole number that is a position among `size`, or −1.
pub(super) fn inside(v: Number<'_>, size: usize) -> Number<'_> {
    let inside = v.literal(0.0).le(v) & v.le(v.literal(size as f64 - 1.0));
    inside.select(v, v.literal(-1.0))
}

/// A number moved into `0..=size − 1`.
pub(super) fn clamped(v: Number<'_>, size: usize) -> Number<'_> {
    v.max(v.literal(0.0)).min(v.literal(size as f64 - 1.0))
}

/// The weight of the left (distance 0) or right (1) neighbour.
pub(super) fn linear<'w>(fraction: Number<'w>, distance: Number<'w>) -> Number<'w> {
    let left = distance.equals(distance.literal(0.0));
    left.select(fraction.literal(1.0) - fraction, fraction)
}

/// An image `[N, C, …]` as stretches of channels: `[N, P, C]`.
pub(super) fn stretches(cx: &mut Context<'_, '_>, x: Value) -> Step<Value> {
    let dims = cx.dims(x);
    let rank = dims.len();
    let perm: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
    let last = cx.transpose(x, &perm)?;
    cx.reshape(last, &[dims[0], dims[2..].iter().product(), dims[1]])
}

/// Samples `[B, P, C]` at the combinations of taps along axes, outermost first, whose shapes broadcast together; that
/// shape is taken for `[A, M, T]`, and `[B, M, C]` is the result. `scale`, if any, is one more factor of the weights.
pub(super) fn sample(
    cx: &mut Context<'_, '_>,
    x: Value,
    axes: &[Taps],
    scale: Option<Value>,
    shape: [usize; 3],
    kind: SampleKind,
) -> Step<Value> {
    let places: Vec<Value> = axes.iter().map(|axis| axis.places).collect();
    let mut place = places[0];
    if axes.len() > 1 {
        place = cx.map("place", &places, |x| {
            let zero = x[0].literal(0.0);
            let (mut joined, mut missing) = (x[0], x[0].lt(zero));
            for (axis, &next) in axes.iter().zip(x).skip(1) {
                joined = joined * axis.size as f64 + next;
                missing = missing | next.lt(zero);
            }
            missing.select(x[0].literal(-1.0), joined)
        })?;
    }
    let place = cx.reshape(place, &shape)?;
    let factors: Vec<Value> = axes.iter().filter_map(|axis| axis.weights).chain(scale).collect();
    let weight = match factors.as_slice() {
        [] => cx.floats("weight", &[1, 1, 1], vec![1.0])?,
        [one] => cx.reshape(*one, &shape)?,
        factors => {
            let weight =
                cx.map("weight", factors, |x| x[1..].iter().fold(x[0], |product, &w| product * w))?;
            cx.reshape(weight, &shape)?
        }
    };
    cx.part("sampled", Sample { kind }, &[x, place, weight])
}

/// `[N, P, C]` as `[N, C, …]` with these spatial dimensions, as the node's result.
pub(super) fn give_image(cx: &mut Context<'_, '_>, y: Value, spatial: &[usize]) -> Step<()> {
    let (batches, channels) = (cx.dims(y)[0], cx.dims(y)[2]);
    let y = cx.reshape(y, &[&[batches], spatial, &[channels]].concat())?;
    let last = spatial.len() + 1;
    let perm: Vec<usize> = [0, last].into_iter().chain(1..last).collect();
    let y = cx.transpose(y, &perm)?;
    cx.give(0, y)
}
